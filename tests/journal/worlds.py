"""A small world for journals: a chart of four states, and a life that is told its events and keeps the record."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from fsm_runner.engine.chart import Chart, FactUse, Limit, Row, State
from fsm_runner.journal import Journal
from fsm_runner.loop.context import Context, Conversation, Counters, Settings
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.events import Appended, Continued, Replied, ToolFinished
from fsm_runner.loop.facts import calls, limit, turn
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import compile


def small_chart(**changed) -> Chart:
    """A tool loop that fits on a hand: ask, run the tools of the reply, ask again."""
    said = {
        "name": "small",
        "initial": "start",
        "limits": (Limit(name="iterations", value=2),),
        "facts": tuple(FactUse(name=fact.name, answers=fact.answers) for fact in (turn, limit, calls)),
        "states": (
            State(name="start", phase="request", transitions=(Row(id="begin", event="continued", target="request"),)),
            State(
                name="request",
                phase="request",
                effect="send_request",
                transitions=(
                    Row(
                        id="call_tools",
                        event="replied",
                        guard=(("turn", ("wants_tools",)), ("limit", ("free",))),
                        target="call_tools",
                    ),
                    Row(id="finish", event="replied", target="done", output="message"),
                    Row(id="give_up", event="failed", target="done"),
                ),
            ),
            State(
                name="call_tools",
                phase="call_tools",
                effect="call_tools",
                always=(Row(id="all_answered", guard=(("calls", ("done",)),), target="request", spends="iterations"),),
                transitions=(
                    Row(id="one_answered", event="tool_finished", target="call_tools", consumes="calls"),
                    Row(id="tools_failed", event="failed", target="done"),
                ),
            ),
            State(name="done", phase="done", final=True),
        ),
    }
    return Chart(**{**said, **changed})


SMALL = compile(small_chart())


def context(**params) -> Context:
    """What a run knows that was just asked to look something up."""
    return Context(
        conversation=Conversation(history=History([{"role": "user", "content": "look it up"}])),
        settings=Settings(params={"model": "m", "max_tokens": 9, **params}, runnable=frozenset({"find"})),
        counters=Counters(limits={"iterations": 2}),
    )


def text(said="done", stop_reason="end_turn"):
    """A reply that ends the model's turn."""
    return {"role": "assistant", "content": [{"type": "text", "text": said}], "stop_reason": stop_reason}


def uses(*ids):
    """A reply that calls the tool `find`, once for each id."""
    blocks = [{"type": "tool_use", "id": id, "name": "find", "input": {"q": id}} for id in ids]
    return {"role": "assistant", "content": blocks, "stop_reason": "tool_use", "usage": {"output_tokens": 5}}


def result(id, said="found"):
    """What the tool answers."""
    return {"type": "tool_result", "tool_use_id": id, "content": said}


class Clock:
    """A clock that counts seconds, from noon."""

    def __init__(self):
        self.ticks = -1

    def __call__(self):
        self.ticks += 1
        return datetime(2026, 1, 1, 12, 0, self.ticks, tzinfo=UTC)


class Life:
    """One run on a machine, told its events by a test; what a driver would write down, it writes down."""

    def __init__(self, journal, machine=SMALL, start=None):
        self.journal = journal
        self.machine = machine
        self.numbered = 0
        journal.started(machine, start or context())
        self.step = machine.start(start or context())
        journal.step(self.step)

    def tell(self, event):
        """Let `event` happen."""
        self.step = self.machine.step(self.step.snapshot, event)
        self.journal.event(event)
        self.journal.step(self.step)
        return self

    def schedule(self):
        """Begin the effects that the last step asked for; return their ids."""
        return [self._scheduled(effect) for effect in self.step.effects]

    def _scheduled(self, effect):
        self.numbered += not isinstance(effect, CallTool)
        id = effect.id if isinstance(effect, CallTool) else f"request-{self.numbered}"
        self.journal.scheduled(effect, id)
        return id

    def perform(self, event):
        """Begin the effects that the last step asked for, end them, and let `event` be what comes of it."""
        for id in self.schedule():
            self.journal.completed(id)
        return self.tell(event)


def turn_of_two(life):
    """Tell `life` of a turn of two tools, whose results come in the other order, and of the end."""
    life.tell(Continued()).perform(Replied(message=uses("a", "b")))
    life.schedule()
    for id in "ba":
        life.journal.completed(id)
        life.tell(ToolFinished(id=id, result=result(id)))
    life.perform(Replied(message=text()))


def two_tools(journal, machine=SMALL):
    """A run in which the caller appends a message, and the model calls two tools in one turn."""
    turn_of_two(Life(journal, machine).tell(Appended(messages=({"role": "user", "content": "and soon"},))))


def recorded(live, run="r1", **options):
    """The bytes of the journal in which `live`, a function of a journal, wrote."""
    file = io.BytesIO()
    with Journal.open(file, run=run, **{"clock": None, **options}) as journal:
        live(journal)
    return file.getvalue()
