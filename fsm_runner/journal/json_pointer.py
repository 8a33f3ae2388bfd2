"""JSON pointers: places in JSON data, what is inside of a value, and what stands where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Absent(Enum):
    """The side of a difference on which there is nothing."""

    NOTHING = "nothing"

    def __repr__(self) -> str:
        return self.value


NOTHING = Absent.NOTHING
"""What stands for a value, or a whole record, that is not there."""


def below(pointer: str, key: str) -> str:
    """Return the pointer to `key` inside of what `pointer` points to; `key` may be the index of a list."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def steps_of(pointer: str) -> list[str]:
    """Return the keys and indexes that lead to what `pointer` points to, as text; none for the whole."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def inside(value: object) -> Mapping[str, object] | None:
    """Return what is inside of `value`, by key or index; None when it is neither object nor list.

    A list and a tuple are the same, as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(index): each for index, each in enumerate(value)}
    return None
