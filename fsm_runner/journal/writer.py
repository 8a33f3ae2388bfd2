"""The writer: a run's records to a file, each as one write of one whole line.

First `privacy` removes what must not be written.  Then structlog carries the record through the user's processors,
which see it as a dict with its keys in order.  Last, `chain` links it to the previous line and renders it.  Fields that
processors add are written too.  A record that they drop is missing, and readers report it.  Values inside a record
belong to the run and must not be changed in place.  After a record that could not be written, no more are written: the
journal would have a gap.
"""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias, get_args

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.expected import check_count, check_function, check_mapping, check_type, listed, wrong_type
from fsm_runner.engine.text import why
from fsm_runner.journal import records
from fsm_runner.journal.chain import Chain, checked_key
from fsm_runner.journal.clock import Clock, stamps, utc_now
from fsm_runner.journal.codec import Data
from fsm_runner.journal.files import Sync, appending, check_plain, is_due, number_of
from fsm_runner.journal.lock import RunLock, check_new, head_of, held
from fsm_runner.journal.privacy import Content, Shield
from fsm_runner.journal.reading_bounds import LineTooLong
from fsm_runner.journal.records import DERIVED, VERSION, Digests, Made
from fsm_runner.journal.tail import Tail
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import Effect
from fsm_runner.loop.events import Event
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step

if TYPE_CHECKING:
    from structlog.typing import Processor


_HINT = "(remove the cause, then resume the run)"


