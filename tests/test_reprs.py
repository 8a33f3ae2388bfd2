"""What a person sees of a run in a debugger or a log: one line, however long the conversation is."""

from __future__ import annotations

import pytest

from fsm_runner.charts import load
from fsm_runner.loop.events import Continued, Failed, Replied
from fsm_runner.loop.tool_loop import compile
from tests.support.build import context, reply, use, user

MACHINE = compile(load("states"))
START = MACHINE.start(context(*[user("long " * 1000)] * 50))
ASKED = MACHINE.step(START.snapshot, Continued())
CALLED = MACHINE.step(ASKED.snapshot, Replied(message=reply(*[use(f"toolu_{n}") for n in range(30)])))
DONE = MACHINE.step(CALLED.snapshot, Continued())
LOST = MACHINE.step(ASKED.snapshot, Failed(error="APIConnectionError", text="lost " * 1000))
STEPS = (START, ASKED, CALLED, DONE, LOST)


@pytest.mark.parametrize(
    "value", [MACHINE, MACHINE.chart, *STEPS, *(step.snapshot for step in STEPS), DONE.snapshot.context], ids=repr
)
def test_a_repr_is_one_short_line(value):
    """At most 120 characters, which begin with what it is."""
    said = repr(value)

    assert said.startswith(f"{type(value).__name__}(")
    assert len(said) <= 120
    assert "\n" not in said


def test_a_repr_says_where_the_run_is():
    """The state and the last rows, the effects to start, why it stopped, and how much was said."""
    assert "Step(state='request', rows=['begin', 'ask'], effects=['SendRequest'])" == repr(ASKED)
    assert "Snapshot(state='request', context=Context(messages=50, replies=0, calls=0))" == repr(ASKED.snapshot)
    assert "stop=Stop(reason='failed'" in repr(LOST)
    assert "stop=Stop(reason='failed'" in repr(LOST.snapshot)
    assert f"Chart(name='tool_loop', states={len(MACHINE.chart.states)}, rows={len(MACHINE.chart.rows)})" == repr(
        MACHINE.chart
    )
