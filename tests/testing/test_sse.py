"""The events of a reply come in the order and the shapes of the Messages API."""

from __future__ import annotations

import json

from fsm_runner.testing import ScriptedModel, reply, text, thinking, tool_use
from fsm_runner.testing.transport import events, pieces
from tests.testing.conftest import ASKED

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [text("hello"), {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"query": "ants"}}],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 9},
}


def test_the_events_follow_the_documented_order():
    """Start, each block with its deltas, the message's delta, stop; a ping in between."""
    assert [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == [event["type"] for event in events(MESSAGE)]


def test_the_start_knows_nothing_of_the_end():
    """The first event has no content, no stop reason, and one output token."""
    start = next(events(MESSAGE))["message"]

    assert ([], None, {"input_tokens": 3, "output_tokens": 1}) == (
        start["content"],
        start["stop_reason"],
        start["usage"],
    )


def test_arguments_come_as_broken_json_after_an_empty_piece():
    """The pieces add up to the JSON, and none but the first is empty."""
    parts = [event["delta"]["partial_json"] for event in events(MESSAGE) if "partial_json" in event.get("delta", ())]

    assert "" == parts[0]
    assert all(parts[1:])
    assert {"query": "ants"} == json.loads("".join(parts))


def test_a_long_text_comes_in_at_most_eight_pieces():
    """However long, so that adding up does not cost its square."""
    parts = list(pieces("x" * 10_001, 16))

    assert 8 == len(parts)
    assert "x" * 10_001 == "".join(parts)


def test_an_empty_text_has_no_pieces():
    """Nothing is nothing."""
    assert [] == list(pieces("", 16))


async def test_the_raw_stream_has_the_same_events():
    """`create(stream=True)` of both clients reads every event but the pings."""
    content = reply(thinking("well"), text("hello there, ant"), tool_use("search", {"query": "ants"}))
    model = ScriptedModel([content, content])
    with model.sync_client().beta.messages.create(**ASKED, stream=True) as raw:
        read = [event.type for event in raw]
    async with await model.client().beta.messages.create(**ASKED, stream=True) as raw:
        read_async = [event.type async for event in raw]

    assert read == read_async
    assert ["message_start", "message_delta", "message_stop"] == [kind for kind in read if kind.startswith("message")]
    assert 3 == read.count("content_block_stop")
    assert "ping" not in read


async def test_the_plain_messages_resource_reads_the_stream_too():
    """Not only the beta's: `client.messages.stream`."""
    async with ScriptedModel([text("hello")]).client().messages.stream(**ASKED) as stream:
        said = "".join([piece async for piece in stream.text_stream])

    assert "hello" == said
