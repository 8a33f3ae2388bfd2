"""Cancellation: one that a tool made itself is its failure; one of the run goes to whoever cancelled it."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress

import anthropic
import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.drivers.drive import ASKED, use, words
from tests.drivers.test_tasks import play, runner_of


class Odd(BaseException):
    """An exception that is no `Exception`."""


def leaked():
    """Return a cancellation of asyncio's, as it comes out of somebody else's task."""
    return asyncio.CancelledError("somebody else's")


OWN = {
    "cancelled": leaked,
    "generator exit": GeneratorExit,
    "odd": Odd,
    "group": lambda: BaseExceptionGroup("both", [leaked(), ValueError("no")]),
    "nested": lambda: BaseExceptionGroup("outer", [BaseExceptionGroup("inner", [Odd()])]),
}
"""What a tool can raise that nobody but itself is meant by."""


def answers(model):
    """Whether each result of the second request is an error, in order."""
    return [bool(block.get("is_error")) for block in model.requests[1].tool_results]


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("arguments", [{}, {"max_concurrent_tools": 1}, {"stream": True}])
def test_what_a_tool_raises_of_its_own_is_a_result(drive, kind, arguments):
    """The model is told, as of any failure; the siblings' results are kept, and nothing runs twice."""
    ran = []

    async def odd() -> str:
        """Raise it."""
        ran.append("odd")
        raise OWN[kind]()

    async def good() -> str:
        """End."""
        ran.append("good")
        return "good"

    run = drive.run([reply(use("good"), use("odd"), use("good")), text("done")], odd, good, **arguments)

    assert "done" == words(run.until_done())
    assert [False, True, False] == answers(drive.model)
    assert ["good", "good", "odd"] == sorted(ran)


@pytest.mark.parametrize("kind", OWN)
def test_so_it_is_for_a_response_that_was_asked_for(drive, kind):
    """The same result, in the caller's hands."""

    async def odd() -> str:
        """Raise it."""
        raise OWN[kind]()

    run = drive.run([tool_use("odd"), text("done")], odd)
    next(run)
    response = run.generate_tool_call_response()
    run.until_done()

    assert [True] == [block.get("is_error") for block in response["content"]]


@pytest.mark.parametrize("kind", OWN)
def test_so_it_is_for_a_call_that_runs_while_the_reply_streams(drive, kind):
    """The stream goes on."""

    async def odd() -> str:
        """Raise it."""
        raise OWN[kind]()

    run = drive.run([reply(use("odd"), use("odd")), text("done")], odd, stream=True, run_tools_eagerly=True)

    assert "done" == words(run.until_done())
    assert [True, True] == answers(drive.model)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_of_the_process_is_no_result(error):
    """It comes out, also of a group, and the run can be gone on with."""
    raised = [error(), BaseExceptionGroup("both", [error(), ValueError()])]

    @anthropic.beta_tool
    def stop() -> str:
        """Raise what is left to raise."""
        if raised:
            raise raised.pop()
        return "well"

    model = ScriptedModel([tool_use("stop"), text("done")])
    runner = fsm_runner.tool_runner(model.sync_client(), **ASKED, thread=False, tools=[stop])
    for _ in range(2):
        with pytest.raises((error, BaseExceptionGroup)):
            runner.until_done()

    assert "call_tools" == runner.snapshot.state
    assert "done" == words(runner.until_done())


def inner_tasks(ran):
    """Tools with a task inside that somebody cancels, and one that ends."""

    async def task() -> str:
        """Wait for a task that is cancelled."""
        inner = asyncio.ensure_future(asyncio.sleep(3600))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner
        return "never"

    async def good() -> str:
        """End."""
        await anyio.lowlevel.checkpoint()
        ran.append("good")
        return "good"

    return task, good


@pytest.mark.parametrize("calls", [["task"], ["task", "good"], ["good", "task", "task"]])
async def test_an_inner_task_that_is_cancelled(calls):
    """Alone or beside others, and the journal replays."""
    model, journal, ran = ScriptedModel([reply(*map(use, calls)), text("done")]), io.BytesIO(), []
    runner, _ = runner_of(model, *inner_tasks(ran), journal=journal)

    assert "done" == words(await runner.until_done())
    assert [call == "task" for call in calls] == answers(model)
    assert calls.count("good") == len(ran)
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms


