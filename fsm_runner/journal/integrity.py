"""Integrity: whether a journal is exactly what was written, from its first record to its last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.text import counted
from fsm_runner.journal.chain import SEALED, Seal, checked_key, hash_of, seal_of
from fsm_runner.journal.reader import Reading, opened
from fsm_runner.journal.records import Record
from fsm_runner.journal.tail import Torn


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A line that is not as it was written: immutable.

    Attributes:
        line: its line, counted from 1.
        problem: what is wrong with it.
        run: the run's id; None if it is not known.
        seq: the record's number in the run; None if it is not known.
    """

    line: int
    problem: str
    run: str | None = None
    seq: int | None = None

    def __str__(self) -> str:
        return self.problem if self.run is None else f"run '{self.run}': seq {self.seq}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRun:
    """One run of a verified journal: immutable.

    Attributes:
        run: its id.
        records: how many records it has.
        seal: what the seal of its last record proves.
        head: the hash of its last record.
    """

    run: str
    records: int
    seal: Seal
    head: str

    def __str__(self) -> str:
        seals = {"none": "not sealed", "hash": "sealed", "key": "sealed with the key", "other": "its seal is not good"}
        return f"run '{self.run}': {counted(self.records, 'record')}, {seals[self.seal]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of `verify`: immutable.

    Attributes:
        source: the file's name.
        runs: the runs in the file, in the order in which they started.
        flaws: what is wrong, in the file's order; nothing is checked after a line that cannot be read.
        torn: the lines that a killed process left unfinished.
    """

    source: str
    runs: tuple[VerifiedRun, ...]
    flaws: tuple[Flaw, ...]
    torn: tuple[Torn, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws

    @property
    def first(self) -> Flaw | None:
        """The first flaw."""
        return next(iter(self.flaws), None)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the result line by line.  Names are not cleaned for a terminal."""
        yield f"{self.source}: {'as it was written' if self.intact else 'not as it was written'}"
        yield from (f"  {run}" for run in self.runs)
        yield from (f"{self.source}:{flaw.line}: {flaw}" for flaw in self.flaws)
        yield from (f"{self.source}:{torn.line}: the line was not written to its end" for torn in self.torn)


def verify(
    source: str | os.PathLike[str] | BinaryIO,
    key: bytes | None = None,
    *,
    unsealed: bool = False,
    since: Verification | None = None,
) -> Verification:
    """Return whether the journal `source` is exactly what was written.

    Args:
        source: a path, ``"-"`` for standard input, or an open binary file.
        key: the key with which the runs were sealed; None: seals that anyone could make are good.
        unsealed: accept a run without a good seal at its end: it is still written, or was killed.  A cut-off end is
            not noticed then.
        since: the result for everything before `source`, an open file: to verify only what was added to a journal.

    Raises:
        JournalError: the file cannot be opened, or it holds no record.
        ValueError: the key is empty.
    """
    looked = _Looked(checked_key(key))
    if since is not None:
        looked.runs = {run.run: _Last(None, run.records, run.head, run.seal) for run in since.runs}
    name, file = opened(source)
    reading = Reading(name, file, after={run: last.seq for run, last in looked.runs.items()})
    try:
        for record in reading:
            looked.at(record, reading)
    except JournalError as error:
        if error.line is None:
            raise
        looked.flaws.append(Flaw(line=error.line, problem=error.problem))
    else:
        looked.at_ends(unsealed)
    if not looked.runs and not looked.flaws:
        raise JournalError(reading.source, None, "it holds no record of fsm_runner (is it the right file?)")
    return Verification(
        source=reading.source,
        runs=tuple(
            VerifiedRun(run=run, records=last.seq, seal=last.seal, head=last.hash) for run, last in looked.runs.items()
        ),
        flaws=tuple(sorted(looked.flaws, key=lambda flaw: flaw.line)),
        torn=reading.torn,
    )


@dataclass(slots=True)
class _Last:
    """A run's last record so far; None if it stands before the part that is checked."""

    record: Record | None
    seq: int
    hash: str
    seal: Seal
    problem: str = "it has no good seal at its end"
    whole: bool = True


@dataclass(slots=True)
class _Looked:
    """What was checked so far."""

    key: bytes | None
    runs: dict[str, _Last] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def at(self, record: Record, reading: Reading) -> None:
        """Check one more record, whose line is the last that `reading` read."""
        last = self.runs.get(record.run)
        if last is None:
            if record.prev is not None:
                self._flaw(record, "it is the first, and carries the hash of a line before it")
        elif record.prev is None:
            self._flaw(record, "it carries no hash of the line before it")
        elif record.prev != last.hash:
            self._flaw(
                last.record or record, f"it was changed: seq {record.seq} carries another hash of seq {last.seq}"
            )
        seal: tuple[Seal, str] = ("none", "it has no seal: what came after it is missing, or the run goes on")
        if record.type in SEALED:
            seal = seal_of(reading.line, self.key)
        self.runs[record.run] = _Last(record, record.seq, hash_of(reading.line), *seal, whole=reading.ended)

    def at_ends(self, unsealed: bool) -> None:
        """Check the last record of each run."""
        for run, last in self.runs.items():
            line, seq = (1 if last.record is None else last.record.line), last.seq
            if last.seal in ("none", "other") and not unsealed:
                self.flaws.append(Flaw(line=line, problem=last.problem, run=run, seq=seq))
            elif not last.whole:
                self.flaws.append(Flaw(line=line, problem="its line has no end", run=run, seq=seq))

    def _flaw(self, record: Record, problem: str) -> None:
        self.flaws.append(Flaw(line=record.line, problem=problem, run=record.run, seq=record.seq))
