"""The SDK's objects as plain data: what a request body holds, and nothing that is shared with the caller."""

from __future__ import annotations

import datetime

import pytest
from anthropic import not_given, omit
from anthropic.types.beta import BetaMessage, BetaTextBlock
from anthropic.types.beta.parsed_beta_message import ParsedBetaTextBlock

from fsm_runner.adapters.anthropic.plain import is_given, message_param, model_data, plain

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "a-model",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


@pytest.mark.parametrize("value", ["text", 7, 1.5, True, None, {"a": [1, {"b": None}]}, []])
def test_json_data_stays_as_it_is(value):
    """Equal, and of the same types."""
    assert value == plain(value)
    assert type(value) is type(plain(value))


def test_what_comes_out_is_a_copy():
    """To any depth: a later change by the caller does not reach it."""
    given = {"content": [{"type": "text", "text": "hi"}]}
    made = plain(given)
    given["content"][0]["text"] = "changed"

    assert {"content": [{"type": "text", "text": "hi"}]} == made


@pytest.mark.parametrize("many", [(1, 2), iter([1, 2]), range(1, 3), (n for n in (1, 2))])
def test_iterables_become_lists(many):
    """Tuples, ranges and generators, each read once."""
    assert [1, 2] == plain(many)


def test_models_become_what_was_set_in_them():
    """A field that nobody set is not sent; one that was set to null is."""
    assert {"type": "text", "text": "hi"} == plain(BetaTextBlock(type="text", text="hi"))
    assert {"type": "text", "text": "hi", "citations": None} == plain(
        BetaTextBlock(type="text", text="hi", citations=None)
    )


def test_what_was_left_out_is_left_out():
    """The SDK's two marks for it are no values."""
    assert {"a": 1} == plain({"a": 1, "b": omit, "c": not_given})
    assert [False, False, True] == [is_given(omit), is_given(not_given), is_given(None)]


@pytest.mark.parametrize("value", [b"bytes", datetime.date(2026, 1, 1), {1, 2}])
def test_what_json_does_not_know_is_left_to_the_sdk(value):
    """It encodes some of that, and refuses the rest."""
    assert value is plain(value)


def test_a_reply_is_data_as_the_api_sent_it():
    """Null where it said null, nothing where it said nothing, and fields that the SDK does not know."""
    sent = {**MESSAGE, "brand_new": {"a": 1}}

    assert sent == model_data(BetaMessage.construct(**sent))


def test_what_the_sdk_parsed_is_not_data():
    """The API takes no such field."""
    block = ParsedBetaTextBlock.construct(type="text", text="{}", parsed_output={"legs": 6})
    message = BetaMessage.construct(**{**MESSAGE, "content": [block]})

    assert [{"type": "text", "text": "{}"}] == model_data(message)["content"]


def test_a_reply_as_a_message_to_send():
    """Its role and its content."""
    assert {"role": "assistant", "content": MESSAGE["content"]} == message_param(BetaMessage.construct(**MESSAGE))


def test_blocks_of_the_sdk_in_a_message_to_send():
    """The caller may mix them with data."""
    given = {"role": "user", "content": (BetaTextBlock(type="text", text="hi"),)}

    assert {"role": "user", "content": [{"type": "text", "text": "hi"}]} == message_param(given)


@pytest.mark.parametrize("wrong", ["hi", ["hi"], 7, None])
def test_what_is_no_message_is_refused(wrong):
    """The error says what a message is, and what came."""
    with pytest.raises(TypeError, match=f"a message is a dict with 'role' and 'content', got {type(wrong).__name__}"):
        message_param(wrong)
