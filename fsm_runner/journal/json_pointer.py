"""JSON pointers: places in JSON data, where two pieces of it differ, and a mark for a value that is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum


class Absent(Enum):
    """The mark for the side of a difference that has no value."""

    NOTHING = "nothing"

    def __repr__(self) -> str:
        return self.value


NOTHING = Absent.NOTHING
"""Stands for a value, or a whole record, that is missing."""


def below(pointer: str, key: str) -> str:
    """Return the pointer to `key` in the value that `pointer` points to; `key` may be the index of a list."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def steps_of(pointer: str) -> list[str]:
    """Return the keys and indexes along `pointer`, as text; an empty list for the whole value."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def inside(value: object) -> Mapping[str, object] | None:
    """Return the items of an object or a list by key or index; None for any other value.

    Tuples count as lists."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(index): each for index, each in enumerate(value)}
    return None


def differences(recorded: object, now: object, pointer: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield a JSON pointer and both values, for each place where `recorded` and `now` differ.

    A list and a tuple are the same, as JSON has it; true and 1 are not."""
    left, right = inside(recorded), inside(now)
    if left is None or right is None or isinstance(recorded, Mapping) != isinstance(now, Mapping):
        if recorded != now or isinstance(recorded, bool) != isinstance(now, bool):
            yield pointer, recorded, now
        return
    for key in {**left, **right}:
        yield from differences(left.get(key, NOTHING), right.get(key, NOTHING), below(pointer, key))
