"""The stop: one reason for each way to end."""

from __future__ import annotations

import pytest
from hypothesis import given

from fsm_runner.engine.chart import State
from fsm_runner.engine.rows import Transition
from fsm_runner.loop.context import RunStatus
from fsm_runner.loop.stop import REASONS, Stop
from fsm_runner.loop.tool_loop import stop_of
from tests.support.build import LOST, context, reply, use
from tests.support.strategies import contexts

DONE = State(name="done", phase="done", final=True)
LAST = Transition(row="finish", source="inspect", target="done", event=None, facts={"turn": "finished"})
AT_LIMIT = {"limits": {"iterations": 2, "cost": None}, "spent": {"iterations": 2}}


@pytest.mark.parametrize(
    ("given", "reason", "detail"),
    [
        ({"reply": reply(stop="end_turn")}, "completed", None),
        ({"reply": reply(stop="stop_sequence")}, "completed", None),
        ({"reply": reply(stop="max_tokens")}, "max_tokens", None),
        ({"reply": reply(stop="model_context_window_exceeded")}, "context_window_exceeded", None),
        ({"reply": reply(stop="refusal")}, "refused", None),
        ({"reply": reply(stop="tool_use")}, "no_tool_call", None),
        ({"reply": reply(stop="tomorrow")}, "unreadable", "stop reason 'tomorrow'"),
        ({"reply": reply(stop=None)}, "unreadable", "the reply has no stop reason"),
        ({"reply": reply(use()), **AT_LIMIT}, "limit", "iterations: 2"),
        ({"reply": reply(stop="end_turn"), **AT_LIMIT}, "completed", None),
        ({"reply": reply(stop="end_turn"), "stand": RunStatus(closed=True)}, "closed", None),
        ({"stand": RunStatus(failure=LOST)}, "failed", "APIConnectionError: connection lost"),
        ({"stand": RunStatus(closed=True, failure=LOST)}, "closed", None),
        ({"reply": reply(use())}, "stopped", None),
        ({}, "stopped", None),
    ],
)
def test_a_run_says_why_it_ended(given, reason, detail):
    """What comes first decides: a failure, the caller, the reply, a limit; anything else is a row of the user's."""
    expected = Stop(reason=reason, row="finish", facts={"turn": "finished"}, detail=detail)

    assert expected == stop_of(DONE, context(**given), LAST)


@given(contexts())
def test_the_reasons_are_a_closed_list(given):
    """Whatever the context, the reason is one of them."""
    assert stop_of(DONE, given, LAST).reason in REASONS
