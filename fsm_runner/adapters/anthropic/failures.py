"""An exception as the event that tells the machine of it."""

from __future__ import annotations

from collections.abc import Callable

import anthropic

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.events import Failed

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
