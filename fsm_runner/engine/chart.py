"""The chart: states and rows as frozen data.

A chart is what a file such as `states.yaml` says, once it is loaded: states grouped in phases, rows in the order in
which they are tried, the facts that guards ask, the limits that rows spend.  Nothing here runs or checks it: that is
done by `machine` and `check`.

All collections are tuples in file order, so two charts are equal exactly when they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.engine.frozen import short_repr
from fsm_runner.engine.text import clipped

SCHEMA = "fsm_runner/chart/v1"
"""The format's name and version; the first line of every chart."""

Pattern: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""A guard: pairs of a fact and the answers for which it holds, in file order.  An empty guard always holds.

Booleans are written ``true`` and ``false`` in YAML and are the answers ``"true"`` and ``"false"`` here.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A transition as declared: immutable.

    Attributes:
        id: unique in the chart and stable; the journal refers to it.
        event: the event that the row waits for; None for an ``always`` row.
        guard: the answers it requires of the facts.
        target: the state it leads to.
        output: what taking it hands to the caller: ``message``, ``stream`` or None.
        spends: the limit of which taking it spends one; None when it spends none.
        consumes: the finite supply of which taking it uses up one, such as ``calls``; None when it uses none.
    """

    id: str
    event: str | None = None
    guard: Pattern = ()
    target: str
    output: str | None = None
    spends: str | None = None
    consumes: str | None = None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a run can be: immutable.

    Attributes:
        name: unique in the chart.
        phase: the group it belongs to.
        effect: what a driver does while the run is here; None: nothing.
        final: whether a run ends here.
        always: rows tried on entering, without an event; the first that holds is taken.  When none holds, the run
            stays in the state; one of them must hold if the state has neither an effect nor transitions.
        transitions: rows tried, in order, when their event arrives.
    """

    name: str
    phase: str
    effect: str | None = None
    final: bool = False
    always: tuple[Row, ...] = ()
    transitions: tuple[Row, ...] = ()

    __repr__ = short_repr

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, those tried on entering first."""
        return self.always + self.transitions

    @property
    def events(self) -> tuple[str, ...]:
        """The events that this state takes, each once, in file order."""
        return tuple(dict.fromkeys(row.event for row in self.transitions if row.event is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class FactUse:
    """A fact as a chart declares it: its name and the closed list of its answers.  Immutable."""

    name: str
    answers: tuple[str, ...]

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How often rows may spend something in one run: a whole number from 0 up, or None for no limit.  Immutable."""

    name: str
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEffect:
    """An effect that a chart declares: its name and the events that it reports besides ``failed``.  Immutable."""

    name: str
    reports: tuple[str, ...]

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Which transitions a rule speaks of: those for which everything given here holds.  Immutable.

    Attributes:
        states: they enter one of these; empty: any.
        rows: they take one of these rows, by id; empty: any.
        guard: the facts gave these answers.
    """

    states: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    guard: Pattern = ()

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedes:
    """A rule: `then` never happens without `first` before it.  Immutable.

    Attributes:
        name: unique in the chart.
        first, then: the moments.  In one transition, `first` comes before `then`.
        since: from this moment on, `first` must happen again before `then`; None: once in a run is enough.
    """

    name: str
    first: Moment
    then: Moment
    since: Moment | None = None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """A rule: `enter` never happens.  Immutable.

    Attributes:
        name: unique in the chart.
        enter: the moment.
        after: forbidden only after this moment; None: from the start.
        until: allowed again from this moment on, up to the next `after`; None: never.
    """

    name: str
    enter: Moment
    after: Moment | None = None
    until: Moment | None = None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysReaches:
    """A rule: from every state that a run can reach, rows lead to one of `states`.  Immutable."""

    name: str
    states: tuple[str, ...]

    __repr__ = short_repr


Rule: TypeAlias = Precedes | Never | AlwaysReaches
"""What must hold on every path through the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart: immutable.

    Attributes:
        name: what the chart is called; journals carry it.
        initial: the state in which every run starts.
        limits: the limits that rows can spend.
        facts: the facts that guards can ask, with their answers.
        effects: the chart's own effects; built-in ones need no declaration.
        states: all states, in file order.
        rules: what must hold on every path; `check` proves it, and a machine does not need it.
        schema: the format's name and version.
    """

    name: str
    initial: str
    states: tuple[State, ...]
    facts: tuple[FactUse, ...] = ()
    limits: tuple[Limit, ...] = ()
    effects: tuple[CustomEffect, ...] = ()
    rules: tuple[Rule, ...] = ()
    schema: str = SCHEMA

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of all states, in file order."""
        return tuple(row for state in self.states for row in state.rows)

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases in the order in which states first name them."""
        return tuple(dict.fromkeys(state.phase for state in self.states))

    def state(self, name: str) -> State:
        """Return the state called `name`.

        Raises:
            KeyError: the chart declares no such state.
        """
        for state in self.states:
            if state.name == name:
                return state
        raise KeyError(name)

    def __repr__(self) -> str:
        return clipped(f"Chart(name={self.name!r}, states={len(self.states)}, rows={len(self.rows)})")
