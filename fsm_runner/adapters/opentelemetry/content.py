"""The content of a tool's span: what of arguments and result is recorded, and how much.

Only asked for when the client's content mode says so.  Source: anthropic 2.12, whose tests hold the sizes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from fsm_runner.adapters.opentelemetry.names import ARGUMENTS, RESULT, TRUNCATED
from fsm_runner.loop.events import Json

_WHOLE = ("text", "search_result")
_OPAQUE = "encrypted_"
_BINARY = ("image", "document")


def content_attributes(arguments: object, result: Json | None, *, limit: int) -> dict[str, str | bool]:
    """Return the content attributes of a tool's span.

    Arguments that alone are larger than `limit` are left out whole.  The result then loses whole blocks, the last one
    first, until both fit; an emptied list stays, also where it does not fit.

    Args:
        arguments: the input of the call; None: none.
        result: the ``tool_result`` block; None when the call was cut off, and then nothing is said of a result.
        limit: bytes of UTF-8, of all JSON together.

    Raises:
        ValueError, RecursionError: the content holds itself, so JSON cannot hold it.
    """
    given = None if arguments is None else _json(arguments)
    items = None if result is None else [_json(block) for block in result_blocks(result.get("content"))]
    attributes: dict[str, str | bool] = {}
    truncated = False
    if given is not None:
        truncated = _size(given) > limit
        if not truncated:
            attributes[ARGUMENTS] = given
            limit -= _size(given)
    if items is not None:
        kept = _fitting(items, limit)
        truncated = truncated or kept < len(items)
        attributes[RESULT] = f"[{','.join(items[:kept])}]"
    if truncated:
        attributes[TRUNCATED] = True
    return attributes


def result_blocks(content: object) -> list[object]:
    """Return the content of a result as the blocks that may be recorded.

    Text and search results keep their fields, but for opaque and binary ones; of any other block only its type stays.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, (list, tuple)):
        return []
    return [_block(block) for block in content]


def _block(block: object) -> object:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if kind in _WHOLE:
        return _readable(block)
    return {"type": kind if isinstance(kind, str) else "unknown"}


def _readable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_readable(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("type") in _BINARY:
        return {"type": value["type"]}
    return {key: _readable(item) for key, item in value.items() if not key.startswith(_OPAQUE)}


def _fitting(items: Sequence[str], limit: int) -> int:
    """How many of `items`, from the first one on, a JSON list within `limit` bytes holds."""
    total = len("[]")
    for count, item in enumerate(items):
        total += _size(item) + (len(",") if count else 0)
        if total > limit:
            return count
    return len(items)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _size(text: str) -> int:
    # An ASCII string knows that it is one, and needs no copy to be measured.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
