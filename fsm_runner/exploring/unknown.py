"""Facts without code: a chart of the user's is searched all the same, but for what they would decide.

A stand-in answers what no guard asks for, so the rows that ask it do not hold; where one of them might have, the
decision is `undecided`, and the search does not go that way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from fsm_runner.core.chart import Chart, FactUse, Pattern
from fsm_runner.core.decision import Transition
from fsm_runner.core.facts import FACTS, Fact
from fsm_runner.core.machine import Machine, Step, compile

NO_ANSWER = "(unknown)"
"""What stands in for an answer.  No answer can be called so: names hold no brackets."""


def machine_of(chart: Chart, facts: Iterable[Fact]) -> tuple[Machine, tuple[str, ...]]:
    """Compile `chart` with the facts whose code is at hand; return the names of the others, too.

    Raises:
        ChartError: a fact's code gives other answers than the chart declares.
    """
    given = {each.name: each for each in facts}
    missing = tuple(use for use in chart.facts if use.name not in {**FACTS, **given})
    names = tuple(use.name for use in missing)
    if not missing:
        return compile(chart, given.values()), ()
    widened = tuple(_widened(use) if use in missing else use for use in chart.facts)
    standing = [Fact(name=use.name, answers=_widened(use).answers, ask=lambda _: NO_ANSWER) for use in missing]
    return compile(replace(chart, facts=widened), [*given.values(), *standing]), names


def _widened(use: FactUse) -> FactUse:
    return replace(use, answers=(*use.answers, NO_ANSWER))


def undecided(machine: Machine, step: Step, unknown: Collection[str]) -> bool:
    """Whether a row that asks one of `unknown` might have been taken in `step`, in place of what was."""
    if not unknown:
        return False
    if any(_preceded(machine, transition, unknown) for transition in step.transitions):
        return True
    state = machine.chart.state(step.snapshot.state)
    context = step.snapshot.context
    entered = bool(step.transitions)
    asked = {name: machine.facts[name].ask(context) for row in state.always for name, _ in row.guard}
    return entered and any(_might_hold(row.guard, asked, unknown) for row in state.always)


def _preceded(machine: Machine, transition: Transition, unknown: Collection[str]) -> bool:
    for row in machine.chart.state(transition.source).rows:
        if row.id == transition.row:
            return False
        if row.event == transition.event and _might_hold(row.guard, transition.facts, unknown):
            return True
    return False


def _might_hold(guard: Pattern, answers: Mapping[str, str], unknown: Collection[str]) -> bool:
    """Whether `guard` asks one of `unknown`, and all else that it asks is so."""
    asks = any(name in unknown for name, _ in guard)
    return asks and all(name in unknown or answers[name] in wanted for name, wanted in guard)
