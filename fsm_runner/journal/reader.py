"""The reader: records out of a file, one at a time, in little memory however long the file is.

The file may be compressed with gzip, which is seen by how it begins.  Other lines may stand between the records, and
those of several runs may be mixed.  A record is a line that is a JSON object with our ``v``, ``run``, ``seq`` and
``type``; a line that begins as the writer's do must be one.  Three things are told apart:

- a line that is nobody's record is passed over;
- a line that a killed process left unfinished is passed over and told by `Reading.torn`: the last of the file, or one
  after which a record says that it found it so;
- any other line that cannot be read, and any gap in the numbers of a run, is a `JournalError` that names the line.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal.chain import hash_of
from fsm_runner.journal.files import GZIP, why
from fsm_runner.journal.records import TYPES, VERSION, Record
from fsm_runner.journal.render import parse
from fsm_runner.journal.upgrades import UPGRADES, Upgrade, upgraded

_OURS = re.compile(rb'\{"v":\d+,"run":')


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

    def __init__(
        self,
        source: str,
        file: BinaryIO | None = None,
        *,
        run: str | None = None,
        after: Mapping[str, int] | None = None,
        upgrades: Mapping[int, Upgrade] = UPGRADES,
    ) -> None:
        """Read `file`; without one, the file called `source`, which is opened when the first record is asked for.

        For the rest see `read`; by `upgrades`, older versions are read.
        """
        self.source = source
        self.torn: tuple[Torn, ...] = ()
        self._file = file
        self._run = run
        self._upgrades = upgrades
        self._number = 0
        self._last = dict(after or {})
        self._line = b"\n"
        self._lines: dict[str, bytes] = {}
        self._records = self._read()

    @property
    def line(self) -> bytes:
        """The bytes of the last record's line, without the line's end."""
        return self._line.removesuffix(b"\n")

    @property
    def ended(self) -> bool:
        """Whether that line has an end."""
        return self._line.endswith(b"\n")

    @property
    def heads(self) -> Mapping[str, str]:
        """By run, the hash of its last record so far."""
        return {run: hash_of(line.removesuffix(b"\n")) for run, line in self._lines.items()}

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def _read(self) -> Iterator[Record]:
        try:
            if self._file is not None:
                yield from self._records_in(self._file)
            else:
                with Path(self.source).open("rb") as file:
                    yield from self._records_in(file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            where = " after this line" if self._number else ""
            problem = f"the compressed file is damaged{where} (restore it from a copy)"
            raise JournalError(self.source, self._number or None, problem) from error
        except OSError as error:
            raise JournalError(self.source, self._number or None, f"cannot be read: {why(error)}") from error

    def _records_in(self, file: BinaryIO) -> Iterator[Record]:
        damaged: tuple[Torn, ...] = ()
        wanted, last, lines = self._run, self._last, self._lines
        for number, line in enumerate(_unpacked(file), start=1):
            self._number = number
            found = self._found(line, number) if line.startswith(b"{") else None
            if damaged and not isinstance(found, Torn):
                self._mended(damaged, found)
                damaged = ()
            if isinstance(found, Record):
                run = found.run
                if wanted is None or wanted == run:
                    if found.seq != last.get(run, 0) + 1:
                        raise self._out_of_order(found)
                    last[run] = found.seq
                    self._line = lines[run] = line
                    yield found
            elif found is not None:
                damaged += (found,)
                if not line.endswith(b"\n"):
                    self.torn += damaged
                    break
        else:
            if damaged:
                raise self._damage(damaged[0])
        if self._run is not None and self._run not in self._last:
            raise JournalError(self.source, None, f"it holds no run '{self._run}' (is it the right file?)")

    def _found(self, line: bytes, number: int) -> Record | Torn | None:
        """The record that `line` is; `Torn` when it was meant to be one; None when it is nobody's."""
        try:
            value = parse(line)
        except ValueError:
            if _OURS.match(line) or not line.endswith(b"\n"):
                return Torn(line=number, size=len(line.rstrip(b"\n")))
            return None
        if not isinstance(value, dict) or not ("v" in value and "run" in value and "seq" in value and "type" in value):
            return None
        try:
            if value["v"] != VERSION or value["v"] is True:
                value = upgraded(value, self._upgrades)
            return _made(value, number)
        except ValueError as error:
            if _OURS.match(line):
                raise JournalError(self.source, number, str(error)) from None
            return None

    def _mended(self, damaged: tuple[Torn, ...], found: Record | None) -> None:
        """Killed processes left damaged lines, one after another, exactly when the next record says so of the last."""
        if not isinstance(found, Record) or found.data.get("torn") != damaged[-1].size:
            raise self._damage(damaged[0])
        self.torn += damaged

    def _damage(self, damaged: Torn) -> JournalError:
        return JournalError(self.source, damaged.line, "the line is damaged (restore it from a copy)")

    def _out_of_order(self, record: Record) -> JournalError:
        last = self._last.get(record.run, 0)
        way_out = "restore what is missing" if record.seq > last else "give each run an id of its own"
        problem = f"run '{record.run}': seq {record.seq} comes where {last + 1} should ({way_out})"
        return JournalError(self.source, record.line, problem)


def _unpacked(file: BinaryIO) -> Iterable[bytes]:
    """The lines of `file`, which may be compressed."""
    first = file.readline()
    if not first.startswith(GZIP):
        return chain([first] if first else [], file)
    packed = gzip.GzipFile(mode="rb", fileobj=_Again(first, file))
    return io.BufferedReader(packed)


class _Again:
    """A stream of which `first` was read already, and is read again."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        part, self._first = self._first[:size], self._first[size:]
        return part or self._rest.read(size)

    def seekable(self) -> bool:
        return False

    def seek(self, place: int, /) -> None:
        raise io.UnsupportedOperation("seek")


def _made(value: dict[str, object], number: int) -> Record:
    """The record that `value` holds; what is left of it are the record's own fields."""
    run, seq, kind = value["run"], value["seq"], value["type"]
    if not isinstance(run, str) or not isinstance(seq, int) or seq < 1:
        raise ValueError("'run' is not text, or 'seq' no whole number from 1 up (restore the line from a copy)")
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"record type {kind!r} is not known (upgrade fsm_runner, or restore the line from a copy)")
    at, prev = value.pop("at", None), value.pop("prev", None)
    del value["v"], value["run"], value["seq"], value["type"]
    value.pop("seal", None)
    at, prev = at if isinstance(at, str) else None, prev if isinstance(prev, str) else None
    return Record(run, seq, kind, value, number, at, prev)


def read(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    run: str | None = None,
    after: Mapping[str, int] | None = None,
) -> Reading:
    """Return the records in `source`, to be iterated once.

    Args:
        source: a path, ``"-"`` for standard input, or an open binary file, which stays the caller's to close; each
            may be compressed with gzip.
        run: the id of the only run whose records are wanted; None: all.
        after: by run, the number of the last record before `source`, when that is an open file read up to here.

    Raises:
        JournalError: while iterating, when the file cannot be opened, a line of it cannot be read, or it holds no such
            run.
    """
    name, file = opened(source)
    return Reading(name, file, run=run, after=after)


def opened(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, BinaryIO | None]:
    """Return the name of `source`, and its file when that is open already; for `source` see `read`."""
    if not isinstance(source, (str, os.PathLike)):
        return str(getattr(source, "name", "<journal>")), source
    if source == "-":
        return "<stdin>", sys.stdin.buffer
    return os.fspath(source), None
