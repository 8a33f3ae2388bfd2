"""Edges: which rows have a line of their own in a picture, which share one, and which only name their target."""

from __future__ import annotations

from dataclasses import dataclass

from fsm_runner.engine.chart import Chart, Row
from fsm_runner.loop.effects import VOCABULARY

SHOWN = 2
"""How many rows a leg names; the rest is counted."""

HUB = 5
"""A state to which this many other states lead, or more, is a hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """All rows from one phase to another: immutable.

    Attributes:
        source, target: the two phases; never the same.
        rows: at least one, in file order.
    """

    source: str
    target: str
    rows: tuple[Row, ...]

    @property
    def failure(self) -> bool:
        """Whether every row of the leg waits for a failure."""
        return all(row.event == VOCABULARY.failed for row in self.rows)

    @property
    def words(self) -> tuple[str, ...]:
        """A few words for the leg: the event if all rows share one, else the first rows and the number of the rest."""
        events = {row.event for row in self.rows}
        if len(self.rows) > 1 and len(events) == 1 and self.rows[0].event is not None:
            return (self.rows[0].event,)
        named = tuple(row.id for row in self.rows)
        if len(named) <= SHOWN + 1:
            return named
        return (*named[:SHOWN], f"+ {len(named) - SHOWN} more")


def legs(chart: Chart) -> tuple[Leg, ...]:
    """Return the legs of `chart`, by their first rows.  Rows within a phase, or to no state, belong to none."""
    phase_of = {state.name: state.phase for state in chart.states}
    found: dict[tuple[str, str], list[Row]] = {}
    for state in chart.states:
        for row in state.rows:
            target = phase_of.get(row.target)
            if target is not None and target != state.phase:
                found.setdefault((state.phase, target), []).append(row)
    return tuple(Leg(source=source, target=target, rows=tuple(rows)) for (source, target), rows in found.items())


def hubs(chart: Chart) -> frozenset[str]:
    """Return the states that at least `HUB` other states lead to."""
    sources: dict[str, set[str]] = {}
    for state in chart.states:
        for row in state.rows:
            if row.target != state.name:
                sources.setdefault(row.target, set()).add(state.name)
    return frozenset(state.name for state in chart.states if len(sources.get(state.name, ())) >= HUB)


def drawn(chart: Chart, more: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the ids of the rows that have a line of their own between two states; `more`: more hubs."""
    phase_of = {state.name: state.phase for state in chart.states}
    written = hubs(chart) | more
    return frozenset(
        row.id
        for state in chart.states
        for row in state.rows
        if row.target in phase_of
        and row.target != state.name
        and (row.target not in written or phase_of[row.target] == state.phase)
    )
