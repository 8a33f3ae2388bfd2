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
    """Return a reply as the API sent it, but for what JSON or UTF-8 cannot hold.

    Raises:
        NotJson: it nests too deep.
    """
    return reply_data(message, "the reply")


def reply_data(model: Any, where: str) -> dict[str, object]:
    """Return a part of a reply as the API sent it, but for what JSON or UTF-8 cannot hold.

    Raises:
        NotJson: it nests too deep.
    """
    try:
        data: object = model_data(model)
    except (ValueError, RecursionError):  # deeper than pydantic dumps
        data = model
    return cast("dict[str, object]", json_value(data, where, mend=True))


def message_param(message: object, where: str = "messages") -> Json:
    """Return a message of the caller, a reply among them, as a request sends it.

    Args:
        message: what the caller gave.
        where: what it is called in an error.

    Raises:
        NotJson: `message` is neither a mapping nor one of the SDK's messages, or JSON cannot hold it.
    """
    if isinstance(message, BetaMessage):
        return {"role": message.role, "content": message_data(message)["content"]}
    return json_object(message, where, _MESSAGE)


def message_blocks(content: object) -> object:
    """Return the content of a reply as the SDK's blocks, which the caller may change."""
    return BetaMessage.construct(content=cast(Any, copied(content))).content


MAX_TEXT = 2000
"""Characters of an exception's text that the machine and the journal keep."""


def failed(error: BaseException) -> Failed:
    """Return the event for an exception of a request, a stream or a summary."""
    status = error.status_code if isinstance(error, anthropic.APIStatusError) else None
    code = error_code(error.body) if isinstance(error, anthropic.APIError) else None
    reply = error.reply if isinstance(error, ReplyError) else None
    text = said(error, str)[:MAX_TEXT]
    return Failed(error=type(error).__name__, text=text, status=status, code=code, message=reply)


def said(error: BaseException, how: Callable[[object], str]) -> str:
    """Return what `error` says of itself by `how`, ``str`` or ``repr``; its type's name when that raises."""
    try:
        return how(error)
    except Exception:
        return type(error).__name__


def refusal(text: str) -> Exception:
    """Return the SDK's exception for something that it would refuse itself."""
    return anthropic.AnthropicError(text)


def error_code(body: object) -> str | None:
    """Return ``error.details.error_code`` of an error's body, by which the API says what to do about it."""
    for key in ("error", "details", "error_code"):
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, str) else None
