"""The history: an immutable sequence of messages that grows in constant time.

The histories of a run share one list, and each is a prefix of it.  Appending to the longest one appends to the list;
appending to a shorter one copies it first.  So no history ever changes, and a conversation of n messages costs n, not
n squared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from fsm_runner.loop.events import Json


class History(Sequence[Json]):
    """The messages of a conversation, oldest first: immutable.

    Equal to another history with equal messages.
    """

    __slots__ = ("_length", "_shared")

    def __init__(self, messages: Iterable[Json] = ()) -> None:
        self._shared: list[Json] = list(messages)
        self._length = len(self._shared)

    def appended(self, *messages: Json) -> History:
        """Return the history with `messages` at its end; this one does not change."""
        if not messages:
            return self
        if len(self._shared) != self._length:
            return History((*self, *messages))
        longer = History.__new__(History)
        self._shared.extend(messages)
        longer._shared = self._shared
        longer._length = self._length + len(messages)
        return longer

    def extends(self, other: History) -> bool:
        """Whether this history begins with all of `other`, as far as that is known without comparing messages."""
        return self._shared is other._shared and self._length >= other._length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Json: ...
    @overload
    def __getitem__(self, index: slice[int | None, int | None, int | None]) -> tuple[Json, ...]: ...
    def __getitem__(self, index: int | slice[int | None, int | None, int | None]) -> Json | tuple[Json, ...]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return tuple(self._shared[start:stop] if step == 1 else [self._shared[i] for i in range(start, stop, step)])
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._shared[index if index >= 0 else index + self._length]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self is other or (
            self._length == other._length
            and ((self._shared is other._shared) or all(a == b for a, b in zip(self, other, strict=True)))
        )

    __hash__ = None  # type: ignore[assignment]  # messages are JSON objects, which have no hash

    def __repr__(self) -> str:
        return f"History(messages={len(self)})"
