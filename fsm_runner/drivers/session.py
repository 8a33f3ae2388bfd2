"""What both drivers share: the run's place in its chart, its journal, its notes.

A driver performs effects and reports events; it decides nothing.  Whatever it is told goes through `Session.tell`,
which steps the machine, writes the journal, and logs what a person should know.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fsm_runner.adapters.anthropic.json_values import json_object
from fsm_runner.drivers.copies import Copies
from fsm_runner.loop.context import Context
from fsm_runner.loop.domain import Machine, Snapshot, Step
from fsm_runner.loop.effects import CallTool, Effect, SendRequest, Summarise
from fsm_runner.loop.events import Event, Json, Reported, ToolFinished

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
    """One run's place in its chart.  Used by one thread or task at a time."""

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
        step = machine.start(context) if at is None else machine.resume(at)
        self.snapshot = step.snapshot
        self.final = step.final
        if journal is not None and at is None:
            journal.started(machine, context)
        elif journal is not None:
            journal.resumed(step.snapshot, machine if moved else None)
        self._told(None, step)

    @property
    def context(self) -> Context:
        """All that the run knows."""
        return self.snapshot.context

    def copy_of(self, value: _T) -> _T:
        """Return a copy of a part of the run, for hands that may change it."""
        return self._copies.of(value)

    def tell(self, event: Event) -> Step:
        """Step the machine, and put on record what was told and what it did.

        Raises:
            IllegalEvent: the state takes no such event; nothing has changed, nothing is on record.
        """
        step = self.machine.step(self.snapshot, event)
        if self.journal is not None:
            self._record(self.journal, event, step)
        self.snapshot = step.snapshot
        self.final = step.final
        self._told(event, step)
        return step

    def _record(self, journal: Journal, event: Event, step: Step) -> None:
        """Put on record what was told with all that follows from it; when that is cut short, nothing more."""
        try:
            journal.event(event)
            if isinstance(event, ToolFinished):
                self._finished(event.id)
            journal.step(step)
        except BaseException:
            journal.give_up(f"what follows from '{event.name}' was not written (resume the run)")
            raise

    def resume(self) -> Step:
        """Return the step that goes on where the run was cut off; it has no effects where the caller has the turn."""
        return self.machine.resume(self.snapshot)

    def leave(self) -> None:
        """Close the journal of a run that has ended, if it is the run's own."""
        if self.final and self._closes and self.journal is not None:
            self.journal.close()

    def takes(self, event: type[Event]) -> bool:
        """Whether the run takes such an event where it is."""
        return getattr(event, "name", None) in self.machine.takes(self.snapshot)

    def _told(self, event: Event | None, step: Step) -> None:
        for note in step.notes:
            log.log(_LEVELS[note.level], note.text)
        if self.spans is not None:
            self.spans.step(step)
        if self._listener is not None:
            self._listener(self.copy_of(event), self.copy_of(step))

    def scheduled(self, effect: Effect) -> str:
        """Put on record that `effect` is about to be performed; return the id under which it is."""
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
        if self.journal is not None:
            self.journal.failed(id, error)

    def cancelled(self, id: str) -> None:
        """Put on record that the effect `id` was cut off; the run stays where it is."""
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
