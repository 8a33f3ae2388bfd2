"""The SDK's objects as plain JSON data: models, typed dicts, iterables of either.

What comes out is a copy, so later changes by the caller to what it gave do not reach the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, TypeGuard, cast

import pydantic
from anthropic import NotGiven, Omit
from anthropic.types.beta import BetaMessage

from fsm_runner.loop.events import Json

_SCALARS = (str, int, float, bool, type(None))


def is_given(value: object) -> bool:
    """Whether `value` is neither of the SDK's marks for an argument that was left out."""
    return not isinstance(value, (Omit, NotGiven))


def plain(value: object) -> object:
    """Return a copy of `value` as JSON data, as a request body holds it.

    Models are dumped with the fields that were set; mappings become dicts, other iterables lists.  Anything else that
    JSON does not know stays as it is, for the SDK to encode or refuse.
    """
    try:
        return _copied(value)
    except RecursionError:
        return value  # it holds itself


def _copied(value: object) -> object:
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, pydantic.BaseModel):
        return model_data(value)
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items() if is_given(item)}
    if isinstance(value, (list, tuple)) or (isinstance(value, Iterable) and not isinstance(value, (bytes, Set))):
        return [_copied(item) for item in value]
    return value


def model_data(model: pydantic.BaseModel) -> dict[str, object]:
    """Return the fields of `model` that were set, as JSON data."""
    data = model.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    _without_parsed_output(data)
    return data


def message_data(message: BetaMessage) -> dict[str, object]:
    """Return a reply as the API sent it."""
    return model_data(message)


def message_param(message: object) -> Json:
    """Return a message of the caller, a reply among them, as a request sends it.

    Raises:
        TypeError: `message` is neither a mapping nor one of the SDK's messages.
    """
    if isinstance(message, BetaMessage):
        return {"role": message.role, "content": message_data(message)["content"]}
    data = plain(message)
    if not is_json_object(data):
        raise TypeError(f"messages: a message is a dict with 'role' and 'content', got {type(message).__name__}")
    return data


def message_blocks(content: object) -> object:
    """Return the content of a reply as the SDK's blocks."""
    return BetaMessage.construct(content=cast(Any, content)).content


def is_json_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def _without_parsed_output(data: dict[str, object]) -> None:
    """The SDK adds what it parsed to text blocks; the API takes no such field."""
    content = data.get("content")
    if isinstance(content, list):
        for block in content:
            if isinstance(block, dict):
                block.pop("parsed_output", None)
    data.pop("parsed_output", None)
