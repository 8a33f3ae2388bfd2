"""The loop over a real socket: what holds on a scripted transport holds here too.

Faults end a run in `failed`, and going on from there finishes it; nothing hangs, and no task, thread, response or
socket is left.
"""

from __future__ import annotations

import asyncio
import json

import anthropic
import httpx2
import pytest

from fsm_runner.adapters.anthropic.streams import StreamTruncated
from tests.http.conftest import PATIENCE, SHORT, nothing_left, settled, sockets

BEFORE_AN_ANSWER = {
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.InternalServerError,
}

WITHIN_A_STREAM = {
    "disconnect": httpx2.RemoteProtocolError,
    "truncate": StreamTruncated,
    "corrupt": json.JSONDecodeError,
    "stall": httpx2.ReadTimeout,
}


def said(message):
    """Return the text of a message."""
    return "".join(block.text for block in message.content if block.type == "text")


def where(run):
    """Return the run's state and the reason that it stopped for."""
    return run.snapshot.state, run.stop and run.stop.reason


@pytest.mark.parametrize("thread", ["default", False])
def test_the_loop_runs_the_tool_and_ends(llmock, caller, thread):
    """A tool call, its result, and the last word: two requests on one connection."""
    llmock.call_tool("look", {"where": "Paris"}).reply("It rains.")

    async def play(run):
        message = await settled(run.until_done())

        assert "It rains." == said(message)
        assert ("done", "completed") == where(run)

    caller.run(play, **({} if thread == "default" else {"thread": thread}))
    bodies = [request.body for request in llmock.requests]

    assert ["Paris"] == caller.looked
    assert 2 == len(bodies)
    assert "rain in Paris" == bodies[1]["messages"][-1]["content"][0]["content"]


def test_tools_of_one_turn_leave_no_thread_or_task(llmock, caller):
    """Calls that run side by side are all over when the run is."""
    from llmock.scenarios import Reply, ToolCall

    places = ["Paris", "Rome", "Oslo", "Bern"]
    llmock.add(Reply(tool_calls=tuple(ToolCall("look", {"where": place}) for place in places))).reply("It rains.")

    async def play(run):
        await settled(run.until_done())

    caller.run(play)

    assert sorted(places) == sorted(caller.looked)


@pytest.mark.parametrize("status", BEFORE_AN_ANSWER)
def test_the_sdk_retries_first(llmock, caller, status):
    """A fault that passes is no fault of the run's."""
    llmock.fail(status, times=2, retry_after=0.01)
    llmock.reply("It rains.")

    async def play(run):
        assert "It rains." == said(await settled(run.until_done()))
        assert ("done", "completed") == where(run)

    caller.run(play, max_retries=2)

    assert [status, status, 200] == [request.status for request in llmock.requests]


@pytest.mark.parametrize("status", BEFORE_AN_ANSWER)
def test_a_fault_that_lasts_ends_in_failed_and_going_on_finishes(llmock, caller, status):
    """The second turn fails after its retry.  The tool has run once; later the turn is asked for again."""
    llmock.call_tool("look", {"where": "Paris"})

    async def play(run):
        await caller.read(await caller.next(run))
        llmock.fail(status, times=2, retry_after=0.01)
        with pytest.raises(BEFORE_AN_ANSWER[status]):
            await caller.next(run)

        assert ("failed", "failed") == where(run)

        llmock.reply("It rains.")
        assert "It rains." == said(await settled(run.until_done()))
        assert ("done", "completed") == where(run)

    caller.run(play, max_retries=1)

    assert ["Paris"] == caller.looked
    assert [200, status, status, 200] == [request.status for request in llmock.requests]


def test_no_answer_in_time_ends_in_failed(llmock, caller):
    """A request that nobody answers is given up at the client's timeout."""
    llmock.delay(PATIENCE)
    caller.patience = SHORT

    async def play(run):
        with pytest.raises(anthropic.APITimeoutError):
            await caller.next(run)

        assert ("failed", "failed") == where(run)

    caller.run(play)


def test_nobody_at_home_ends_in_failed(llmock, caller):
    """A refused connection is a failure like any other."""
    caller.url = "http://127.0.0.1:1"

    async def play(run):
        with pytest.raises(anthropic.APIConnectionError):
            await caller.next(run)

        assert ("failed", "failed") == where(run)

    caller.run(play)


@pytest.mark.parametrize("fault", WITHIN_A_STREAM)
@pytest.mark.parametrize("after_chunks", [0, 3])
def test_a_stream_that_breaks_while_the_caller_reads_ends_in_failed(llmock, streaming, fault, after_chunks):
    """The reader gets the exception, half a message is nobody's result, and going on asks for the turn again."""
    getattr(llmock, fault)(after_chunks=after_chunks)
    streaming.patience = SHORT if fault == "stall" else PATIENCE
    llmock.call_tool("look", {"where": "Paris"}, text="I look at the sky above Paris.", times=2).reply("It rains.")

    async def play(run):
        with pytest.raises(WITHIN_A_STREAM[fault]):
            await streaming.read(await streaming.next(run))

        assert ("failed", "failed") == where(run)

        assert "It rains." == said(await settled(run.until_done()))
        assert ("done", "completed") == where(run)

    streaming.run(play)

    assert ["Paris"] == streaming.looked


@pytest.mark.parametrize("fault", WITHIN_A_STREAM)
def test_a_stream_that_breaks_while_the_runner_reads_ends_in_failed(llmock, streaming, fault):
    """`until_done` raises too: it never returns what is not whole."""
    getattr(llmock, fault)(after_chunks=3)
    streaming.patience = SHORT if fault == "stall" else PATIENCE
    llmock.reply("It rains in Paris and in many other places.", times=2)

    async def play(run):
        with pytest.raises(WITHIN_A_STREAM[fault]):
            await settled(run.until_done())

        assert ("failed", "failed") == where(run)
        assert said(await settled(run.until_done())).endswith("places.")

    streaming.run(play)


def test_leaving_a_stream_and_closing_frees_the_connection(llmock, streaming):
    """A caller that has seen enough after one event leaves no response open."""
    llmock.reply("It rains in Paris and in many other places.")

    async def play(run):
        stream = await streaming.next(run)
        await (anext(stream) if streaming.is_async else settled(next(stream)))
        await settled(run.close())

        assert ("done", "closed") == where(run)

    streaming.run(play)


def test_the_count_sees_what_is_left_open(llmock):
    """A check that could not fail would prove nothing."""
    url = llmock.base_url("anthropic")
    client = httpx2.Client(trust_env=False)

    async def leaves_a_connection():
        with nothing_left(url):
            client.get(llmock.url + "/health")

    with pytest.raises(AssertionError):
        asyncio.run(leaves_a_connection())
    client.close()

    assert 0 == sockets(url)
