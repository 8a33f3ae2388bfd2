"""Two runs compared: their first difference, where their rows part, and what each adds up to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest

from fsm_runner.inspecting.data import Summary
from fsm_runner.inspecting.declared import mapping
from fsm_runner.inspecting.entries import Entries
from fsm_runner.journal import Reading, Record
from fsm_runner.journal.json_pointer import NOTHING, below, inside
from fsm_runner.journal.records import answers_of
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.messages import blocks_of

MOST = 10
"""How many differences of one record are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlace:
    """The place of a record: immutable.

    Attributes:
        seq: its number in the run.
        line: its line in the file, counted from 1.
        type: the record's type.
    """

    seq: int
    line: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """A value that differs: immutable.

    Attributes:
        pointer: its JSON pointer in both records; empty if one run has no such record.
        a, b: the values; `NOTHING` for a missing one.
    """

    pointer: str
    a: object
    b: object


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRow:
    """A row that was taken: immutable.  For the attributes see `Entry`."""

    row: str
    source: str
    target: str
    facts: Mapping[str, str]
    seq: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where the rows of two runs part: immutable.

    Attributes:
        shared: how many rows both took before.
        a, b: the row that each took next; None if it took no more.
    """

    shared: int
    a: TakenRow | None
    b: TakenRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of two runs: immutable.

    Attributes:
        a, b: each run's summary.
        shared: how many records are alike before the first difference.
        differences: the differences of the first record that differs, at most `MOST`; none if all records are alike.
        at: the place of that record in each run; None if the run has no such record.
        parting: where their rows part; None if they take the same rows.
        forked: which is a fork: ``a from b``, ``b from a``, or ``both`` from one run; None if neither is.
        forked_at: the number of the last record that they share as forks; None if neither is a fork.
    """

    a: Summary
    b: Summary
    shared: int
    differences: tuple[RunDifference, ...]
    at: tuple[RowPlace | None, RowPlace | None]
    parting: Parting | None
    forked: str | None
    forked_at: int | None

    @property
    def equal(self) -> bool:
        """Whether nothing that matters differs."""
        return not self.differences


class _Side:
    """One of two runs: mutable."""

    def __init__(self, reading: Reading, first: Record) -> None:
        self.telling = Entries(reading.source, first)
        self.rows: deque[TakenRow] = deque()
        self._reading = reading
        self._first = first

    def take(self, record: Record) -> None:
        """Take one more record, and keep the row if it took one."""
        if record is not self._first:
            self.telling.take(record, self._reading.line)
        if record.type == "transition":
            self.rows.append(_taken(record))


class _Rows:
    """The rows of two runs, compared as they are read: mutable."""

    def __init__(self) -> None:
        self.shared = 0
        self.parting: Parting | None = None

    def compare(self, a: deque[TakenRow], b: deque[TakenRow], *, last: bool = False) -> None:
        """Compare the rows that both have; the `last` time, also those that only one has."""
        while self.parting is None and ((a and b) or (last and (a or b))):
            ours, theirs = (rows.popleft() if rows else None for rows in (a, b))
            if ours is not None and theirs is not None and _route(ours) == _route(theirs):
                self.shared += 1
            else:
                self.parting = Parting(shared=self.shared, a=ours, b=theirs)
        if self.parting is not None:
            a.clear()
            b.clear()


def compare(a: Reading, b: Reading) -> Comparison:
    """Compare two runs; each reading holds the records of one run.

    Raises:
        JournalError: a line cannot be read.
        ValueError: a reading holds no record.
    """
    firsts = next(a, None), next(b, None)
    if firsts[0] is None or firsts[1] is None:
        raise ValueError("there is no record to compare")
    left, right = _Side(a, firsts[0]), _Side(b, firsts[1])
    matching = Matching((left.telling.header.content, right.telling.header.content))
    rows, shared = _Rows(), 0
    differences: tuple[RunDifference, ...] = ()
    at: tuple[RowPlace | None, RowPlace | None] = (None, None)
    for ours, theirs in zip_longest(_again(firsts[0], a), _again(firsts[1], b)):
        for side, record in ((left, ours), (right, theirs)):
            if record is not None:
                side.take(record)
        rows.compare(left.rows, right.rows)
        if not differences:
            differences = _differences(matching, ours, theirs)
            at = (_place(ours), _place(theirs)) if differences else at
            shared += not differences
    rows.compare(left.rows, right.rows, last=True)
    forked, forked_at = _forked(left.telling, right.telling, shared)
    return Comparison(
        a=left.telling.summary(), b=right.telling.summary(), shared=shared, differences=differences, at=at,
        parting=rows.parting, forked=forked, forked_at=forked_at,
    )  # fmt: skip


