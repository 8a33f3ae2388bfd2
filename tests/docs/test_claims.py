"""What the pages say of the SDK's own runner is so, in the version that is installed."""

from __future__ import annotations

import inspect

import anthropic
import anyio.lowlevel
import pytest
from anthropic import beta_async_tool

from fsm_runner.testing import ScriptedModel, overloaded, reply, text, tool_use, truncated, without_stop_reason

CALL = tool_use("look", {"at": "a"})


def theirs(script, *tools, **given):
    """The SDK's runner on a scripted model."""
    client = ScriptedModel(script).client()
    asked = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
    return client.beta.messages.tool_runner(**asked, thread=False, tools=tools, **given)


@beta_async_tool
async def look(at: str) -> str:
    """Look."""
    return f"seen {at}"


async def test_after_an_error_it_is_over_and_returns_the_message_before():
    """With its calls unanswered, as if it were the end."""
    runner = theirs([CALL, overloaded(), text("done")], look)
    with pytest.raises(anthropic.InternalServerError):
        await runner.until_done()

    assert "tool_use" == (await runner.until_done()).stop_reason


async def test_a_stream_that_is_cut_off_is_its_last_message():
    """Half of it, without an error."""
    runner = theirs([truncated(text("one two three"), after=4)], stream=True)

    assert (await runner.until_done()).stop_reason is None


@pytest.mark.parametrize("last", [without_stop_reason(text("well")), reply(text("well"), stop_reason="brand_new")])
async def test_a_stop_reason_that_is_missing_or_unknown_ends_it(last):
    """Without a word."""
    assert "well" == (await theirs([last]).until_done()).content[0].text


async def test_before_the_first_message_until_done_is_a_bare_assertion():
    """It says nothing."""
    with pytest.raises(AssertionError) as raised:
        await theirs([], max_iterations=0).until_done()

    assert "" == str(raised.value)


async def test_tools_of_one_turn_run_one_after_the_other():
    """The second begins when the first has ended."""
    seen = []

    @beta_async_tool
    async def wait(name: str) -> str:
        """Begin, let others run, end."""
        seen.append(f"{name} begins")
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        seen.append(f"{name} ends")
        return name

    both = reply(tool_use("wait", {"name": "a"}), tool_use("wait", {"name": "b"}))
    await theirs([both, text("done")], wait).until_done()

    assert ["a begins", "a ends", "b begins", "b ends"] == seen


def test_it_has_no_client_side_compaction_any_more():
    """0.75 had it."""
    method = anthropic.resources.beta.messages.AsyncMessages.tool_runner

    assert "compaction_control" not in inspect.signature(method).parameters


def test_its_runner_classes_are_defined_in_a_private_module():
    """To change what it decides is to subclass them."""
    assert theirs([]).__class__.__module__.rpartition(".")[2].startswith("_")
