"""A second domain: a turnstile that takes coins, lets people through, and locks itself.  It knows no tool loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from fsm_runner.domain import Domain, EffectKind, Entered, NamedEvent, Vocabulary, fact


@dataclass(frozen=True)
class Turnstile:
    """What a turnstile knows."""

    coins: int = 0
    passed: int = 0
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coin:
    name: ClassVar[str] = "coin"
    worth: int


@dataclass(frozen=True)
class Pushed:
    name: ClassVar[str] = "pushed"


@dataclass(frozen=True)
class Closed:
    name: ClassVar[str] = "closed"


@dataclass(frozen=True)
class Cleaned:
    """An act: it is remembered, and no row takes it."""

    name: ClassVar[str] = "cleaned"


@fact(answers=("enough", "too_few"))
def paid(context: Turnstile) -> str:
    """Whether the coins pay for somebody; 3 of them do."""
    return "enough" if context.coins >= 3 else "too_few"


def fold(context: Turnstile, event: NamedEvent | Entered) -> Turnstile:
    """Return what it knows after an event."""
    match event:
        case Coin():
            return replace(context, coins=context.coins + event.worth)
        case Entered(state="open"):
            return replace(context, coins=0)
        case Pushed():
            return replace(context, passed=context.passed + 1)
        case Cleaned():
            return replace(context, seen=(*context.seen, "cleaned"))
        case _:
            return context


TURNSTILE: Domain[Turnstile, str, str] = Domain(
    vocabulary=Vocabulary(
        effects={"wait_for_push": EffectKind(reports=("pushed",))},
        asks=("coin", "closed"),
        supplies={"coins": "the coins of those who come", "people": "those who come"},
    ),
    facts={"paid": paid},
    fold=fold,
    acts=frozenset({Cleaned}),
    effects_of=lambda effect, context: (f"{effect} of {context.passed + 1}",),
    effects_again=lambda effect, context: (f"{effect} again",),
    stopped=lambda state, context, last: f"{last.row} after {context.passed}" if state.final else None,
)

CHART = """
schema: fsm_runner/chart/v1
name: turnstile
initial: locked
facts: {paid: [enough, too_few]}
rules:
  paid_first: {precedes: {first: {guard: {paid: enough}}, then: open, since: open}}
states:
  locked:
    phase: locked
    transitions:
      - {id: unlock, event: coin, guard: {paid: enough}, target: open, consumes: coins}
      - {id: more,   event: coin, target: locked, consumes: coins}
      - {id: close,  event: closed, target: shut}
  open:
    phase: open
    effect: wait_for_push
    transitions:
      - {id: lock, event: pushed, target: locked, consumes: people}
  shut: {phase: shut, final: true}
"""
