"""Dropped runs: what is left is closed where it is left, not when garbage is collected."""

from __future__ import annotations

import gc
import io
import logging
import warnings
from contextlib import suppress
from pathlib import Path

import anthropic
import anyio
import httpx2
import psutil
import pytest

import fsm_runner
from fsm_runner.testing import ScriptedModel, overloaded, reply, text, tool_use
from tests.drivers.drive import ASKED, Counting, use
from tests.drivers.test_tasks import runner_of


@pytest.fixture(autouse=True)
def no_collection():
    """Only what nothing refers to goes; a record in a log refers to all that a tool's exception came through."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


@pytest.fixture
def path(tmp_path):
    """A journal's file."""
    return tmp_path / "run.jsonl"


def is_open(path):
    """Whether this process has the file open."""
    return path in {Path(each.path) for each in psutil.Process().open_files()}


def tool():
    """A tool that fails on demand."""

    async def act(fails: bool = False) -> str:
        """Act."""
        if fails:
            raise ValueError("no")
        return "acted"

    return act


async def nothing(runner):
    """Leave it as it was made."""


async def one(runner):
    """Leave it with a message."""
    await anext(runner)


async def loop(runner):
    """Leave a loop."""
    async for _ in runner:
        break


async def answered(runner):
    """Leave it with the response to its calls."""
    await anext(runner)
    await runner.generate_tool_call_response()


async def failed(runner):
    """Leave it after a failure."""
    with suppress(anthropic.APIError):
        await runner.until_done()


async def cancelled(runner):
    """Leave it after a cancellation."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await runner.until_done()


CALLS = reply(use("act"), use("act", fails=True), use("act"))
LEFT = {
    "nothing": (nothing, [text("never")]),
    "message": (one, [CALLS]),
    "loop": (loop, [CALLS]),
    "response": (answered, [CALLS]),
    "failure": (failed, [CALLS, overloaded()]),
    "failure at once": (failed, [overloaded()]),
    "cancellation": (cancelled, [text("never")]),
}


@pytest.mark.parametrize("way", LEFT)
def test_a_run_that_is_dropped_lets_go_of_its_journal(backend, way, path):
    """Wherever it was left: the file is closed, and the lock with it."""
    leave, replies = LEFT[way]

    async def main():
        runner, _ = runner_of(ScriptedModel(replies, strict=False), tool(), journal=path)
        await leave(runner)
        assert is_open(path)
        del runner
        await anyio.wait_all_tasks_blocked()
        assert not is_open(path)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("way", ["message", "failure", "failure at once"])
def test_a_sync_run_that_is_dropped_lets_go_of_its_journal(way, path):
    """The same, with threads."""
    replies = LEFT[way][1]

    @anthropic.beta_tool
    def act(fails: bool = False) -> str:
        """Act."""
        if fails:
            raise ValueError("no")
        return "acted"

    model = ScriptedModel(replies, strict=False)
    runner = fsm_runner.tool_runner(model.sync_client(max_retries=0), **ASKED, thread=False, tools=[act], journal=path)
    if way == "message":
        next(runner)
    else:
        with suppress(anthropic.APIError):
            runner.until_done()
    assert is_open(path)
    del runner

    assert not is_open(path)


class Halting(httpx2.AsyncBaseTransport, httpx2.AsyncByteStream):
    """A transport whose answers come to a halt after two pieces."""

    def __init__(self, inner):
        self.inner, self.left = inner, 2

    async def handle_async_request(self, request):
        response = await self.inner.handle_async_request(request)
        self.pieces, self.body = aiter(response.stream), response.stream
        return httpx2.Response(response.status_code, headers=response.headers, stream=self)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            await anyio.sleep_forever()
        self.left -= 1
        return await anext(self.pieces)

    async def aclose(self):
        await self.body.aclose()


async def reading(runner, started):
    """Read streams, of which one comes to a halt in the middle."""
    async for stream in runner:
        async for _ in stream:
            started.set()


async def running_early(runner, started):
    """Read streams while tools run."""
    async for stream in runner:
        await stream.until_done()


@pytest.mark.parametrize("work", [reading, running_early])
def test_a_stream_that_was_cancelled_leaves_no_generator(backend, work, path):
    """Closing the run ends what still reads the response: the loop has nothing to close, and trio no warning."""
    started = []

    async def main():
        event = anyio.Event()

        async def act() -> str:
            """Wait to be cancelled."""
            event.set()
            await anyio.sleep_forever()
            return "never"

        calls = reply(use("act"), use("act"), text("and words"))
        model = ScriptedModel([calls], strict=False)
        if work is reading:
            model.transport = Halting(model.transport)
        runner, transport = runner_of(model, act, stream=True, run_tools_eagerly=work is running_early, journal=path)
        async with anyio.create_task_group() as group:
            group.start_soon(work, runner, event)
            await event.wait()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        await runner.close()
        assert set() == transport.open
        assert not is_open(path)
        started.append(1)
        del runner
        gc.collect()
        await anyio.wait_all_tasks_blocked()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anyio.run(main, backend=backend)

    assert [1] == started


def test_a_stream_that_is_dropped_with_its_run_is_closed(backend):
    """By the collector then, for the SDK's streams refer to themselves."""

    async def main():
        runner, transport = runner_of(ScriptedModel([tool_use("act")]), tool(), stream=True, journal=io.BytesIO())
        stream = await anext(runner)
        assert 1 == len(transport.open)
        del runner, stream
        gc.collect()
        await anyio.wait_all_tasks_blocked()
        return transport

    assert set() == anyio.run(main, backend=backend).open


def test_a_sync_stream_that_is_dropped_with_its_run_is_closed(path):
    """The same, and the journal with it."""
    model = ScriptedModel([tool_use("act")])
    transport = model.transport = Counting(model.transport)
    runner = fsm_runner.tool_runner(model.sync_client(), **ASKED, thread=False, tools=[], stream=True, journal=path)
    stream = next(runner)
    assert 1 == len(transport.open)
    del runner, stream
    gc.collect()

    assert set() == transport.open
    assert not is_open(path)
