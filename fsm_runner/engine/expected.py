"""Checks of arguments, made before anything is done with them.

    check_count("max_concurrent_tools", 0, least=1)
    ValueError: max_concurrent_tools: a whole number from 1 up, or None, got 0

A wrong type is a TypeError, a wrong value of the right type a ValueError.  Both name the argument, what it takes and
what it got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import TypeVar

_LONGEST = 60
_T = TypeVar("_T")


def wrong_type(name: str, takes: str, got: object) -> TypeError:
    """Return the error for an argument of the wrong type."""
    return TypeError(f"{name}: {takes}, got {_shown(got)}")


def wrong_value(name: str, takes: str, got: object) -> ValueError:
    """Return the error for an argument whose type is right and whose value is not."""
    return ValueError(f"{name}: {takes}, got {_shown(got)}")


def _shown(value: object) -> str:
    """The value itself when it is short and cannot hold a secret; otherwise its type."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)[:_LONGEST]
    if type(value) is str and len(value) < _LONGEST:
        return ascii(value)
    return type(value).__name__


def check_type(name: str, value: object, types: type | tuple[type, ...], takes: str) -> None:
    """Check that `value` is of one of `types`.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, types):
        raise wrong_type(name, takes, value)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check that `value` is one of `choices`.

    Raises:
        TypeError: it is not a string.
        ValueError: it is another string.
    """
    takes = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise wrong_type(name, takes, value)
    if value not in choices:
        raise wrong_value(name, takes, value)


def check_flag(name: str, value: object) -> None:
    """Check that `value` is True or False.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, bool):
        raise wrong_type(name, "True or False", value)


def check_count(name: str, value: object, *, least: int, none: bool = True) -> None:
    """Check that `value` is a whole number from `least` up; with `none`, it may also be None.

    Raises:
        TypeError: it is not a whole number.
        ValueError: it is less than `least`.
    """
    if value is None and none:
        return
    takes = f"a whole number from {least} up{', or None' if none else ''}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, takes, value)
    if value < least:
        raise wrong_value(name, takes, value)


def check_seconds(name: str, value: object) -> None:
    """Check that `value` is a number of seconds above 0.

    Raises:
        TypeError: it is not a number.
        ValueError: it is 0 or less.
    """
    takes = "seconds above 0, or None"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong_type(name, takes, value)
    if isnan(value) or value <= 0:
        raise wrong_value(name, takes, value)


def check_text(name: str, value: object, *, none: bool = False) -> None:
    """Check that `value` is one line of printable text; with `none`, it may also be None.

    Raises:
        TypeError: it is not a string.
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
    """Check that `value` can be called; with `none`, it may also be None.

    Raises:
        TypeError: it cannot.
    """
    if not callable(value) and not (value is None and none):
        raise wrong_type(name, f"{takes}{', or None' if none else ''}", value)


def check_mapping(name: str, value: object, takes: str) -> None:
    """Check that `value` is None or a mapping whose keys are strings.

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
    """Return the items of an iterable, each checked.

    Args:
        name: the argument.
        value: the iterable, which is read once; not a string and not a mapping.
        takes: what it takes, for the error.
        check: checks an item; it is called with the item's place, such as ``facts[2]``, and the item.

    Raises:
        TypeError: it is not such an iterable.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise wrong_type(name, takes, value)
    items = tuple(value)
    if check is not None:
        for at, item in enumerate(items):
            check(f"{name}[{at}]", item)
    return items
