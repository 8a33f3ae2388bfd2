"""Totals: what replay found in many journals, added up as the reports come.

What is kept does not grow with the number of runs: counts, and a few places for each change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fsm_runner.charts.diff import Way
from fsm_runner.engine.chart import Chart, Row
from fsm_runner.replaying.report import Divergence, ReplayReport, Verdict

EXAMPLES = 3
"""How many places of each change are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """What an edited chart does otherwise, wherever in the runs: immutable.

    Attributes:
        verdict: what became of those runs.
        state: where they were; empty for what is not of one state.
        event: what happened; None: they entered the state.
        was, goes: the way that was taken, and the one on the edited chart; None unless another row is taken.
        said: what it is, when it is no other row.
    """

    verdict: Verdict
    state: str
    event: str | None = None
    was: Way | None = None
    goes: Way | None = None
    said: str = ""


@dataclass(slots=True)
class Places:
    """How many runs a change was met in, and where: the first few."""

    runs: int = 0
    examples: list[Divergence] = field(default_factory=list)


@dataclass(slots=True)
class Lacking:
    """In how many runs the journal does not hold a fact that the edited chart asks.

    Attributes:
        runs: all of them.
        asked_again: of these, those whose payloads it was asked of anew.
        untold: those of which it cannot be told which way they go, for lack of it.
    """

    runs: int = 0
    asked_again: int = 0
    untold: int = 0


@dataclass(slots=True)
class Totals:
    """What was found in all journals: mutable, added to.

    Attributes:
        files: how many could be replayed.
        unread: how many could not.
        runs: how many runs came to each verdict.
        control_only: of how many runs only the control flow was compared.
        transitions: how many rows were taken and agreed.
        differs: how many records no longer agree.
        torn: how many lines were not written to their end.
        rows: how often each row was taken and agreed, by the id that it has in the chart it was replayed on.
        others: how often a row led the same way as the recorded one, which has another id: by both ids.
        changes: on an edited chart: what it does otherwise.
        lacks: on an edited chart: the facts that it asks and journals do not hold.
    """

    files: int = 0
    unread: int = 0
    runs: Counter[Verdict] = field(default_factory=Counter)
    control_only: int = 0
    transitions: int = 0
    differs: int = 0
    torn: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: dict[RowChange, Places] = field(default_factory=dict)
    lacks: dict[str, Lacking] = field(default_factory=dict)

    def add(self, report: ReplayReport) -> None:
        """Add what was found in one journal."""
        self.files += 1
        self.torn += len(report.torn)
        for run in report.runs:
            self.runs[run.verdict] += 1
            self.control_only += run.control_only
            self.transitions += run.transitions
            self.differs += run.differs
            self.rows.update(run.rows)
            self.others.update(run.others)
            for name in run.lacks:
                lacking = self.lacks.setdefault(name, Lacking())
                lacking.runs += 1
                lacking.asked_again += not run.control_only
        lacks = {run.run: run.lacks for run in report.runs}
        for divergence in report.divergences:
            self._change(divergence)
            if divergence.kind == "unknown":
                lacking = self.lacks.setdefault(str(divergence.now), Lacking())
                lacking.untold += 1
                lacking.runs += divergence.now not in lacks[divergence.run]  # asked, but not where it is asked now

    def _change(self, divergence: Divergence) -> None:
        places = self.changes.setdefault(change_of(divergence), Places())
        places.runs += 1
        if len(places.examples) < EXAMPLES:
            places.examples.append(divergence)

    @property
    def count(self) -> int:
        """How many runs there are."""
        return self.runs.total()

    @property
    def conforms(self) -> bool:
        """Whether every run does."""
        return self.count == self.runs["conforms"]

    @property
    def most(self) -> list[tuple[RowChange, Places]]:
        """The changes, those met most first."""
        return sorted(self.changes.items(), key=lambda each: -each[1].runs)

    def met(self, row: Row) -> int:
        """Return how often a recorded run takes `row`, also where it diverges by it."""
        turned = sum(places.runs for change, places in self.changes.items() if _by(change.goes) == row.id)
        return self.rows[row.id] + turned

    def never(self, chart: Chart) -> Iterator[Row]:
        """Yield the rows of the edited chart that no recorded run takes."""
        return (row for row in chart.rows if not self.met(row))


def change_of(divergence: Divergence) -> RowChange:
    """Return what `divergence` is an example of."""
    match divergence.kind:
        case "row":
            return RowChange(
                verdict="diverges",
                state=divergence.state,
                event=divergence.event,
                was=divergence.was,
                goes=divergence.goes,
            )
        case "effect":
            said = f"does '{divergence.now}', where it did '{divergence.recorded}'"
            return RowChange(verdict="diverges", state=divergence.state, said=said)
        case "stuck":
            return RowChange(verdict="stuck", state=divergence.state, said=str(divergence.now))
        case "unknown":
            said = f"asks '{divergence.now}', which the journal does not hold"
            return RowChange(verdict="unknown", state=divergence.state, said=said)
        case "value":
            return RowChange(
                verdict="diverges", state=divergence.state, said=f"{divergence.pointer or 'a record'} differs"
            )


def _by(way: Way | None) -> str | None:
    return None if way is None or way.row is None else way.row.id
