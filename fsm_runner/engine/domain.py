"""The domain: what a machine is of, as one value.

The engine steps any machine and proves any chart.  What the words in a chart mean comes from here: what a run knows and
how an event changes that, the effects that drivers perform and the events that these report, the facts that guards
may ask.  Claude's tool loop is one domain (`fsm_runner.loop.tool_loop`); a door that opens and closes is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar

from fsm_runner.engine.chart import Pattern, State
from fsm_runner.engine.fact import ContextT, Fact
from fsm_runner.engine.rows import Entered, Transition
from fsm_runner.engine.short_repr import short_repr

EffectT = TypeVar("EffectT")
"""An order to a driver."""

StopT = TypeVar("StopT")
"""Why a run stopped."""


class NamedEvent(Protocol):
    """Anything that a machine can be told: it has the name by which rows wait for it."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a person should be told: immutable.

    Attributes:
        level: how urgent it is.
        code: a short stable name, such as ``compaction-futile``.
        text: the message, with the way out.
    """

    level: Literal["info", "warning"]
    code: str
    text: str

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKind:
    """An effect that a chart may name without declaring it: immutable.

    Attributes:
        reports: the events that it can report.  A state with the effect must take all of them.
        asks: whether the caller has the turn while the effect goes on, and may ask.
        late: whether it can still report after the run has gone on elsewhere.
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
        asks: what the caller asks for, and a row must answer.  It happens where the caller has the turn: in a state
            without effect, and in one whose effect lets it ask.  The first is how the caller goes on: a state without
            effect, always rows or end must take it.
        failed: the event that every effect can report, those of the user's own too; None: there is none.
        outputs: what a row can hand to the caller.
        supplies: what `consumes` can name: finite supplies, and why each is finite.
        renewed_by: by supply, the events that bring it anew.  What a caller does is never owed, so it is not here.
        limits: the limits that an argument sets; charts may declare others.
        limit: the fact that answers ``reached`` once any limit of the chart is spent, and ``free`` before; None: there
            is none.
        own_limits: by fact, a limit that it alone is about, and what it answers where a chart declares no such limit.
            Such a limit stops only what it bounds, so `limit` does not count it.
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
    """What a machine is of: immutable.

    Attributes:
        vocabulary: the words that charts may use without declaring them.
        facts: the built-in facts, by name.
        fold: a pure function: the context after an event, or after a state was entered.
        acts: the types of events that only fold: every state takes them, and no row does.
        effects_of: what a driver must start when a run enters a state with this effect.
        effects_again: the same for a run that goes on there after its effects were cut off.
        stopped: why a run stops in a state that a transition led to; None while it goes on.
        notes: what a person should be told because of the events since `fresh`.
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
        """What the built-in facts can never answer together."""
        return tuple(pattern for fact in self.facts.values() for pattern in fact.impossible)

    def with_facts(self, given: Iterable[Fact[ContextT]]) -> dict[str, Fact[ContextT]]:
        """Return the built-in facts and those of the user's, by name; of two with one name the user's counts.

        What a built-in fact cannot answer beside another built-in one, it may answer beside one of the user's of that
        name.
        """
        own = {each.name: each for each in given}
        known = dict(self.facts)
        for name, each in self.facts.items():
            left = tuple(pattern for pattern in each.impossible if own.keys().isdisjoint(asked for asked, _ in pattern))
            if len(left) < len(each.impossible):
                known[name] = replace(each, impossible=left)
        return {**known, **own}
