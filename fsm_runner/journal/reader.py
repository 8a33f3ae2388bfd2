"""The reader: records out of a file, one at a time, in little memory even for a long file.

The file may be compressed with gzip; its first bytes tell.  Other lines may stand between the records, and the records
of several runs may be mixed.  A record is a line that is a JSON object with our ``v``, ``run``, ``seq`` and ``type``.
A line that begins as the writer's lines do must be a record.  Three cases are told apart:

- A line that is not ours is skipped.
- A line that a killed process left unfinished is skipped and listed in `Reading.torn`.  It would be a record if it went
  on.  Another process may have written a record right behind it, on the same line; that record is found by its first
  bytes (see `tail`).
- Any other line that cannot be read, and any gap in a run's numbers, is a `JournalError` that names the line.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeAlias

from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.text import why
from fsm_runner.journal.chain import hash_of
from fsm_runner.journal.files import GZIP
from fsm_runner.journal.reading_bounds import LINE, LITTLE, UNPACKED, bound
from fsm_runner.journal.records import TYPES, VERSION, Record
from fsm_runner.journal.render import parse, render
from fsm_runner.journal.tail import OURS, Piece, Torn, is_short, pieces

_BOM = b"\xef\xbb\xbf"
_RUN = re.compile(rb'\{"v":\d+,"run":("(?:[^"\\]|\\.)*")')


Upgrade: TypeAlias = Callable[[dict[str, object]], dict[str, object]]
"""Turns a record of one version into one of the next; raises `ValueError` for a record that it cannot read."""

UPGRADES: Mapping[int, Upgrade] = MappingProxyType({})
"""The upgrades, by the version from which they upgrade.  Version 1 is the first, so there are none yet."""


class Reading(Iterator[Record]):
    """The records of a file, in its order: an iterator that reads as it goes.

    Attributes:
        source: the file's name, for messages.
        torn: the unfinished lines skipped so far; complete once the iterator is exhausted.
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
        """Read `file`; without it, open the file called `source` when the first record is asked for.

        `upgrades` read older versions.  For the other arguments see `read`.
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
        """Whether that line ends with a line break."""
        return self._line.endswith(b"\n")

    @property
    def heads(self) -> Mapping[str, str]:
        """The hash of the last record so far, by run."""
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
        wanted, last, lines, most = self._run, self._last, self._lines, bound(LINE)
        readline = self._unpacked(file, most + 1)
        for number in itertools.count(1):
            line = readline()
            if not line:
                break
            self._number = number
            if len(line) > most:
                self._pass_over(line, number, readline)
                continue
            if not line.startswith(b"{"):
                if number > 1 or not line.startswith(_BOM):
                    continue
                line = line.removeprefix(_BOM)
            for piece, found in self._found(line, number):
                run = found.run
                if wanted is None or wanted == run:
                    if found.seq != last.get(run, 0) + 1:
                        raise self._out_of_order(found)
                    last[run] = found.seq
                    self._line = lines[run] = piece
                    yield found
        if self._run is not None and self._run not in self._last:
            raise JournalError(self.source, None, f"it holds no run '{self._run}' (is it the right file?)")

    def _found(self, line: bytes, number: int) -> Iterable[tuple[bytes, Record]]:
        """Yield the records in `line`, each with its own bytes: usually one, none for a line that is not ours."""
        try:
            value = parse(line)
        except ValueError:
            return self._pieces(line, number)
        record = self._record_of(value, number, line)
        return () if record is None else ((line, record),)

    def _record_of(self, value: object, number: int, line: bytes = b"") -> Record | None:
        """Return `value` as a record; None if it is not one, which is an error where its `line` looks like ours."""
        if not isinstance(value, dict) or not ("v" in value and "run" in value and "seq" in value and "type" in value):
            return None
        run = value["run"]
        try:
            if value["v"] != VERSION or value["v"] is True:
                value = upgraded(value, self._upgrades)
            return _made(value, number)
        except ValueError as error:
            if self._run in (None, run) and OURS.match(line) is not None:
                raise JournalError(self.source, number, str(error)) from None
            return None

    def _pieces(self, line: bytes, number: int) -> Iterable[tuple[bytes, Record]]:
        """Yield the records in a line that is not JSON: a killed process left one unfinished, another wrote behind it.

        Raises:
            JournalError: the line was a record, and is damaged elsewhere than at its end.
        """
        body = line.removesuffix(b"\n")
        ours, cut = OURS.match(line) is not None, body == line
        if not (ours or cut or is_short(body) or OURS.search(line)):
            return ()
        parts = pieces(body, lambda piece: self._continuing(piece, number) is not None)
        if parts is None and ours:
            self._damage(line, number)
        if parts is None:
            parts = [Piece(body, whole=False)] if cut else []
        found: list[tuple[bytes, Record]] = []
        for part in parts:
            record = self._continuing(part.body, number) if part.whole else None
            if record is not None:
                found.append((part.body + (b"\n" if part is parts[-1] and not cut else b""), record))
            else:
                self.torn += (Torn(line=number, size=len(part.body)),)
        return found

    def _continuing(self, piece: bytes, number: int) -> Record | None:
        """Return a part of a line as a record, if it is the next record of its run."""
        try:
            value = parse(piece)
        except ValueError:
            return None
        record = self._record_of(value, number)
        if record is None or self._run not in (None, record.run):
            return record
        before = self._lines.get(record.run)
        follows = record.prev == (None if before is None else hash_of(before.removesuffix(b"\n")))
        known = before is not None or record.run not in self._last
        return record if record.seq == self._last.get(record.run, 0) + 1 and (follows or not known) else None

    def _pass_over(self, line: bytes, number: int, readline: Callable[[], bytes]) -> None:
        """Read a line that is longer than any record may be to its end, without keeping it.

        Raises:
            JournalError: the line is a record.
        """
        if OURS.match(line):
            self._damage(line, number, f"the line is longer than {len(line) - 1:,} bytes (raise {LINE} to read it)")
        while line and not line.endswith(b"\n"):
            line = readline()

    def _unpacked(self, file: BinaryIO, most: int) -> Callable[[], bytes]:
        """Return a function that reads the next line of `file`, unpacked if need be, up to a number of bytes."""
        first = file.readline(most)
        if not first.startswith(GZIP):
            return _Lines(first, partial(file.readline, most)).next
        packed = _Again(first, file)
        lines = io.BufferedReader(gzip.GzipFile(mode="rb", fileobj=packed))
        return partial(self._unpacked_line, partial(lines.readline, most), packed, bound(UNPACKED))

    def _unpacked_line(self, readline: Callable[[], bytes], packed: _Again, times: int) -> bytes:
        line = readline()
        packed.unpacked += len(line)
        if packed.unpacked > LITTLE and packed.unpacked > times * packed.size:
            hint = f"unpack it first: gunzip; or raise {UNPACKED}"
            problem = f"the compressed file unpacks to more than {times} times its size ({hint})"
            raise JournalError(self.source, self._number or None, problem)
        return line

    def _damage(self, line: bytes, number: int, problem: str = "the line is damaged (restore it from a copy)") -> None:
        """Raise an error for a line, unless it belongs to a run that was not asked for."""
        name = _RUN.match(line)
        if self._run is not None and name is not None and name[1] != render(self._run):
            return
        raise JournalError(self.source, number, problem)

    def _out_of_order(self, record: Record) -> JournalError:
        last = self._last.get(record.run, 0)
        hint = "restore what is missing" if record.seq > last else "give each run an id of its own"
        problem = f"run '{record.run}': seq {record.seq} comes where {last + 1} should ({hint})"
        return JournalError(self.source, record.line, problem)


class _Lines:
    """A stream of lines whose `first` was already read."""

    def __init__(self, first: bytes, readline: Callable[[], bytes]) -> None:
        self._first: bytes | None = first
        self._readline = readline

    def next(self) -> bytes:
        first, self._first = self._first, None
        return self._readline() if first is None else first


class _Again:
    """A byte stream whose `first` bytes were already read and are read again; it counts bytes in and bytes unpacked."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = rest
        self.size = 0
        self.unpacked = 0

    def read(self, size: int, /) -> bytes:
        part, self._first = self._first[:size], self._first[size:]
        part = part or self._rest.read(size)
        self.size += len(part)
        return part

    def seekable(self) -> bool:
        return False

    def seek(self, place: int, /) -> None:
        raise io.UnsupportedOperation("seek")


