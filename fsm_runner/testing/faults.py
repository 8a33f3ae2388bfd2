"""Faults: ways in which a request fails, as entries of a script.

A fault stands in place of a reply.  When the SDK retries, the next entry is played.

    [overloaded(), text("hello")]                    with max_retries=1: one 529, then the reply
    [disconnect(text("never whole"), after=4)]       the connection drops after four events of the stream
    [truncated(tool_use("search"), after=6)]         the stream ends early, without an error

`after` counts the events before the fault, with `ping` and `message_start`.  An answer that is not streamed has no
events; half of its JSON arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from fsm_runner.testing.replies import Block, Reply, reply, shorten, text

Kind: TypeAlias = Literal["status", "disconnect", "stall", "truncated", "malformed"]

FIRST_DELTA = 4
"""Events up to the first delta: message_start, content_block_start, ping, content_block_delta."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong: immutable.  Made by the functions below.

    Attributes:
        kind: what happens.
        within: the reply in which it happens; None: before any answer.
        after: how many events are sent first; 0: none, as if before any answer.
        status, error, message, headers: of an error answer.
        details: its ``error.details``, such as an ``error_code``; empty: none.
    """

    kind: Kind
    within: Reply | None = None
    after: int = FIRST_DELTA
    status: int = 200
    error: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Fault({shorten(str(self))!r})"

    def __str__(self) -> str:
        what = f"{self.status} {self.error}" if self.kind == "status" else self.kind
        return what if self.within is None else f"{what} after {self.after} events of: {self.within}"


def _whole(content: Block | Reply | None) -> Reply | None:
    return content if isinstance(content, Reply) or content is None else reply(content)


def _wait(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": f"{seconds:g}"}


def overloaded(
    content: Block | Reply | None = None, *, after: int = FIRST_DELTA, retry_after: float | None = None
) -> Fault:
    """Answer 529; with `content` and a stream: an ``error`` event within it, after a good start.

    Source: "Errors" and "Streaming messages", https://platform.claude.com/docs/en/api/errors
    """
    return Fault(
        kind="status",
        within=_whole(content),
        after=after,
        status=529,
        error="overloaded_error",
        message="Overloaded",
        headers=_wait(retry_after),
    )


def rate_limited(*, retry_after: float | None = 1) -> Fault:
    """Answer 429, with a ``retry-after`` header of `retry_after` seconds (None: without)."""
    message = "This request would exceed your account's rate limit. Please try again later."
    return Fault(kind="status", status=429, error="rate_limit_error", message=message, headers=_wait(retry_after))


def server_error(
    content: Block | Reply | None = None, *, after: int = FIRST_DELTA, retry_after: float | None = None
) -> Fault:
    """Answer 500; with `content` and a stream: an ``error`` event within it."""
    return Fault(
        kind="status",
        within=_whole(content),
        after=after,
        status=500,
        error="api_error",
        message="Internal server error",
        headers=_wait(retry_after),
    )


def error(status: int, kind: str, *, message: str, **headers: str) -> Fault:
    """Answer any other error in the API's shape, such as 413 ``request_too_large``; `_` in a header's name is `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(kind="status", status=status, error=kind, message=message, headers=named)


ThreadCode: TypeAlias = Literal[
    "thread_not_found",
    "thread_already_continued",
    "thread_continue_in_flight",
    "thread_fingerprint_mismatch",
    "thread_unsupported_request",
]


def thread_error(code: ThreadCode, *named: str) -> Fault:
    """Answer that a server-held thread cannot be used: 404 when it is lost, 400 else.

    Args:
        code: why.
        named: the features that threads do not support, or the fields that differ.

    Source: anthropic SDK 2.12, `anthropic.types.ErrorDetails`; the words of the messages are ours.
    """
    details: dict[str, Any] = {"error_code": code}
    if code == "thread_unsupported_request":
        details["unsupported"] = list(named)
    lost = code == "thread_not_found"
    about = f" ({', '.join(named)})" if named else ""
    return Fault(
        kind="status",
        status=404 if lost else 400,
        error="not_found_error" if lost else "invalid_request_error",
        message=f"thread: {code.removeprefix('thread_').replace('_', ' ')}{about}",
        details=details,
    )


def disconnect(content: Block | Reply | None = None, *, after: int | None = None) -> Fault:
    """Drop the connection: before any answer, or, with `content` or `after`, within it.

    The client meets ``httpx2.RemoteProtocolError``, which the SDK wraps and retries only before the answer.
    """
    return _dropped("disconnect", content, after)


def stall(content: Block | Reply | None = None, *, after: int | None = None) -> Fault:
    """Send nothing until the client's timeout: its ``httpx2.ReadTimeout`` comes at once, without the wait."""
    return _dropped("stall", content, after)


def _dropped(kind: Kind, content: Block | Reply | None, after: int | None) -> Fault:
    if content is None and after is None:
        return Fault(kind=kind)
    within = _whole(content if content is not None else text("cut off in the middle"))
    return Fault(kind=kind, within=within, after=FIRST_DELTA if after is None else after)


def truncated(content: Block | Reply, *, after: int = FIRST_DELTA) -> Fault:
    """End the answer early, without an error: the SDK's message then has the stop reason None."""
    return Fault(kind="truncated", within=_whole(content), after=after)


def malformed(content: Block | Reply, *, after: int = FIRST_DELTA) -> Fault:
    """Send an event whose JSON is broken off: the reader gets a ``json.JSONDecodeError``."""
    return Fault(kind="malformed", within=_whole(content), after=after)


def error_body(
    kind: str, message: str, *, request_id: str | None = None, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return an error in the API's shape; within a stream it has no request id.

    Source: "Errors", section "Error shapes", https://platform.claude.com/docs/en/api/errors
    """
    body: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": message}}
    if details:
        body["error"]["details"] = dict(details)
    return body if request_id is None else {**body, "request_id": request_id}
