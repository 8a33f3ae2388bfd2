"""What a caller does to a run between two of its messages."""

from __future__ import annotations

import anthropic
import pytest

from fsm_runner.testing import pause_turn, text
from tests.replaying.goldens.scene import Scene, golden, listen, look, looks


@golden(9, "/messages/0/content", "Stop.", refused=(13, "/sha256"), longer="there are two requests")
async def appended(scene: Scene) -> None:
    """The caller appends a message while it holds a reply: the history is then its own, and goes out as it is."""
    run = scene.run([pause_turn(), text("Bye.")])
    await run.__anext__()
    run.append_messages({"role": "user", "content": "Go on."})
    await run.until_done()


@golden(2, "/params/max_tokens", 65, refused=(6, "/sha256"))
async def params_set(scene: Scene) -> None:
    """The caller sets other parameters: they go out with the next request."""
    run = scene.run([text("Hello.")])
    run.set_messages_params(lambda params: {**params, "max_tokens": 64})
    await run.until_done()


@golden(16, "/results/0/content", "hot", refused=(20, "/sha256"), longer="a tool runs, and the run goes on after it")
async def answer_asked(scene: Scene) -> None:
    """The caller asks for the answer to a reply's calls, and edits it before it goes out."""
    run = scene.run([looks("Oslo"), text("Cold.")], tools=[look])
    await run.__anext__()
    answer = await run.generate_tool_call_response()
    answer["content"][0]["content"] = "cold in Oslo"
    await run.until_done()


@golden(12, "/facts/closed", "false")
async def closed(scene: Scene) -> None:
    """The caller closes the run: it ends before its next request, though the turn is only paused."""
    run = scene.run([pause_turn()])
    await run.__anext__()
    await run.close()
    assert [] == [message async for message in run]


@golden(3, "/blocks/0/tool/name", "listen", refused=(7, "/sha256"))
async def tools_changed(scene: Scene) -> None:
    """The caller adds one tool and removes another: the model is told in the history."""
    run = scene.run([text("Hello.")], tools=[look])
    run.add_tools(listen)
    run.remove_tools("look")
    await run.until_done()


@golden(11, "/row", "call_early")
async def call_deferred(scene: Scene) -> None:
    """The caller holds a call until it is done with the reply, so it does not run early; then the caller leaves."""
    run = scene.run([looks("Oslo")], tools=[look], stream=True, run_tools_eagerly=True)
    async for event in await run.__anext__():
        if event.type == "content_block_start" and event.content_block.type == "tool_use":
            run.defer_tool_call(event.content_block)


@golden(12, "/row", "ask", longer="the run goes on once the change is undone")
async def change_refused(scene: Scene) -> None:
    """On a thread, which keeps what it was created with, a change of the system prompt is refused, and undone."""
    run = scene.run([pause_turn(), text("Bye.")], system="Be brief.", thread=None)
    await run.__anext__()
    run.set_messages_params(lambda params: {**params, "system": "Be long."})
    with pytest.raises(anthropic.AnthropicError):
        await run.__anext__()
    run.set_messages_params(lambda params: {**params, "system": "Be brief."})
    await run.until_done()