def _made(value: dict[str, object], number: int) -> Record:
    """Return `value` as a record: after the common fields are taken out, the rest are the record's own."""
    run, seq, kind = value["run"], value["seq"], value["type"]
    if not isinstance(run, str) or not isinstance(seq, int) or seq < 1:
        raise ValueError("'run' must be text, and 'seq' a whole number from 1 up (restore the line from a copy)")
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
        source: a path, ``"-"`` for standard input, or an open binary file, which the caller closes.  Each may be
            compressed with gzip.
        run: the id of the only run to read; None: all runs.
        after: the number of each run's last record before `source`, for an open file that was read up to here.

    Raises:
        JournalError: while iterating: the file cannot be opened, a line cannot be read, or there is no such run.
    """
    name, file = opened(source)
    return Reading(name, file, run=run, after=after)


def opened(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, BinaryIO | None]:
    """Return the name of `source`, and its file if that is already open; for `source` see `read`."""
    if not isinstance(source, (str, os.PathLike)):
        return str(getattr(source, "name", "<journal>")), source
    if source == "-":
        return "<stdin>", sys.stdin.buffer
    return os.fspath(source), None


def upgraded(value: dict[str, object], upgrades: Mapping[int, Upgrade] = UPGRADES) -> dict[str, object]:
    """Return the record `value` in this version of the format.

    Raises:
        ValueError: no upgrade leads from its version to this one.
    """
    version = value["v"]
    if isinstance(version, bool) or not isinstance(version, int) or version > VERSION:
        reads = f"this fsm_runner reads version {VERSION} (upgrade fsm_runner)"
        raise ValueError(f"its format is version {version!r}; {reads}")
    for step in range(version, VERSION):
        if step not in upgrades:
            raise ValueError(f"its format is version {version}, which is not known (restore the line from a copy)")
        value = {**upgrades[step](value), "v": step + 1}
    return value
