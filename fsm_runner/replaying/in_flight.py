"""In flight: what became of the effects that a recorded run was asked for.

An effect that a step asks for is pending until it is scheduled, then open until it completes, fails or is cancelled.
One that failed or was cut off is pending again: unless an event says otherwise, the run goes on by performing it anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from fsm_runner.journal import Record
from fsm_runner.loop.effects import CallTool, Effect, SendRequest, Summarise
from fsm_runner.loop.events import Event, Failed, Opened, Replied, Summarised, ToolFinished
from fsm_runner.loop.tool_loop import Machine, Snapshot


class InFlight:
    """The effects of one run: mutable, fed with its records.

    Attributes:
        begun: the ids of the tool calls that were scheduled, and have no result.
        numbered: how many effects other than tool calls were scheduled.
        open: by the ids under which they were scheduled, those that have not ended, each with what it is pending as.
    """

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.numbered = 0
        self.open: dict[str, tuple[str, Effect]] = {}
        self._pending: dict[str, Effect] = {}
        self._anew = False

    def ask(self, effects: Iterable[Effect]) -> None:
        """Take down what a step asks for."""
        for effect in effects:
            self._pending[_key(effect)] = effect

    def skipped(self, event: Event) -> Effect | None:
        """Return the effect that `event` can only come of, if that was never scheduled; else None."""
        for key, effect in self._pending.items():
            if _comes_of(event, effect):
                return None if key in self.begun else effect
        return None

    def hear(self, event: Event, *, moved: bool) -> None:
        """Take down an event; `moved`: whether it led to another state."""
        if moved or isinstance(event, Failed):
            self._pending.clear()
            self._anew = False
        if isinstance(event, ToolFinished):
            self.begun.discard(event.id)
            self._pending.pop(event.id, None)
        elif isinstance(event, Replied):
            self.begun.clear()

    def schedule(self, record: Record, machine: Machine, snapshot: Snapshot) -> Effect | None:
        """Return the effect that `record` says is performed from now on; None when none is asked for by that name."""
        id, name = record.data.get("id"), record.data.get("effect")
        key = id if name == CallTool.name else name
        effect = self._pending.pop(key, None) if isinstance(key, str) else None
        if effect is None or not isinstance(id, str) or not isinstance(key, str):
            return None
        if self._anew:  # what is performed again takes along what the caller did in between
            effect = next((each for each in machine.resume(snapshot).effects if key == _key(each)), effect)
        self.open[id] = key, effect
        if isinstance(effect, CallTool):
            self.begun.add(id)
        else:
            self.numbered += 1
        return effect

    def finish(self, record: Record) -> bool:
        """Take down that an effect has ended, well or not; return whether there was one."""
        id = record.data.get("id")
        if not isinstance(id, str) or id not in self.open:
            return False
        key, effect = self.open.pop(id)
        if record.type != "completed":
            self._pending[key] = effect
            self._anew = True
        return True

    def restart(self) -> None:
        """Take down that another process goes on: what was under way is not any more."""
        self._pending.clear()
        self.open.clear()
        self._anew = True


def _key(effect: Effect) -> str:
    """By which an effect is known until it is scheduled."""
    return effect.id if isinstance(effect, CallTool) else effect.name


def _comes_of(event: Event, effect: Effect) -> bool:
    """Whether `event` can only be the outcome of `effect`."""
    match event:
        case Replied() | Opened():
            return isinstance(effect, SendRequest)
        case ToolFinished():
            return isinstance(effect, CallTool) and event.id == effect.id
        case Summarised():
            return isinstance(effect, Summarise)
        case _:
            return False
