"""Conversing: what can be done to a run, and what it does, told to the real machine as a driver would tell it."""

from __future__ import annotations

from collections.abc import Iterator

from fsm_runner.engine.errors import FsmRunnerError
from fsm_runner.exploring.beginnings import Beginning
from fsm_runner.exploring.driving import Driver
from fsm_runner.exploring.moves import (
    ANSWER,
    APPEND,
    CHANGE,
    CLOSE,
    COMPACT,
    INTERRUPTED,
    NEXT,
    READ,
    Act,
    Move,
    world_moves,
)
from fsm_runner.exploring.places import Consequence, Place, running
from fsm_runner.exploring.standing_in import FactFailed
from fsm_runner.loop import events as ev
from fsm_runner.loop.domain import Machine
from fsm_runner.loop.effects import LendStream


def begun(machine: Machine, beginning: Beginning) -> Place:
    """Return the place at which a run begins: the caller has the turn."""
    step = machine.start(beginning.context(machine.chart))
    return Place(beginning=beginning, snapshot=step.snapshot, over=step.final)


def moves_at(machine: Machine, place: Place, *, rare: bool) -> Iterator[Move]:
    """Yield what can be done at `place`, the plainest first."""
    if place.over:
        return
    context = place.snapshot.context
    if place.asked is not None:
        reports = {effect.name: effect.reports for effect in machine.chart.effects}
        alone = len(running(context)) == 1
        for move in world_moves(place.asked, context, place.beginning.tools, reports, rare=rare):
            if move is not INTERRUPTED or alone:  # which of several had ended by then is left to chance
                yield move
        return
    lent = place.plan is not None and machine.chart.state(place.snapshot.state).effect == LendStream.name
    if lent:
        yield READ
    yield NEXT
    takes = machine.takes(place.snapshot)
    if ev.AnswerAsked.name in takes or context.stand.awaits == "answer":
        yield ANSWER
    yield CLOSE
    if context.compaction.asked is None and context.compaction.config is None:
        yield COMPACT
    if context.thread.mode == "continue" and "system" not in context.settings.params:
        yield CHANGE
    if lent and context.settings.eager and not context.turn.arriving and place.plan is not None:
        yield from (_defer(event.call) for event in place.plan[:1] if isinstance(event, ev.MovedOn))
    if rare and not lent and context.compaction.config is None and not context.conversation.owned:
        yield APPEND


def moved(machine: Machine, place: Place, move: Move) -> Consequence | None:
    """Return what `move` does at `place`; None when the machine refuses an event of it.

    Raises:
        FactFailed: a fact of the user's does not answer.
    """
    driver = Driver(machine, place)
    try:
        driver.make(move)
    except FactFailed:
        raise
    except FsmRunnerError:
        return None
    return driver.consequence()


def _defer(call: ev.Json) -> Act:
    return Act(code=f'runner.defer_tool_call("{call["id"]}")', deed="defer")
