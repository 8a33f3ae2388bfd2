"""The session: one run in a process, with its snapshot, its journal and its listener.

Every event goes through `Session.tell`, which steps the machine, writes the journal, and logs the step's notes.

Tools and callers act from any thread.  Only one thread at a time tells and records.  The listener is called afterwards,
in the same order, and what it raises does not undo anything (see `Session.check`).
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fsm_runner.adapters.anthropic.json_values import json_object
from fsm_runner.drivers.copies import Copies
from fsm_runner.engine.errors import RunError
from fsm_runner.engine.frozen import short_repr
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import CallTool, Effect, SendRequest, Summarise
from fsm_runner.loop.events import ACTS, Event, Json, Reported, ToolFinished
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step, closed_again, reopened

if TYPE_CHECKING:
    from fsm_runner.adapters.opentelemetry import Spans
    from fsm_runner.journal import Journal

log = logging.getLogger("fsm_runner")

_T = TypeVar("_T")

Listener: TypeAlias = Callable[[Event | None, Step], object]
"""Called with a copy of each event and of its step; at the start of the run, with None for the event."""

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING}


@dataclass(frozen=True, slots=True)
class RunView:
    """What a function for a custom effect sees of the run: immutable.

    Attributes:
        snapshot: where the run is, and all that it knows.
    """

    snapshot: Snapshot

    __repr__ = short_repr

    @property
    def messages(self) -> Sequence[Json]:
        """The conversation, as the next request would send it."""
        return self.snapshot.context.conversation.history

    @property
    def reply(self) -> Json | None:
        """The last reply; None before the first."""
        return self.snapshot.context.turn.reply

    @property
    def calls(self) -> tuple[Json, ...]:
        """The ``tool_use`` blocks of the last reply that have no result yet."""
        return tuple(call.block for call in self.snapshot.context.turn.calls if call.status != "done")


class Session:
    """One run: its snapshot, its journal, its listener.  Mutable, and safe to use from several threads."""

    def __init__(
        self,
        machine: Machine,
        context: Context,
        *,
        run: str | None = None,
        journal: Journal | None = None,
        listener: Listener | None = None,
        at: Snapshot | None = None,
        after: int = 0,
        moved: bool = False,
        closes: bool = False,
    ) -> None:
        """Start a run, or go on with one.

        Args:
            machine: the compiled chart.
            context: what the run knows at its start.
            run: its id; None: a random one.
            journal: where it is recorded.
            listener: called with each event and the step that it made.
            at: where to go on with a run that was cut off; None: start a new one.
            after: how many effects, other than tool calls, it had scheduled by then.
            moved: whether it goes on with another chart or other facts than before.
            closes: whether to close the journal at the end of the run.
        """
        self.machine = machine
        self.run = run or uuid.uuid4().hex
        self.journal = journal
        self._listener = listener
        self._copies = Copies()
        self._closes = closes
        self.spans: Spans | None = None
        self._requests = after
        self._calls: set[str] = set()
        self._done: set[str] = set()
        self._lock = threading.RLock()
        self._depth = 0
        self._stepping = self._telling = False
        self._late: deque[Event] = deque()
        self._untold: deque[tuple[Event | None, Step]] = deque()
        self._raised: Exception | None = None
        step = machine.start(context) if at is None else machine.resume(at)
        self.snapshot = step.snapshot
        self.final = step.final
        if journal is not None and at is None:
            journal.started(machine, context)
        elif journal is not None:
            journal.resumed(step.snapshot, machine if moved else None)
        with self.alone():
            self._made(None, step)
        self.check()

    @property
    def context(self) -> Context:
        """All that the run knows."""
        return self.snapshot.context

    def copy_of(self, value: _T) -> _T:
        """Return a copy of a part of the run, to be handed out."""
        return self._copies.of(value)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it lasts, no other thread can step the run or write to its journal."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                is_last = not self._depth
        if is_last and self._untold:
            self._tell_listener()

    def tell(self, event: Event) -> Step:
        """Step the machine by `event`, and record the event and what followed.

        Raises:
            IllegalEvent: the state takes no such event; nothing has changed, and nothing was recorded.
        """
        with self.alone():
            if self._stepping:
                raise RunError(f"event '{event.name}': a fact or a processor cannot tell it to the run that called it")
            step = self._stepped(event)
            while self._late:
                with self._kept():
                    self._stepped(self._late.popleft())
        return step

    @contextmanager
    def acting(self) -> Iterator[None]:
        """As `alone`, for an act of the caller.

        Raises:
            Exception: what the listener raised.
        """
        with self.alone():
            yield
        self.check()

    def act(self, event: Event) -> None:
        """Tell the run of an act of the caller.  If a signal handler does it during a step, it is told after that step.

        Raises:
            IllegalEvent: the run has ended.
        """
        if self._stepping and isinstance(event, ACTS):
            self._late.append(event)
        else:
            self.tell(event)

    @property
    def is_stepping(self) -> bool:
        """Whether this was called during a step, as by a signal handler."""
        return self._stepping

    @property
    def has_raised(self) -> bool:
        """Whether the listener has raised something that was not passed on yet."""
        return self._raised is not None

    def check(self) -> None:
        """Raise what the listener raised, once.  What was recorded by then stays.

        Raises:
            Exception: what the listener raised.
        """
        if self._raised is not None and not self._telling:
            error, self._raised = self._raised, None
            try:
                raise error
            finally:
                del error  # it holds this frame

    def _stepped(self, event: Event) -> Step:
        self._stepping = True
        try:
            step = self.machine.step(self.snapshot, event)
            self._record(event, step)
        finally:
            self._stepping = False
        self._made(event, step)
        return step

    def _record(self, event: Event, step: Step) -> None:
        """Record the event and its step, and move to the step's snapshot.  If that fails half-way, the journal takes no
        more records."""
        journal = None if self.final else self.journal  # a journal ends with its run
        try:
            if journal is not None:
                journal.event(event)
                if isinstance(event, ToolFinished):
                    self._finished(event.id)
                journal.step(step)
            self.snapshot, self.final = step.snapshot, step.final
        except BaseException:
            if journal is not None:
                journal.give_up(f"what follows from '{event.name}' was not written (resume the run)")
            raise

    def resume(self) -> Step:
        """Return the step that goes on where the run was cut off; without effects if it waits for the caller."""
        return self.machine.resume(self.snapshot)

    def leave(self) -> None:
        """Close the journal if the run has ended and has opened it itself."""
        if self.final and self._closes and self.journal is not None:
            self.journal.close()

    @contextmanager
    def reopened(self) -> Iterator[None]:
        """While it lasts, open calls of a run that has ended can be answered; this is not recorded."""
        ended = self.snapshot
        beside = reopened(self.machine, ended)
        if beside is None:
            yield
            return
        journal, self.journal = self.journal, None
        self.snapshot, self.final = beside, False
        try:
            yield
        finally:
            self.snapshot, self.final = closed_again(ended, self.snapshot), True
            self.journal = journal

    def takes(self, event: type[Event]) -> bool:
        """Whether the run takes such an event where it is."""
        return getattr(event, "name", None) in self.machine.takes(self.snapshot)

    def _made(self, event: Event | None, step: Step) -> None:
        if self.spans is not None:
            self.spans.step(step)
        if step.notes or self._listener is not None:
            self._untold.append((event, step))

    def _tell_listener(self) -> None:
        """Log notes and call the listener, one step after the other.

        If this is going on already, in this thread or another, it is left to that one: nobody waits."""
        while self._untold:
            with self._lock:
                if self._telling:
                    return
                self._telling = True
            try:
                while self._untold:
                    event, step = self._untold.popleft()
                    for note in step.notes:
                        log.log(_LEVELS[note.level], note.text)
                    if self._listener is not None:
                        with self._kept():
                            self._listener(self.copy_of(event), self.copy_of(step))
            finally:
                self._telling = False

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep the first exception for `check`."""
        try:
            yield
        except Exception as error:
            if self._raised is None:
                self._raised = error

    def scheduled(self, effect: Effect) -> str:
        """Record that `effect` is about to be performed; return its id in the journal."""
        with self.alone():
            id = effect.id if isinstance(effect, CallTool) else self._numbered(effect)
            if isinstance(effect, CallTool):
                self._calls.add(id)
            if self.journal is not None:
                self.journal.scheduled(effect, id)
            return id

    def _numbered(self, effect: Effect) -> str:
        self._requests += 1
        kind = "request" if isinstance(effect, (SendRequest, Summarise)) else effect.name
        return f"{kind}-{self._requests}"

    def completed(self, id: str) -> None:
        """Record that the effect `id` was performed.

        For a tool call this is written after its result, because a completed call never runs again.
        """
        with self.alone():
            if id in self._calls:
                self._done.add(id)
            elif self.journal is not None:
                self.journal.completed(id)

    def _finished(self, id: str) -> None:
        self._calls.discard(id)
        if id in self._done and self.journal is not None:
            self._done.discard(id)
            self.journal.completed(id)

    def failed(self, id: str, error: BaseException) -> None:
        """Record that the effect `id` failed."""
        with self.alone():
            if self.journal is not None:
                self.journal.failed(id, error)

    def cancelled(self, id: str) -> None:
        """Record that the effect `id` was cut off.  The run stays where it is."""
        with self.alone():
            if self.journal is not None:
                self.journal.cancelled(id)


def reported(effect: str, outcome: object) -> Reported:
    """Return the event that a custom effect reports by returning `outcome`.

    Raises:
        TypeError: `outcome` is neither an event's name nor a `Reported`, or its data is not JSON.
    """
    if isinstance(outcome, str):
        return Reported(name=outcome)
    if isinstance(outcome, Reported):
        place = f"effect '{effect}'"
        results = enumerate(outcome.results)
        return Reported(
            name=outcome.name,
            data=json_object(outcome.data, f"{place}: data", "a dict"),
            results=tuple(json_object(each, f"{place}: results[{at}]", "a dict") for at, each in results),
        )
    kind = type(outcome).__name__
    raise TypeError(f"effect '{effect}': it returned {kind} (return the event's name, or Reported(...))")
