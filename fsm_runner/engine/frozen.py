"""Frozen data: what a run is made of, as `msgspec.Struct`s, which are quick to make and to replace.

A struct is never changed; `msgspec.structs.replace` makes another.  It can be compared, copied, pickled, and hashed if
its fields can.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from reprlib import Repr

import msgspec

from fsm_runner.engine.text import clipped

__all__ = ["NONE", "Frozen", "fields_of", "is_frozen", "short_repr"]

_SHORT = Repr()
_SHORT.fillvalue = "…"
_SHORT.maxlevel = 2
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxfrozenset = 3
_SHORT.maxstring = _SHORT.maxother = 40


class Field(msgspec.Struct, frozen=True):
    """A field of frozen data: immutable.

    Attributes:
        name: its name.
        default: its value where none is given; `NONE` where one must be, or where each gets its own.
        made: what makes the value for each; None where nothing does.
        told: whether a `repr` may tell it.
    """

    name: str
    default: object
    made: object = None
    told: bool = True


NONE = msgspec.NODEFAULT
"""No default."""


def is_frozen(value: object) -> bool:
    """Whether `value` is frozen data of ours: a struct, or a dataclass where it is not hot."""
    return isinstance(value, msgspec.Struct) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def fields_of(cls: type) -> tuple[Field, ...]:
    """Return the fields of a struct or a dataclass, in order."""
    try:
        return _KNOWN[cls]
    except KeyError:
        return _KNOWN.setdefault(cls, _fields(cls))


_KNOWN: dict[type, tuple[Field, ...]] = {}


def _fields(cls: type) -> tuple[Field, ...]:
    if issubclass(cls, msgspec.Struct):
        return tuple(
            Field(each.name, each.default, None if each.default_factory is NONE else each.default_factory)
            for each in msgspec.structs.fields(cls)
        )
    missing = dataclasses.MISSING
    return tuple(
        Field(
            each.name,
            NONE if each.default is missing else each.default,
            None if each.default_factory is missing else each.default_factory,
            each.repr,
        )
        for each in dataclasses.fields(cls)  # type: ignore[arg-type]  # only typeshed has a name for dataclasses
    )


def short_repr(data: object) -> str:
    """Return ``Name(field=value, …)`` in at most 120 characters, without the fields that are at their default.

    Say a reply of a thousand blocks has arrived: ``Replied(message={'content': […], 'id': 'msg_1', 'model': …})``.
    """
    return clipped(f"{type(data).__name__}({', '.join(_told(data))})")


def _told(data: object) -> Iterator[str]:
    for field in fields_of(type(data)):
        value = getattr(data, field.name)
        default = field.made() if callable(field.made) else field.default
        if field.told and (default is NONE or value != default):
            yield f"{field.name}={_SHORT.repr(value)}"


class Frozen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Frozen data: immutable.  Each class says ``frozen=True, kw_only=True`` for type checkers and its own fields."""

    __repr__ = short_repr
