"""What the model, the API and the tools do to a run."""

from __future__ import annotations

import anthropic
import pytest

from fsm_runner.adapters.anthropic.streams import StreamTruncated
from fsm_runner.testing import (
    compaction,
    overloaded,
    pause_turn,
    reply,
    text,
    thread_error,
    truncated,
    without_stop_reason,
)
from tests.replaying.goldens.charts import COMPACT, SUMMARY
from tests.replaying.goldens.scene import Scene, golden, look, looks


@golden(20, "/row", "stop_limit", longer="each of the two calls has its own records")
async def tools_in_parallel(scene: Scene) -> None:
    """Two calls of one reply run at once; both are answered in the next request."""
    await scene.run([looks("Oslo", "Rome"), text("Both warm.")], tools=[look]).until_done()


@golden(13, "/result/content", "warm", refused=(18, "/sha256"), longer="a tool runs, and a request follows")
async def tool_failed(scene: Scene) -> None:
    """A tool raises: its error is its result, and the model is told."""
    await scene.run([looks("Atlantis"), text("There is none.")], tools=[look]).until_done()


@golden(12, "/reason", "completed")
async def limit_reached(scene: Scene) -> None:
    """The limit is reached with a turn that is only paused: the run ends, and says which limit it was."""
    await scene.run([pause_turn()], max_iterations=1).until_done()


@golden(5, "/messages", 2)
async def failed(scene: Scene) -> None:
    """The request fails: the effect has failed, the run has stopped, and nothing is final."""
    run = scene.run([overloaded()])
    with pytest.raises(anthropic.APIStatusError):
        await run.until_done()


@golden(11, "/row", "give_up", longer="there are two requests")
async def tried_again(scene: Scene) -> None:
    """The request fails, the caller asks for more, and what failed is tried again."""
    run = scene.run([overloaded(), text("Hello.")])
    with pytest.raises(anthropic.APIStatusError):
        await run.until_done()
    await run.until_done()


@golden(12, "/row", "try_again")
async def given_up(scene: Scene) -> None:
    """The API fails to compact, which is not tried again: asking for more ends the run."""
    run = scene.run([overloaded()])
    run.compact_before_next_turn()
    with pytest.raises(anthropic.APIStatusError):
        await run.until_done()
    assert [] == [message async for message in run]


@golden(8, "/row", "request_failed", longer="there are two requests")
async def resent(scene: Scene) -> None:
    """The server has no threads: the request goes out again by itself, without one."""
    await scene.run([thread_error("thread_unsupported_request", "tools"), text("Hello.")], thread=None).until_done()


@golden(11, "/facts/turn", "finished", longer="there are two requests")
async def paused(scene: Scene) -> None:
    """The API pauses a long turn; the loop goes on with it."""
    await scene.run([pause_turn(), text("Found.")]).until_done()


@golden(9, "/row", "ask", longer="there are a compaction and a request")
async def compacted(scene: Scene) -> None:
    """The caller has the API compact before the model's next turn; its summary takes the history's place."""
    run = scene.run([compaction("All is said."), text("Bye.")])
    run.compact_before_next_turn()
    await run.until_done()


@golden(12, "/messages", 9, longer="there are two requests and a summary")
async def summarised(scene: Scene) -> None:
    """A reply reaches the threshold: the model's own summary takes the history's place, and the call does not run."""
    replies = [looks("Oslo"), SUMMARY, reply(text("It is."), usage={"input_tokens": 1})]
    await scene.run(replies, tools=[look], compaction_control=COMPACT).until_done()


@golden(10, "/facts/early", "wait", longer="a stream has records of its own, and so has a call that runs early")
async def streamed_early(scene: Scene) -> None:
    """A call runs while its reply streams, as soon as the model has moved on from it; then the caller leaves."""
    run = scene.run([looks("Oslo")], tools=[look], stream=True, run_tools_eagerly=True)
    stream = await run.__anext__()
    await stream.until_done()


@golden(10, "/row", "leave_stream")
async def drained(scene: Scene) -> None:
    """The caller goes on before the end of a stream: the runner reads the rest."""
    async for _ in scene.run([text("Hello.")], stream=True):
        pass


@golden(10, "/row", "stream_read")
async def stream_truncated(scene: Scene) -> None:
    """A stream breaks off without a word: it never ends a run as completed."""
    run = scene.run([truncated(text("Hello, and"))], stream=True)
    stream = await run.__anext__()
    with pytest.raises(StreamTruncated):
        await stream.until_done()


@golden(11, "/row", "finish")
async def unreadable(scene: Scene) -> None:
    """A reply without a stop reason: the run ends, not as completed."""
    await scene.run([without_stop_reason(text("Hello, and"))]).until_done()
