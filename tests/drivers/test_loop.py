"""The caller's loop: a driver in a screenful, without I/O."""

from __future__ import annotations

import pytest

from fsm_runner.charts import load
from fsm_runner.drivers.loop import CannotGoOn, Loop
from fsm_runner.drivers.session import Session
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.effects import CallTool, SendRequest
from fsm_runner.loop.events import Continued, Failed, Replied, ToolFinished
from fsm_runner.loop.tool_loop import compile
from tests.exploring.charts import chart
from tests.exploring.test_simulator import ROUND
from tests.support.build import context, reply, result, text, use, user


class Driver:
    """A run whose model answers with `replies`, and whose tool always finds something."""

    def __init__(self, *replies, chart=None):
        self.replies, self.performed = list(replies), []
        self.session = Session(compile(chart or load("states")), context(user("go")))
        self.loop = Loop(self.session, RunError)

    def perform(self, effects):
        effect = effects[0]
        self.performed.append(effect.name)
        if isinstance(effect, SendRequest):
            given = self.replies.pop(0)
            return self.session.tell(given if isinstance(given, Failed) else Replied(message=given))
        assert isinstance(effect, CallTool)
        return [self.session.tell(ToolFinished(id=each.id, result=result(each.id))) for each in effects][-1]

    def driven(self, flow):
        step = None
        while True:
            try:
                effects = next(flow) if step is None else flow.send(step)
            except StopIteration as end:
                return end.value
            step = self.perform(effects)

    def next(self):
        return self.driven(self.loop.next_item(lambda: self.session.tell(Continued())))


CALLS = reply(use("a"), use("b"))


def test_each_message_is_handed_out_and_the_end_is_none():
    """What the caller's `next` comes to, call by call."""
    driver = Driver(CALLS, reply(text("done")))

    assert ["message", "message", None, None] == [driver.next() for _ in range(4)]
    assert ["send_request", "call_tool", "send_request"] == driver.performed
    assert "completed" == driver.session.snapshot.stop.reason


def test_a_flow_that_is_dropped_loses_nothing():
    """The effect that was cut off is the first thing that the next one asks for."""
    driver = Driver(CALLS, reply(text("done")))
    cut = driver.loop.next_item(lambda: driver.session.tell(Continued()))
    (asked,) = next(cut)
    del cut

    assert isinstance(asked, SendRequest)
    assert ["message", "message", None] == [driver.next() for _ in range(3)]


def test_an_answer_runs_the_open_calls_once():
    """Asked again, there is nothing to do."""
    driver = Driver(CALLS, reply(text("done")))
    driver.next()
    for _ in range(2):
        assert None is driver.driven(driver.loop.answer())

    assert ["send_request", "call_tool"] == driver.performed
    assert "message" == driver.next()


def test_an_item_that_a_listener_held_back_is_handed_out_by_the_next_call():
    """What the listener raises comes first, and takes nothing back."""
    raised = [ValueError("mine")]
    driver = Driver(reply(text("done")))
    driver.session = Session(
        compile(load("states")),
        context(user("go")),
        listener=lambda event, step: raised and step.output and (_ for _ in ()).throw(raised.pop()),
    )
    driver.loop = Loop(driver.session, RunError)
    with pytest.raises(ValueError, match="mine"):
        driver.next()

    assert "message" == driver.loop.due
    assert ["message", None] == [driver.next(), driver.next()]


@pytest.mark.parametrize("at_work", [False, True])
def test_a_close_ends_the_run_here_unless_it_is_at_work(at_work):
    """Where an effect is under way, the run ends when that has."""
    driver = Driver(reply(text("done")))
    flow = driver.loop.next_item(lambda: driver.session.tell(Continued()))
    next(flow)

    assert (not at_work) is driver.loop.close(driver.session.act, lambda: at_work)
    assert (not at_work) is driver.session.final
    assert driver.session.context.stand.closed
    assert not driver.loop.close(driver.session.act, lambda: False) or at_work


def test_a_failure_is_asked_about_again_by_the_next_call():
    """A run that failed can go on."""
    driver = Driver(Failed(error="APITimeoutError", text="too late"), reply(text("done")))

    assert ["message", None] == [driver.next(), driver.next()]
    assert ["send_request", "send_request"] == driver.performed


def test_a_run_that_goes_round_by_itself_is_told_of():
    """Nothing is done on the way, so it would go round for ever."""
    driver = Driver(reply(text("done")), chart=chart(*ROUND))
    with pytest.raises(CannotGoOn, match="leads back to it without an effect"):
        driver.next()
