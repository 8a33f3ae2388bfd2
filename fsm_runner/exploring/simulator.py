"""The simulator: a driver without I/O.  It goes on until the model, a tool or the caller has to decide something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from fsm_runner.drivers.loop import CannotGoOn, Flow, Loop
from fsm_runner.engine.errors import FsmRunnerError, RunError
from fsm_runner.exploring.actions import (
    ANSWER,
    APPEND,
    CHANGE,
    CLOSE,
    COMPACT,
    INTERRUPTED,
    NEXT,
    READ,
    Act,
    Consequence,
    FaultAction,
    Move,
    Outcome,
    Place,
    ReplyAction,
    running,
    world_moves,
)
from fsm_runner.exploring.scenarios import MODEL, Beginning, FactFailed
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import CallTool, DrainStream, Effect, LendStream, Perform, SendRequest, Summarise
from fsm_runner.loop.tool_loop import Machine, Step

MOST_TOLD = 30
"""Events that one move can lead to; a run that is told more goes round by itself."""


@dataclass(slots=True)
class Driver:
    """A driver without I/O, for one move: mutable.

    Attributes:
        machine: what it tells its events.
        place: where the run is.
        told: the events that the machine was told since, each with its step.
        outcome: what the caller's call came to, as in `Consequence`; None while it goes on.
    """

    machine: Machine
    place: Place
    told: list[tuple[ev.Event, Step]] = field(default_factory=list)
    outcome: str | None = None

    def consequence(self) -> Consequence:
        """Return what was done."""
        return Consequence(place=self.place, told=tuple(self.told), outcome=self.outcome)

    def set(self, **changes: object) -> None:
        """Change `place` by `changes`."""
        self.place = replace(self.place, **changes)  # type: ignore[arg-type]  # the fields' own types, named by callers

    def tell(self, event: ev.Event) -> Step:
        """Tell the machine `event`, and return its step.

        Raises:
            IllegalEvent: the state takes no such event.
            RunError: the run goes round by itself.
        """
        if len(self.told) == MOST_TOLD:
            raise RunError("the run goes round without anybody's doing")
        step = self.machine.step(self.place.snapshot, event)
        self.set(snapshot=step.snapshot)
        self.told.append((event, step))
        return step

    # ── what its loop sees of the run ──────────────────────────────────────────────────────────────────────────────

    @property
    def context(self) -> Context:
        """All that the run knows."""
        return self.place.snapshot.context

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.machine.chart.state(self.place.snapshot.state).final

    def resume(self) -> Step:
        """Return the step that goes on where the run was cut off."""
        return self.machine.resume(self.place.snapshot)

    def takes(self, event: type[ev.Event]) -> bool:
        """Whether the run takes such an event where it is."""
        return getattr(event, "name", None) in self.machine.takes(self.place.snapshot)

    def check(self) -> None:
        """Do nothing: there is no listener that could have failed."""

    def alone(self) -> AbstractContextManager[None]:
        """There are no other threads."""
        return nullcontext()

    def _loop(self) -> Loop:
        return Loop(self, _Refused, handed=not self.place.fresh)

    def ends(self, outcome: str) -> None:
        """End the caller's call with `outcome`; the caller has the turn."""
        again = self.place.call == "next" and (outcome == "end" or outcome.startswith("raises"))
        over = self.place.over or self.final
        self.outcome = outcome
        self.set(call=None, asked=None, reading=False, fresh=self.place.fresh or again, over=over)

    # ── moves ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def make(self, move: Move) -> None:
        """Make `move`, and go on up to where somebody decides; it raises what `tell` does."""
        self.set(asked=None)
        match move:
            case Act():
                self._act(move)
            case ReplyAction():
                self._replied(move)
            case FaultAction(midway=True):
                self.set(plan=(move.failure,))
                self.follow(self.tell(ev.Opened()))
            case FaultAction():
                self._failed(move.failure, move.raises)
            case Outcome(who="tool"):
                self._ran(move)
            case Outcome():
                if move.event is None:
                    self._failed(ev.Failed(error=str(move.raises), text="nobody there"), str(move.raises))
                else:
                    self.follow(self.tell(ev.Reported(name=move.event)))

    def _act(self, move: Act) -> None:
        settings = self.context.settings
        match move.deed:
            case "next":
                loop = self._loop()
                self.set(call="next", fresh=False)
                self._drive(loop.next_item(self._go_on))
            case "answer":
                self.set(call="answer")
                self._drive(self._loop().answer())
            case "read":
                self.set(call="read", reading=True)
                self._read_on()
            case "close":
                self._loop().close(self.tell, lambda: False)
                self.ends("done")
                self.set(over=True)
            case "compact":
                self.tell(ev.CompactionAsked(config={"type": "summarize"}))
            case "append":
                self.tell(ev.Appended(messages=({"role": "user", "content": "Go on."},)))
            case "defer":
                plan = self.place.plan or ()
                self.tell(ev.CallDeferred(id=next(str(e.call["id"]) for e in plan if isinstance(e, ev.MovedOn))))
            case "change":
                runnable, toolsets = tuple(sorted(settings.runnable)), tuple(sorted(settings.toolsets))
                params = {**settings.params, "system": "Be brief."}
                self.tell(ev.ParamsReplaced(params=params, tools=settings.tools, runnable=runnable, toolsets=toolsets))

    def _go_on(self) -> Step:
        return self.tell(ev.Continued())

    def _replied(self, move: ReplyAction) -> None:
        content, made = _numbered(move.blocks, self.place.made)
        message = _message(move, content)
        self.set(made=made)
        if move.summarises:
            self.follow(self.tell(ev.Summarised(message=message)))
        elif self.context.settings.stream:
            calls = [block for block in content if block.get("type") == "tool_use" and move.stop == "tool_use"]
            self.set(plan=(*(ev.MovedOn(call=call) for call in calls), ev.Replied(message=message)))
            self.follow(self.tell(ev.Opened()))
        else:
            self.follow(self.tell(ev.Replied(message=message)))

    def _failed(self, failure: ev.Failed, raises: str) -> None:
        step = self.tell(failure)
        if step.effects:
            self.follow(step)
        else:
            self.ends(f"raises {raises}")

    def _ran(self, move: Outcome) -> None:
        if move is INTERRUPTED:
            self.set(plan=None)
            self.ends(f"raises {move.raises}")
            return
        call = running(self.context)[0]
        result: dict[str, object] = {"type": "tool_result", "tool_use_id": call.id, "content": "found"}
        if move.raises is not None:
            result |= {"content": "ValueError('not found')", "is_error": True}
        self.follow(self.tell(ev.ToolFinished(id=call.id, result=result)))

    # ── what a driver does by itself ───────────────────────────────────────────────────────────────────────────────

    def follow(self, step: Step) -> None:
        """Go on after `step`, the last one."""
        if running(self.context):
            self.set(asked=CallTool(id="", block={}))
            return
        read = self._read_on() if self.place.reading else step
        if read is not None:
            loop = self._loop()
            self._drive(loop.answer_from(read) if self.place.call == "answer" else loop.on_from(read, self._go_on))

    def _drive(self, flow: Flow[str | None] | Flow[None]) -> None:
        """Do what `flow` asks for, up to where somebody must decide."""
        try:
            step = self._performed(next(flow)[0])
            while step is not None:
                step = self._performed(flow.send(step)[0])
        except StopIteration as end:
            self.ends("done" if self.place.call == "answer" else end.value or "end")
        except _Refused:
            self.ends("raises anthropic.AnthropicError")
        except CannotGoOn:
            self.ends("raises fsm_runner.RunError")

    def _performed(self, effect: Effect) -> Step | None:
        """The step that performing `effect` makes; None when somebody must decide, or the caller's call has ended."""
        match effect:
            case SendRequest() | Summarise() | Perform():
                self.set(asked=effect, plan=None)
            case CallTool(early=False):
                self.set(asked=CallTool(id="", block={}))
            case DrainStream() if self.place.plan is not None:
                self.set(reading=True)
                return self._read_on()
            case _:
                return self.tell(ev.Failed(error="StreamClosed", text="the stream was closed before its end"))
        return None

    def _read_on(self) -> Step | None:
        """Read the stream, up to where tools run or to its end; the step after its end, unless a call ends there."""
        while self.place.plan:
            event, *rest = self.place.plan
            self.set(plan=tuple(rest))
            step = self.tell(event)
            if not isinstance(event, ev.MovedOn):
                self.set(plan=None, reading=False)
                if isinstance(event, ev.Failed):
                    self.ends("raises fsm_runner.RunError")
                elif self.place.call == "read":
                    self.ends("done")
                else:
                    return step
            elif running(self.context):
                self.set(asked=CallTool(id="", block={}))
                return None
        return None


