"""Worlds: what can happen to a run, played through the machine of any shipped chart.

A world answers what a run asks of it: each effect takes its next event from a list of its own, and so does the caller
where it has the turn.  Where a list is at its end, things go well: the model answers in words, tools and the person
find something to say, the caller asks for more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from fsm_runner.engine.chart import Chart
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context, Settings, SummaryControl, Thread
from fsm_runner.loop.thread import UNSUPPORTED
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step
from tests.support.build import LOST, PARAMS, context, reply, result, text, use, user

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
        limits: values of other limits, where the chart declares them.
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
    limits: Mapping[str, int] = field(default_factory=dict)
    thread: str = "off"
    streams: bool = False

    def context(self, chart: Chart) -> Context:
        """What a run of `chart` knows at its start."""
        settings = Settings(
            params=PARAMS, runnable=frozenset({"search"}), stream=self.streams, eager=self.streams,
            summary=SummaryControl(threshold=100),
        )  # fmt: skip
        limits = {limit.name: self.limits.get(limit.name, limit.value) for limit in chart.limits}
        limits["iterations"] = self.limit
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
