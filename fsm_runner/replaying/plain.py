"""Plain data: what replay found in many journals, as JSON for a program.

The totals are one object; each run of each journal has its verdict and what no longer agrees.  A side of a divergence
on which there is nothing has no key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from fsm_runner.charts.diff import Way
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import FsmRunnerError
from fsm_runner.journal.pointers import NOTHING
from fsm_runner.replaying.many import Found
from fsm_runner.replaying.report import VERDICTS, Divergence, ReplayReport, RunReport
from fsm_runner.replaying.telling import headline
from fsm_runner.replaying.totals import Change, Places, Totals


def as_json(totals: Totals, chart: Chart | None, journals: Sequence[Mapping[str, object]], name: str = "") -> str:
    """Return all that was found as one JSON object.

    Args:
        totals: what was found in all journals.
        chart: the edited chart; None: the runs were replayed on their own.
        journals: what was found in each, as `journal_data` makes it.
        name: what the chart is called, such as its file; empty: as it calls itself.
    """
    verdicts: dict[str, int] = {verdict: totals.runs[verdict] for verdict in VERDICTS}
    found: dict[str, object] = {
        "headline": headline(totals),
        "chart": None if chart is None else name or chart.name,
        "conforms": totals.conforms and not totals.unread,
        "files": totals.files,
        "unread": totals.unread,
        "runs": {"all": totals.count, **verdicts},
        "control_only": totals.control_only,
        "transitions": totals.transitions,
        "differs": totals.differs,
        "rows": dict(totals.rows),
    }
    if chart is not None:
        found |= {
            "never_taken": [row.id for row in totals.never(chart)],
            "same_way": [{"was": was, "now": now, "times": times} for (was, now), times in totals.others.items()],
            "changes": [_change_data(change, places) for change, places in totals.most],
            "lacks": {
                name: {"runs": each.runs, "asked_again": each.asked_again, "untold": each.untold}
                for name, each in totals.lacks.items()
            },
        }
    return json.dumps({**found, "journals": list(journals)}, indent=2, default=str)


def journal_data(source: str, found: Found) -> dict[str, object]:
    """Return what was found in one journal as plain data."""
    if isinstance(found, FsmRunnerError):
        return {"source": source, "problem": str(found)}
    return {
        "source": source,
        "runs": [_run_data(run, found) for run in found.runs],
        "torn": [{"line": torn.line, "size": torn.size} for torn in found.torn],
    }


def _run_data(run: RunReport, report: ReplayReport) -> dict[str, object]:
    return {
        "run": run.run,
        "verdict": run.verdict,
        "transitions": run.transitions,
        "ended": run.ended,
        "control_only": run.control_only,
        "diverges_at": run.diverges_at,
        "differs": run.differs,
        "divergences": [_divergence_data(each) for each in report.divergences if each.run == run.run],
    }


def _divergence_data(divergence: Divergence) -> dict[str, object]:
    sides = {"recorded": divergence.recorded, "now": divergence.now}
    data: dict[str, object] = {
        "line": divergence.line,
        "seq": divergence.seq,
        "kind": divergence.kind,
        "pointer": divergence.pointer,
        **{side: value for side, value in sides.items() if value is not NOTHING},
        "recorded_facts": dict(divergence.recorded_facts),
        "facts": dict(divergence.facts),
    }
    if divergence.state:
        data |= {"state": divergence.state, "event": divergence.event}
    return data


def _change_data(change: Change, places: Places) -> dict[str, object]:
    return {
        "verdict": change.verdict,
        "runs": places.runs,
        "state": change.state,
        "event": change.event,
        "was": _way_data(change.was),
        "now": _way_data(change.goes),
        "said": change.said or None,
        "examples": [{"source": each.source, "run": each.run, "seq": each.seq} for each in places.examples],
    }


def _way_data(way: Way | None) -> dict[str, object] | None:
    if way is None:
        return None
    if way.row is None:
        return {"row": None, "absence": way.absence}
    return {"row": way.row.id, "target": way.row.target, "output": way.row.output, "spends": way.row.spends}
