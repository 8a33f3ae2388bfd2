"""Findings: what `fsm-runner replay` found, taken file by file, and told at the end.

Text keeps the first journals with records that no longer agree; JSON keeps what was found in each, Markdown none.
"""

from __future__ import annotations

from typing import Literal

from fsm_runner.cli.exits import FINE, FOUND, code_of
from fsm_runner.cli.screen import escaped
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import FsmRunnerError
from fsm_runner.engine.text import counted, printable_lines
from fsm_runner.replaying.batch import Found
from fsm_runner.replaying.replay_text import as_json, as_markdown, as_text, journal_data
from fsm_runner.replaying.report import ReplayReport
from fsm_runner.replaying.totals import Totals

MOST = 20
"""How many journals that do not conform are told one by one in text; the totals count all."""


class Findings:
    """What was found so far: mutable.

    Attributes:
        chart: the edited chart; None: the runs were replayed on their own.
        totals: all of it, added up.
        problems: why journals could not be replayed, one line each.
        code: the exit code.
    """

    def __init__(self, chart: Chart | None, name: str, *, alone: bool, whole: bool) -> None:
        """Begin.

        Args:
            chart: as the attribute.
            name: how the user called it.
            alone: whether there is one journal.
            whole: whether what was found in each journal is kept, for JSON.
        """
        self.chart = chart
        self._name = name
        self.totals = Totals()
        self.problems: list[str] = []
        self.code = FINE
        self._alone = alone
        self._whole = whole
        self._journals: list[dict[str, object]] = []
        self._told: list[ReplayReport] = []
        self._untold = 0

    def take(self, source: str, found: Found) -> None:
        """Add what was found in one journal."""
        if self._whole:
            self._journals.append(journal_data(source, found))
        if isinstance(found, FsmRunnerError):
            self.totals.unread += 1
            self.problems.append(str(found))
            self.code = max(self.code, code_of(found))
            return
        self.totals.add(found)
        self.code = self.code if found.conforms else max(self.code, FOUND)
        if len(self._told) < MOST and (self._alone or not found.conforms):
            self._told.append(found)
        elif not found.conforms:
            self._untold += 1

    def told(self, format: Literal["text", "json", "markdown"]) -> str:  # noqa: A002  the option's name
        """Return the report, with a line break at its end."""
        match format:
            case "json":
                return escaped(as_json(self.totals, self.chart, self._journals, self._name)) + "\n"
            case "markdown":
                return as_markdown(self.totals, self.chart, self._name)
            case "text":
                return self._text()

    def _text(self) -> str:
        """The journals one by one, then their totals; no totals for a single journal on its own chart."""
        if self.chart is None:
            lines = [line for report in self._told for line in str(report).splitlines()]
        else:
            lines = [str(each) for report in self._told for each in report.divergences]
        if self._untold:
            lines.append(f"{counted(self._untold, 'journal')} more (--format json has all)")
        first = printable_lines(lines)
        if self._alone and self.chart is None:
            return first
        totals = as_text(self.totals, self.chart, self._name)
        return f"{first}\n{totals}" if first else totals
