"""Places: where a run of the search is when somebody decides, and what a move did to it."""

from __future__ import annotations

from dataclasses import dataclass

from fsm_runner.exploring.beginnings import Beginning
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Call, Context
from fsm_runner.loop.domain import Snapshot, Step
from fsm_runner.loop.effects import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A run at a moment at which somebody decides: immutable.

    Attributes:
        beginning: how the run began.
        snapshot: where it is.
        call: what the caller is waiting in: ``next``, ``answer`` or ``read``; None when it has the turn.
        asked: what the world is asked; None when the caller has the turn.
        plan: what is still to come of the stream that is open, as events; None when none is.
        reading: whether somebody reads that stream now.
        fresh: whether the runner's own loop is to begin anew, as at the start and after an exception.
        made: how many tool calls the model has made.
        over: whether nothing more can happen.
    """

    beginning: Beginning
    snapshot: Snapshot
    call: str | None = None
    asked: Effect | None = None
    plan: tuple[ev.Event, ...] | None = None
    reading: bool = False
    fresh: bool = True
    made: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What a move did: immutable.

    Attributes:
        place: where the run is then.
        told: the events that the machine was told, each with its step.
        outcome: what the caller's call came to: ``message``, ``stream``, ``end``, ``done``, or ``raises`` and an
            exception's name; None while it goes on.
    """

    place: Place
    told: tuple[tuple[ev.Event, Step], ...]
    outcome: str | None


def running(context: Context) -> list[Call]:
    """Return the tool calls that run now, those of a reply that still streams first."""
    known = {call.id for call in context.turn.arriving}
    calls = (*context.turn.arriving, *(call for call in context.turn.calls if call.id not in known))
    return [call for call in calls if call.status == "running"]
