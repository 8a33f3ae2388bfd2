"""Every row of every shipped chart, taken: one set of worlds, played through each chart's machine.

A world answers what a run asks of it: each effect takes its next event from a list of its own, and so does the caller
where it has the turn.  Where a list is at its end, things go well: the model answers in words, tools and the person
find something to say, the caller asks for more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.core import events as ev
from fsm_runner.core.chart import Chart
from fsm_runner.core.context import Context, Settings, SummaryControl, Thread
from fsm_runner.core.machine import Machine, Snapshot, Step, compile
from fsm_runner.core.thread import UNSUPPORTED
from tests.support.build import LOST, PARAMS, context, reply, result, text, use, user

FILES = shipped_charts()
CHARTS = sorted(FILES)
GO, ANSWER, OPENED = ev.Continued(), ev.AnswerAsked(), ev.Opened()
ASKED = ev.CompactionAsked(config={"type": "summarize"})
NO_THREAD = replace(LOST, code=UNSUPPORTED)
WORDS = ev.Replied(message=reply(text()))
TOOL = ev.Replied(message=reply(use("a")))
FULL = ev.Replied(message=reply(use("a"), tokens=100))
SHORT = ev.Replied(message=reply({"type": "compaction", "content": "short"}, stop="compaction"))
ASKING = ("send_request", "send_last_request", "reflect")


@dataclass
class World:
    """What happens to a run: lists of events by who is asked, used up as it plays.

    Attributes:
        replies, stream, calls, early, compact, summary, person: by effect; `replies` is for every request for a reply,
            `stream` for a stream that is lent and one that is drained.
        caller: what it does where it has the turn.
        limit: of iterations.
        thread: what the server holds at the start.
        streams: whether replies are streamed, and calls run early.
    """

    replies: list[ev.Event] = field(default_factory=list)
    stream: list[ev.Event] = field(default_factory=list)
    calls: list[ev.Event] = field(default_factory=list)
    early: list[ev.Event] = field(default_factory=list)
    compact: list[ev.Event] = field(default_factory=list)
    summary: list[ev.Event] = field(default_factory=list)
    person: list[ev.Event] = field(default_factory=list)
    caller: list[ev.Event] = field(default_factory=list)
    limit: int | None = None
    thread: str = "off"
    streams: bool = False

    def context(self, chart: Chart) -> Context:
        """What a run of `chart` knows at its start."""
        settings = Settings(
            params=PARAMS, runnable=frozenset({"search"}), stream=self.streams, eager=self.streams,
            summary=SummaryControl(threshold=100),
        )  # fmt: skip
        limits = {limit.name: limit.value for limit in chart.limits} | {"iterations": self.limit}
        return replace(context(user(), settings=settings, limits=limits), thread=Thread(mode=self.thread))

    def next(self, effect: str | None, at: Snapshot) -> ev.Event:
        """What happens where a run is."""
        request = OPENED if self.streams else WORDS
        running = next((c.id for c in (*at.context.turn.calls, *at.context.turn.arriving) if c.status == "running"), "")
        done = ev.ToolFinished(id=running, result=result(running))
        match effect:
            case None:
                return taken(self.caller, GO)
            case "compact":
                return taken(self.compact, OPENED if self.streams else SHORT)
            case "lend_stream" | "drain_stream":
                return taken(self.stream, SHORT if at.context.compaction.config is not None else WORDS)
            case "call_tools":
                return taken(self.calls, done)
            case "call_early":
                return taken(self.early, done)
            case "summarise":
                return taken(self.summary, ev.Summarised(message=reply(text("the gist"))))
            case "ask_person":
                return taken(self.person, ev.Reported(name="decided"))
            case _:
                assert effect in ASKING
                return taken(self.replies, request)


def taken(events: list[ev.Event], otherwise: ev.Event) -> ev.Event:
    """The next of `events`, or `otherwise`."""
    return events.pop(0) if events else otherwise


def worlds() -> dict[str, World]:
    """The worlds, by what happens in them."""
    moved = ev.MovedOn(call=use("a"))
    both = ev.Replied(message=reply(text(), use("a")))
    changed = ev.ParamsReplaced(params={**PARAMS, "system": "other"}, runnable=("search",))
    return {
        "the model answers": World(),
        "a tool runs": World(replies=[TOOL]),
        "a tool runs because the caller asks for its answer": World(replies=[TOOL], caller=[GO, ANSWER]),
        "a tool's run fails": World(replies=[TOOL], calls=[LOST]),
        "an answer for the caller fails": World(replies=[TOOL], calls=[LOST], caller=[GO, ANSWER]),
        "a person fails": World(replies=[TOOL], person=[LOST]),
        "a request fails": World(replies=[LOST]),
        "what is asked after the tools fails, three times": World(replies=[TOOL, LOST, LOST, LOST], limit=1),
        "the server has no threads": World(replies=[NO_THREAD], thread="new"),
        "the server has no threads for the answer": World(replies=[TOOL, NO_THREAD], thread="new", limit=1),
        "the server has no threads for the second look": World(replies=[WORDS, NO_THREAD], thread="new"),
        "the second look fails": World(replies=[WORDS, LOST]),
        "the caller changes what the thread keeps": World(
            replies=[TOOL], thread="new", caller=[GO, changed, GO, ev.Closed(), GO]
        ),
        "the caller closes": World(caller=[GO, ev.Closed(), GO]),
        "the caller closes while it reads": World(streams=True, stream=[ev.Closed(), GO]),
        "the limit is reached": World(replies=[TOOL], limit=1),
        "the limit is reached, and the model wants tools for ever": World(replies=[TOOL] * 9, limit=1),
        "the limit is reached in streams": World(streams=True, stream=[both], limit=1),
        "the reply cannot be read": World(replies=[ev.Replied(message=reply(text(), stop=None))]),
        "the turn is paused": World(replies=[ev.Replied(message=reply(text(), stop="pause_turn"))]),
        "the history is full": World(replies=[FULL]),
        "the summary fails": World(replies=[FULL], summary=[LOST]),
        "the caller has the API compact": World(replies=[TOOL], caller=[GO, ASKED, GO]),
        "the caller has the API compact the end": World(caller=[GO, ASKED, GO]),
        "compacting fails": World(replies=[TOOL], caller=[GO, ASKED, GO], compact=[LOST]),
        "compacting fails beside the thread": World(
            replies=[TOOL], caller=[GO, ASKED, GO], compact=[NO_THREAD], thread="new"
        ),
        "compacting streams": World(streams=True, stream=[both], caller=[GO, ASKED, GO]),
        "a call runs early": World(streams=True, stream=[moved, both]),
        "an early call fails": World(streams=True, stream=[moved], early=[LOST]),
        "a call waits": World(streams=True, stream=[ev.CallDeferred(id="a"), moved, both]),
        "the stream is left": World(streams=True, stream=[GO, moved, both]),
        "the stream is left, and a call waits": World(streams=True, stream=[ev.CallDeferred(id="a"), GO, moved, both]),
        "the stream is left for the answer": World(streams=True, stream=[ANSWER, both]),
        "the stream breaks off": World(streams=True, stream=[LOST]),
        "the rest of the stream breaks off": World(streams=True, stream=[GO, LOST]),
    }


def played(machine: Machine, world: World, at_most: int = 60) -> Iterator[Step]:
    """Yield the steps of a run of `machine` in `world`, to its end."""
    step = machine.start(world.context(machine.chart))
    for _ in range(at_most):
        if step.final:
            return
        effect = machine.chart.state(step.snapshot.state).effect
        step = machine.step(step.snapshot, world.next(effect, step.snapshot))
        yield step
    raise AssertionError("the run does not end")


@pytest.mark.parametrize("name", CHARTS)
def test_every_row_is_taken(name):
    """In some world, and every world comes to an end, also that of a model that always wants more."""
    machine = compile(load(FILES[name]))
    rows = {t.row for world in worlds().values() for step in played(machine, world) for t in step.transitions}

    assert set() == {row.id for row in machine.chart.rows} - rows


ENDS = {
    "what is asked after the tools fails, three times": "stop_limit",
    "the server has no threads for the answer": "stop_limit",
    "the caller changes what the thread keeps": "stop_closed",
    "the caller closes": "stop_closed",
    "the caller closes while it reads": "leave_stream",
    "the limit is reached": "stop_limit",
    "the limit is reached, and the model wants tools for ever": "stop_limit",
    "the limit is reached in streams": "stop_limit",
    "the reply cannot be read": "unreadable",
    "compacting fails": "give_up",
}
"""The rows that end the runs of the default chart; not named: `finish`."""

OTHER_ENDS = {
    ("anthropic-0.75", "the turn is paused"): "stop_paused",
    ("finalise", "what is asked after the tools fails, three times"): "finalised",
    ("finalise", "the server has no threads for the answer"): "finalised",
    ("finalise", "the limit is reached"): "finalised",
    ("finalise", "the limit is reached in streams"): "finalised",
}
"""Where a chart's runs end by another row than those of the default chart."""


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("world", worlds())
def test_runs_end_as_those_of_the_default_chart_but_where_it_is_meant(name, world):
    """By the row that is listed, and in a final state."""
    machine = compile(load(FILES[name]))
    *_, last = played(machine, worlds()[world])

    assert OTHER_ENDS.get((name, world), ENDS.get(world, "finish")) == last.snapshot.stop.row
    assert machine.chart.state(last.snapshot.state).final


