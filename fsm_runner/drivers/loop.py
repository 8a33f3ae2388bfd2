"""The caller's loop: what a run does between two calls of the caller, as generators without I/O.

A generator yields the effects to perform and is sent the step that this made.  Whoever drives it decides nothing:

    flow = loop.next_item()
    effects = next(flow)
    while True:  # until it returns: StopIteration.value
        effects = flow.send(perform(effects))

The async and the sync runner drive it with the API and the tools, the explorer's simulator with everything that can
happen.  A flow keeps only the last step.  So when one is cut off, it is dropped, and the next call begins another one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from fsm_runner.engine.errors import RunError
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import Effect
from fsm_runner.loop.events import AnswerAsked, Closed, Continued, Event, Failed
from fsm_runner.loop.tool_loop import Step

T = TypeVar("T")

Flow: TypeAlias = Generator[tuple[Effect, ...], Step, T]
"""Yields effects, is sent the step that performing them made, and returns the result of the caller's call."""

GoOn: TypeAlias = Callable[[], Step]
"""Tells the run to go on, after what the caller has edited in place, and returns the step."""


class CannotGoOn(RunError):
    """The run is in a state from which the driver cannot make it go on."""


class LoopRun(Protocol):
    """What the loop needs of a run; `Session` has it."""

    @property
    def context(self) -> Context:
        """All that the run knows."""

    @property
    def final(self) -> bool:
        """Whether it has ended."""

    def tell(self, event: Event) -> Step:
        """Step the machine."""

    def resume(self) -> Step:
        """Return the step that goes on where the run was cut off."""

    def takes(self, event: type[Event]) -> bool:
        """Whether the run takes such an event now."""

    def check(self) -> None:
        """Raise what a listener raised, once."""

    def alone(self) -> AbstractContextManager[Any]:
        """Keep other threads from telling."""


@dataclass(slots=True)
class Loop:
    """The caller's loop of one run: mutable, for one caller at a time.

    Attributes:
        run: the run.
        refusal: makes the exception for a change that a server-side thread does not allow.
        handed: whether the caller has an item and has not asked for more.
        due: the output that is still to be handed out; None: there is none.
        rested: the states in which the run has stopped since an effect was last performed.
    """

    run: LoopRun
    refusal: Callable[[str], Exception]
    handed: bool = False
    due: str | None = None
    rested: set[str] = field(default_factory=set)

    # ── the caller asks for the next item ──────────────────────────────────────────────────────────────────────────

    def next_item(self, go_on: GoOn) -> Flow[str | None]:
        """Go on until something is handed out; return the output's name, or None when the run has ended."""
        output = self._handed_out()
        return output if output is not None else (yield from self.on_from(self._asked(go_on), go_on))

    def on_from(self, step: Step, go_on: GoOn) -> Flow[str | None]:
        """As `next_item`, after `step`.

        Raises:
            Exception: what a listener raised; the item is handed out by the next call.
            AnthropicError: the caller changed what a server-side thread keeps.
            CannotGoOn: nothing leads on from where the run rests, or only back to it.
        """
        while True:
            self.due = None if step.final else step.output
            self.run.check()
            if step.effects and step.output is None:
                step = yield step.effects
            elif step.final:
                return None
            elif (output := self._handed_out()) is not None:
                return output
            else:
                self._check_rest(step)
                step = self._gone_on(go_on)

    def _asked(self, go_on: GoOn) -> Step:
        """The step that goes on where the run is, or where it was cut off."""
        if self.handed:
            self.handed = False
            return self._gone_on(go_on)
        step = self.run.resume()
        return step if step.effects or step.final else self._gone_on(go_on)

    def _gone_on(self, go_on: GoOn) -> Step:
        """Ask for more, or start an effect again that was cut off."""
        with self.run.alone():
            return go_on() if self.run.takes(Continued) else self.run.resume()

    def _handed_out(self) -> str | None:
        output, self.due = self.due, None
        self.handed = self.handed or output is not None
        return output

    def _check_rest(self, step: Step) -> None:
        """Raise if asking for more would not lead on.

        The run has stopped without handing out anything.  That is fine if it was cut off, or after a failure that the
        caller knows of."""
        stand, stop = step.snapshot.context.stand, step.snapshot.stop
        if stop is not None and stand.failure is not None and stand.failed_effect is None:
            raise self.refusal(stand.failure.text)
        state = step.snapshot.state
        if not self.run.takes(Continued):
            raise CannotGoOn(f"state '{state}': no effect and no row for 'continued' (give it one of them)")
        if state in self.rested:
            raise CannotGoOn(
                f"state '{state}': 'continued' leads back to it without an effect (give a state an effect)"
            )
        self.rested.add(state)

    # ── the caller asks for the tool response ──────────────────────────────────────────────────────────────────────

    def answer(self) -> Flow[None]:
        """Go on until the calls of the last reply are answered."""
        with self.run.alone():
            if self.run.takes(AnswerAsked):
                step = self.run.tell(AnswerAsked())
            elif self.run.context.stand.awaits == "answer":
                step = self.run.resume()
            else:
                return
        yield from self.answer_from(step)

    def answer_from(self, step: Step) -> Flow[None]:
        """As `answer`, after `step`.

        Raises:
            Exception: what a listener raised.
        """
        self.run.check()
        while step.effects:
            step = yield step.effects
            self.run.check()

    # ── the caller closes the run ──────────────────────────────────────────────────────────────────────────────────

    def close(self, tell: Callable[[Event], object], at_work: Callable[[], bool]) -> bool:
        """Close the run for the caller; return whether it has ended here.

        Args:
            tell: tells an act of the caller.
            at_work: whether an effect of the run is in flight; the run then ends after it.
        """
        with self.run.alone():
            if self.run.final:
                return False
            tell(Closed())
            if at_work():
                return False
            self.handed, self.due = False, None
            self._end()
            return True

    def _end(self) -> None:
        """End a closed run where it is.  An effect that was cut off does not start again."""
        if not self.run.final and not self.run.takes(Continued):
            self.run.tell(Failed(error="RunClosed", text="the run was closed before this was done"))
        if not self.run.final:
            self.run.tell(Continued())
