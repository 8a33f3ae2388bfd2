"""Diff: exactly what an edit of a chart changes.

changes       what was found, as plain data for every format
declarations  which declared things were added, removed, changed or renamed
answers       for which answers a run now goes elsewhere
diff_text     the result as text, Markdown and JSON
diff_picture  the result as a drawing of both charts in one

Comments, and order that decides nothing, make no difference.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsm_runner.charts.diff.answers import routes
from fsm_runner.charts.diff.changes import Change, Difference, Route, Way
from fsm_runner.charts.diff.declarations import changes, renamed_rows, renamed_states, with_new_names
from fsm_runner.charts.diff.diff_picture import merged
from fsm_runner.charts.diff.diff_text import Names, as_json, as_markdown, as_text
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.check.names import FactCode, name_problems
from fsm_runner.engine.errors import ChartError, Problem
from fsm_runner.loop.effects import VOCABULARY

__all__ = ["Change", "Difference", "Names", "Route", "Way", "as_json", "as_markdown", "as_text", "diff", "merged"]


def diff(old: Chart, new: Chart, *, facts: Mapping[str, FactCode] | None = None) -> Difference:
    """Return everything that differs between two charts.

    Args:
        old, new: the charts.  Their names must resolve; they need not pass the check.  Their rules may name states and
            rows that are gone, because no run looks at a rule.
        facts: the facts' code, which says which combinations cannot happen; None: the code of the built-in facts.

    Raises:
        ChartError: a name in one of them does not resolve.
    """
    for chart in (old, new):
        if problems := tuple(each for each in name_problems(chart, VOCABULARY) if not _of_rules_alone(each)):
            raise ChartError(chart.name, problems)
    states = renamed_states(old, new)
    before = with_new_names(old, states)
    rows = renamed_rows(before, new)
    return Difference(
        old=before,
        new=new,
        changes=tuple(changes(before, new, rows, states)),
        routes=tuple(routes(before, new, rows, facts)),
        rows=tuple(rows.items()),
        states=tuple(states.items()),
    )


def _of_rules_alone(problem: Problem) -> bool:
    return problem.path[0] == "rules" and problem.code in {"unknown-state", "unknown-row"}