@pytest.mark.parametrize(("name", "row"), [("finalise", "last_replied"), ("reflect", "reflected")])
def test_what_the_caller_had_compacted_comes_after_the_extra_request(name, row):
    """So that the model has before it what it is to speak of."""
    at_limit = World(replies=[TOOL], caller=[GO, ASKED, GO], limit=1)
    world = at_limit if name == "finalise" else World(caller=[GO, ASKED, GO])
    rows = [t.row for step in played(compile(load(FILES[name])), world) for t in step.transitions]

    assert rows.index(row) < rows.index("compacted")


def test_a_last_request_on_a_thread_leaves_the_tools_to_the_thread():
    """The server has them; the choice goes out all the same."""
    machine = compile(load("finalise"))
    world = World(replies=[ev.Replied(message=reply(use("a"), id="msg_1"))], limit=1, thread="new")
    start = world.context(machine.chart)
    start = replace(start, settings=replace(start.settings, tools=({"name": "search"},)))
    step = machine.start(start)
    while step.snapshot.state != "finalise":
        effect = machine.chart.state(step.snapshot.state).effect
        step = machine.step(step.snapshot, world.next(effect, step.snapshot))
    (request,) = step.effects

    assert (None, {"type": "none"}) == (request.tools, request.params["tool_choice"])
    assert {"type": "continue", "previous_message_id": "msg_1"} == request.thread


def test_a_second_look_that_would_lose_the_callers_change_is_not_taken():
    """The thread keeps what it was created with; the run ends as it does by default."""
    changed = ev.ParamsReplaced(params={**PARAMS, "system": "other"})
    world = World(caller=[GO, changed, GO], thread="new")
    *_, last = played(compile(load("reflect")), world)

    assert ("finish", {"iterations": 1}) == (last.snapshot.stop.row, dict(last.snapshot.context.counters.spent))
