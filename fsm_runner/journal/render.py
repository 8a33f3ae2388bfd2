"""Rendering: plain data as one line of bytes, and back.

orjson does it, in one pass.  What JSON cannot hold must not end a run, so it is written as a *stand-in*:
``{"$python": "bytes", "value": "aGk="}`` names the type and keeps what can be kept.  Most of it orjson asks us about
as it goes.  A few things it refuses as a whole: text with lone surrogates, whole numbers beyond 64 bits, keys that are
not text, nesting beyond 250.  Only then is the value walked and copied.

NaN and the infinities are written as null, as orjson has it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date, datetime, time
from enum import Enum
from functools import partial
from uuid import UUID

import orjson
from pydantic import BaseModel

STAND_IN = "$python"
"""The key by which a stand-in is known."""

DEEPEST = 100
"""How deep a value may nest before the rest of it is written as text; whatever the API sends nests less."""

LONGEST = 1_000
"""Characters of a value's ``repr`` that a stand-in keeps."""

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_INT_BITS = 63


def stand_in(value: object) -> object:
    """Return what is written for `value`, which JSON cannot hold.

    bytes: in base64.  A date or time: in ISO 8601.  A pydantic model: its JSON data.  Anything else: its ``repr``.
    A mapping is written as an object and a collection as an array, without a mark, for nothing is lost.
    """
    try:
        return _stand_in(value)
    except Exception:  # a value of the user's own may do anything when it is looked at; that must not end a run
        return _marked(value, _shown(value))


def _stand_in(value: object) -> object:
    match value:
        case Mapping():
            return {**value}
        case bytes() | bytearray() | memoryview():
            return _marked(value, base64.b64encode(value).decode("ascii"))
        case datetime() | date() | time():
            return _marked(value, value.isoformat())
        case BaseModel():
            return _marked(value, value.model_dump(mode="json", warnings=False))
        case Set():
            return sorted(value, key=str)
        case Iterable() if hasattr(value, "__len__"):
            return list(value)
        case _:
            return _marked(value, _shown(value))


def render(value: object, *, default: Callable[[object], object] = stand_in) -> bytes:
    """Return `value` as JSON on one line, without the line's end."""
    try:
        return orjson.dumps(value, default=default, option=_OPTIONS)
    except TypeError:  # orjson's only error; what it refuses as a whole is rare
        return orjson.dumps(_copied(value, ()), option=_OPTIONS)


def iso_time(moment: datetime) -> str:
    """Return `moment` in ISO 8601, as ``isoformat`` does in four times the time."""
    return orjson.dumps(moment)[1:-1].decode("ascii")


def canonical(value: object) -> bytes:
    """Return `value` as JSON with sorted keys: equal data, equal bytes."""
    try:
        return orjson.dumps(value, default=stand_in, option=_OPTIONS | orjson.OPT_SORT_KEYS)
    except TypeError:  # as above
        return orjson.dumps(_copied(value, ()), option=_OPTIONS | orjson.OPT_SORT_KEYS)


parse: Callable[[bytes], object] = orjson.loads
"""Returns the value that a line holds; `ValueError` when it is not JSON."""


def _marked(value: object, kept: object) -> object:
    return {STAND_IN: type(value).__name__, "value": kept}


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # as above
        text = f"<{type(value).__name__}>"
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def _copied(value: object, within: tuple[int, ...]) -> object:
    """A copy of `value` that orjson takes; `within` holds the identities of what it is inside of."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if value.bit_length() <= _INT_BITS else _marked(value, str(value))
        case str():
            clean = value.encode("utf-8", "backslashreplace").decode("utf-8")
            return value if clean == value else _marked(value, clean)
    if len(within) >= DEEPEST or id(value) in within:
        return _marked(value, "nested too deep")
    inside = partial(_copied, within=(*within, id(value)))
    match value:
        case Mapping():
            return {_key(key): inside(each) for key, each in value.items()}
        case list() | tuple():
            return [inside(each) for each in value]
        case Enum():
            return inside(value.value)
        case UUID():
            return str(value)
        case _:
            return inside(stand_in(value))


def _key(key: object) -> str:
    return str(key).encode("utf-8", "backslashreplace").decode("utf-8")
