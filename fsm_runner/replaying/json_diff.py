"""Where two pieces of JSON data differ, by JSON pointer; and two records that go the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm_runner.journal.json_pointer import NOTHING, below, inside

_WAY = ("source", "event", "target", "output")
"""The fields of a row that was taken which a run, and its caller, can tell."""

_BY = ("row", "facts")
"""The fields of an end that say by which row and answers it came."""


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


def same_way(
    kind: str, recorded: Mapping[str, object], made: Mapping[str, object]
) -> tuple[Mapping[str, object], Mapping[str, object], tuple[str, str] | None]:
    """Return both without what an edited chart may have otherwise while a run goes the same way.

    It may ask more facts, fewer, or of another limit; when it takes another row, the ids of both come third.
    """
    if kind == "ended":
        return {**recorded, **dict.fromkeys(_BY, None)}, {**made, **dict.fromkeys(_BY, None)}, None
    if kind != "transition":
        return recorded, made, None
    then, now = recorded["row"], made["row"]
    if then != now and any(recorded[key] != made[key] for key in _WAY):
        return recorded, made, None
    renamed = None if then == now else (str(then), str(now))
    return {key: recorded[key] for key in _WAY}, {key: made[key] for key in _WAY}, renamed
