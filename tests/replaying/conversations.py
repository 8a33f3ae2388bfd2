"""Conversations: what a model says and a caller does, drawn from a number, and lived through on any chart.

The same number gives the same conversation: as long as two charts send the same requests, they get the same replies.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import anthropic

import fsm_runner
from fsm_runner.engine.chart import Chart
from fsm_runner.journal import Journal
from fsm_runner.loop.context import DEFAULT_SUMMARY_PROMPT
from fsm_runner.testing import (
    Fault,
    Reply,
    ScriptedModel,
    ScriptedRequest,
    compaction,
    overloaded,
    reply,
    text,
    tool_use,
)

STOPS = (None, None, None, "end_turn", "max_tokens", "pause_turn", "refusal", "from_the_future")
ACTS = ("nothing", "nothing", "nothing", "append", "answer", "compact", "close")


@anthropic.beta_async_tool
async def find(q: str) -> str:
    """Find."""
    return f"found {q}"


@anthropic.beta_async_tool
async def fail() -> str:
    """Fail."""
    raise LookupError("nothing there")


@dataclass(frozen=True)
class Conversation:
    """One conversation: immutable.

    Attributes:
        given: arguments of the runner.
        replies: what the model says, in turn; at their end, goodbye.
        acts: what the caller does with each item; with later ones, nothing.
        read: how many events of each stream the caller reads itself; None: all.
    """

    given: dict[str, Any]
    replies: tuple[Reply | Fault, ...]
    acts: tuple[str, ...]
    read: int | None


def conversation(number: int) -> Conversation:
    """Return the conversation of that number."""
    random = Random(number)
    given: dict[str, Any] = {}
    if random.random() < 0.35:
        given |= {"stream": True, "run_tools_eagerly": random.random() < 0.5}
    if random.random() < 0.35:
        given["max_iterations"] = random.randint(0, 3)
    if random.random() < 0.5:
        given["compaction_control"] = {"enabled": True, "context_token_threshold": 100}
    replies: list[Reply | Fault] = [_reply(random) for _ in range(random.randint(1, 3))]
    if random.random() < 0.1:
        replies.append(overloaded())
    acts = tuple(random.choice(ACTS) for _ in range(4))
    return Conversation(given, tuple(replies), acts, random.choice((None, None, 2)))


def _reply(random: Random) -> Reply:
    calls = [tool_use("find", {"q": "ants"}), tool_use("fail"), tool_use("unknown")]
    blocks = [random.choice([*calls, text("well")]) for _ in range(random.randint(1, 2))]
    return reply(*blocks, stop_reason=random.choice(STOPS), usage={"input_tokens": random.choice((10, 150))})


async def lived(number: int, chart: str | Chart) -> bytes:
    """Return the journal of the conversation on `chart`."""
    plan, kept = conversation(number), io.BytesIO()
    replies = iter(plan.replies)

    def answer(request: ScriptedRequest) -> Reply | Fault:
        assert request.number < 20, "the run does not end"
        if "compaction" in request.body:
            return reply(compaction("so far"))
        last = request.body["messages"][-1]["content"]
        if last == DEFAULT_SUMMARY_PROMPT or {"type": "text", "text": DEFAULT_SUMMARY_PROMPT} in list(last):
            return reply(text("so far"))
        return next(replies, reply(text("goodbye")))

    async with ScriptedModel(answer, strict=False).client() as client:
        with Journal.open(kept, run=f"run-{number}", clock=None) as journal, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "thread": False}
            tools = [find, fail]
            runner = fsm_runner.tool_runner(client, **asked, tools=tools, chart=chart, journal=journal, **plan.given)
            await _spent(runner, plan)
    return kept.getvalue()


async def _spent(runner: Any, plan: Conversation) -> None:
    acts = iter(plan.acts)
    try:
        async for item in runner:
            if "stream" in plan.given:
                await _read(item, plan.read)
            with suppress(ValueError):  # while the API compacts, some acts are refused
                await _act(runner, next(acts, "nothing"))
    except (anthropic.AnthropicError, fsm_runner.FsmRunnerError):
        pass


async def _read(stream: Any, most: int | None) -> None:
    events = 0
    while (most is None or events < most) and await anext(stream, None) is not None:
        events += 1


async def _act(runner: Any, act: str) -> None:
    match act:
        case "append":
            runner.append_messages({"role": "user", "content": "more"})
        case "answer":
            await runner.generate_tool_call_response()
        case "compact":
            runner.compact_before_next_turn()
        case "close":
            await runner.close()
