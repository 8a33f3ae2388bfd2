"""The SDK's messages as plain JSON data, and back.

What comes out is a copy, so later changes by the caller to what it gave do not reach the run.  What is inside is
checked by `json_values`.
"""

from __future__ import annotations

from typing import Any, cast

from anthropic.types.beta import BetaMessage

from fsm_runner.adapters.anthropic.json_values import copied, json_object, json_value, model_data
from fsm_runner.loop.events import Json

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
