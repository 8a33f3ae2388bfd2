"""The writer: a run's records to a file, one write of one whole line each.

structlog carries them: the processors that a user gives see each record as a dict, in its order, before it is rendered.
What they add is written too; a record that they drop is missing, and reading says so.  Values inside a record belong
to the run and must not be changed in place.

Two loggers, because structlog puts ``event`` last unless it is bound already; one has it bound, for the records that
have such a field.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, TypeAlias, cast

import structlog
from structlog.processors import JSONRenderer
from structlog.typing import Processor

from fsm_runner.core.context import Context
from fsm_runner.core.effects import Effect
from fsm_runner.core.errors import JournalError
from fsm_runner.core.events import Event
from fsm_runner.core.machine import Machine, Snapshot, Step
from fsm_runner.journal import records
from fsm_runner.journal.digest import Digests
from fsm_runner.journal.records import VERSION, Made, Record
from fsm_runner.journal.render import iso_time, render, stand_in

Clock: TypeAlias = Callable[[], datetime]
"""Says what time it is, with a time zone."""


_OF_THE_LINE = frozenset({"torn", "prev", "seal"})
"""What a record says of its own line and the one before, not of the run."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Journal:
    """Where one run writes down what happens to it: mutable, for one thread or task at a time.

    Made by `Journal.open`.  Also a context manager, which closes it.

    Attributes:
        source: the file's name, for messages.
        run: the run's id.
        seq: the number of the last record written; 0 before the first.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        run: str,
        clock: Clock | None = utc_now,
        processors: Iterable[Processor] = (),
        after: int = 0,
    ) -> None:
        """Write to `file`, which stays the caller's to close.  For the arguments see `open`."""
        self.source = str(getattr(file, "name", "<journal>"))
        self.run = run
        self.seq = after
        self._clock = clock
        self._effects: dict[str, str] = {}
        self._digests = Digests()
        self._closing: BinaryIO | None = None
        self._torn = 0
        bound = structlog.wrap_logger(
            structlog.BytesLogger(file),
            processors=[*processors, JSONRenderer(render, default=stand_in)],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        ).bind(v=VERSION, run=run, seq=0, type="")
        self._write = bound.msg
        self._write_input = bound.bind(event=None).msg

    @classmethod
    def open(
        cls,
        target: str | os.PathLike[str] | BinaryIO,
        *,
        run: str,
        clock: Clock | None = utc_now,
        processors: Iterable[Processor] = (),
        content: Literal["full"] = "full",
        sync: Literal["none"] = "none",
        after: int = 0,
    ) -> Self:
        """Open a journal to write the run `run`.

        Args:
            target: a path, to whose end is written and which is made when there is none; or an open binary file.
            run: the run's id; runs with different ids may share a file.
            clock: what time it is; None: records carry no time, and equal runs make equal bytes.
            processors: of structlog, applied to each record before it is rendered.
            content: what is written of payloads; ``full``: all but secrets.
            sync: when a record is on disk; ``none``: when the operating system writes it.  A record is handed to the
                operating system at once, so a killed process loses none that was written.
            after: the number of the run's last record, when the run goes on; 0 for a new run.

        Raises:
            JournalError: the file cannot be opened.
            ValueError: `content` or `sync` is none of the above.
        """
        if content != "full":
            raise ValueError(f"content={content!r}: this version knows 'full'")
        if sync != "none":
            raise ValueError(f"sync={sync!r}: this version knows 'none'")
        if not isinstance(target, (str, os.PathLike)):
            return cls(target, run=run, clock=clock, processors=processors, after=after)
        try:
            file, torn = _appending(Path(target))
        except OSError as error:
            raise JournalError(os.fspath(target), None, f"cannot be written: {_why(error)}") from error
        journal = cls(file, run=run, clock=clock, processors=processors, after=after)
        journal._closing = file
        weakref.finalize(journal, file.close)  # a run may be dropped without a word; every record is out by then
        journal._torn = torn
        return journal

    def started(self, machine: Machine, context: Context) -> None:
        """Write that the run starts: its chart, the versions and what it knows, without secrets."""
        self._record(records.run_started(machine, context))

    def event(self, event: Event) -> None:
        """Write an input, as it came."""
        self._record(records.event(event))

    def step(self, step: Step) -> None:
        """Write what follows from an input: rows taken, notes, the end."""
        for made in records.derived(step):
            self._record(made)

    def scheduled(self, effect: Effect, id: str) -> None:
        """Write that `effect` is about to be performed, under `id`: the call's for a tool call, else any new one."""
        self._effects[id] = effect.name
        self._record(records.scheduled(effect, id, self._digests))

    def completed(self, id: str) -> None:
        """Write that the effect `id` was performed."""
        self._record(records.completed(id, self._effects.pop(id, "")))

    def failed(self, id: str, error: BaseException) -> None:
        """Write that the effect `id` did not succeed."""
        self._record(records.failed(id, self._effects.pop(id, ""), error))

    def cancelled(self, id: str) -> None:
        """Write that the effect `id` was cut off; the run stays where it is."""
        self._record(records.cancelled(id, self._effects.pop(id, "")))

    def resumed(self, snapshot: Snapshot, machine: Machine | None = None) -> None:
        """Write that the run goes on at `snapshot`; by `machine`, when that is not the one that it had."""
        self._record(records.resumed(snapshot, machine))

    def copied(self, record: Record, **changes: object) -> None:
        """Write a record of another run as this run's own, of the same time, with `changes` to its fields."""
        data = {key: value for key, value in record.data.items() if key not in _OF_THE_LINE}
        at = {} if record.at is None else {"at": record.at}
        self._record((cast(records.Type, record.type), {**data, **changes, **at}))

    def close(self) -> None:
        """Close the file, if this journal opened it.  Closing twice does nothing.

        Raises:
            JournalError: what an earlier record could not write still cannot be written.
        """
        if self._closing is None:
            return
        try:
            self._closing.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _record(self, made: Made) -> None:
        kind, data = made
        if self._closing is not None and self._closing.closed:
            raise JournalError(self.source, None, "cannot be written: it is closed (open it again with after=...)")
        if self._torn:
            data["torn"], self._torn = self._torn, 0
        if self._clock is not None and "at" not in data:
            now = self._clock()
            data["at"] = iso_time(now if now.tzinfo is UTC else now.astimezone(UTC))
        self.seq += 1
        write = self._write_input if "event" in data else self._write
        try:
            write(seq=self.seq, type=kind, **data)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> JournalError:
        return JournalError(self.source, None, f"cannot be written: {_why(error)}")


def _appending(path: Path) -> tuple[BinaryIO, int]:
    """Open `path` to write at its end, on a line of its own.

    Returns the file, and how many bytes the line has that a killed process left without an end; 0 mostly.
    """
    file = path.open("ab")
    try:
        torn = _unfinished(path)
        if torn:
            file.write(b"\n")
            file.flush()
    except BaseException:
        file.close()
        raise
    return file, torn


_BLOCK = 65_536


def _unfinished(path: Path) -> int:
    """How many bytes follow the last line's end; 0 for what is no regular file, such as a pipe."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = size
        while start:
            start = max(0, start - _BLOCK)
            file.seek(start)
            end = file.read(_BLOCK).rfind(b"\n")
            if end >= 0:
                return size - (start + end + 1)
        return size


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
