"""Tests of an agent without a network: the client and the loop are real, the model is scripted.

pytest examples/offline_test
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # so that this file runs wherever pytest is started
from agent import answer

from fsm_runner.testing import ScriptedModel, reply, text, tool_use


def ask(model: ScriptedModel, question: str) -> str:
    """Ask the agent, and check that the whole script was used."""

    async def asking() -> str:
        async with model.client() as client:
            return await answer(client, question)

    with model:
        return asyncio.run(asking())


def test_looks_an_order_up_before_it_answers():
    """The model gets the tool's result, and its text is the answer."""
    model = ScriptedModel([tool_use("order_status", {"order": "A-17"}), text("It was shipped on Monday.")])

    assert ask(model, "Where is order A-17?") == "It was shipped on Monday."
    assert model.requests[1].tool_results[0]["content"] == "shipped on Monday"


def test_tells_the_model_of_an_order_that_does_not_exist():
    """A wrong number does not end the run: the model gets an error result and can react."""
    model = ScriptedModel([tool_use("order_status", {"order": "Z-99"}), text("I know of no such order.")])

    assert ask(model, "Where is order Z-99?") == "I know of no such order."
    assert model.requests[1].tool_results[0]["is_error"]


def test_two_orders_are_looked_up_in_one_turn():
    """Results come back in the order in which the model asked."""
    both = reply(tool_use("order_status", {"order": "A-17"}), tool_use("order_status", {"order": "B-02"}))
    model = ScriptedModel([both, text("One is shipped, one waits.")])
    ask(model, "Where are A-17 and B-02?")

    assert [each["content"] for each in model.requests[1].tool_results] == ["shipped on Monday", "waiting for payment"]


def test_a_model_that_never_ends_is_stopped():
    """The limit ends the run, and the answer says so."""
    model = ScriptedModel(lambda request: tool_use("order_status", {"order": "A-17"}))

    assert ask(model, "Where is order A-17?") == "I could not finish (limit)."
    assert len(model.requests) == 5
