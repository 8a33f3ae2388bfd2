"""Matching: two records, and where they differ in what matters.

Times, ids of runs, hashes and versions of packages never matter, nor do the ids that an API makes up: those of messages
and requests are passed over, and a tool call is known by its place among the calls of its run.  A payload that is there
on one side only, as journals without content have it, is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm_runner.inspecting.declared import mapping
from fsm_runner.journal import Record
from fsm_runner.journal.pointers import NOTHING, below, inside
from fsm_runner.loop.messages import blocks_of

_OF_A_RECORD: Mapping[str, frozenset[str]] = {
    "run_started": frozenset({"versions", "content", "redacted", "forked_from"}),
    "resumed": frozenset({"forked_from"}),
}
_OF_THE_LINE = frozenset({"torn"})
_INSIDE: Mapping[str, frozenset[str]] = {
    "/message": frozenset({"id", "_request_id", "request_id"}),
    "/chart": frozenset({"data"}),  # the hash tells whether it differs, and `fsm-runner diff` in what
}


class Names:
    """The tool calls of one run by their place among them: mutable, for calls are met as the records go by."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def meet(self, record: Record) -> None:
        """Number the calls that `record` brings."""
        if record.type == "scheduled" and record.data.get("effect") == "call_tool":
            self._met(record.data.get("id"))
        for key in ("call", "message"):
            held = mapping(record.data.get(key))
            for block in (held, *blocks_of(held)):
                if str(block.get("type")).endswith("tool_use"):
                    self._met(block.get("id"))

    def _met(self, id: object) -> None:
        if isinstance(id, str):
            self._places.setdefault(id, f"call {len(self._places) + 1}")

    def named(self, text: str) -> str:
        """Return the place of the call whose id `text` is; `text` itself when it is none's."""
        return self._places.get(text, text)

    @property
    def ids(self) -> list[str]:
        """The ids, in the order in which they were met."""
        return [*self._places]


class Matching:
    """Two runs beside each other: mutable, fed pairs of records.

    Attributes:
        names: the calls of each.
    """

    def __init__(self, contents: tuple[str, str]) -> None:
        """Take what each journal holds of payloads."""
        self.names = (Names(), Names())
        self._partial = "none" in contents or "redacted" in contents

    def differences(self, left: Record, right: Record) -> Iterator[tuple[str, object, object]]:
        """Yield a JSON pointer and both values for each place where two records differ in what matters."""
        for names, record in zip(self.names, (left, right), strict=True):
            names.meet(record)
        if left.type != right.type:
            yield "/type", left.type, right.type
            return
        passed_over = _OF_THE_LINE | _OF_A_RECORD.get(left.type, frozenset())
        if self.names[0].ids != self.names[1].ids or self._partial:
            passed_over |= {"sha256"}  # a request's hash follows from the ids and payloads in it
        ours, theirs = ({k: v for k, v in record.data.items() if k not in passed_over} for record in (left, right))
        yield from self._compared(ours, theirs, "")

    def _compared(self, left: object, right: object, pointer: str) -> Iterator[tuple[str, object, object]]:
        ours, theirs = _inside(left, pointer), _inside(right, pointer)
        if ours is None or theirs is None or isinstance(left, Mapping) != isinstance(right, Mapping):
            if not self._same(left, right):
                yield pointer, left, right
            return
        for key in {**ours, **theirs}:
            yield from self._compared(ours.get(key, NOTHING), theirs.get(key, NOTHING), below(pointer, key))

    def _same(self, left: object, right: object) -> bool:
        if NOTHING in (left, right) and self._partial:
            return True
        if isinstance(left, str) and isinstance(right, str):
            return left == right or self.names[0].named(left) == self.names[1].named(right)
        return left == right and isinstance(left, bool) == isinstance(right, bool)


def _inside(value: object, pointer: str) -> Mapping[str, object] | None:
    """What is inside of `value` and matters; None when it holds nothing."""
    held, passed_over = inside(value), _INSIDE.get(pointer)
    if held is None or passed_over is None:
        return held
    return {key: each for key, each in held.items() if key not in passed_over}
