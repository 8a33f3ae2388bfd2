"""Tasks: what is cancelled leaves nothing behind and can be gone on from, and one runner serves one task at a time."""

from __future__ import annotations

import gc
from pathlib import Path

import anthropic
import anyio
import pytest

import fsm_runner
from fsm_runner import RunError
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.drivers.drive import ASKED, Counting, use, words

PATIENCE = 600


def runner_of(model, *tools, **arguments):
    """A runner, and the transport that counts its responses."""
    transport = model.transport = Counting(model.transport)
    given = {**ASKED, "thread": False, "tools": [anthropic.beta_async_tool(tool) for tool in tools], **arguments}
    return fsm_runner.tool_runner(model.client(), **given), transport


async def others():
    """The tasks there are, but for the test's own."""
    await anyio.wait_all_tasks_blocked()
    return [task for task in anyio.get_running_tasks() if task.id != anyio.get_current_task().id]


def play(scenario):
    """Run a scenario on each event loop, with time to fail in."""

    def test(backend):
        async def bounded():
            before = len(await others())
            with anyio.fail_after(PATIENCE):
                await scenario()
            assert before == len(await others())

        anyio.run(bounded, backend=backend)

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


@play
async def test_a_cancelled_tool_leaves_no_task_and_can_be_gone_on_from():
    """Those of its siblings that had ended keep their results; the others run again."""
    model = ScriptedModel([reply(use("quick"), use("slow"), use("slow")), text("done")])
    started, ran = [], []
    all_started = anyio.Event()

    async def quick() -> str:
        """End at once."""
        ran.append("quick")
        return "quick"

    async def slow() -> str:
        """Wait to be cancelled, the first two times."""
        started.append(1)
        if len(started) == 2:
            all_started.set()
        if len(started) <= 2:
            await anyio.sleep_forever()
        ran.append("slow")
        return "slow"

    runner, _ = runner_of(model, quick, slow)
    await anext(runner)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.until_done)
        await all_started.wait()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()

    assert "call_tools" == runner.snapshot.state
    assert runner.stop is None
    assert "done" == words(await runner.until_done())
    assert ["quick", "slow", "slow"] == ran
    assert ["quick", "slow", "slow"] == [block["content"] for block in model.requests[1].tool_results]
    model.verify()


@play
async def test_a_cancelled_request_is_sent_again():
    """Nothing of it is in the history, and the limit does not count it twice."""
    asked = anyio.Event()
    sent = []

    async def stalled(request):
        sent.append(request)
        if len(sent) == 1:
            asked.set()
            await anyio.sleep_forever()
        return await answer(request)

    model = ScriptedModel([text("done")])
    answer = model.transport.handle_async_request
    runner, transport = runner_of(model, max_iterations=1)
    transport.inner = type("Stalled", (), {"handle_async_request": staticmethod(stalled)})()
    async with anyio.create_task_group() as group:
        group.start_soon(anext, runner)
        await asked.wait()
        group.cancel_scope.cancel()

    assert "request" == runner.snapshot.state
    assert "done" == words(await runner.until_done())
    assert 2 == len(sent)
    assert set() == transport.open


@play
async def test_a_cancelled_response_can_be_asked_for_again():
    """The calls that had not ended run again."""
    model = ScriptedModel([tool_use("wait"), text("done")])
    started = anyio.Event()
    ran = []

    async def wait() -> str:
        """Wait to be cancelled, the first time."""
        ran.append(1)
        if len(ran) == 1:
            started.set()
            await anyio.sleep_forever()
        return "waited"

    runner, _ = runner_of(model, wait)
    await anext(runner)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.generate_tool_call_response)
        await started.wait()
        group.cancel_scope.cancel()

    assert "done" == words(await runner.until_done())
    assert "waited" == model.requests[1].tool_results[0]["content"]
    assert 2 == len(ran)


@play
async def test_a_stream_that_was_cancelled_is_asked_for_again():
    """What arrived is no reply; the response is closed."""
    model = ScriptedModel([tool_use("search", {"q": "a"}), text("done")])
    runner, transport = runner_of(model, stream=True)
    stream = await anext(runner)
    with anyio.CancelScope() as scope:
        await anext(stream)
        scope.cancel()
        await runner.generate_tool_call_response()

    assert scope.cancelled_caught
    assert "done" == words(await runner.until_done())
    assert 2 == len(model.requests)
    assert set() == transport.open


@play
async def test_messages_can_be_appended_while_a_tool_runs():
    """The history is then the caller's."""
    model = ScriptedModel([tool_use("wait"), text("done")])
    started, go = anyio.Event(), anyio.Event()

    async def wait() -> str:
        """Wait for the test."""
        started.set()
        await go.wait()
        return "waited"

    runner, _ = runner_of(model, wait)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.until_done)
        await started.wait()
        runner.append_messages({"role": "user", "content": "hurry"})
        go.set()

    sent = model.requests[1].messages
    assert {"role": "user", "content": "hurry"} in sent
    assert not model.refused


