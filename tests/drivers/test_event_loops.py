"""Event loops: a run belongs to none.  Where one ends, the run goes on in the next, or says what it lost."""

from __future__ import annotations

import asyncio
import io

import anyio
from anthropic.lib.streaming import BetaAsyncMessageStream
from hypothesis import given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner.testing import ScriptedModel, reply, text
from tests.drivers.drive import use, words
from tests.drivers.test_tasks import runner_of


def tools(ran):
    """A tool that takes note of its calls."""

    async def charge() -> str:
        """Charge."""
        ran.append(1)
        await anyio.lowlevel.checkpoint()
        return "charged"

    return charge


TURNS = [reply(use("charge"), use("charge")), reply(use("charge")), text("paid")]


async def one(runner):
    """The next message; None at the end."""
    async for message in runner:
        return message
    return None


async def read_one(runner):
    """Read the next item to its end, if it is a stream."""
    async for item in runner:
        if isinstance(item, BetaAsyncMessageStream):
            await item.until_done()
        return


async def look_at_one(runner):
    """Read the beginning of the next item, if it is a stream."""
    async for item in runner:
        if isinstance(item, BetaAsyncMessageStream):
            await anext(item)
        return


async def answer(runner):
    """Have the tools run."""
    await runner.generate_tool_call_response()


def test_each_step_in_a_loop_of_its_own(backend):
    """Nothing ends before the end, and each tool runs once."""
    model, ran = ScriptedModel(TURNS), []
    runner, _ = runner_of(model, tools(ran))
    reasons = []
    while (message := anyio.run(one, runner, backend=backend)) is not None:
        reasons.append(message.stop_reason)

    assert ["tool_use", "tool_use", "end_turn"] == reasons
    assert 3 == len(ran)
    assert "completed" == runner.stop.reason
    model.verify()


def test_a_loop_that_ends_in_the_middle_of_a_stream_loses_that_alone():
    """The run has lost a reply, and asks for it again."""
    model, ran = ScriptedModel([text("half"), text("done")]), []
    runner, transport = runner_of(model, tools(ran), stream=True)
    asyncio.run(look_at_one(runner))

    assert set() == transport.open
    assert "done" == words(asyncio.run(runner.until_done()))
    assert "completed" == runner.stop.reason
    model.verify()


def test_a_coroutine_that_nobody_awaits_any_more_loses_nothing():
    """It is closed where it waits; the run goes on from there."""
    model, ran = ScriptedModel([reply(use("wait")), text("done")]), []

    async def wait() -> str:
        """Wait, the first time, for a loop that is gone."""
        ran.append(1)
        if len(ran) == 1:
            await asyncio.get_running_loop().create_future()
        return "waited"

    runner, _ = runner_of(model, wait)
    loop = asyncio.new_event_loop()
    task = loop.create_task(runner.until_done())
    while not ran:
        loop.run_until_complete(asyncio.sleep(0))
    task._log_destroy_pending = False
    coroutine = task.get_coro()
    loop.close()
    coroutine.close()

    assert ("call_tools", None) == (runner.snapshot.state, runner.stop)
    assert "done" == words(asyncio.run(runner.until_done()))
    assert not model.requests[1].tool_results[0].get("is_error")


STEPS = {"one": one, "read_one": read_one, "look_at_one": look_at_one, "answer": answer}


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=7),
    stream=st.booleans(),
    eager=st.booleans(),
    together=st.sampled_from([1, 16]),
)
def test_however_a_run_is_cut_into_loops_it_ends_or_raises(steps, stream, eager, together):
    """Never silently: what `until_done` returns is the last reply, and the journal replays."""
    model, ran, journal = ScriptedModel([*TURNS, *TURNS, *TURNS, *TURNS], strict=False), [], io.BytesIO()
    options = {"stream": stream, "run_tools_eagerly": eager and stream, "max_concurrent_tools": together}
    runner, transport = runner_of(model, tools(ran), journal=journal, **options)

    def tried(step):
        try:
            return asyncio.run(step())
        except Exception:
            assert "failed" == runner.stop.reason
            return None

    for name in steps:
        tried(lambda name=name: STEPS[name](runner))
    last = None
    while last is None:
        last = tried(runner.until_done)

    assert ("end_turn", "completed") == (last.stop_reason, runner.stop.reason)
    assert set() == transport.open
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms
