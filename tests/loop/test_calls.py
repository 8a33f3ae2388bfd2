"""Calls: a tuple that knows where each id stands; a turn of thousands costs each of them the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_runner.charts import load
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Call, Calls, Context, Conversation, Counters, Settings
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import compile
from tests.support.counting import is_linear

MACHINE = compile(load("states"))
STATUSES = st.sampled_from(["waiting", "running", "done"])
CALLS = st.lists(
    st.builds(lambda id, status: Call(id=id, name="f", block={}, status=status), st.sampled_from("abcd"), STATUSES)
)


def known(calls: Calls) -> tuple[object, ...]:
    """What `calls` says of itself."""
    return dict(calls.places), dict(calls.lines), calls.undone


@given(CALLS, st.lists(st.tuples(st.integers(0, 9), STATUSES), max_size=5), st.lists(STATUSES, max_size=3))
def test_what_calls_know_is_what_looking_through_them_tells(calls, changes, more):
    """After any changes and with any calls behind them, also where ids repeat; and they equal the plain tuple."""
    made, plain = Calls.of(calls), list(calls)
    for place, status in changes:
        if place < len(plain):
            plain[place] = replace(plain[place], status=status)
            made = made.changed({place: plain[place]})
    for number, status in enumerate(more):
        plain.append(Call(id=f"new{number}", name="f", block={}, status=status))
        made = made.appended(plain[-1])

    assert tuple(plain) == made
    assert known(Calls.of(plain)) == known(made)
    assert made is Calls.of(made)


def test_calls_do_not_change():
    """A change is another tuple; nothing to change is the same one."""
    calls = Calls.of([Call(id="a", name="f", block={})])
    changed = calls.changed({0: replace(calls[0], status="done")})

    assert (1, 0) == (calls.undone, changed.undone)
    assert "waiting" == calls[0].status
    assert calls is calls.changed({})


def asked(number: int, *, toolset: str | None = None) -> ev.Replied:
    """A reply with so many calls, of a tool or of a toolset."""
    member = {} if toolset is None else {"toolset_name": toolset}
    blocks = [{"type": "tool_use", "id": f"c{each}", "name": "f", "input": {}, **member} for each in range(number)]
    return ev.Replied(message={"id": "m", "role": "assistant", "stop_reason": "tool_use", "content": blocks})


def begun(*, stream: bool = False):
    """A run that waits for its first reply."""
    context = Context(
        conversation=Conversation(history=History([{"role": "user", "content": "hi"}])),
        settings=Settings(
            params={"model": "m", "max_tokens": 9},
            tools=({"name": "f"},),
            runnable=frozenset({"f"}),
            toolsets=frozenset({"files"}),
            stream=stream,
            eager=stream,
        ),
        counters=Counters(limits={"iterations": None}),
    )
    return MACHINE.step(MACHINE.start(context).snapshot, ev.Continued())


def finished(id: str) -> ev.ToolFinished:
    return ev.ToolFinished(id=id, result={"type": "tool_result", "tool_use_id": id, "content": "found"})


def answered(number: int, *, backwards: bool = False):
    """Prepare a turn of so many calls; return what answers them, one by one."""
    step = MACHINE.step(MACHINE.step(begun().snapshot, asked(number)).snapshot, ev.Continued())
    ids = [effect.id for effect in step.effects]

    def run() -> None:
        here = step
        for id in reversed(ids) if backwards else ids:
            here = MACHINE.step(here.snapshot, finished(id))
        assert "request" == here.snapshot.state

    return run


def in_a_toolset(number: int):
    """Prepare a turn of so many calls of one toolset, which run one after the other; return what answers them."""
    step = MACHINE.step(MACHINE.step(begun().snapshot, asked(number, toolset="files")).snapshot, ev.Continued())

    def run() -> None:
        here = step
        for each in range(number):
            assert [f"c{each}"] == [effect.id for effect in here.effects]
            here = MACHINE.step(here.snapshot, finished(f"c{each}"))
        assert "request" == here.snapshot.state

    return run


def streamed(number: int, *, toolset: str | None = None):
    """Prepare a streamed reply of so many calls, each of which runs as soon as it is there; return what tells it."""
    step = MACHINE.step(begun(stream=True).snapshot, ev.Opened())
    message = asked(number, toolset=toolset).message

    def run() -> None:
        here = step
        for block in message["content"]:
            here = MACHINE.step(here.snapshot, ev.MovedOn(call=block))
            assert 1 == len(here.effects)
            here = MACHINE.step(here.snapshot, finished(block["id"]))
        MACHINE.step(here.snapshot, ev.Replied(message=message))

    return run


@pytest.mark.parametrize(
    "work",
    [
        answered,
        lambda number: answered(number, backwards=True),
        in_a_toolset,
        streamed,
        lambda number: streamed(number, toolset="files"),
    ],
    ids=["in order", "backwards", "in a toolset", "streamed", "streamed in a toolset"],
)
def test_twice_as_many_calls_are_twice_the_work(work):
    """Counted in calls of functions, never in seconds."""
    assert is_linear(work, 100)


def test_the_effects_of_a_turn_are_made_in_one_pass():
    """What tools there are is looked up once, also where the history has changed them many times."""

    def work(number):
        added = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}
        step = MACHINE.step(begun().snapshot, asked(number))
        changed = MACHINE.step(step.snapshot, ev.ToolsChanged(blocks=(added,) * number, added=(), removed=()))
        return lambda: MACHINE.step(changed.snapshot, ev.Continued())

    assert is_linear(work, 100)
