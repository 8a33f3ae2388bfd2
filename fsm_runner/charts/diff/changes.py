"""What a comparison of two charts found, as plain data for every format.

A `Route` is a set of answers for which a run now goes elsewhere, or goes the same way by another row.  A `Change` is a
declared thing that was added, removed, changed or renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fsm_runner.engine.chart import Chart, Pattern, Row

Kind: TypeAlias = Literal["added", "removed", "changed", "renamed"]
"""What happened to a declared thing."""

Subject: TypeAlias = Literal["chart", "limit", "fact", "effect", "rule", "state", "row"]
"""The kinds of declared things."""

Absence: TypeAlias = Literal["refused", "waits", "undeclared"]
"""Why no row is taken.  refused: the state does not take the event, or no row of it holds.  waits: no ``always`` row
holds, so the run waits in the state.  undeclared: the chart does not declare such an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A declared thing that is no longer the same: immutable.

    Attributes:
        kind: what happened to it.
        subject: what kind of thing it is.
        name: its name; for a renamed row or state, the name in the new chart.
        field: the field that changed, such as ``guard``; empty if the thing was added or removed.
        old, new: the text of the field before and now; empty for nothing.
        place: for a row, its state; else empty.
        matters: whether a run can go another way, do something else or end elsewhere because of it.  A row never
            matters by itself: its effect on runs is in the routes.
    """

    kind: Kind
    subject: Subject
    name: str
    field: str = ""
    old: str = ""
    new: str = ""
    place: str = ""
    matters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a run goes, and what it does on the way: immutable.

    Attributes:
        row: the row that is taken; None if none is.
        absence: why none is; None if one is.
    """

    row: Row | None = None
    absence: Absence | None = None

    @property
    def effect(self) -> tuple[str | None, ...]:
        """Everything that a run can notice: the target, what is handed over and spent, or why no row is taken."""
        if self.row is None:
            return (self.absence,)
        return self.row.target, self.row.output, self.row.spends


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Combinations of answers that lead another way than before: immutable.

    Attributes:
        state: the state, by its name in the new chart.
        event: the event; None: the state is entered.
        patterns: the answers, exactly; a single empty pattern means all answers.
        combinations: the number of these combinations of the facts that are asked there.
        of: how many combinations can happen there.
        old, new: the way before, and now.
    """

    state: str
    event: str | None
    patterns: tuple[Pattern, ...]
    combinations: int
    of: int
    old: Way
    new: Way

    @property
    def matters(self) -> bool:
        """Whether the run goes elsewhere; if not, another row leads it the same way."""
        return self.old.effect != self.new.effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs between two charts: immutable.

    Attributes:
        old: the earlier chart, with the new names of its renamed states.
        new: the later chart.
        changes: the changed declarations.
        routes: the answers that lead another way, in states of both charts.
        rows: old row ids by new ones, for renamed rows.
        states: old state names by new ones, for renamed states.
    """

    old: Chart
    new: Chart
    changes: tuple[Change, ...]
    routes: tuple[Route, ...]
    rows: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]

    @property
    def moved(self) -> tuple[Route, ...]:
        """The routes on which a run goes elsewhere."""
        return tuple(route for route in self.routes if route.matters)

    @property
    def matters(self) -> bool:
        """Whether any run can differ."""
        return bool(self.moved) or any(change.matters for change in self.changes)

    @property
    def empty(self) -> bool:
        """Whether both charts declare the same."""
        return not self.changes and not self.routes
