"""Requests beyond the loop's own: the last one without tools, and the second look; their facts and their limits."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fsm_runner.loop import facts
from fsm_runner.loop.context import RunStatus, Settings
from fsm_runner.loop.effects import effects_of
from fsm_runner.loop.enter import REFLECTION, entered
from fsm_runner.loop.events import Entered
from fsm_runner.loop.facts import FACTS, OWN_LIMITS
from tests.support.build import LOST, PARAMS, context, reply, text, use, user

QUESTION = {"role": "user", "content": REFLECTION}
ANSWER = {"role": "assistant", "content": [text()]}
TOOLS = ({"name": "search"},)


def entering(given, effect):
    """The context after entering a state with `effect`."""
    return entered(given, Entered(state="here", phase="request", effect=effect))


# ── the last request ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limits", "spent", "expected"),
    [
        ({}, 0, "none"),
        ({"last_requests": None}, 5, "none"),
        ({"last_requests": 0}, 0, "none"),
        ({"last_requests": 1}, 0, "ahead"),
        ({"last_requests": 1}, 1, "made"),
        ({"last_requests": 2}, 1, "ahead"),
        ({"last_requests": 2}, 3, "made"),
    ],
)
def test_a_last_request_is_ahead_until_the_limit_is_spent(limits, spent, expected):
    """Without a number there is none: a run must end."""
    assert expected == facts.last_request(context(limits=limits, spent={"last_requests": spent}))


def test_a_last_request_lets_the_model_call_no_tool():
    """The tools are sent as ever, and the caller's choice gives way for this request alone."""
    settings = Settings(params={**PARAMS, "tool_choice": {"type": "any"}}, tools=TOOLS)
    given = context(user(), settings=settings)
    (request,) = effects_of("send_last_request", given)

    assert {**PARAMS, "tool_choice": {"type": "none"}} == request.params
    assert (TOOLS, [user()], "reply") == (request.tools, list(request.messages), request.purpose)
    assert {"type": "any"} == given.settings.params["tool_choice"]


@pytest.mark.parametrize("tools", [None, ()])
def test_a_last_request_without_tools_chooses_none(tools):
    """There is nothing to choose from."""
    (request,) = effects_of("send_last_request", context(user(), settings=Settings(params=PARAMS, tools=tools)))

    assert PARAMS == request.params


@pytest.mark.parametrize("effect", ["send_last_request", "reflect"])
def test_both_go_out_as_any_request_does(effect):
    """With a draft for the caller to change, and with the tools that were added since."""
    added = Settings(params=PARAMS, changes=({"type": "tool_addition"},))
    after = entering(context(user(), ANSWER, settings=added, owned=True), effect)

    assert after.conversation.draft == after.conversation.history
    assert {"role": "system", "content": [{"type": "tool_addition"}]} == after.conversation.history[-1]
    assert (False, ()) == (after.conversation.owned, after.settings.changes)


# ── the second look ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limits", "spent", "expected"),
    [
        ({}, 0, "none"),
        ({"reflections": None}, 0, "none"),
        ({"reflections": 0}, 0, "none"),
        ({"reflections": 1}, 0, "due"),
        ({"reflections": 1}, 1, "none"),
        ({"reflections": 2}, 1, "due"),
        ({"reflections": 2}, 3, "none"),
    ],
)
def test_a_second_look_is_due_until_the_limit_is_spent(limits, spent, expected):
    """Without a number there is none: a run must end."""
    given = context(reply=reply(text()), limits=limits, spent={"reflections": spent})

    assert expected == facts.reflection(given)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (reply(text(), stop="end_turn"), "due"),
        (reply(text(), stop="stop_sequence"), "due"),
        (reply(text(), stop="max_tokens"), "none"),
        (reply(text(), stop="refusal"), "none"),
        (reply(text(), stop="model_context_window_exceeded"), "none"),
        (reply(text(), stop="pause_turn"), "none"),
        (reply(text(), stop=None), "none"),
        (reply(text(), stop=["end_turn"]), "none"),
        (reply(use()), "none"),
        (reply(), "none"),
        (None, "none"),
    ],
)
def test_only_an_answer_is_looked_at(said, expected):
    """One that the model gave to its end, and that says something."""
    assert expected == facts.reflection(context(reply=said, limits={"reflections": 1}))


def test_a_history_that_is_the_callers_is_not_looked_at():
    """The answer may not be in it."""
    assert "none" == facts.reflection(context(reply=reply(text()), limits={"reflections": 1}, owned=True))


def test_the_question_follows_the_answer():
    """As a user message of ours, which stays in the history."""
    after = entering(context(user(), ANSWER), "reflect")
    (request,) = effects_of("reflect", after)

    assert [user(), ANSWER, QUESTION] == list(after.conversation.history) == list(request.messages)


@pytest.mark.parametrize("since", [[], [user("and do hurry")]])
def test_the_question_is_asked_once_however_often_the_request_fails(since):
    """Also when the caller said something in between."""
    failed = context(user(), ANSWER, QUESTION, *since, stand=RunStatus(failure=LOST, effect="reflect"))
    after = entering(failed, "reflect")

    assert [user(), ANSWER, QUESTION, *since] == list(after.conversation.history)


def test_the_question_is_asked_again_of_another_answer():
    """Where the limit allows it."""
    after = entering(context(user(), ANSWER, QUESTION, ANSWER), "reflect")

    assert [user(), ANSWER, QUESTION, ANSWER, QUESTION] == list(after.conversation.history)


# ── the limits ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(OWN_LIMITS))
def test_a_limit_with_a_fact_of_its_own_stops_nothing_else(name):
    """Spent, it leaves `limit` free; beside another that is spent, it changes nothing."""
    given = context(limits={name: 1}, spent={name: 1})
    both = replace(given, counters=replace(given.counters, limits={name: 1, "iterations": 0}))

    assert ("free", "reached") == (facts.limit(given), facts.limit(both))


def test_each_of_those_limits_has_its_fact():
    """Called as one of what the limit counts."""
    assert OWN_LIMITS <= {f"{name}s" for name in FACTS}
