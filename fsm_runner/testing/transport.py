"""The transport: answers that a scripted model gives to an HTTP client, whole, as server-sent events, or broken off."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio.lowlevel
import httpx2

from fsm_runner.testing.faults import Fault, error_body
from fsm_runner.testing.replies import json_of_input

Event: TypeAlias = Mapping[str, Any]
"""The data of one event; its ``type`` is also the event's name."""

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
"""The usage that `message_delta` repeats, now final.  Source: anthropic SDK 2.12, `BetaMessageDeltaUsage`."""

LATE = ("stop_details", "container")
"""Fields of the message that come in the delta of `message_delta`, not in `message_start`."""


def events(message: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events by which the API streams `message`."""
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
    """Return the block as `content_block_start` has it: without the content of its deltas."""
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
    """Yield the deltas of a block; a block of another type is complete in its start, and has none."""
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
            # The first one is empty, as the API's is: a reader that parses each piece must cope with it.
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
    """Return the event as it is sent."""
    return f"event: {event['type']}\ndata: {compact(event)}\n\n".encode()


JSON_TYPE = {"content-type": "application/json"}
STREAM_TYPE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
BROKEN_EVENT = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer: immutable.

    Attributes:
        status, headers: of the response.
        pieces: the body, each piece as it arrives.
        failure: raised after the pieces; when there are none, before any answer.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    failure: httpx2.TransportError | None = None


class ScriptedTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """An HTTP transport that gets its answers from a function; for sync and async clients."""

    def __init__(self, answer: Callable[[httpx2.Request], Answer]) -> None:
        self.answer = answer

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a sync client."""
        request.read()
        return _response(self.answer(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer an async client; other tasks run first, as they would during a real request."""
        await request.aread()
        await anyio.lowlevel.checkpoint()
        return _response(self.answer(request))


class _Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that arrives in pieces, for sync and async readers, and may break off."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self.answer.pieces
        if self.answer.failure is not None:
            raise self.answer.failure

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(iter(self))


class _Pieces:
    """The pieces, for an async reader.  Not a generator: a reader that stops early would leave it open."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def _response(answer: Answer) -> httpx2.Response:
    if answer.failure is not None and not answer.pieces:
        raise answer.failure
    return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def whole(message: Mapping[str, Any], *, request_id: str, stream: bool) -> Answer:
    """Return `message` as JSON, or as events."""
    pieces = [encode(event) for event in events(message)] if stream else [compact(message).encode()]
    return Answer(headers={**(STREAM_TYPE if stream else JSON_TYPE), "request-id": request_id}, pieces=pieces)


def error_answer(
    status: int,
    error: str,
    *,
    message: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Answer:
    """Return an error in the API's shape."""
    body = compact(error_body(error, message, request_id=request_id, details=details)).encode()
    return Answer(status=status, headers={**JSON_TYPE, "request-id": request_id, **(headers or {})}, pieces=[body])


def faulty(
    fault: Fault, message: Mapping[str, Any] | None, *, request: httpx2.Request, request_id: str, stream: bool
) -> Answer:
    """Return the answer with `fault` in `message`; None: before any answer."""
    if message is None or (fault.kind == "status" and not stream):
        if fault.kind == "status":
            return error_answer(
                fault.status,
                fault.error,
                message=fault.message,
                request_id=request_id,
                headers=fault.headers,
                details=fault.details,
            )
        return Answer(failure=_failure(fault, request, begun=False))
    sent = whole(message, request_id=request_id, stream=stream)
    pieces = list(sent.pieces[: fault.after]) if stream else [sent.pieces[0][: len(sent.pieces[0]) // 2]]
    match fault.kind:
        case "status":
            pieces.append(encode(error_body(fault.error, fault.message)))
        case "malformed" if stream:
            pieces.append(BROKEN_EVENT)
        case "disconnect" | "stall":
            return Answer(headers=sent.headers, pieces=pieces, failure=_failure(fault, request, begun=True))
        case _:
            pass
    return Answer(headers=sent.headers, pieces=pieces)


def _failure(fault: Fault, request: httpx2.Request, *, begun: bool) -> httpx2.TransportError:
    if fault.kind == "stall":
        return httpx2.ReadTimeout("The read operation timed out", request=request)
    missing = (
        "peer closed connection without sending complete message body (incomplete chunked read)"
        if begun
        else "Server disconnected without sending a response."
    )
    return httpx2.RemoteProtocolError(missing, request=request)
