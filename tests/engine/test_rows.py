"""Decisions: one choice for each combination of answers."""

from __future__ import annotations

import pytest

from fsm_runner.engine.rows import ALWAYS, Decision, Stepper
from fsm_runner.loop.context import Call, Context, RunStatus, Turn
from fsm_runner.loop.facts import FACTS
from tests.support.charts import default_chart

STEPPER = Stepper.of(default_chart())


def decision(state: str, trigger: str, *facts: str) -> Decision:
    return Decision(state=state, trigger=trigger, facts=tuple(FACTS[name] for name in facts), known={})


def test_equal_answers_give_the_very_same_transition():
    """Whatever else the contexts hold."""
    made = decision("failed", "continued", "recovery")

    assert made.taken(Context(), STEPPER) is made.taken(Context(stand=RunStatus(closed=True)), STEPPER)
    assert [("none",)] == list(made.known)


@pytest.mark.parametrize(("awaits", "row"), [("answer", "drained_answer"), ("nothing", "drained"), ("more", "drained")])
def test_each_combination_is_put_to_the_rows(awaits, row):
    """The first whose guard holds, with the answers that decided and what happens on entering its target."""
    made = decision("draining", "replied", "awaits")
    transition, entry = made.taken(Context(stand=RunStatus(awaits=awaits)), STEPPER)

    assert (row, {"awaits": awaits}, transition.target) == (transition.row, transition.facts, entry.state)


def test_that_no_row_holds_is_remembered_too():
    """A call that has no result holds the run where it is."""
    made, waiting = (
        decision("call_tools", ALWAYS, "calls"),
        Context(turn=Turn(calls=(Call(id="a", name="b", block={}),))),
    )

    assert made.taken(waiting, STEPPER) is None
    assert {("open",): None} == made.known
