"""The SDK's messages as plain data, and back."""

from __future__ import annotations

import math

import pytest
from anthropic.types.beta import BetaMessage, BetaTextBlock

from fsm_runner.adapters.anthropic.json_values import DEEPEST, NotJson
from fsm_runner.adapters.anthropic.plain import message_blocks, message_data, message_param
from tests.adapters.test_json_values import MESSAGE, nested


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


def test_what_is_wrong_in_a_message_is_refused_with_its_place():
    """Which message, which block, which field."""
    with pytest.raises(NotJson, match=r"^messages\[2\]\.content\[0\]\.source: set_iterator|object is no JSON"):
        message_param({"role": "user", "content": [{"source": object()}]}, "messages[2]")


def called(value):
    """A reply with a call that has `value`."""
    call = {"type": "tool_use", "id": "t", "name": "look", "input": value}
    return BetaMessage.construct(**{**MESSAGE, "content": [call]})


def test_what_the_model_said_can_be_sent_again():
    """Surrogates and numbers that JSON does not have, which a lenient parser lets through."""
    data = message_data(called({"q\ud800": ["half \ud83d", math.nan]}))
    ((key, value),) = data["content"][0]["input"].items()

    assert ["half \ufffd", None] == value
    assert "q" == key.rstrip("\ufffd")


@pytest.mark.parametrize("levels", [200, 260, DEEPEST - 4])
def test_a_deep_reply_is_held(levels):
    """Also where pydantic does not dump it any more."""
    assert nested(levels) == message_data(called(nested(levels)))["content"][0]["input"]


@pytest.mark.parametrize("levels", [DEEPEST, 400, 900])
def test_a_deeper_reply_is_refused(levels):
    """The error states the limit."""
    with pytest.raises(NotJson, match=f"^the reply: it nests deeper than {DEEPEST} levels"):
        message_data(called(nested(levels)))


def test_blocks_that_are_handed_out_are_the_callers():
    """What it does to them does not reach the run."""
    content = [{"type": "tool_use", "id": "t", "name": "look", "input": {"tags": ["a"]}}]
    (block,) = message_blocks(content)
    block.input["tags"].append("b")

    assert {"tags": ["a"]} == content[0]["input"]
