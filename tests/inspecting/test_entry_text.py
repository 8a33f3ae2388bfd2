"""What happened, in few words."""

from __future__ import annotations

import pytest

from fsm_runner.inspecting.entry_text import event_words, request_words
from fsm_runner.loop.events import EVENT_TYPES, Reported

USAGE = {"input_tokens": 1200, "output_tokens": 80, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 7}
CALLS = [{"type": "tool_use", "id": id, "name": name} for id, name in (("a", "find"), ("b", "find"), ("c", "say"))]


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        (
            "replied",
            {"message": {"stop_reason": "tool_use", "usage": USAGE, "content": CALLS}},
            "tool_use; 1,200 in, 80 out, 500 cache read, 7 cache written; calls find ×2, say",
        ),
        ("replied", {"message": {}}, "no stop reason; 0 in, 0 out"),
        ("summarised", {"message": {"usage": USAGE}}, "a summary; 1,200 in, 80 out, 500 cache read, 7 cache written"),
        ("tool_finished", {"id": "a", "result": {"content": "private"}}, "find: ok"),
        ("tool_finished", {"id": "z", "result": {"is_error": True}}, "z: error"),
        (
            "tool_finished",
            {"id": "a", "result": {"is_error": True, "content": [{"type": "text", "text": "no such file"}]}},
            "find: error: no such file",
        ),
        ("failed", {"error": "OverloadedError", "text": "busy", "status": 529}, "OverloadedError (529): busy"),
        ("failed", {}, "a failure"),
        ("opened", {}, "the stream begins"),
        ("moved_on", {"call": CALLS[0]}, "the call of find is complete"),
        ("reported", {"name": "decided", "results": [{}, {}]}, "reported, with 2 results"),
        ("continued", {}, "caller goes on"),
        ("answer_asked", {}, "caller asks for the response to the calls"),
        ("appended", {"messages": [{}, {}]}, "caller appends 2 messages"),
        ("params_replaced", {"params": {}, "messages": None}, "caller replaces the parameters"),
        ("params_replaced", {"params": {}, "messages": []}, "caller replaces the parameters and the messages"),
        ("results_edited", {"results": [{}]}, "caller edits 1 result"),
        ("tools_changed", {"added": ["say"], "removed": ["find"]}, "caller adds say and removes find"),
        ("tools_changed", {}, "caller changes the tools"),
        ("compaction_asked", {}, "caller asks for compaction"),
        ("call_deferred", {"id": "a"}, "caller defers the call of find"),
        ("closed", {}, "caller closes the run"),
        ("of_a_later_version", {}, "of_a_later_version"),
    ],
)
def test_an_event_is_told_in_few_words(event, data, expected):
    """What a tool answered is not shown, unless it is an error."""
    assert expected == event_words(event, data, {"a": "find"}).text


def test_every_event_has_words_of_its_own():
    """None is told by its bare name."""
    names = [each.name for each in EVENT_TYPES if each is not Reported]

    assert [] == [name for name in names if event_words(name, {}, {}).text == name]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"purpose": "reply", "messages": 1, "tools": None}, "a reply is requested: 1 message"),
        ({"purpose": "reply", "messages": 2, "tools": 3}, "a reply is requested: 2 messages, 3 tools"),
        ({"purpose": "compaction", "messages": 2, "tools": 0}, "a compaction is requested: 2 messages"),
        ({"effect": "summarise", "model": "m", "messages": 9}, "a summary is requested from m: 9 messages"),
        ({}, "None: messages"),
    ],
)
def test_a_request_is_told_with_what_it_is_for(data, expected):
    """And with how much it sends."""
    assert expected == request_words(data).text


@pytest.mark.parametrize("reason", ["refusal", "max_tokens", "model_context_window_exceeded"])
def test_a_reply_that_stopped_short_is_one_to_look_at(reason):
    """One that is finished, or wants tools, is not."""
    told = [event_words("replied", {"message": {"stop_reason": each}}, {}).bad for each in (reason, "end_turn")]

    assert [True, False] == told
