"""The writer: a run's records to a file, one write of one whole line each.

A record is shielded (see `privacy`), then structlog carries it: the processors that a user gives see it as a dict, in
its order, before it is chained to the line before (see `chain`) and rendered.  What they add is written too; a record
that they drop is missing, and reading says so.  Values inside a record belong to the run and must not be changed in
place.

Two loggers, because structlog puts ``event`` last unless it is bound already; one has it bound, for the records that
have such a field.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypedDict, cast, get_args

import structlog
from structlog.typing import Processor

from fsm_runner.core.context import Context
from fsm_runner.core.effects import Effect
from fsm_runner.core.errors import JournalError
from fsm_runner.core.events import Event
from fsm_runner.core.machine import Machine, Snapshot, Step
from fsm_runner.journal import records
from fsm_runner.journal.chain import Chain
from fsm_runner.journal.clock import Clock, stamp, utc_now
from fsm_runner.journal.digest import Digests
from fsm_runner.journal.files import Sync, appending, is_due, number_of, why
from fsm_runner.journal.privacy import Content, Shield
from fsm_runner.journal.reader import head_of
from fsm_runner.journal.records import VERSION, Made, Record

_OF_THE_LINE = frozenset({"torn", "prev", "seal"})
"""What a record says of its own line and the one before, not of the run."""


class _Options(TypedDict):
    """What `Journal` and `Journal.open` take alike."""

    clock: Clock | None
    processors: Iterable[Processor]
    content: Content
    redact: Mapping[str, object] | None
    sync: Sync
    key: bytes | None


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
        content: Content = "full",
        redact: Mapping[str, object] | None = None,
        sync: Sync = "none",
        key: bytes | None = None,
        after: int = 0,
        head: str | None = None,
    ) -> None:
        """Write to `file`, which stays the caller's to close.  For the arguments see `open`."""
        self.source = str(getattr(file, "name", "<journal>"))
        self.run = run
        self.seq = after
        self._clock = clock
        self._effects: dict[str, str] = {}
        self._digests = Digests()
        self._shield = Shield(content, redact)
        self._chain = Chain(key, head)
        self._sync = sync
        self._number = None if sync == "none" else number_of(file, self.source)
        self._closing: BinaryIO | None = None
        self._torn = 0
        bound = structlog.wrap_logger(
            structlog.BytesLogger(file),
            processors=[*processors, self._chain],
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
        content: Content = "full",
        redact: Mapping[str, object] | None = None,
        sync: Sync = "none",
        key: bytes | None = None,
        after: int = 0,
        head: str | None = None,
    ) -> Self:
        """Open a journal to write the run `run`.

        Args:
            target: a path, to whose end is written and which is made when there is none; or an open binary file.
            run: the run's id; runs with different ids may share a file.
            clock: what time it is; None: records carry no time, and equal runs make equal bytes.
            processors: of structlog, applied to each record after `redact` and `content`, before it is rendered.
            content: what is written of payloads; ``full``: all but secrets; ``digest``: their SHA-256; ``none``:
                nothing.  Only of a run in full can every fact be asked again, and only such a run can go on.
            redact: by path, what is written instead of what stands there, or a function that makes it.  A path is a
                record's type or ``*``, then keys, indexes or ``*``: ``/event/message/content/*/text``.
            sync: when a record is on disk; ``none``: when the operating system writes it; ``effect``: before an
                effect is begun and after what came of it is told; ``record``: at once.  In each case a killed process
                loses none that was written; the others hold when the power fails, too.
            key: seals the journal's end, so that `verify` can tell a forged one; None: anyone can seal.
            after: the number of the run's last record, when the run goes on; 0 for a new run.
            head: the hash of that record, when it stands in another file; else it is looked up.

        Raises:
            JournalError: the file cannot be opened, read where the run goes on, or put on disk.
            ValueError: `content`, `redact`, `sync` or `key` is none.
        """
        if sync not in get_args(Sync):
            raise ValueError(f"sync={sync!r}: it is not known (choose from: {', '.join(get_args(Sync))})")
        Shield(content, redact), Chain(key)  # refused before a file is made
        options = _Options(clock=clock, processors=processors, content=content, redact=redact, sync=sync, key=key)
        if not isinstance(target, (str, os.PathLike)):
            return cls(target, run=run, after=after, head=head, **options)
        path = Path(target)
        try:
            if after and head is None and path.is_file():
                head = head_of(path, run)
            file, torn = appending(path, sync)
        except OSError as error:
            raise JournalError(os.fspath(target), None, f"cannot be written: {why(error)}") from error
        journal = cls(file, run=run, after=after, head=head, **options)
        journal._closing = file
        weakref.finalize(journal, file.close)  # a run may be dropped without a word; every record is out by then
        journal._torn = torn
        return journal

    def started(self, machine: Machine, context: Context) -> None:
        """Write that the run starts: its chart, the versions and what it knows, without secrets."""
        self._record(records.run_started(machine, context, self._shield.holds, self._shield.paths))

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
        """Seal a run that has not ended, if there is a key; close the file, if this journal opened it.

        Closing twice does nothing.

        Raises:
            JournalError: what an earlier record could not write still cannot be written.
        """
        if self._closing is not None and self._closing.closed:
            return
        try:
            if self._chain.unsealed:
                self._record(records.sealed())
        finally:
            self._close_file()

    def _close_file(self) -> None:
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
            data["at"] = stamp(self._clock)
        self.seq += 1
        data = self._shield.of(kind, data)
        write = self._write_input if "event" in data else self._write
        try:
            write(seq=self.seq, type=kind, **data)
            if self._number is not None and is_due(self._sync, kind, data.get("event")):
                os.fsync(self._number)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> JournalError:
        return JournalError(self.source, None, f"cannot be written: {why(error)}")
