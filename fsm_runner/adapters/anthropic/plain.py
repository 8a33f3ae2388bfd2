"""The SDK's messages and errors as plain JSON data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import anthropic
from anthropic.types.beta import BetaMessage

from fsm_runner.adapters.anthropic.json_values import copied, json_object, json_value, model_data
from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.events import Failed, Json

_MESSAGE = "a message is a dict with 'role' and 'content'"


def message_data(message: BetaMessage) -> dict[str, object]:
    """Return a reply as the API sent it, except for values that JSON or UTF-8 cannot hold.

    Raises:
        NotJson: it nests too deep.
    """
    return reply_data(message, "the reply")


def reply_data(model: Any, where: str) -> dict[str, object]:
    """Return a part of a reply as the API sent it, except for values that JSON or UTF-8 cannot hold.

    Raises:
        NotJson: it nests too deep.
    """
    try:
        data: object = model_data(model)
    except (ValueError, RecursionError):  # deeper than pydantic dumps
        data = model
    return cast("dict[str, object]", json_value(data, where, mend=True))


def message_param(message: object, where: str = "messages") -> Json:
    """Return a message given by the caller, in the form that a request sends.  It may be a reply.

    Args:
        message: what the caller gave.
        where: its place, for errors.

    Raises:
        NotJson: `message` is neither a mapping nor one of the SDK's messages, or JSON cannot hold it.
    """
    if isinstance(message, BetaMessage):
        return {"role": message.role, "content": message_data(message)["content"]}
    return json_object(message, where, _MESSAGE)


def message_blocks(content: object) -> object:
    """Return the content of a reply as blocks of the SDK.  They are copies, so the caller may change them."""
    return BetaMessage.construct(content=cast(Any, copied(content))).content


MAX_TEXT = 2000
"""How many characters of an exception's text the machine and the journal keep."""


def failed(error: BaseException) -> Failed:
    """Return the event for an exception raised by a request, a stream or a summary."""
    status = error.status_code if isinstance(error, anthropic.APIStatusError) else None
    code = error_code(error.body) if isinstance(error, anthropic.APIError) else None
    reply = error.reply if isinstance(error, ReplyError) else None
    text = said(error, str)[:MAX_TEXT]
    return Failed(error=type(error).__name__, text=text, status=status, code=code, message=reply)


def said(error: BaseException, how: Callable[[object], str]) -> str:
    """Return the text of `error`, made with `how`: ``str`` or ``repr``.  If that raises, its type's name."""
    try:
        return how(error)
    except Exception:
        return type(error).__name__


def refusal(text: str) -> Exception:
    """Return the exception that the SDK would raise for the same mistake."""
    return anthropic.AnthropicError(text)


def error_code(body: object) -> str | None:
    """Return ``error.details.error_code`` of an error's body: the API's word for what to do about the error."""
    for key in ("error", "details", "error_code"):
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, str) else None
