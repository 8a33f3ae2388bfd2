"""Comparing: two pieces of JSON data, and where they differ, by JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm_runner.replaying.report import NOTHING


def differences(recorded: object, now: object, pointer: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield a JSON pointer and both values, for each place where `recorded` and `now` differ.

    A list and a tuple are the same, as JSON has it; true and 1 are not.  Source of the pointers: RFC 6901."""
    left, right = _children(recorded), _children(now)
    if left is None or right is None or isinstance(recorded, Mapping) != isinstance(now, Mapping):
        if recorded != now or isinstance(recorded, bool) != isinstance(now, bool):
            yield pointer, recorded, now
        return
    for key in {**left, **right}:
        step = key.replace("~", "~0").replace("/", "~1")
        yield from differences(left.get(key, NOTHING), right.get(key, NOTHING), f"{pointer}/{step}")


def _children(value: object) -> Mapping[str, object] | None:
    """What is inside of `value`, by key or index; None when it holds nothing."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(index): each for index, each in enumerate(value)}
    return None
