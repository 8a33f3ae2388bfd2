"""Server-sent events: one message, as the Messages API streams it.

    message_start                                    the message without content, stop reason and final usage
    content_block_start, [ping], content_block_delta ..., content_block_stop         for each block
    message_delta                                    stop reason, container, cumulative usage
    message_stop

Adding the events up gives the message that the same reply is as JSON.

Source: "Streaming messages", https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from fsm_runner.testing.replies import json_of_input

Event: TypeAlias = Mapping[str, Any]
"""The data of one event; its ``type`` is the event's name too."""

CUMULATIVE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
    "iterations",
    "fallback_credit",
)
"""The usage that `message_delta` repeats, final.  Source: anthropic SDK 2.12, `BetaMessageDeltaUsage`."""

LATE = ("stop_details", "container")
"""Fields of the message that come in the delta of `message_delta`, not in `message_start`."""


def events(message: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events that add up to `message`, the JSON of a whole one."""
    hidden = {*LATE, "context_management"}
    started = {name: value for name, value in message.items() if name not in hidden}
    usage = message["usage"]
    started |= {"content": [], "stop_reason": None, "stop_sequence": None}
    started["usage"] = {**usage, "output_tokens": min(1, usage["output_tokens"])}
    yield {"type": "message_start", "message": started}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": opened(block)}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield _message_delta(message)
    yield {"type": "message_stop"}


def _message_delta(message: Mapping[str, Any]) -> Event:
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", *LATE) if name in message}
    usage = {name: message["usage"][name] for name in CUMULATIVE if name in message["usage"]}
    event = {"type": "message_delta", "delta": delta, "usage": usage}
    if "context_management" in message:
        event["context_management"] = message["context_management"]
    return event


def opened(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block as `content_block_start` has it: without what its deltas bring."""
    match block["type"]:
        case "text":
            kept = {name: value for name, value in block.items() if name != "citations" or not value}
            return {**kept, "text": ""}
        case "thinking":
            return {**block, "thinking": "", "signature": ""}
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            return {**block, "input": {}}
        case "compaction":
            return {name: value for name, value in block.items() if name != "encrypted_content"} | {"content": None}
        case _:
            return dict(block)


def deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the deltas that fill the block; a block of another kind comes whole in its start and has none."""
    match block["type"]:
        case "text":
            for citation in block.get("citations") or ():
                yield {"type": "citations_delta", "citation": citation}
            for piece in pieces(block["text"], 16):
                yield {"type": "text_delta", "text": piece}
        case "thinking":
            for piece in pieces(block["thinking"], 16):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            # The first is empty, as the API's is: a reader that parses each piece must survive it.
            for piece in ("", *pieces(json_of_input(block), 8)):
                yield {"type": "input_json_delta", "partial_json": piece}
        case "compaction":
            encrypted = {name: block[name] for name in ("encrypted_content",) if name in block}
            yield {"type": "compaction_delta", "content": block["content"], **encrypted}
        case _:
            return


def pieces(whole: str, least: int) -> Iterator[str]:
    """Yield `whole` in at most 8 pieces of `least` characters or more; nothing for an empty string."""
    size = max(least, -(-len(whole) // 8))
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def compact(value: Any) -> str:
    """Return `value` as JSON without spaces, its characters as they are."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written if written.isascii() else _LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", written)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(event: Event) -> bytes:
    """Return the event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {compact(event)}\n\n".encode()
