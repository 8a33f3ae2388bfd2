"""The writer: a run's records to a file, one write of one whole line each.

A record is shielded (see `privacy`), then structlog carries it: the processors that a user gives see it as a dict, in
its order, before it is chained to the line before (see `chain`) and rendered.  What they add is written too; a record
that they drop is missing, and reading says so.  Values inside a record belong to the run and must not be changed in
place.  After a record that could not be written comes none: what followed it would tell another story.
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
from fsm_runner.journal import records
from fsm_runner.journal.chain import Chain, checked_key
from fsm_runner.journal.clock import Clock, stamps, utc_now
from fsm_runner.journal.codec import Data
from fsm_runner.journal.files import Sync, appending, check_plain, is_due, number_of, why
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


_HINT = "(see to that, then resume the run)"


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
        writing: Writing,
        *,
        run: str,
        after: int = 0,
        head: str | None = None,
    ) -> None:
        """Write to `file`, which stays the caller's to close.  For the rest see `open`."""
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
        from fsm_runner.journal.writer import carried  # structlog is slow to import, and who reads needs none

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
            target: a path, to whose end is written and which is made when there is none; or an open binary file.
            run: the run's id; runs with different ids may share a file.
            clock: what time it is; None: records carry no time, and equal runs make equal bytes.
            processors: of structlog, applied to each record after `redact` and `content`, before it is rendered.
            content: what is written of payloads; ``full``: all but secrets; ``none``: nothing.  Only of a run in full
                can every fact be asked again, and only such a run can go on.
            redact: by path, what is written instead of what stands there, or a function that makes it.  A path is a
                record's type or ``*``, then keys, indexes or ``*``: ``/event/message/content/*/text``.
            sync: when a record is on disk; ``none``: when the operating system writes it; ``effect``: before an
                effect is begun and after what came of it is told; ``record``: at once.  In each case a killed process
                loses none that was written; the others hold when the power fails, too.
            key: seals the journal's end, so that `verify` can tell a forged one; None: anyone can seal.
            after: the number of the run's last record, when the run goes on; 0 for a new run.
            head: the hash of that record, when it stands in another file; else it is looked up.

        Raises:
            JournalError: the file cannot be opened, read where the run goes on, or put on disk; it is compressed; it
                holds the run already; another process is writing the run, or has gone on with it.
            ValueError: `content`, `redact`, `sync` or `key` is none.
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
        weakref.finalize(journal, hold.close)  # a run may be dropped without a word; every record is out by then
        return journal

    @property
    def content(self) -> Content:
        """What is written of payloads."""
        return self._shield.content

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

    def owed(self, made: Iterable[Made]) -> None:
        """Write records that are made already, such as those which a killed process did not write."""
        for each in made:
            self._record(each)

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

    def give_up(self, why: str) -> None:
        """Write no more, for what was to be written is not wholly there; `why` is said of every later record."""
        if self._broken is None:
            self._broken = why
            if self._own is not None:
                with suppress(OSError):  # what could not be written still cannot
                    self._own.close()

    def close(self) -> None:
        """Seal a run that has not ended, if there is a key; close the file, if this journal opened it.

        Closing twice does nothing, and so does closing what could not be written.
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
        """See to it that the next record stands where it can be read.

        Raises:
            JournalError: it cannot, for what this run wrote before is not there any more.
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
    """structlog's wrapper of a file for whole records: immutable."""

    def __init__(self, logger: WrappedLogger, processors: Iterable[Processor], context: Any) -> None:
        """As structlog makes each wrapper."""
        super().__init__(logger, processors, context)
        self.logger = logger
        self.steps = tuple(processors)

    def write(self, record: EventDict) -> None:
        """Let each processor see `record`, then write what the last made of it; nothing when one drops it."""
        line: Any = record
        try:
            for step in self.steps:
                line = step(self.logger, "msg", line)
        except structlog.DropEvent:
            return
        self.logger.msg(line)


def carried(file: BinaryIO, processors: Iterable[Processor]) -> Write:
    """Return what writes a record to `file`, by way of `processors`, the last of which renders it."""
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
        """Refuse what is none.

        Raises:
            ValueError: a field is none of what it may be.
        """
        if self.sync not in get_args(Sync):
            raise ValueError(f"sync={self.sync!r}: it is not known (choose from: {', '.join(get_args(Sync))})")
        self.shield()
        checked_key(self.key)

    def shield(self) -> Shield:
        """Return what stands between a run and its journal."""
        return Shield(self.content, self.redact)

    def chain(self, head: str | None) -> Chain:
        """Return what links and renders records after `head`."""
        return Chain(self.key, head)


def check_target(name: str, target: object) -> None:
    """Refuse what cannot be written to as a journal.

    Raises:
        TypeError: it is neither a path nor an open binary file.
    """
    is_text = isinstance(target, io.TextIOBase)
    if is_text or not (isinstance(target, (str, os.PathLike)) or callable(getattr(target, "write", None))):
        raise wrong_type(name, "a file's path, or an open binary file", target)


def check_opening(target: object, *, run: object, clock: object, redact: object, after: object, head: object) -> None:
    """Refuse what cannot be right.

    Raises:
        TypeError, ValueError: the error names the argument, and says what it takes.
    """
    check_target("target", target)
    check_type("run", run, str, "a run's id")
    check_function("clock", clock, "a function that says what time it is", none=True)
    check_mapping("redact", redact, "a dict of paths")
    check_count("after", after, least=0, none=False)
    check_type("head", head, (str, type(None)), "a record's hash, or None")
