"""Expected: what an argument takes, checked before anything is done with it.

    check_count("max_concurrent_tools", 0, least=1)
    ValueError: max_concurrent_tools: a whole number from 1 up, or None, got 0

A TypeError is about the type, a ValueError about the value; both name the argument, what it takes and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import TypeVar

_LONGEST = 60
_T = TypeVar("_T")


def wrong_type(name: str, takes: str, got: object) -> TypeError:
    """Return the error for an argument of a type that it does not take."""
    return TypeError(f"{name}: {takes}, got {_shown(got)}")


def wrong_value(name: str, takes: str, got: object) -> ValueError:
    """Return the error for an argument of the right type that cannot be right."""
    return ValueError(f"{name}: {takes}, got {_shown(got)}")


def _shown(value: object) -> str:
    """A value that is short and holds no secret as it is, of any other its type."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)[:_LONGEST]
    if type(value) is str and len(value) < _LONGEST:
        return ascii(value)
    return type(value).__name__


def check_type(name: str, value: object, types: type | tuple[type, ...], takes: str) -> None:
    """Refuse a value of another type.

    Raises:
        TypeError: it is of none of `types`.
    """
    if not isinstance(value, types):
        raise wrong_type(name, takes, value)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is none of `choices`.

    Raises:
        TypeError: it is no text.
        ValueError: it is another text.
    """
    takes = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise wrong_type(name, takes, value)
    if value not in choices:
        raise wrong_value(name, takes, value)


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, bool):
        raise wrong_type(name, "True or False", value)


def check_count(name: str, value: object, *, least: int, none: bool = True) -> None:
    """Refuse what is no whole number from `least` up; `none`: whether None is taken, too.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is a smaller one.
    """
    if value is None and none:
        return
    takes = f"a whole number from {least} up{', or None' if none else ''}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, takes, value)
    if value < least:
        raise wrong_value(name, takes, value)


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no time to wait.

    Raises:
        TypeError: it is no number.
        ValueError: it is not above 0.
    """
    takes = "seconds above 0, or None"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong_type(name, takes, value)
    if isnan(value) or value <= 0:
        raise wrong_value(name, takes, value)


def check_text(name: str, value: object, *, none: bool = False) -> None:
    """Refuse what is no text of one line that can be written; `none`: whether None is taken, too.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or has characters that cannot be printed.
    """
    if value is None and none:
        return
    takes = f"text on one line, at least one character{', or None' if none else ''}"
    if not isinstance(value, str):
        raise wrong_type(name, takes, value)
    if not value or not value.isprintable():
        raise wrong_value(name, takes, value)


def check_function(name: str, value: object, takes: str = "a function", *, none: bool = False) -> None:
    """Refuse what cannot be called; `none`: whether None is taken, too.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(value) and not (value is None and none):
        raise wrong_type(name, f"{takes}{', or None' if none else ''}", value)


def check_mapping(name: str, value: object, takes: str) -> None:
    """Refuse what is no mapping with text as keys, and not None either.

    Raises:
        TypeError: it is something else, or has another key.
    """
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise wrong_type(name, f"{takes}, or None", value)
    for key in value:
        if not isinstance(key, str):
            raise wrong_type(f"{name}: a key", "text", key)


def listed(
    name: str, value: Iterable[_T], takes: str, check: Callable[[str, _T], None] | None = None
) -> tuple[_T, ...]:
    """Return what is in an iterable, which is read once.

    Args:
        name: the argument.
        value: the iterable; text and mappings are none.
        takes: what it takes, for the error.
        check: refuses an item by its place.

    Raises:
        TypeError: it is no such iterable.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise wrong_type(name, takes, value)
    items = tuple(value)
    if check is not None:
        for at, item in enumerate(items):
            check(f"{name}[{at}]", item)
    return items
