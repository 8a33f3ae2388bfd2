"""What a comparison of two charts found: plain data, told the same way by every format.

A `Route` is a set of answers for which the run now goes elsewhere, or the same way by another row.  A `Change` is
something declared that was added, removed, changed or renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fsm_runner.engine.chart import Chart, Pattern, Row

Kind: TypeAlias = Literal["added", "removed", "changed", "renamed"]
"""What became of something declared."""

Subject: TypeAlias = Literal["chart", "limit", "fact", "effect", "rule", "state", "row"]
"""What is declared."""

Absence: TypeAlias = Literal["refused", "waits", "undeclared"]
"""Why no row is taken: the state takes no such event or no row of it holds; no ``always`` row holds, so the run
waits in the state; the chart declares no such answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something declared that is no longer as it was: immutable.

    Attributes:
        kind: what became of it.
        subject: what kind of thing it is.
        name: what it is called; a row's or state's name in the new chart when it was renamed.
        field: what of it changed, such as ``guard``; empty when it was added or removed.
        old, new: the text of the field before and now; empty for nothing.
        place: for a row the state that it is in; else empty.
        matters: whether a run can go another way, do something else or end elsewhere because of it.  A row never
            matters by itself: the routes say what became of them.
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
    """Where a run goes, and what that does: immutable.

    Attributes:
        row: the row that is taken; None when none is.
        absence: why none is; None when one is.
    """

    row: Row | None = None
    absence: Absence | None = None

    @property
    def effect(self) -> tuple[str | None, ...]:
        """All that a run can tell of it: where it leads, what it hands over and spends, or why nothing is taken."""
        if self.row is None:
            return (self.absence,)
        return self.row.target, self.row.output, self.row.spends


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Combinations of answers that decided otherwise before: immutable.

    Attributes:
        state: where; the new chart's name for it.
        event: what happens there; None: the state is entered.
        patterns: for which answers, exactly; one empty pattern: for all.
        combinations: how many combinations of the facts asked there these are.
        of: how many of them can happen.
        old, new: which way the run went, and goes.
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
        """Whether the run goes elsewhere; else another row leads it the same way."""
        return self.old.effect != self.new.effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All that differs between two charts: immutable.

    Attributes:
        old: the earlier chart, its renamed states under their new names.
        new: the later chart.
        changes: what was declared otherwise.
        routes: which answers lead elsewhere; in states of both charts.
        rows: old row ids by new ones, for the rows that were renamed.
        states: old state names by new ones, for the states that were renamed.
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
        """Whether both charts say the same."""
        return not self.changes and not self.routes
