"""A user's view of a run: what a type checker knows without being told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

import pydantic
from anthropic import (
    Anthropic,
    AnthropicBedrock,
    AsyncAnthropic,
    AsyncAnthropicFoundry,
    AsyncAnthropicVertex,
    beta_async_tool,
    beta_tool,
)
from anthropic.lib.streaming import BetaAsyncMessageStream, BetaMessageStream
from anthropic.types.beta import BetaMessageParam, BetaToolUseBlock
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

import fsm_runner
from fsm_runner import AsyncRunner, Context, Fact, Reported, Runner, RunView, Snapshot, Stop
from fsm_runner.testing import ScriptedModel, text, tool_use


@beta_async_tool
async def search(q: str) -> str:
    """Search."""
    return q


@beta_tool
def look(q: str) -> str:
    """Look."""
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


class Ant(pydantic.BaseModel):
    """What a reply is parsed into."""

    legs: int


ASKED: list[BetaMessageParam] = [{"role": "user", "content": "hi"}]


async def async_messages(client: AsyncAnthropic) -> None:
    """An async client: messages, and the last of them."""
    runner = fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[search])
    assert_type(runner, AsyncRunner[ParsedBetaMessage[None], None])
    async for message in runner:
        assert_type(message, ParsedBetaMessage[None])
    assert_type(await anext(runner), ParsedBetaMessage[None])
    assert_type(await runner.until_done(), ParsedBetaMessage[None])


async def async_streams(client: AsyncAnthropicVertex) -> None:
    """With `stream`, the streams; the last message is a message all the same."""
    runner = fsm_runner.tool_runner(
        client, model="m", max_tokens=64, messages=ASKED, tools=[search], stream=True, run_tools_eagerly=True
    )
    assert_type(runner, AsyncRunner[BetaAsyncMessageStream[None], None])
    async for stream in runner:
        assert_type(await stream.get_final_message(), ParsedBetaMessage[None])
    assert_type(await runner.until_done(), ParsedBetaMessage[None])


async def async_parsed(client: AsyncAnthropicFoundry) -> None:
    """With `output_format`, what replies are parsed into; streamed or not."""
    runner = fsm_runner.tool_runner(
        client, model="m", max_tokens=64, messages=ASKED, tools=[], output_format=Ant, stream=False
    )
    assert_type(runner, AsyncRunner[ParsedBetaMessage[Ant], Ant])
    assert_type((await runner.until_done()).parsed_output, Ant | None)
    streams = fsm_runner.tool_runner(
        client, model="m", max_tokens=64, messages=ASKED, tools=[], output_format=Ant, stream=True
    )
    assert_type(streams, AsyncRunner[BetaAsyncMessageStream[Ant], Ant])
    assert_type(await streams.until_done(), ParsedBetaMessage[Ant])


def sync_messages(client: Anthropic) -> None:
    """A sync client: the same without await."""
    runner = fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[look], thread=False)
    assert_type(runner, Runner[ParsedBetaMessage[None], None])
    for message in runner:
        assert_type(message, ParsedBetaMessage[None])
    assert_type(next(runner), ParsedBetaMessage[None])
    assert_type(runner.until_done(), ParsedBetaMessage[None])


def sync_streams(client: AnthropicBedrock) -> None:
    """And its streams."""
    runner = fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[look], stream=True)
    assert_type(runner, Runner[BetaMessageStream[None], None])
    for stream in runner:
        for words in stream.text_stream:
            assert_type(words, str)
    assert_type(runner.until_done(), ParsedBetaMessage[None])


def sync_parsed(client: Anthropic) -> None:
    """And what they are parsed into."""
    runner = fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[look], output_format=Ant)
    assert_type(runner, Runner[ParsedBetaMessage[Ant], Ant])
    assert_type(runner.until_done().parsed_output, Ant | None)
    streams = fsm_runner.tool_runner(
        client, model="m", max_tokens=64, messages=ASKED, tools=[look], output_format=Ant, stream=True
    )
    assert_type(streams, Runner[BetaMessageStream[Ant], Ant])
    assert_type(streams.until_done(), ParsedBetaMessage[Ant])


def acts(runner: Runner[ParsedBetaMessage[None], None]) -> None:
    """What a caller can do, and what comes back."""
    runner.add_tools(look, {"name": "raw", "input_schema": {"type": "object"}})
    runner.remove_tools(look, "raw")
    runner.compact_before_next_turn({"type": "summarize"})
    runner.compact_before_next_turn()
    for call in runner.deferred_tool_calls:
        assert_type(call, BetaToolUseBlock)
        runner.defer_tool_call(call)


def misspelt() -> None:
    """A name that does not exist is found before anything runs."""
    fsm_runner.tool_runer  # type: ignore[attr-defined]  # noqa: B018


def wrong(client: Anthropic, later: AsyncAnthropic) -> None:
    """What would fail when it runs is refused before: a needless `ignore` is an error here."""
    fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[search])  # type: ignore[list-item]
    fsm_runner.tool_runner(later, model="m", max_tokens=64, messages=ASKED, tools=[look])  # type: ignore[list-item]
    fsm_runner.tool_runner(client, model="m", max_tokens=64, messages=ASKED, tools=[], max_token=1)  # type: ignore[call-overload]
    fsm_runner.tool_runner(client, model="m", messages=ASKED, tools=[])  # type: ignore[call-overload]