@play
async def test_a_run_that_is_closed_after_a_cancellation_sends_nothing_more():
    """Closing ends it, wherever it was cut off."""
    asked = anyio.Event()
    sent = []

    async def stalled(request):
        sent.append(request)
        asked.set()
        await anyio.sleep_forever()

    runner, transport = runner_of(ScriptedModel([]))
    transport.inner = type("Stalled", (), {"handle_async_request": staticmethod(stalled)})()
    async with anyio.create_task_group() as group:
        group.start_soon(anext, runner)
        await asked.wait()
        group.cancel_scope.cancel()
    await runner.close()

    assert [] == [message async for message in runner]
    assert (1, "closed") == (len(sent), runner.stop.reason)


@play
async def test_two_tasks_cannot_iterate_one_runner():
    """The second is told so, and the first goes on."""
    model = ScriptedModel([tool_use("wait"), text("done")])
    started, go = anyio.Event(), anyio.Event()

    async def wait() -> str:
        """Wait for the test."""
        started.set()
        await go.wait()
        return "waited"

    runner, _ = runner_of(model, wait)
    got = []

    async def first():
        got.append(await runner.until_done())

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await started.wait()
        with pytest.raises(RunError, match="at work in another task or tool"):
            await anext(runner)
        with pytest.raises(RunError, match="at work in another task or tool"):
            await runner.until_done()
        go.set()

    assert ["done"] == [words(message) for message in got]


@play
async def test_a_tool_cannot_iterate_its_own_run():
    """The error is the tool's, so the model is told of it; nothing waits for itself."""
    model = ScriptedModel([tool_use("recurse"), text("done")])

    async def recurse() -> str:
        """Ask the run for more."""
        return words(await runner.until_done())

    runner, _ = runner_of(model, recurse)

    assert "done" == words(await runner.until_done())
    assert "at work in another task or tool" in model.requests[1].tool_results[0]["content"]


@play
async def test_another_task_can_close_a_run_that_is_at_work():
    """The tool under way ends, and no request follows."""
    model = ScriptedModel([tool_use("wait")])
    started, go = anyio.Event(), anyio.Event()

    async def wait() -> str:
        """Wait for the test."""
        started.set()
        await go.wait()
        return "waited"

    runner, _ = runner_of(model, wait)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.until_done)
        await started.wait()
        await runner.close()
        go.set()

    assert ("done", "closed") == (runner.snapshot.state, runner.stop.reason)
    assert "waited" == runner.messages[-1]["content"][0]["content"]


@play
async def test_leaving_a_loop_closes_nothing_but_the_loop():
    """The run can be gone on with; closing it closes its response."""
    model = ScriptedModel([tool_use("search", {"q": "a"})])
    runner, transport = runner_of(model, stream=True)
    async for _ in runner:
        break

    assert 1 == len(transport.open)
    await runner.close()
    assert set() == transport.open


async def test_a_dropped_runner_closes_its_response():
    """Without `close`, the event loop closes what was left open."""
    model = ScriptedModel([text("never read")])
    runner, transport = runner_of(model, stream=True)
    stream = await anext(runner)
    assert 1 == len(transport.open)
    del runner, stream
    gc.collect()
    await anyio.wait_all_tasks_blocked()

    assert set() == transport.open


async def test_a_loop_left_open_is_closed_by_the_event_loop():
    """`aiter` gives a real asynchronous generator."""
    model = ScriptedModel([text("done")])
    runner, _ = runner_of(model)
    items = aiter(runner)
    await anext(items)

    assert hasattr(items, "aclose")
    await items.aclose()
    assert [] == [item async for item in runner]


# ── warnings are told at the caller's own line ──────────────────────────────────────────────────────────────────────


def place(warned):
    """File and line of the only warning."""
    (warning,) = warned
    return warning.filename, warning.lineno


async def test_an_unknown_tool_is_warned_of_at_the_line_that_iterates():
    """And not at one of ours, or of the event loop's."""
    runner, _ = runner_of(ScriptedModel([tool_use("nothing"), text("done")]))
    with pytest.warns(UserWarning, match="not found") as warned:
        await runner.until_done()  # here

    assert (__file__, line("await runner.until_done()  # here")) == place(warned)


async def test_it_is_warned_of_at_the_line_of_a_loop():
    """The loop asks for more; so the loop's line it is."""
    runner, _ = runner_of(ScriptedModel([reply(tool_use("nothing"), tool_use("known")), text("done")]), known)
    with pytest.warns(UserWarning, match="not found") as warned:
        async for _ in runner:  # around here
            pass

    assert (__file__, line("async for _ in runner:  # around here")) == place(warned)


async def known() -> str:
    """Be known."""
    return "known"


async def test_tools_of_one_name_are_warned_of_where_the_runner_is_made():
    """At the call of `tool_runner`."""
    tools = [anthropic.beta_async_tool(known)] * 2
    with pytest.warns(UserWarning, match="two tools are called 'known'") as warned:
        fsm_runner.tool_runner(ScriptedModel([]).client(), **ASKED, tools=tools)  # right here

    assert (__file__, line("tools=tools)  # right here")) == place(warned)


def line(ending):
    """The line of this file that ends so, counted from 1."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, text in enumerate(lines, start=1) if text.endswith(ending))
