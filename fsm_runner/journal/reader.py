"""The reader: records out of a file, one at a time, in little memory however long the file is.

Other lines may stand between them, and the records of several runs may be mixed.  A record is a line that is a JSON
object with our ``v``, ``run``, ``seq`` and ``type``; a line that begins as the writer's do must be one.  Three things
are told apart:

- a line that is nobody's record is passed over;
- a line that a killed process left unfinished is passed over and told by `Reading.torn`: the last of the file, or one
  after which a record says that it found it so;
- any other line that cannot be read, and any gap in the numbers of a run, is a `JournalError` that names the line.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from fsm_runner.core.errors import JournalError
from fsm_runner.journal.records import TYPES, VERSION, Record
from fsm_runner.journal.render import parse

_OURS = re.compile(rb'\{"v":\d+,"run":')
_HEAD = frozenset({"v", "run", "seq", "type", "at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """A line that was not written to its end: immutable.

    Attributes:
        line: where it stands in the file, counted from 1.
        size: how many bytes of it there are.
    """

    line: int
    size: int


class Reading(Iterator[Record]):
    """The records of a file, in its order: an iterator, read as it goes.

    Attributes:
        source: the file's name, for messages.
        torn: the unfinished lines passed over so far; all of them once it is exhausted.
    """

    def __init__(self, source: str, file: BinaryIO | None = None) -> None:
        """Read `file`; without one, the file called `source`, which is opened when the first record is asked for."""
        self.source = source
        self.torn: tuple[Torn, ...] = ()
        self._file = file
        self._last: dict[str, int] = {}
        self._records = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def _read(self) -> Iterator[Record]:
        try:
            if self._file is not None:
                yield from self._records_in(self._file)
            else:
                with Path(self.source).open("rb") as file:
                    yield from self._records_in(file)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise JournalError(self.source, None, f"cannot be read: {why}") from error

    def _records_in(self, file: BinaryIO) -> Iterator[Record]:
        damaged: Torn | None = None
        for number, line in enumerate(file, start=1):
            found = self._found(line, number) if line.startswith(b"{") else None
            if damaged is not None:
                self._mended(damaged, found)
            damaged = found if isinstance(found, Torn) else None
            if isinstance(found, Record):
                self._follows(found)
                yield found
            elif damaged is not None and not line.endswith(b"\n"):
                self.torn += (damaged,)
                return
        if damaged is not None:
            raise self._damage(damaged)

    def _found(self, line: bytes, number: int) -> Record | Torn | None:
        """The record that `line` is; `Torn` when it was meant to be one; None when it is nobody's."""
        try:
            value = parse(line)
        except ValueError:
            if _OURS.match(line) or not line.endswith(b"\n"):
                return Torn(line=number, size=len(line.rstrip(b"\n")))
            return None
        if not isinstance(value, dict) or not value.keys() >= {"v", "run", "seq", "type"}:
            return None
        return self._record(value, number, claimed=_OURS.match(line) is not None)

    def _record(self, value: dict[str, object], number: int, *, claimed: bool) -> Record | None:
        v, run, seq, kind = value["v"], value["run"], value["seq"], value["type"]
        problem = None
        if v != VERSION:
            problem = f"its format is version {v!r}; this fsm_runner reads version {VERSION} (upgrade fsm_runner)"
        elif not isinstance(run, str) or not isinstance(seq, int) or seq < 1:
            problem = "'run' is not text, or 'seq' no whole number from 1 up (restore the line from a copy)"
        elif not isinstance(kind, str) or kind not in TYPES:
            problem = f"record type {kind!r} is not known (upgrade fsm_runner, or restore the line from a copy)"
        else:
            at = value.get("at")
            data = {key: each for key, each in value.items() if key not in _HEAD}
            return Record(run=run, seq=seq, type=kind, data=data, line=number, at=at if isinstance(at, str) else None)
        if claimed:
            raise JournalError(self.source, number, problem)
        return None

    def _mended(self, damaged: Torn, found: Record | Torn | None) -> None:
        """A killed process left a damaged line exactly when the next record says so."""
        if not isinstance(found, Record) or found.data.get("torn") != damaged.size:
            raise self._damage(damaged)
        self.torn += (damaged,)

    def _damage(self, damaged: Torn) -> JournalError:
        return JournalError(self.source, damaged.line, "the line is damaged (restore it from a copy)")

    def _follows(self, record: Record) -> None:
        last = self._last.get(record.run, 0)
        if record.seq != last + 1:
            way_out = "restore what is missing" if record.seq > last else "give each run an id of its own"
            problem = f"run '{record.run}': seq {record.seq} comes where {last + 1} should ({way_out})"
            raise JournalError(self.source, record.line, problem)
        self._last[record.run] = record.seq


def read(source: str | os.PathLike[str] | BinaryIO) -> Reading:
    """Return the records in `source`, to be iterated once.

    Args:
        source: a path, ``"-"`` for standard input, or an open binary file, which stays the caller's to close.

    Raises:
        JournalError: while iterating, when the file cannot be opened or a line of it cannot be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        return Reading(str(getattr(source, "name", "<journal>")), source)
    return Reading("<stdin>", sys.stdin.buffer) if source == "-" else Reading(os.fspath(source))