@play
async def test_the_cancellation_of_a_scope_that_another_task_was_in():
    """Handed on by its value, as clients do that wait in a task of their own; so it is under trio."""
    model = ScriptedModel([reply(use("client"), use("client")), text("done")])

    async def client() -> str:
        """Wait in another task, whose scope is cancelled, and hand on what came of it."""
        caught = []

        async def wait() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                try:
                    await anyio.sleep_forever()
                except BaseException as error:
                    caught.append(error)
                    raise

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
        raise caught[0]

    runner, _ = runner_of(model, client)

    assert "done" == words(await runner.until_done())
    assert [True, True] == answers(model)


@pytest.mark.parametrize("together", [1, 2])
def test_a_timeout_of_the_callers_is_no_result(backend, together):
    """The run stays where it is, its tools are cut off, and they run again."""
    model, ran = ScriptedModel([reply(*[use("slow")] * together), text("done")]), []

    async def slow() -> str:
        """Wait to be cut off, the first times."""
        ran.append(1)
        if len(ran) <= together:
            await anyio.sleep_forever()
        return "slow"

    async def main():
        runner, _ = runner_of(model, slow)
        await anext(runner)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_when_blocked, scope)
                await anext(runner)

        assert scope.cancelled_caught
        assert ("call_tools", None) == (runner.snapshot.state, runner.stop)
        assert "done" == words(await runner.until_done())
        assert [False] * together == answers(model)

    anyio.run(main, backend=backend)


async def _when_blocked(scope):
    await anyio.wait_all_tasks_blocked()
    scope.cancel()


async def test_a_task_that_was_cancelled_before_it_asks_gets_its_cancellation():
    """It is not taken for the first tool's."""
    model = ScriptedModel([tool_use("wait"), text("done")])

    async def wait() -> str:
        """Let others run."""
        await asyncio.sleep(0)
        return "waited"

    runner, _ = runner_of(model, wait)
    await anext(runner)

    async def cancelled():
        asyncio.current_task().cancel()
        await runner.until_done()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled())

    assert "done" == words(await runner.until_done())
    assert [False] == answers(model)


async def test_a_cancellation_that_the_caller_swallowed_before_counts_no_more():
    """A tool's own is still its own."""
    model = ScriptedModel([tool_use("task"), text("done")])
    runner, _ = runner_of(model, *inner_tasks([]))

    async def swallowing():
        asyncio.current_task().cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        return await runner.until_done()

    assert "done" == words(await asyncio.create_task(swallowing()))
    assert [True] == answers(model)


@pytest.mark.parametrize("together", [1, 3])
def test_a_loop_that_ends_cancels_the_run_and_not_its_tools(together):
    """As ``asyncio.run`` does with what is left, task by task: nothing of it is told to the model."""
    model, ran, at_work = ScriptedModel([reply(*[use("slow")] * together), text("done")]), [], asyncio.Event()

    async def slow() -> str:
        """Wait for ever, the first times."""
        ran.append(1)
        if len(ran) == together:
            at_work.set()
        if len(ran) <= together:
            await asyncio.sleep(3600)
        return "slow"

    runner, _ = runner_of(model, slow)

    async def leave():
        task = asyncio.create_task(runner.until_done())
        await at_work.wait()
        return task

    task = asyncio.run(leave())

    assert task.cancelled()
    assert ("call_tools", None) == (runner.snapshot.state, runner.stop)
    assert "done" == words(asyncio.run(runner.until_done()))
    assert [False] * together == answers(model)


@settings(max_examples=40, deadline=None)
@given(kinds=st.lists(st.sampled_from([None, *OWN]), min_size=1, max_size=6), most=st.sampled_from([1, 2, None]))
@pytest.mark.parametrize("flavour", ["sync", "asyncio", "trio"])
def test_whatever_tools_raise_of_their_own_each_call_has_its_result(flavour, kinds, most):
    """For any turn and any concurrency, each call runs once and has a result of its own, in the model's order."""
    ran = []

    def act(index: int) -> str:
        """Raise what is meant for this call, or end."""
        ran.append(index)
        if kinds[index] is not None:
            raise OWN[kinds[index]]()
        return str(index)

    async def act_too(index: int) -> str:
        """The same, awaited."""
        await anyio.lowlevel.checkpoint()
        return act(index)

    calls = reply(*(use("act", index=index) for index in range(len(kinds))))
    model = ScriptedModel([calls, text("done")])
    options = {**ASKED, "thread": False, "max_concurrent_tools": most}
    if flavour == "sync":
        fsm_runner.tool_runner(model.sync_client(), tools=[anthropic.beta_tool(act)], **options).until_done()
    else:
        tool = anthropic.beta_async_tool(act_too, name="act")
        anyio.run(fsm_runner.tool_runner(model.client(), tools=[tool], **options).until_done, backend=flavour)

    assert [kind is not None for kind in kinds] == answers(model)
    assert list(range(len(kinds))) == sorted(ran)
