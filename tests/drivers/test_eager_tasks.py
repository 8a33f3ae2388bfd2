"""Cancelling while the reply streams, or within a thread: the run can be gone on from, and its journal replays."""

from __future__ import annotations

import io

import anyio

import fsm_runner
from fsm_runner.testing import ScriptedModel, reply, text
from tests.drivers.drive import use, words
from tests.drivers.test_tasks import play, runner_of

CALLS = reply(use("quick"), use("slow"), use("quick"))


def conforms(journal):
    """Whether a journal replays."""
    report = fsm_runner.replay(io.BytesIO(journal.getvalue()))
    assert report.conforms, str(report)


def tools(ran, started):
    """Two tools: one that ends at once, and one that waits for ever the first time."""

    async def quick() -> str:
        """End at once."""
        ran.append("quick")
        return "quick"

    async def slow() -> str:
        """Wait, the first time."""
        ran.append("slow")
        if not started.is_set():
            started.set()
            await anyio.sleep_forever()
        return "slow"

    return quick, slow


async def cut_off(started, work):
    """Start `work`, and cancel it once `started` is set."""
    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await started.wait()
        group.cancel_scope.cancel()


@play
async def test_a_call_that_is_cancelled_while_the_caller_reads_takes_the_stream_with_it():
    """The reply is asked for again, and the calls of the new one run."""
    model, journal = ScriptedModel([CALLS, CALLS, text("done")]), io.BytesIO()
    ran, started = [], anyio.Event()
    run, transport = runner_of(model, *tools(ran, started), stream=True, run_tools_eagerly=True, journal=journal)

    async def read():
        async for stream in run:
            async for _ in stream:
                pass

    await cut_off(started, read)
    before = list(ran)
    last = await run.until_done()

    assert ["quick", "slow"] == before
    assert ["quick", "slow", "quick"] == ran[2:]
    assert "done" == words(last)
    assert set() == transport.open
    assert [] == model.refused
    conforms(journal)


@play
async def test_a_call_that_is_cancelled_while_the_runner_reads_takes_the_stream_with_it():
    """The same, whoever reads."""
    model, journal = ScriptedModel([CALLS, CALLS, text("done")]), io.BytesIO()
    ran, started = [], anyio.Event()
    run, transport = runner_of(model, *tools(ran, started), stream=True, run_tools_eagerly=True, journal=journal)
    await cut_off(started, run.until_done)
    last = await run.until_done()

    assert "done" == words(last)
    assert 2 == ran.count("slow")
    assert set() == transport.open
    assert [] == model.refused
    conforms(journal)


@play
async def test_tools_that_are_cancelled_in_a_thread_run_again_in_it():
    """The server holds the calls, and gets their results."""
    model, journal = ScriptedModel([CALLS, text("done")]), io.BytesIO()
    ran, started = [], anyio.Event()
    run, _ = runner_of(model, *tools(ran, started), thread=None, journal=journal)
    await cut_off(started, run.until_done)
    last = await run.until_done()

    assert "done" == words(last)
    assert "continue" == model.requests[1].body["thread"]["type"]
    assert ["quick", "slow", "quick"] == [block["content"] for block in model.requests[1].tool_results]
    assert 2 == ran.count("quick")
    conforms(journal)


@play
async def test_a_run_that_is_closed_after_its_stream_was_cancelled_ends():
    """No request follows, and the journal says why."""
    model, journal = ScriptedModel([CALLS]), io.BytesIO()
    ran, started = [], anyio.Event()
    run, transport = runner_of(model, *tools(ran, started), stream=True, run_tools_eagerly=True, journal=journal)
    await cut_off(started, run.until_done)
    await run.close()

    assert "closed" == run.stop.reason
    assert 1 == len(model.requests)
    assert set() == transport.open
    conforms(journal)
