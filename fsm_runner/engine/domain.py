"""The domain: what the words of a chart mean, as one value.

The engine can step and check any chart.  The domain tells it the rest: which effects there are and which events they
report, which facts guards may ask, what a run knows, and how an event changes that.  Claude's tool loop is one domain
(`fsm_runner.loop.tool_loop`); a turnstile would be another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar

from fsm_runner.engine.chart import Pattern, State
from fsm_runner.engine.fact import ContextT, Fact
from fsm_runner.engine.frozen import Frozen, short_repr
from fsm_runner.engine.rows import Entered, Transition

EffectT = TypeVar("EffectT")
"""What a driver is asked to do."""

StopT = TypeVar("StopT")
"""Why a run stopped."""


class NamedEvent(Protocol):
    """An event as the engine sees it: anything with the name that rows wait for."""

    @property
    def name(self) -> str: ...


class Note(Frozen, frozen=True, kw_only=True):
    """Something that a person should know: immutable.

    Attributes:
        level: how urgent it is.
        code: a short stable name, such as ``compaction-futile``.
        text: the message, with a hint.
    """

    level: Literal["info", "warning"]
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKind:
    """An effect that a chart may name without declaring it: immutable.

    Attributes:
        reports: the events that it can report.  A state with the effect must take all of them.
        asks: whether the caller may ask for something while the effect is in flight, as while it reads a stream.
        late: whether the effect can still report after the run has left the state.
    """

    reports: tuple[str, ...]
    asks: bool = False
    late: bool = False

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words that a chart of a domain may use without declaring them: immutable.

    Attributes:
        effects: what drivers perform, by name.
        asks: the events by which the caller asks for something; rows must take them.  They happen in a state without
            an effect, and in one whose effect has `asks`.  The first of them means "go on": a state that has neither
            effect nor always rows and is not final must take it.
        failed: the event that every effect can report, custom ones too; None: no such event.
        outputs: what a row can hand to the caller.
        supplies: the finite supplies that `consumes` can name, and why each is finite.
        renewed_by: by supply, the events that renew it.  What a caller does is left out: nobody can count on it.
        limits: the limits that an argument sets; charts may declare others.
        limit: the fact that answers ``reached`` once any limit of the chart is spent, and ``free`` before; None: no
            such fact.
        own_limits: facts that are about one limit of their own: by fact, the limit, and what the fact answers in a
            chart that does not declare it.  The fact `limit` does not count such a limit.
    """

    effects: Mapping[str, EffectKind] = field(default_factory=dict)
    asks: tuple[str, ...] = ("continued",)
    failed: str | None = None
    outputs: tuple[str, ...] = ()
    supplies: Mapping[str, str] = field(default_factory=dict)
    renewed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    limit: str | None = None
    own_limits: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def events(self) -> frozenset[str]:
        """Every event that a row may name without declaring an effect that reports it."""
        return frozenset({*self.asks, *(event for kind in self.effects.values() for event in kind.reports)})

    @property
    def failure(self) -> tuple[str, ...]:
        """The event that every effect can report, if there is one."""
        return () if self.failed is None else (self.failed,)

    def reports(self, effect: str) -> tuple[str, ...]:
        """Return the events that a built-in effect can report; none when it is not built in."""
        kind = self.effects.get(effect)
        return () if kind is None else kind.reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain(Generic[ContextT, EffectT, StopT]):
    """What a machine is about: immutable.

    Attributes:
        vocabulary: the words that charts may use without declaring them.
        facts: the built-in facts, by name.
        fold: a pure function: the context after an event, or after a state was entered.
        acts: the types of events that only change the context: every state takes them, and no row waits for them.
        effects_of: the effects that a driver starts when a run enters a state with this effect.
        effects_again: the same when a run is resumed there, after its effects were cut off.
        stopped: why a run stops in the state that a transition led to; None while it goes on.
        notes: what a person should know because of the last events.
        fresh: the context without those notes.
    """

    vocabulary: Vocabulary
    facts: Mapping[str, Fact[ContextT]]
    fold: Callable[[ContextT, NamedEvent | Entered], ContextT]
    acts: frozenset[type] = frozenset()
    effects_of: Callable[[str, ContextT], tuple[EffectT, ...]] = lambda effect, context: ()
    effects_again: Callable[[str, ContextT], tuple[EffectT, ...]] = lambda effect, context: ()
    stopped: Callable[[State, ContextT, Transition], StopT | None] = lambda state, context, last: None
    notes: Callable[[ContextT], tuple[Note, ...]] = lambda context: ()
    fresh: Callable[[ContextT], ContextT] = lambda context: context

    __repr__ = short_repr

    @property
    def impossible(self) -> tuple[Pattern, ...]:
        """The combinations of answers that the built-in facts never give."""
        return tuple(pattern for fact in self.facts.values() for pattern in fact.impossible)

    def with_facts(self, given: Iterable[Fact[ContextT]]) -> dict[str, Fact[ContextT]]:
        """Return the built-in facts and `given`, by name; a given fact takes the place of a built-in one of its name.

        Combinations that are impossible with the built-in fact are not impossible with the one in its place.
        """
        own = {each.name: each for each in given}
        known = dict(self.facts)
        for name, each in self.facts.items():
            left = tuple(pattern for pattern in each.impossible if own.keys().isdisjoint(asked for asked, _ in pattern))
            if len(left) < len(each.impossible):
                known[name] = replace(each, impossible=left)
        return {**known, **own}
