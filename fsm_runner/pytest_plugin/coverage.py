"""Coverage: the rows and the combinations of answers that were driven, beside all that can be.

A row's combinations are those for which it is the one taken: they meet its guard, no row above it holds, and no fact
declares them impossible.  They are of the facts that the rows of one decision ask, and of no others.  All is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fsm_runner.engine.chart import Chart, Pattern, Row, State
from fsm_runner.engine.check.combinations import Combos, Space
from fsm_runner.engine.check.minimise import patterns
from fsm_runner.engine.check.tables import Facts, first_row_wins
from fsm_runner.loop.tool_loop import TOOL_LOOP
from fsm_runner.pytest_plugin.recorder import Answers, Driven


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCoverage:
    """What was driven of one row: immutable.

    Attributes:
        state: the state that it belongs to.
        row: the row.
        times: how often it was taken.
        space: all combinations of the facts that its decision asks.
        taken: those for which this row is the one taken, as declared.
        driven: those of them for which it was.
        denied: those for which it was taken although facts declare them impossible.
    """

    state: State
    row: Row
    times: int
    space: Space
    taken: Combos
    driven: Combos
    denied: Combos

    @property
    def possible_count(self) -> int:
        """How many combinations can reach the row."""
        return self.taken.bit_count()

    @property
    def driven_count(self) -> int:
        """How many of them did."""
        return self.driven.bit_count()

    def missing(self) -> tuple[Pattern, ...]:
        """Return few patterns for the combinations that were not driven, the one that says most first.

        They tell these from those that were, where this row is taken; what other rows take does not matter.  One
        empty pattern: none was driven.
        """
        free = self.space.every & ~self.taken
        found = patterns(self.space, self.taken & ~self.driven, free)
        return tuple(self._of_this_row(pattern) for pattern in found)

    def _of_this_row(self, pattern: Pattern) -> Pattern:
        """Return `pattern` without the answers by which this row is not taken."""
        held = self.taken & self.space.pattern(pattern)

        def met(fact: str, answer: str) -> bool:
            return bool(held & self.space.pattern(((fact, (answer,)),)))

        return tuple((fact, tuple(answer for answer in answers if met(fact, answer))) for fact, answers in pattern)

    def impossible(self) -> tuple[Pattern, ...]:
        """Return patterns for what was driven although it is declared impossible."""
        return patterns(self.space, self.denied)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartCoverage:
    """What was driven of one chart: immutable.

    Attributes:
        chart: the chart.
        name: what reports call it: its own name, with a number behind it where several have the same.
        asked: what it was asked for by; None when it was only driven.
        rows: its rows, in file order.
    """

    chart: Chart
    name: str
    asked: str | None = None
    rows: tuple[RowCoverage, ...]

    @property
    def taken(self) -> int:
        """How many rows were taken."""
        return sum(1 for row in self.rows if row.times)

    @property
    def driven_count(self) -> int:
        """How many combinations of answers were driven, row by row."""
        return sum(row.driven_count for row in self.rows)

    @property
    def possible_count(self) -> int:
        """How many can be."""
        return sum(row.possible_count for row in self.rows)


def share(charts: Iterable[ChartCoverage]) -> float:
    """Return the percentage of the rows of all `charts` that were taken; without a chart: 0, of no rows: 100."""
    listed = tuple(charts)
    declared = sum(len(chart.rows) for chart in listed)
    taken = sum(chart.taken for chart in listed)
    return 100 * taken / declared if declared else 100.0 if listed else 0.0


def coverage_of(driven: Driven, *, name: str | None = None, asked: str | None = None) -> ChartCoverage:
    """Return the coverage of a chart, whose names must resolve.

    Args:
        driven: what was driven of it.
        name: what reports call it; None: its own name.
        asked: what it was asked for by.
    """
    chart, facts = driven.chart, Facts(driven.chart, TOOL_LOOP, driven.facts)
    counts: dict[str, dict[Answers, int]] = {row.id: {} for row in chart.rows}
    for (row, answers), times in driven.counts.items():
        counts[row][answers] = times
    found = {each.row.id: each for state in chart.states for each in _rows(state, facts, counts)}
    in_order = tuple(found[row.id] for row in chart.rows)
    return ChartCoverage(chart=chart, name=name or chart.name, asked=asked, rows=in_order)


def _rows(state: State, facts: Facts, counts: Mapping[str, Mapping[Answers, int]]) -> Iterator[RowCoverage]:
    for rows in _decisions(state):
        asked = {fact for row in rows for fact, _ in row.guard}
        guards, subject = [row.guard for row in rows], f"state '{state.name}'"
        space, possible = facts.space(guards, path=("states", state.name), subject=subject)
        won = first_row_wins([space.pattern(row.guard) for row in rows])
        for row, some in zip(rows, won, strict=True):
            seen = space.union(_guard(answers, asked) for answers in counts[row.id])
            taken = some & possible
            yield RowCoverage(
                state=state,
                row=row,
                times=sum(counts[row.id].values()),
                space=space,
                taken=taken,
                driven=taken & seen,
                denied=seen & ~possible,
            )


def _guard(answers: Answers, asked: Collection[str]) -> Pattern:
    return tuple((fact, (answer,)) for fact, answer in answers if fact in asked)


def _decisions(state: State) -> Iterable[Sequence[Row]]:
    """The rows of `state` that are tried together: its ``always`` rows, and its rows for each event."""
    groups: dict[str | None, list[Row]] = {}
    for row in state.rows:
        groups.setdefault(row.event, []).append(row)
    return groups.values()
