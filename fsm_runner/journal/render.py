"""Rendering: plain data as one line of bytes, and back.

orjson renders in one pass.  A value that JSON cannot hold must not end a run, so a *stand-in* is written for it:
``{"$python": "bytes", "value": "aGk="}`` names the type and keeps what can be kept.  For most such values orjson asks
us as it goes.  A few make it refuse the whole: text with lone surrogates, whole numbers beyond 64 bits, keys that are
not text, nesting beyond 250 levels.  Only then is the value walked and copied.  Long numbers and deep nesting are JSON,
so Python's own encoder writes them.  Its decoder reads long numbers, since orjson would make floats of them.

NaN and the infinities are written as null, as orjson does.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date, datetime, time
from enum import Enum
from math import isfinite
from uuid import UUID

import orjson
from pydantic import BaseModel

STAND_IN = "$python"
"""The key that marks a stand-in."""

DEEPEST = 400
"""How deep a value may nest before the rest of it is left out.  A value that enters a run may nest 320 levels, and the
record around it adds some."""

LONGEST = 1_000
"""How many characters of a value's ``repr`` a stand-in keeps."""

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_MOST_BITS = 13_950
"""The most bits of a whole number: about 4,200 digits.  Python reads and writes no more than 4,300."""
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG = b"0" * 19
"""So many digits in a row may be a whole number beyond 64 bits."""


def stand_in(value: object) -> object:
    """Return what is written for `value`, which JSON cannot hold.

    bytes: in base64.  A date or time: in ISO 8601.  A pydantic model: its JSON data.  Anything else: its ``repr``.
    A mapping becomes an object and a collection an array, without a mark, since nothing is lost.
    """
    try:
        return _stand_in(value)
    except Exception:  # looking at a user's value may run any code, and must not end a run
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
    except TypeError:  # orjson's only error; it is rare
        return _rendered(value)


def iso_time(moment: datetime) -> str:
    """Return `moment` in ISO 8601, four times as fast as ``isoformat``."""
    return orjson.dumps(moment)[1:-1].decode("ascii")


def canonical(value: object) -> bytes:
    """Return `value` as JSON with sorted keys: equal data gives equal bytes."""
    try:
        return orjson.dumps(value, default=stand_in, option=_OPTIONS | orjson.OPT_SORT_KEYS)
    except TypeError:  # orjson refuses it, as above
        return _rendered(value, sort=True)


def _rendered(value: object, *, sort: bool = False) -> bytes:
    """Render what orjson refuses.  Equal data is rendered alike, whether it was read from a file or made."""
    data = _copied(value, [])
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS if sort else None)
    except TypeError:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=sort).encode()


def parse(line: bytes) -> object:
    """Return the value that a line holds; raise `ValueError` if it is not JSON."""
    if _LONG not in line.translate(_DIGITS):
        return orjson.loads(line)
    try:
        value: object = json.loads(line, parse_constant=_refused)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    return value


def _refused(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _marked(value: object, kept: object) -> object:
    return {STAND_IN: type(value).__name__, "value": kept}


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # as in `stand_in`
        text = f"<{type(value).__name__}>"
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def _copied(value: object, within: list[int]) -> object:
    """Return a copy of `value` that JSON can hold, one stack frame a level; `within`: ids of the values around it."""
    match value:
        case None | bool():
            return value
        case float():
            return value if isfinite(value) else None
        case int():
            return value if value.bit_length() <= _MOST_BITS else _marked(value, hex(value))
        case str():
            clean = value.encode("utf-8", "backslashreplace").decode("utf-8")
            return value if clean == value else _marked(value, clean)
        case Enum():
            return _copied(value.value, within)
        case UUID():
            return str(value)
    if len(within) >= DEEPEST or id(value) in within:
        return _marked(value, "nested too deep")
    within.append(id(value))
    made: object
    if isinstance(value, Mapping):
        fields: dict[str, object] = {}
        for key, each in value.items():
            fields[_key(key)] = _copied(each, within)
        made = fields
    elif isinstance(value, (list, tuple)):
        items: list[object] = []
        for each in value:
            items.append(_copied(each, within))  # noqa: PERF401 - a comprehension costs one more frame a level
        made = items
    else:
        made = _copied(stand_in(value), within)
    within.pop()
    return made


def _key(key: object) -> str:
    return str(key).encode("utf-8", "backslashreplace").decode("utf-8")
