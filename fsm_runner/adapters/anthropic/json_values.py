"""The entrance: every value that enters a run becomes JSON data here, or is refused with its place.

Tool results, the caller's messages and the model's replies are all sent to the API again and again, and written to
the journal.  So each is read once, checked to any depth, and copied.  Changing the original later does not affect the
run.

Accepted, as in the SDK: models, mappings, iterables (also those that can be read only once), dates, subclasses of str
and of numbers, and files where the API takes base64.  A lone surrogate becomes U+FFFD, in keys too.  Anything else is
a TypeError that says where: ``messages[2].content[0].input.amount: Decimal is no JSON``.  A model's reply is never
refused for a value that JSON or UTF-8 cannot hold: its NaN and infinities become null.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import re
from collections import UserString
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeGuard

import orjson
import pydantic
from anthropic import NotGiven, Omit

DEEPEST = 320
"""How many levels a value may nest.  Python's own JSON encoder fails before 1,000, and the caller's stack counts."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_LIST = (bytes, bytearray, memoryview, UserString, io.IOBase)
_SCALARS = frozenset({str, int, float, bool, type(None)})
_MOST_BITS = 13_950
"""The most bits of a whole number: about 4,200 digits.  Python reads and writes no more than 4,300."""
_LONGEST_NAME = 60
"""How many characters of a key an error shows."""


class NotJson(TypeError):
    """The error for a value that cannot enter a run.

    Attributes:
        problem: what is wrong with it, and what to give instead.
        problem: what is wrong with it, and the way out.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" if self.where else self.problem


def is_given(value: object) -> bool:
    """Whether `value` is an argument that was given, not one of the SDK's marks for one that was left out."""
    return not isinstance(value, (Omit, NotGiven))


def is_json_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def json_value(value: object, where: str, *, mend: bool = False) -> object:
    """Return a copy of `value` as JSON data.

    Args:
        value: the value that enters.
        where: its place, for errors, such as ``messages[2]``.
        mend: whether NaN and the infinities become null instead of being refused.

    Raises:
        NotJson: JSON cannot hold it, or it nests deeper than `DEEPEST` levels.
        OSError: a file in it cannot be read.
    """
    try:  # what equals its own JSON is JSON: no walk in Python, and the copy is at hand
        made: object = orjson.loads(orjson.dumps(value))
        if made == value:
            return made
    except (TypeError, ValueError, RecursionError):
        pass
    return _Walk(where, mend=mend).of(value)


def json_object(value: object, where: str, what: str) -> dict[str, object]:
    """Return a copy of `value` as a JSON object.

    Args:
        value: the value that enters.
        where: its place, for errors.
        what: what it should be, for errors, such as ``a result is a dict``.

    Raises:
        NotJson: it is not a mapping or a model, or JSON cannot hold it.
    """
    if not isinstance(value, (Mapping, pydantic.BaseModel)):
        raise NotJson(where, f"{what}, got {type(value).__name__}")
    made = json_value(value, where)
    if not is_json_object(made):
        raise NotJson(where, f"{what}, got {type(value).__name__}")
    return made


def copied(value: object) -> object:
    """Return a copy of the run's JSON data, for code that may change it."""
    if type(value) in _SCALARS:
        return value
    try:
        made: object = orjson.loads(orjson.dumps(value))
    except (TypeError, ValueError):  # orjson refuses whole numbers beyond 64 bits and deep nesting, which are JSON
        return _Walk("", mend=True).of(value)
    return made


def well_formed(text: str) -> str:
    """Return `text` with each unpaired surrogate replaced by U+FFFD, so that it can be sent."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text


def model_data(model: pydantic.BaseModel) -> dict[str, object]:
    """Return the fields of `model` that were set, as JSON data, without what the SDK parsed."""
    data = model.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    _without_parsed_output(data)
    return data


def structure(value: object) -> object:
    """Return a copy of the containers in `value`, with the same leaves: to compare later, to see if it was edited."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, pydantic.BaseModel):
        return model_data(value)
    if isinstance(value, Mapping):
        return {key: structure(item) for key, item in value.items() if is_given(item)}
    if isinstance(value, (list, tuple)):
        return [structure(item) for item in value]
    return value


def lasting(value: object, where: str) -> object:
    """Return `value` itself, which the caller may edit later, or a copy as JSON data if it can be read only once."""
    return json_value(value, where) if _is_read_once(value, 0) else value


def _is_read_once(value: object, depth: int) -> bool:
    kind = type(value)
    if kind in _SCALARS or depth > DEEPEST:
        return False
    if isinstance(value, Mapping):
        return any(_is_read_once(each, depth + 1) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_read_once(each, depth + 1) for each in value)
    return hasattr(value, "__next__") or isinstance(value, io.IOBase)


