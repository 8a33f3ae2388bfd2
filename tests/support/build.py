"""Builders of what the core works on: blocks, replies, calls and contexts, each with everything a test leaves out.

Only the shape matters here; none of it was ever sent by an API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec.structs import replace

from fsm_runner.loop.context import (
    Call,
    Compaction,
    Context,
    Conversation,
    Counters,
    RunStatus,
    Settings,
    SummaryControl,
    Thread,
    Turn,
)
from fsm_runner.loop.events import Failed, Json
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import call_of, calls_of

PARAMS: Json = {"model": "claude", "max_tokens": 64}
LOST = Failed(error="APIConnectionError", text="connection lost")


def user(words: str = "hi") -> Json:
    """A user message."""
    return {"role": "user", "content": words}


def text(words: str = "well") -> Json:
    """A text block."""
    return {"type": "text", "text": words}


def use(id: str = "a", name: str = "search", toolset: str | None = None) -> Json:
    """A ``tool_use`` block."""
    block = {"type": "tool_use", "id": id, "name": name, "input": {}}
    return block if toolset is None else {**block, "toolset_name": toolset}


def result(id: str = "a", *, error: bool = False) -> Json:
    """A ``tool_result`` block."""
    block: Json = {"type": "tool_result", "tool_use_id": id, "content": f"found by {id}"}
    return {**block, "is_error": True} if error else block


def reply(*blocks: Json, stop: object = "", tokens: int = 0, **more: object) -> Json:
    """The API's message.  Without `stop` it stopped for its tool calls, or finished when it has none."""
    stop = (
        stop if stop != "" else "tool_use" if any(block.get("type") == "tool_use" for block in blocks) else "end_turn"
    )
    return {
        "type": "message", "role": "assistant", "content": list(blocks), "stop_reason": stop,
        "usage": {"input_tokens": tokens, "output_tokens": 0}, **more,
    }  # fmt: skip


def call(
    id: str = "a",
    name: str = "search",
    toolset: str | None = None,
    status: Literal["waiting", "running", "done"] = "waiting",
    *,
    held: bool = False,
    error: bool = False,
) -> Call:
    """A tool call; one that is done has a result."""
    made = replace(call_of(use(id, name, toolset)), status=status, held=held)
    return replace(made, result=result(id, error=error)) if status == "done" else made


def context(
    *messages: Json,
    turn: Turn | None = None,
    reply: Json | None = None,
    calls: Iterable[Call] | None = None,
    tokens: int = 0,
    threshold: int | None = None,
    compaction: Compaction | None = None,
    limits: Mapping[str, int | None] | None = None,
    spent: Mapping[str, int] | None = None,
    draft: Iterable[Json] | None = None,
    owned: bool = False,
    counters: Counters | None = None,
    settings: Settings | None = None,
    stand: RunStatus | None = None,
    thread: Thread | None = None,
) -> Context:
    """A context.  `reply` and `calls` are those of the last turn; the calls follow from the reply if not given."""
    if turn is None:
        turn = Turn(reply=reply, calls=tuple(calls if calls is not None else calls_of(reply or {})))
    settings = settings or Settings(params=PARAMS, runnable=frozenset({"search"}))
    if threshold is not None:
        settings = replace(settings, summary=SummaryControl(threshold=threshold))
    return Context(
        conversation=Conversation(
            history=History(messages), draft=None if draft is None else History(draft), owned=owned
        ),
        turn=turn,
        compaction=compaction or Compaction(tokens=tokens),
        settings=settings,
        counters=counters or Counters(limits=limits or {}, spent=spent or {}),
        stand=stand or RunStatus(),
        thread=thread or Thread(),
    )
