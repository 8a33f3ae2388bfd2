"""What both drivers share: the run's place in its chart, its journal, its notes.

A driver performs effects and reports events; it decides nothing.  Whatever it is told goes through `Session.tell`,
which steps the machine, writes the journal, and logs what a person should know.

Tools and callers act from any thread.  One thread at a time tells and records; listeners are called after that, in the
same order, by whoever is at it, and what they raise takes back nothing (see `Session.check`).
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
from fsm_runner.engine.short_repr import short_repr
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
"""Called with copies of each event and the step that it made; with None for the event when the run starts."""

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING}


@dataclass(frozen=True, slots=True)
class RunView:
    """What an effect of the user's own sees of the run: immutable.

    Attributes:
        snapshot: where the run is, and all that it knows.
    """

    snapshot: Snapshot

    __repr__ = short_repr

    @property
    def messages(self) -> Sequence[Json]:
        """The conversation as the next request would send it."""
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
    """One run's place in its chart: mutable, for any number of threads."""

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
            machine: the chart, compiled.
            context: what the run knows at its start.
            run: its id; a random one when left out.
            journal: where it is put on record.
            listener: called with each event and the step that it made.
            at: where a run goes on that was cut off; None: it starts anew.
            after: how many effects other than tool calls it had scheduled by then.
            moved: whether it goes on by another chart, or other facts, than it had.
            closes: whether the journal is the run's own, to be closed at its end.
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
        """Return a copy of a part of the run, for hands that may change it."""
        return self._copies.of(value)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads from telling or recording for the block: it reads, and tells what it made of that."""
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
        """Step the machine, and put on record what was told and what it did.

        Raises:
            IllegalEvent: the state takes no such event; nothing has changed, nothing is on record.
        """
        with self.alone():
            if self._stepping:
                raise RunError(f"event '{event.name}': a fact or a processor cannot tell the run that it is asked of")
            step = self._stepped(event)
            while self._late:
                with self._kept():
                    self._stepped(self._late.popleft())
        return step

    @contextmanager
    def acting(self) -> Iterator[None]:
        """As `alone`, for an act of the caller, who gets what the listener raises.

        Raises:
            Exception: that.
        """
        with self.alone():
            yield
        self.check()

    def act(self, event: Event) -> None:
        """Tell of an act of the caller.  One by a signal's handler waits for the step that it interrupts.

        Raises:
            IllegalEvent: the run has ended.
        """
        if self._stepping and isinstance(event, ACTS):
            self._late.append(event)
        else:
            self.tell(event)

    @property
    def is_stepping(self) -> bool:
        """Whether a step is being made, which this interrupts."""
        return self._stepping

    @property
    def has_raised(self) -> bool:
        """Whether the listener raised something that nobody has got yet."""
        return self._raised is not None

    def check(self) -> None:
        """Raise what the listener raised, once; all that was told by then is on record, and stays.

        Raises:
            Exception: that.
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
        """Go where `step` leads, and put on record what was told with all that follows from it; when that is cut
        short, nothing more."""
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
        """Return the step that goes on where the run was cut off; it has no effects where the caller has the turn."""
        return self.machine.resume(self.snapshot)

    def leave(self) -> None:
        """Close the journal of a run that has ended, if it is the run's own."""
        if self.final and self._closes and self.journal is not None:
            self.journal.close()

    @contextmanager
    def reopened(self) -> Iterator[None]:
        """While it lasts, calls that the end of the run left open can be answered; they are no part of its record."""
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
        """Log notes and call the listener, for each step in turn.

        Whoever comes meanwhile, in this thread or in another, leaves its own to whoever is at it: nobody waits."""
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
        """Keep the first exception of the block for `check`."""
        try:
            yield
        except Exception as error:
            if self._raised is None:
                self._raised = error

    def scheduled(self, effect: Effect) -> str:
        """Put on record that `effect` is about to be performed; return the id under which it is."""
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
        """Put on record that the effect `id` was performed.

        Of a tool call, that follows its result: a completed call is one that need never run again.
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
        """Put on record that the effect `id` failed."""
        with self.alone():
            if self.journal is not None:
                self.journal.failed(id, error)

    def cancelled(self, id: str) -> None:
        """Put on record that the effect `id` was cut off; the run stays where it is."""
        with self.alone():
            if self.journal is not None:
                self.journal.cancelled(id)


def reported(effect: str, outcome: object) -> Reported:
    """Return the event that an effect of the user's own reports by returning `outcome`.

    Raises:
        TypeError: it returned neither an event's name nor `Reported`, or JSON cannot hold what it reports.
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