class _Refused(Exception):
    """The caller changed what a server-side thread keeps."""


def _numbered(blocks: Iterable[ev.Json], made: int) -> tuple[list[ev.Json], int]:
    """`blocks` with the ids that the scripted model gives to calls after `made` of them, and how many there are."""
    content: list[ev.Json] = []
    for block in blocks:
        calls = block.get("type") == "tool_use"
        made += calls
        content.append({**block, "id": f"toolu_{made:04}"} if calls else block)
    return content, made


def _message(move: ReplyAction, content: list[ev.Json]) -> ev.Json:
    return {
        "id": "msg_0001", "type": "message", "role": "assistant", "model": MODEL, "content": content,
        "stop_reason": move.stop, "stop_sequence": None, "usage": {"input_tokens": move.tokens, "output_tokens": 5},
    }  # fmt: skip


def begun(machine: Machine, beginning: Beginning) -> Place:
    """Return the place at which a run begins: the caller has the turn."""
    step = machine.start(beginning.context(machine.chart))
    return Place(beginning=beginning, snapshot=step.snapshot, over=step.final)


def moves_at(machine: Machine, place: Place, *, rare: bool) -> Iterator[Move]:
    """Yield what can be done at `place`, the plainest first."""
    if place.over:
        return
    context = place.snapshot.context
    if place.asked is not None:
        reports = {effect.name: effect.reports for effect in machine.chart.effects}
        alone = len(running(context)) == 1
        for move in world_moves(place.asked, context, place.beginning.tools, reports, rare=rare):
            if move is not INTERRUPTED or alone:  # which of several had ended by then is left to chance
                yield move
        return
    lent = place.plan is not None and machine.chart.state(place.snapshot.state).effect == LendStream.name
    if lent:
        yield READ
    yield NEXT
    takes = machine.takes(place.snapshot)
    if ev.AnswerAsked.name in takes or context.stand.awaits == "answer":
        yield ANSWER
    yield CLOSE
    if context.compaction.asked is None and context.compaction.config is None:
        yield COMPACT
    if context.thread.mode == "continue" and "system" not in context.settings.params:
        yield CHANGE
    if lent and context.settings.eager and not context.turn.arriving and place.plan is not None:
        yield from (_defer(event.call) for event in place.plan[:1] if isinstance(event, ev.MovedOn))
    if rare and not lent and context.compaction.config is None and not context.conversation.owned:
        yield APPEND


def moved(machine: Machine, place: Place, move: Move) -> Consequence | None:
    """Return what `move` does at `place`; None when the machine refuses an event of it.

    Raises:
        FactFailed: a fact of the user's does not answer.
    """
    driver = Driver(machine, place)
    try:
        driver.make(move)
    except FactFailed:
        raise
    except FsmRunnerError:
        return None
    return driver.consequence()


def _defer(call: ev.Json) -> Act:
    return Act(code=f'runner.defer_tool_call("{call["id"]}")', deed="defer")
