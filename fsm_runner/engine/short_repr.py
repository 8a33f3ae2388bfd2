"""Short reprs: frozen data as one line of at most 120 characters, however much it holds."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from reprlib import Repr

from fsm_runner.engine.text import clipped

_SHORT = Repr()
_SHORT.fillvalue = "…"
_SHORT.maxlevel = 2
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxfrozenset = 3
_SHORT.maxstring = _SHORT.maxother = 40


def short_repr(data: object) -> str:
    """Return ``Name(field=value, …)`` without the fields that are at their default: a `__repr__` for a dataclass.

    Say a reply of a thousand blocks has arrived: ``Replied(message={'content': […], 'id': 'msg_1', 'model': …})``.
    """
    told = (
        f"{field.name}={_SHORT.repr(value)}"
        for field in fields(data)  # type: ignore[arg-type]  # only typeshed has a name for dataclasses
        if field.repr and (value := getattr(data, field.name)) != _default(field)
    )
    return clipped(f"{type(data).__name__}({', '.join(told)})")


def _default(field: Field[object]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
