"""Messages: what is read out of the API's objects, well formed or not."""

from __future__ import annotations

import pytest

from fsm_runner.loop.context import Usage
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import (
    blocks_of,
    calls_of,
    reply_param,
    results_param,
    usage_of,
    with_container,
    without_open_calls,
)
from tests.support.build import call, reply, result, text, use, user

THINKING = {"type": "thinking", "thinking": "hm"}


@pytest.mark.parametrize("content", ["words", None, 7])
def test_content_that_is_no_list_has_no_blocks(content):
    """Text and nonsense alike hold no block."""
    assert () == blocks_of({"content": content})
    assert () == blocks_of({})


def test_blocks_that_are_no_objects_are_left_out():
    """A malformed block reads as absent."""
    assert (text(),) == blocks_of({"content": ["words", text(), None]})


def test_calls_are_the_tool_use_blocks_in_their_order():
    """Server tools are none of ours, and a call of a toolset's member names its toolset."""
    server = {"type": "server_tool_use", "id": "s", "name": "web_search"}
    message = reply(use("b"), text(), server, use("a", "read", "files"))

    assert (call("b"), call("a", "read", "files")) == calls_of(message)


def test_a_call_without_id_and_name_is_still_a_call():
    """A malformed call gets empty names, not a traceback."""
    (made,) = calls_of({"content": [{"type": "tool_use", "id": 7}]})

    assert ("", "", None) == (made.id, made.name, made.toolset)


def test_a_reply_is_sent_with_its_role_and_content_alone():
    """What the API added to its message it would refuse in a request."""
    assert {"role": "assistant", "content": [text()]} == reply_param(reply(text()))


def test_results_are_sent_in_the_order_of_the_calls():
    """Calls without a result are left out."""
    calls = [call("b", status="done"), call("c"), call("a", status="done")]

    assert {"role": "user", "content": [result("b"), result("a")]} == results_param(calls)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 8}, 15),
        ({"input_tokens": 1, "cache_read_input_tokens": None}, 1),
        ({"input_tokens": "many"}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_usage_adds_up_what_the_api_sent(usage, expected):
    """All four counts make the total; what is missing or no number is zero."""
    assert expected == usage_of({"usage": usage}).total_tokens
    assert Usage(replies=1) == usage_of({})


@pytest.mark.parametrize(
    ("params", "container", "expected"),
    [
        ({}, {"id": "c1"}, {"container": "c1"}),
        ({"container": None}, {"id": "c1"}, {"container": "c1"}),
        ({"container": "mine"}, {"id": "c1"}, {"container": "mine"}),
        ({"container": {"skills": []}}, {"id": "c1"}, {"container": {"skills": [], "id": "c1"}}),
        ({"container": {"id": "mine"}}, {"id": "c1"}, {"container": {"id": "mine"}}),
        ({}, {"id": None}, {}),
        ({}, None, {}),
        ({}, "c1", {}),
    ],
)
def test_a_container_is_carried_over_unless_the_caller_named_one(params, container, expected):
    """The caller's own container wins; its other fields stay."""
    assert expected == with_container(params, {"container": container})


def test_there_is_no_container_without_a_reply():
    """Before the first reply the parameters are the caller's, untouched."""
    params = {"model": "claude"}

    assert params is with_container(params, None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([text(), use()], [text()]),
        ([text(), THINKING, use(), use("b")], [text()]),
        ([THINKING, text(), use()], [THINKING, text()]),
        ([text(), {"type": []}, use()], [text(), {"type": []}]),
    ],
)
def test_open_calls_are_cut_off_with_the_thinking_that_led_to_them(content, expected):
    """What remains is a message that the API takes; the history itself does not change."""
    history = History([user(), {"role": "assistant", "content": content}])

    assert (user(), {"role": "assistant", "content": expected}) == without_open_calls(history)
    assert content == history[1]["content"]


def test_open_calls_are_cut_off_where_the_caller_has_spoken_since():
    """What it said stays; a call that has its result stays, too."""
    said = [{"role": "assistant", "content": [text(), use(), use("b")]}, {"role": "user", "content": [result("b")]}]
    kept = [{"role": "assistant", "content": [text(), use("b")]}, said[1]]
    alone = [{"role": "assistant", "content": [text(), use()]}, user("go on")]

    assert (user(), *kept, user("c")) == without_open_calls(History([user(), *said, user("c")]))
    assert ({"role": "assistant", "content": [text()]}, user("go on")) == without_open_calls(History(alone))


@pytest.mark.parametrize("content", [[use()], [THINKING, use()]])
def test_a_message_of_which_nothing_remains_goes_as_a_whole(content):
    """The API refuses an empty message."""
    assert (user(),) == without_open_calls(History([user(), {"role": "assistant", "content": content}]))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [user()],
        [user(), {"role": "assistant", "content": "words"}],
        [user(), {"role": "assistant", "content": [use()]}, {"role": "user", "content": [result()]}],
        [user(), {"role": "assistant", "content": [use()]}, {"role": "user", "content": [result()]}, user("b")],
        [user(), {"role": "assistant", "content": [text(), THINKING]}, user("b")],
    ],
)
def test_a_history_without_open_calls_stays_whole(messages):
    """Answered calls are not open."""
    assert tuple(messages) == without_open_calls(History(messages))