class _Walk:
    """Copies a value as JSON data, in Python, and keeps track of the place it is at."""

    def __init__(self, where: str, *, mend: bool) -> None:
        self._where = where
        self._mend = mend
        self._path: list[object] = []

    def of(self, value: object) -> object:
        try:
            return self._of(value)
        except RecursionError:
            raise self._too_deep() from None

    def _of(self, value: object) -> object:
        """Uses one stack frame a level, so that deep values fit on top of the caller's stack."""
        kind = type(value)
        if kind in _SCALARS or isinstance(value, (str, int, float)):
            return self._scalar(value)
        if isinstance(value, date):
            return value.isoformat()
        if len(self._path) >= DEEPEST:
            raise self._too_deep()
        if isinstance(value, pydantic.BaseModel):
            value = self._dumped(value)
        if isinstance(value, Mapping):
            made: dict[str, object] = {}
            for key, item in value.items():
                if isinstance(item, (Omit, NotGiven)):
                    continue
                self._path.append(key)
                if type(item) is not str and _is_file(item) and value.get("type") == "base64" and key == "data":
                    made["data"] = self._read(item)
                else:
                    made[self._key(key)] = self._of(item)
                self._path.pop()
            return made
        if isinstance(value, Iterable) and not isinstance(value, _NO_LIST):
            items: list[object] = []
            for item in value:
                self._path.append(len(items))
                items.append(self._of(item))
                self._path.pop()
            return items
        raise self._refused(f"{kind.__name__} is no JSON (give text, a number, true, false, None, a list or a dict)")

    def _scalar(self, value: object) -> object:
        """Return a subclass of a scalar, such as an enumeration's member, as its JSON value."""
        if isinstance(value, str):
            return well_formed(str.__str__(value))
        if isinstance(value, float):
            if math.isfinite(value):
                return float.__float__(value)
            if self._mend:
                return None
            raise self._refused(f"{float.__repr__(value)} is no JSON (give a finite number, or None)")
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if value.bit_length() <= _MOST_BITS:
            return int.__int__(value)
        if self._mend:
            return None
        raise self._refused("a whole number of more than 4,200 digits cannot be sent (give it as text)")

    def _key(self, key: object) -> str:
        """Return a key as the SDK's encoder writes it."""
        if isinstance(key, str):
            return well_formed(str.__str__(key))
        if key is None or isinstance(key, (bool, int, float)):
            return json.dumps(key)
        raise self._refused(f"a key of type {type(key).__name__} is no JSON (give text)")

    def _read(self, file: object) -> str:
        """Return the rest of a file in base64.  Source: anthropic 2.12."""
        if isinstance(file, Path):
            content: object = file.read_bytes()
        elif isinstance(file, io.IOBase) and hasattr(file, "read"):
            content = file.read()
        else:
            raise self._refused(f"{type(file).__name__} cannot be read (give a pathlib.Path, or an open file)")
        if isinstance(content, str):
            content = content.encode()
        if not isinstance(content, bytes):
            raise self._refused(f"reading it gave {type(content).__name__} (give a file of bytes)")
        return base64.b64encode(content).decode("ascii")

    def _dumped(self, model: pydantic.BaseModel) -> object:
        """Return the fields of a model that were set.  If pydantic cannot dump them, the walk goes on to find where."""
        try:
            return model_data(model)
        except (ValueError, RecursionError):
            known, extra = type(model).model_fields, model.model_extra or {}
            names = {name: known[name].alias or name for name in known if name in model.model_fields_set}
            data = {alias: getattr(model, name) for name, alias in names.items()} | extra
            data.pop("parsed_output", None)
            return data

    def _too_deep(self) -> NotJson:
        return NotJson(self._where, f"it nests deeper than {DEEPEST} levels, or holds itself (send it as text)")

    def _refused(self, problem: str) -> NotJson:
        return NotJson(self._place(), problem)

    def _place(self) -> str:
        place = self._where
        for step in self._path:
            if isinstance(step, int):
                place += f"[{step}]"
            else:
                name = well_formed(step)[:_LONGEST_NAME] if isinstance(step, str) else f"<{type(step).__name__}>"
                place += f".{name}" if place else name
        return place


def _is_file(value: object) -> bool:
    return isinstance(value, (io.IOBase, os.PathLike))


def _without_parsed_output(data: dict[str, object]) -> None:
    """Remove what the SDK parsed from text blocks: the API does not take that field."""
    content = data.get("content")
    if isinstance(content, list):
        for block in content:
            if isinstance(block, dict):
                block.pop("parsed_output", None)
    data.pop("parsed_output", None)