class Journal:
    """Writes down what happens to one run: mutable, for one thread or task at a time.

    Made by `Journal.open`.  Also a context manager that closes it.

    Attributes:
        source: the file's name, for messages.
        run: the run's id.
        seq: the number of the last record written; 0 before the first.
    """

    def __init__(
        self,
        file: BinaryIO,
        writing: Writing,
        *,
        run: str,
        after: int = 0,
        head: str | None = None,
    ) -> None:
        """Write to `file`, which the caller closes.  For the other arguments see `open`."""
        self.source = str(getattr(file, "name", "<journal>"))
        self.run = run
        self.seq = after
        self._effects: dict[str, str] = {}
        self._digests = Digests()
        self._shield = writing.shield()
        self._shields = self._shield.holds != "full"
        self._stamp = None if writing.clock is None else stamps(writing.clock)
        self._sync = writing.sync
        self._number = None if writing.sync == "none" else number_of(file, self.source)
        self._chain = writing.chain(head)
        self._write = carried(file, (*writing.processors, self._chain))
        self._own: RunLock | None = None
        self._tail: Tail | None = None
        self._process = os.getpid()
        self._broken: str | None = None

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
            target: a path, to which is appended; the file is made if it does not exist.  Or an open binary file.
            run: the run's id; runs with different ids may share a file.
            clock: gives the time; None: records carry no time, and equal runs make equal bytes.
            processors: structlog processors that each record passes after `redact` and `content`, before rendering.
            content: what is written of payloads; ``full``: everything except secrets; ``none``: nothing.  Only from a
                ``full`` journal can every fact be asked again, and only such a run can be resumed.
            redact: replacements by path: a value, or a function that makes it from the old one.  A path is a record's
                type or ``*``, then keys, indexes or ``*``: ``/event/message/content/*/text``.
            sync: when a record is on disk; ``none``: when the operating system decides; ``effect``: before an effect
                begins and after its outcome is reported; ``record``: at once.  A killed process never loses a written
                record; ``effect`` and ``record`` also survive a power cut.
            key: seals the journal's end, so that `verify` notices a forged one; None: anyone could make the seal.
            after: the number of the run's last record, to continue a run; 0 for a new run.
            head: the hash of that record, if it is in another file; else it is looked up.

        Raises:
            JournalError: the file cannot be opened, put on disk, or read to continue the run; it is compressed; it
                already holds the run; another process is writing the run, or has continued it.
            ValueError: `content`, `redact`, `sync` or `key` has a value that it cannot have.
        """
        check_opening(target, run=run, clock=clock, redact=redact, after=after, head=head)
        writing = Writing(
            clock=clock,
            processors=listed("processors", processors, "a list of structlog's processors", check_function),
            content=content,
            redact=redact,
            sync=sync,
            key=key,
        )
        if not isinstance(target, (str, os.PathLike)):
            return cls(target, writing, run=run, after=after, head=head)
        path = Path(target)
        try:
            with ExitStack() as opened:
                file = opened.enter_context(appending(path, sync))
                check_plain(path)
                if not after:
                    check_new(path, run)
                hold = held(file, path, run)
                head = head_of(path, run, after) if after and head is None else head
                journal = cls(file, writing, run=run, after=after, head=head)
                journal._own, journal._tail = hold, Tail(file, path) if path.is_file() else None
                opened.pop_all()
        except OSError as error:
            raise JournalError(os.fspath(target), None, f"cannot be written: {why(error)}") from error
        weakref.finalize(journal, hold.close)  # a run may be dropped without close(); every record is written by then
        return journal

    @property
    def content(self) -> Content:
        """What is written of payloads."""
        return self._shield.content

    def started(self, machine: Machine, context: Context) -> None:
        """Write that the run starts: its chart, the versions and what it knows, without secrets."""
        self._record(records.run_started(machine, context, self._shield.holds, self._shield.paths))

    def event(self, event: Event) -> None:
        """Write an input, unchanged."""
        self._record(records.event(event))

    def step(self, step: Step) -> None:
        """Write what follows from an input: rows taken, notes, the end."""
        for made in records.derived(step):
            self._record(made)

    def owed(self, made: Iterable[Made]) -> None:
        """Write finished records, such as those that a killed process still had to write."""
        for each in made:
            self._record(each)

    def scheduled(self, effect: Effect, id: str) -> None:
        """Write that `effect` is about to be performed, under `id`: the call's id for a tool call, else any new one."""
        self._effects[id] = effect.name
        self._record(records.scheduled(effect, id, self._digests))

    def completed(self, id: str) -> None:
        """Write that the effect `id` was performed."""
        self._record(records.completed(id, self._effects.pop(id, "")))

    def failed(self, id: str, error: BaseException) -> None:
        """Write that the effect `id` failed with `error`."""
        self._record(records.failed(id, self._effects.pop(id, ""), error))

    def cancelled(self, id: str) -> None:
        """Write that the effect `id` was cancelled; the run stays where it is."""
        self._record(records.cancelled(id, self._effects.pop(id, "")))

    def resumed(self, snapshot: Snapshot, machine: Machine | None = None) -> None:
        """Write that the run goes on at `snapshot`; `machine` is given if it is not the one that the run had."""
        self._record(records.resumed(snapshot, machine))

    def give_up(self, why: str) -> None:
        """Write nothing more, because the journal is incomplete; `why` is the reason that later errors give."""
        if self._broken is None:
            self._broken = why
            if self._own is not None:
                with suppress(OSError):  # buffered bytes that could not be written still cannot
                    self._own.close()

    def close(self) -> None:
        """Seal a run that has not ended, if there is a key; close the file, if this journal opened it.

        Does nothing if the journal is closed already, or could not be written.
        """
        if self._broken is not None or self._process != os.getpid() or (self._own and self._own.file.closed):
            return
        try:
            if self._chain.unsealed:
                self._record(records.sealed())
        finally:
            if self._own is not None:
                self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _record(self, made: Made) -> None:
        kind, data = made
        if self._broken is not None or self._process != os.getpid() or (self._own and self._own.file.closed):
            raise self._refusal()
        try:
            if self._tail is not None and (kind not in DERIVED or self._tail.unfinished):
                self._look(self._tail, data)
            if self._stamp is not None and "at" not in data:
                data["at"] = self._stamp()
            if self._shields:
                data = self._shield.of(kind, data)
            self.seq += 1
            self._write({"v": VERSION, "run": self.run, "seq": self.seq, "type": kind, **data})
            if self._tail is not None:
                self._tail.wrote(self._chain.last)
            if self._number is not None and is_due(self._sync, kind, data.get("event")):
                os.fsync(self._number)
        except OSError as error:
            self.give_up(f"{why(error)} {_HINT}")
            raise self._refusal() from error
        except LineTooLong as error:
            self.give_up(str(error))
            raise self._refusal() from error
        except BaseException:
            self.give_up(f"an earlier record was not written {_HINT}")
            raise

    def _look(self, tail: Tail, data: Data) -> None:
        """Make sure that the next record can be read where it will stand.

        Raises:
            JournalError: it cannot, because records that this run wrote are gone.
        """
        problem = tail.problem()
        if problem:
            self.give_up(problem)
            raise self._refusal()
        if tail.unfinished:
            data["torn"] = tail.unfinished
            self._chain.breaks = True

    def _refusal(self) -> JournalError:
        if self._process != os.getpid():
            hint = "end it with os._exit(), or start another program: subprocess"
            problem = f"run '{self.run}' is written by process {self._process}, of which this one is a fork ({hint})"
        elif self._own is not None and self._own.lost:
            problem = f"run '{self.run}' was opened again, and goes on there"
        elif self._broken is not None:
            problem = f"cannot be written: {self._broken}"
        else:
            problem = "cannot be written: it is closed (open it again with after=...)"
        return JournalError(self.source, None, problem)


Write: TypeAlias = Callable[[dict[str, object]], None]
"""Writes one record."""


class Carrier(structlog.BoundLoggerBase):
    """structlog's logger for whole records: immutable."""

    def __init__(self, logger: WrappedLogger, processors: Iterable[Processor], context: Any) -> None:
        """Called by structlog, with its arguments."""
        super().__init__(logger, processors, context)
        self.logger = logger
        self.steps = tuple(processors)

    def write(self, record: EventDict) -> None:
        """Pass `record` through each processor, and write what the last one returns; nothing if one drops it."""
        line: Any = record
        try:
            for step in self.steps:
                line = step(self.logger, "msg", line)
        except structlog.DropEvent:
            return
        self.logger.msg(line)


def carried(file: BinaryIO, processors: Iterable[Processor]) -> Write:
    """Return a function that writes a record to `file` through `processors`, the last of which renders it."""
    wrapped = structlog.wrap_logger(structlog.BytesLogger(file), processors=[*processors], wrapper_class=Carrier)
    write: Write = wrapped.bind().write
    return write


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a journal is written: immutable.  For the fields see `Journal.open`."""

    clock: Clock | None
    processors: tuple[Processor, ...]
    content: Content
    redact: Mapping[str, object] | None
    sync: Sync
    key: bytes | None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: a field has a value that it cannot have.
        """
        if self.sync not in get_args(Sync):
            raise ValueError(f"sync={self.sync!r}: it is not known (choose from: {', '.join(get_args(Sync))})")
        self.shield()
        checked_key(self.key)

    def shield(self) -> Shield:
        """Return the `Shield` that records pass first."""
        return Shield(self.content, self.redact)

    def chain(self, head: str | None) -> Chain:
        """Return the `Chain` that links and renders the records after `head`."""
        return Chain(self.key, head)


def check_target(name: str, target: object) -> None:
    """Check that a journal can be written to `target`.

    Raises:
        TypeError: it is neither a path nor an open binary file.
    """
    is_text = isinstance(target, io.TextIOBase)
    if is_text or not (isinstance(target, (str, os.PathLike)) or callable(getattr(target, "write", None))):
        raise wrong_type(name, "a file's path, or an open binary file", target)


def check_opening(target: object, *, run: object, clock: object, redact: object, after: object, head: object) -> None:
    """Check the arguments of `Journal.open`.

    Raises:
        TypeError, ValueError: names the argument, and says what it takes.
    """
    check_target("target", target)
    check_type("run", run, str, "a run's id")
    check_function("clock", clock, "a function that says what time it is", none=True)
    check_mapping("redact", redact, "a dict of paths")
    check_count("after", after, least=0, none=False)
    check_type("head", head, (str, type(None)), "a record's hash, or None")