def _again(first: Record, rest: Iterable[Record]) -> Iterable[Record]:
    yield first
    yield from rest


def _differences(matching: Matching, ours: Record | None, theirs: Record | None) -> tuple[RunDifference, ...]:
    if ours is None or theirs is None:
        a, b = (NOTHING if record is None else record.type for record in (ours, theirs))
        return (RunDifference(pointer="", a=a, b=b),)
    found = islice(matching.differences(ours, theirs), MOST)
    return tuple(RunDifference(pointer=pointer, a=a, b=b) for pointer, a, b in found)


def _place(record: Record | None) -> RowPlace | None:
    return None if record is None else RowPlace(seq=record.seq, line=record.line, type=record.type)


def _taken(record: Record) -> TakenRow:
    row, source, target = (str(record.data.get(key)) for key in ("row", "source", "target"))
    facts = answers_of(record.data.get("facts"))
    return TakenRow(row=row, source=source, target=target, facts=facts, seq=record.seq, line=record.line)


def _route(taken: TakenRow) -> tuple[str, str, str]:
    return taken.row, taken.source, taken.target


def _forked(a: Entries, b: Entries, shared: int) -> tuple[str | None, int | None]:
    """Return which run is a fork.  Equal ids are no proof: the records that a fork shares must be there too."""
    ours, theirs = a.header.forked_from, b.header.forked_from
    how, at = None, 0
    if theirs is not None and theirs[0] == a.header.run:
        how, at = "b from a", theirs[1]
    elif ours is not None and ours[0] == b.header.run:
        how, at = "a from b", ours[1]
    elif ours is not None and theirs is not None and ours[0] == theirs[0]:
        how, at = "both", min(ours[1], theirs[1])
    return (how, at) if how is not None and shared >= at else (None, None)


_OF_A_RECORD: Mapping[str, frozenset[str]] = {
    "run_started": frozenset({"versions", "content", "redacted", "forked_from"}),
    "resumed": frozenset({"forked_from"}),
}
_OF_THE_LINE = frozenset({"torn"})
_INSIDE: Mapping[str, frozenset[str]] = {
    "/message": frozenset({"id", "_request_id", "request_id"}),
    "/chart": frozenset({"data"}),  # the hash shows whether it differs; `fsm-runner diff` shows how
}


class Names:
    """The tool calls of one run by their number in it: mutable, because calls are met as records are read."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def meet(self, record: Record) -> None:
        """Number the calls in `record`."""
        if record.type == "scheduled" and record.data.get("effect") == CallTool.name:
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
        """Return ``call N`` if `text` is the id of a call; else `text` itself."""
        return self._places.get(text, text)

    @property
    def ids(self) -> list[str]:
        """The calls' ids, in the order in which they were met."""
        return [*self._places]


class Matching:
    """Compares the records of two runs pair by pair: mutable.

    Attributes:
        names: the calls of each run.
    """

    def __init__(self, contents: tuple[str, str]) -> None:
        """Begin; `contents` is the payload setting of each journal."""
        self.names = (Names(), Names())
        self._partial = "none" in contents or "redacted" in contents

    def differences(self, left: Record, right: Record) -> Iterator[tuple[str, object, object]]:
        """Yield a JSON pointer and both values for each place where two records differ in a way that matters."""
        for names, record in zip(self.names, (left, right), strict=True):
            names.meet(record)
        if left.type != right.type:
            yield "/type", left.type, right.type
            return
        passed_over = _OF_THE_LINE | _OF_A_RECORD.get(left.type, frozenset())
        if self.names[0].ids != self.names[1].ids or self._partial:
            passed_over |= {"sha256"}  # the hash of a request depends on the ids and payloads in it
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
    """Return the items of `value` that matter; None if it is not an object or a list."""
    held, passed_over = inside(value), _INSIDE.get(pointer)
    if held is None or passed_over is None:
        return held
    return {key: each for key, each in held.items() if key not in passed_over}
