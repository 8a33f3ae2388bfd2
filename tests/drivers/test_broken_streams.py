"""Streams that break where nobody looks for it: the run has failed, on record, and going on asks again."""

from __future__ import annotations

import io
import json

import anthropic
import anyio
import httpx2
import pydantic
import pytest

import fsm_runner
from fsm_runner.adapters.anthropic.streams import StreamTruncated
from fsm_runner.testing import ScriptedModel, text, tool_use
from fsm_runner.testing.transport import events
from tests.drivers.drive import ASKED, words
from tests.drivers.test_tasks import play, runner_of


class Answer(pydantic.BaseModel):
    """What the replies are parsed into."""

    number: int


def body_of(message, edit=lambda event: event):
    """The bytes that stream a message, each event edited."""
    lines = []
    for event in events(message):
        data = event if isinstance(event, dict) else json.loads(event)
        lines.append(f"event: {data['type']}\ndata: {json.dumps(edit(data))}\n\n")
    return "".join(lines).encode()


def bad_json(event):
    """The last piece of a call's input is none of JSON."""
    if event.get("delta", {}).get("type") == "input_json_delta":
        event["delta"]["partial_json"] = '{"q": "a", oops}'
    return event


def no_block(event):
    """A piece of a block that never began."""
    return {**event, "index": 7} if event["type"] == "content_block_delta" else event


CALL = {
    "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"q": "a"}}],
    "stop_reason": "tool_use",
    "usage": {"output_tokens": 5},
}
WORDS = {"content": [{"type": "text", "text": "done"}], "stop_reason": "end_turn", "usage": {"output_tokens": 5}}
BROKEN = {"bad json": bad_json, "a block too many": no_block}
READERS = {
    "loop": lambda stream: list(stream),
    "text": lambda stream: list(stream.text_stream),
    "until_done": lambda stream: stream.until_done(),
    "final message": lambda stream: stream.get_final_message(),
    "next": lambda stream: [next(stream) for _ in range(100)],
}


def run_of(*bodies, **arguments):
    """A sync run on responses as they are given, and how many were asked for."""
    left, asked = list(bodies), []

    def answer(request):
        asked.append(1)
        return httpx2.Response(200, content=left.pop(0), headers={"content-type": "text/event-stream"})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = anthropic.Anthropic(api_key="k", max_retries=0, http_client=http)

    @anthropic.beta_tool
    def look(q: str = "") -> str:
        """Look something up."""
        return "found"

    given = {**ASKED, "thread": False, "tools": [look], "stream": True, **arguments}
    return fsm_runner.tool_runner(client, **given), asked


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("eager", [False, True])
def test_a_reply_that_cannot_be_put_together(reader, broken, eager):
    """Whoever reads gets the exception; the run knows of it at once."""
    journal = io.BytesIO()
    runner, asked = run_of(body_of(CALL, BROKEN[broken]), body_of(WORDS), journal=journal, run_tools_eagerly=eager)
    stream = next(runner)
    with pytest.raises((ValueError, IndexError, AssertionError)) as raised:
        READERS[reader](stream)

    assert ("failed", "failed") == (runner.snapshot.state, runner.stop.reason)
    assert runner.stop.detail.startswith(type(raised.value).__name__)
    assert [] == list(stream)  # the SDK's own stream, which has ended; the run goes by what it was told
    assert "done" == words(runner.until_done())
    assert 2 == len(asked)
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms


@pytest.mark.parametrize("broken", BROKEN)
def test_a_reply_that_cannot_be_put_together_while_the_runner_reads(broken):
    """`until_done` raises, and the next one asks again."""
    runner, asked = run_of(body_of(CALL, BROKEN[broken]), body_of(WORDS))
    with pytest.raises((ValueError, IndexError, AssertionError)):
        runner.until_done()

    assert "failed" == runner.stop.reason
    assert "done" == words(runner.until_done())
    assert 2 == len(asked)


def test_a_stream_that_is_read_after_the_run_has_left_it_tells_nothing():
    """It has ended, and the run is where the next one is."""
    runner, _ = run_of(body_of(CALL, bad_json), body_of(WORDS))
    first = next(runner)
    with pytest.raises(ValueError, match="JSON"):
        list(first)
    second = next(runner)
    assert [] == list(first)

    assert "streaming" == runner.snapshot.state
    assert "done" == words(second.get_final_message())


def test_a_stream_read_on_after_the_run_was_closed(drive):
    """As of any stream that is closed."""
    run = drive.run([text("a reply of a few words")], stream=True)
    stream = next(run)
    next(stream)
    run.close()
    with pytest.raises(httpx2.StreamClosed):
        list(stream)

    assert "closed" == run.stop.reason


@play
async def test_a_timeout_in_the_callers_hands():
    """The reply is lost: the run has failed, and asks again."""
    model = ScriptedModel([tool_use("search", {"q": "a"}), text("done")])
    runner, transport = runner_of(model, stream=True, journal=(journal := io.BytesIO()))
    stream = await anext(runner)
    with anyio.CancelScope() as scope:
        await anext(stream)
        scope.cancel()
        async for _ in stream:
            pass

    assert scope.cancelled_caught
    assert ("failed", "failed") == (runner.snapshot.state, runner.stop.reason)
    assert "done" == words(await runner.until_done())
    assert set() == transport.open
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms


@play
async def test_a_timeout_between_two_events_loses_nothing():
    """Nobody was reading then: the runner reads the rest."""
    model = ScriptedModel([text("done")])
    runner, _ = runner_of(model, stream=True)
    stream = await anext(runner)
    with anyio.CancelScope() as scope:
        async for _ in stream:
            scope.cancel()
            await anyio.sleep_forever()

    assert runner.stop is None
    assert "done" == words(await runner.until_done())
    assert 1 == len(model.requests)


async def test_a_stream_whose_generators_somebody_closes_is_truncated():
    """As an event loop does that ends: no end of a reply is taken for one."""
    model = ScriptedModel([text("half"), text("done")])
    runner, _ = runner_of(model, stream=True)
    stream = await anext(runner)
    await anext(stream)
    await stream.close()
    with pytest.raises((StreamTruncated, httpx2.HTTPError, httpx2.StreamError)):
        await runner.until_done()

    assert "failed" == runner.stop.reason
    assert "done" == words(await runner.until_done())
