"""A user's view of a run: what a type checker knows without being told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

from anthropic import beta_async_tool
from anthropic.lib.streaming import BetaAsyncMessageStream
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

import fsm_runner
from fsm_runner import AsyncRunner, Context, Fact, Reported, RunView, Snapshot, Stop
from fsm_runner.testing import ScriptedModel, text, tool_use


@beta_async_tool
async def search(q: str) -> str:
    """Search."""
    return q


async def messages_of(runner: AsyncRunner[ParsedBetaMessage[None]]) -> None:
    """A loop has what the runner says that it hands out."""
    async for message in runner:
        assert_type(message, ParsedBetaMessage[None])
    assert_type(await anext(runner), ParsedBetaMessage[None])


async def streams_of(runner: AsyncRunner[BetaAsyncMessageStream[None]]) -> None:
    """So has one of streams."""
    async for stream in runner:
        async for words in stream.text_stream:
            assert_type(words, str)


async def what_a_run_knows(runner: AsyncRunner[ParsedBetaMessage[None]]) -> None:
    """It can be read at any time, and what may not be there yet says so."""
    assert_type(runner.snapshot, Snapshot)
    assert_type(runner.snapshot.context, Context)
    assert_type(runner.stop, Stop | None)
    assert_type(runner.usage.total_tokens, int)
    if runner.stop is not None and runner.stop.reason == "limit":
        assert_type(runner.stop.detail, str | None)
    response = await runner.generate_tool_call_response()
    if response is not None:
        runner.append_messages(response, {"role": "user", "content": "go on"})
    await runner.close()


@fsm_runner.fact(answers=("yes", "no"))
def long(context: Context) -> str:
    """Whether the conversation is long."""
    return "yes" if len(context.conversation.history) > 9 else "no"


assert_type(long, Fact)


def ask_human(view: RunView) -> str | Reported:
    """An effect of one's own names what happened, or reports it with results."""
    names: Iterator[object] = (call["name"] for call in view.calls)
    return "allowed" if "delete" not in names else Reported(name="denied", data={"by": "policy"})


async def make() -> None:
    """Every argument of ours is known by name."""
    model = ScriptedModel([tool_use("search", {"q": "ants"}), text("done")])
    fsm_runner.tool_runner(
        model.client(),
        model="claude-haiku-4-5",
        max_tokens=64,
        messages=[{"role": "user", "content": "hi"}],
        tools=[search, {"name": "raw", "input_schema": {"type": "object"}}],
        facts=[long],
        effects={"ask_human": ask_human},
        limits={"iterations": 20},
        compaction_control={"enabled": True, "context_token_threshold": 100_000},
        tool_errors="type",
        max_concurrent_tools=None,
    )
