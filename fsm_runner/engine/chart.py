"""The chart: a tool loop as frozen data.

A chart is what `states.yaml` says, after loading: states grouped in phases, rows in the order in which
they are tried, the facts that guards may ask, the limits that rows may spend.  Nothing here runs or
checks anything; `check` says whether a chart can run, `machine` runs it.

All collections are tuples in file order, so two charts are equal exactly when they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.engine.short_repr import short_repr
from fsm_runner.engine.text import clipped

SCHEMA = "fsm_runner/chart/v1"
"""The format's name and version; the first line of every chart."""

Pattern: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""A guard: pairs of a fact and the answers that hold, in file order.  Empty: holds always.

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
        consumes: the finite supply it uses up (``calls``, ``stream``, ``resends``, ``caller``, or a word
            of the user's); None when it uses up none.
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
        effect: what a driver is asked to do while the run is here; None when nothing.
        final: whether a run ends here.
        always: rows tried on entering, without an event; the first that holds is taken.  A state that has
            neither an effect nor transitions must have one that holds; any other rests when none does.
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
    """How many times rows may spend something in one run: a whole number ≥ 0, or None for no limit.  Immutable."""

    name: str
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEffect:
    """An effect of the user's own: its name and the events it can report; ``failed`` is one more.  Immutable."""

    name: str
    reports: tuple[str, ...]

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that a transition does, as rules name it; all that is given must hold of it.  Immutable.

    Attributes:
        states: it enters one of these; empty: whichever.
        rows: it takes one of these, by id; empty: whichever.
        guard: it is decided by these answers.
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
        since: when `first` must happen anew; None: once in a run is enough.
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
        after: it may happen up to this moment, and with it; None: at no time.
        until: from this moment on it may happen again, up to the next `after`; None: never again.
    """

    name: str
    enter: Moment
    after: Moment | None = None
    until: Moment | None = None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysReaches:
    """A rule: from wherever a run can be, rows lead to one of `states`.  Immutable; `name` is unique in the chart."""

    name: str
    states: tuple[str, ...]

    __repr__ = short_repr


Rule: TypeAlias = Precedes | Never | AlwaysReaches
"""What must be so on every path through the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The declared machine: immutable.

    Attributes:
        name: what the chart is called; journals carry it.
        initial: the state in which every run starts.
        limits: the limits rows can spend.
        facts: the facts guards can ask, with their answers.
        effects: effects of the user's own; the built-in ones need no declaration.
        states: all states, in file order.
        rules: what must be so on every path; the check proves it, and running does not read it.
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
