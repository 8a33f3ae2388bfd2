"""Walks: generated runs in which caller and driver do whatever they may, in any order.

A walk is legal: a driver reports only on what it was asked, once, and a reply streams if it was asked to.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context, Conversation, Counters, Settings, SummaryControl
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step
from tests.support.build import LOST, PARAMS, reply, result, text, use, user

CUT = ["end_turn", "max_tokens", "refusal", None, "a_new_reason"]
HISTORY_ACTS = (ev.Appended, ev.ParamsReplaced)


@dataclass(frozen=True)
class Stride:
    """One event of a walk, where it found the run, and all that it did."""

    before: Snapshot
    event: ev.Event
    step: Step


def beginnings() -> st.SearchStrategy[Context]:
    """Contexts in which a run can begin."""
    return st.builds(
        Context,
        conversation=st.just(Conversation(history=History([user()]))),
        settings=st.builds(
            Settings,
            params=st.just(PARAMS),
            runnable=st.just(frozenset({"search"})),
            toolsets=st.just(frozenset({"files"})),
            stream=st.booleans(),
            eager=st.booleans(),
            summary=st.none() | st.just(SummaryControl(threshold=100)),
        ),
        counters=st.builds(Counters, limits=st.fixed_dictionaries({"iterations": st.none() | st.integers(0, 4)})),
    )


@st.composite
def walks(draw: st.DrawFn, machine: Machine, *, length: int = 18, acts: bool = True) -> list[Stride]:
    """A run from its start.  Without `acts` the caller leaves the history alone."""
    step = machine.start(draw(beginnings()))
    walk: list[Stride] = []
    while not step.final and len(walk) < length:
        before = step.snapshot
        event = draw(_events(machine, before, len(walk), acts=acts))
        step = machine.step(before, event)
        walk.append(Stride(before, event, step))
    return walk


@st.composite
def _events(draw: st.DrawFn, machine: Machine, at: Snapshot, number: int, *, acts: bool) -> ev.Event:
    choices = [name for name in machine.takes(at) if _can_happen(name, at)]
    name = draw(st.sampled_from([*choices, *choices, *choices, "act"]))
    if name == "act":
        return draw(_acts(number, history=acts))
    turn = at.context.turn
    match name:
        case "replied":
            arrived = [call.block for call in turn.arriving if call.block]
            return ev.Replied(message=draw(_replies(number, arrived, at.context.compaction.config is not None)))
        case "moved_on":
            return ev.MovedOn(call=draw(_uses(f"{number}m")))
        case "tool_finished":
            id = draw(st.sampled_from([call.id for call in (*turn.calls, *turn.arriving) if call.status == "running"]))
            return ev.ToolFinished(id=id, result=result(id, error=draw(st.booleans())))
        case "summarised":
            return ev.Summarised(message=reply(text("the gist")))
        case "failed":
            return LOST
        case _:
            return {"opened": ev.Opened(), "continued": ev.Continued(), "answer_asked": ev.AnswerAsked()}[name]


def _can_happen(name: str, at: Snapshot) -> bool:
    asking = at.state in ("request", "compact")
    if name in ("opened", "replied") and asking:
        return (name == "opened") == at.context.settings.stream
    return True


def _uses(id: str) -> st.SearchStrategy[ev.Json]:
    return st.sampled_from([use(id), use(id, "unknown"), use(id, "read", "files"), use(id, "write", "files")])


@st.composite
def _replies(draw: st.DrawFn, number: int, arrived: list[ev.Json], compacting: bool) -> ev.Json:
    tokens = draw(st.sampled_from([0, 99, 100]))
    if compacting:
        content = draw(st.sampled_from([[], [{"type": "compaction", "content": "short"}]]))
        return reply(*content, stop="compaction", tokens=tokens)
    more = [draw(_uses(f"{number}{letter}")) for letter in "abc"[: draw(st.integers(0, 3))]]
    if arrived or more:
        stop = draw(st.sampled_from(["tool_use", "tool_use", "tool_use", "max_tokens", None]))
        return reply(text(), *arrived, *more, stop=stop, tokens=tokens)
    return reply(text(), stop=draw(st.sampled_from(["pause_turn", "compaction", *CUT])), tokens=tokens)


@st.composite
def _acts(draw: st.DrawFn, number: int, *, history: bool) -> ev.Event:
    acts: list[ev.Event] = [
        ev.ToolsChanged(blocks=({"type": "tool_addition"},), added=("read",)),
        ev.CompactionAsked(config={"type": "summarize"}),
        ev.CallDeferred(id=f"{number + 1}m"),
        ev.Closed(),
    ]
    if history:
        acts += [
            ev.Appended(messages=(user("more"),)),
            ev.ParamsReplaced(params=PARAMS, messages=(user("new"),)),
            ev.ParamsReplaced(params={**PARAMS, "max_tokens": 1}),
        ]
    return draw(st.sampled_from(acts))
