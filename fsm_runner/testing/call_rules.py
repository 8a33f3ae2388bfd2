"""Rules about calls and their results: each `tool_use` has one `tool_result`, in the next message.

The API joins consecutive messages of one role, so these rules do, too.  They skip system messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, TypeAlias

from fsm_runner.testing.received import ScriptedRequest, blocks
from fsm_runner.testing.rule import DOCS, ISSUES, rule

HANDLE = f"Handle tool calls, {DOCS}/agents-and-tools/tool-use/handle-tool-calls"
CLAUDE_CODE = f"{ISSUES}/anthropics/claude-code/issues"

Place: TypeAlias = tuple[int, int, Mapping[str, Any]]
"""A block with the index of its message and its index there, both from 0, as the API's messages count."""


@dataclass(frozen=True, slots=True)
class CallTurn:
    """Consecutive messages of one role, joined."""

    role: str
    places: tuple[Place, ...]


def turns(request: ScriptedRequest) -> list[CallTurn]:
    """Return the user's and the assistant's turns, joined, without system messages."""
    joined: list[CallTurn] = []
    for index, message in enumerate(request.messages):
        if message["role"] == "system":
            continue
        places = tuple((index, at, block) for at, block in enumerate(blocks(message)))
        if joined and joined[-1].role == message["role"]:
            joined[-1] = CallTurn(message["role"], (*joined[-1].places, *places))
        else:
            joined.append(CallTurn(message["role"], places))
    return joined


def _of_type(turn: CallTurn | None, kind: str) -> list[Place]:
    return [place for place in turn.places if place[2].get("type") == kind] if turn is not None else []


@rule("calls are the assistant's, results are the user's", f"{HANDLE}; both messages are quoted in public repositories")
def blocks_placed(request: ScriptedRequest) -> str | None:
    """Refuse a `tool_use` from the user and a `tool_result` from the assistant."""
    belongs = {"tool_use": "assistant", "tool_result": "user"}
    for index, message in enumerate(request.messages):
        for block in blocks(message):
            kind = str(block.get("type"))
            if belongs.get(kind, message["role"]) != message["role"]:
                return f"messages.{index}: `{kind}` blocks can only be in `{belongs[kind]}` messages"
    return None


@rule(
    "no two calls have the same id",
    f"quoted in {ISSUES}/BerriAI/litellm/issues/23510 and {ISSUES}/trycua/cua/issues/524",
)
def call_ids_unique(request: ScriptedRequest) -> str | None:
    """Refuse an id of a `tool_use` that an earlier one has, in any message."""
    seen: set[Any] = set()
    for turn in turns(request):
        for index, at, call in _of_type(turn, "tool_use"):
            if call.get("id") in seen:
                return f"messages.{index}.content.{at}: `tool_use` ids must be unique"
            seen.add(call.get("id"))
    return None


@rule("every call has its result at the start of the next user message", f"{HANDLE}; quoted in {CLAUDE_CODE}/1831")
def calls_answered(request: ScriptedRequest) -> str | None:
    """Refuse a `tool_use` without its result, or whose result follows other content."""
    joined: list[CallTurn | None] = [*turns(request), None]
    for turn, after in pairwise(joined):
        calls = _of_type(turn, "tool_use")
        first = takewhile(lambda place: place[2].get("type") == "tool_result", after.places if after else ())
        answered = {result.get("tool_use_id") for _, _, result in first}
        missing = [str(call.get("id")) for _, _, call in calls if call.get("id") not in answered]
        if missing:
            return (
                f"messages.{calls[0][0]}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
    return None


@rule("every result has its call in the message before", f"{HANDLE}; quoted in {CLAUDE_CODE}/13460")
def results_called(request: ScriptedRequest) -> str | None:
    """Refuse a `tool_result` whose id no call has."""
    for called, turn in _pairs(request):
        known = {call.get("id") for _, _, call in _of_type(called, "tool_use")}
        for index, at, result in _of_type(turn, "tool_result"):
            if result.get("tool_use_id") not in known:
                return (
                    f"messages.{index}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{result.get('tool_use_id')}. Each `tool_result` block must have a corresponding `tool_use` "
                    "block in the previous message."
                )
    return None


@rule("no call has two results", f"quoted in {ISSUES}/vectorize-io/hindsight/pull/4250")
def results_single(request: ScriptedRequest) -> str | None:
    """Refuse a second result for one call."""
    for _, turn in _pairs(request):
        seen: set[Any] = set()
        for index, at, result in _of_type(turn, "tool_result"):
            called = result.get("tool_use_id")
            if called in seen:
                single = "each tool_use must have a single result. Found multiple `tool_result` blocks with id"
                return f"messages.{index}.content.{at}: {single}: {called}"
            seen.add(called)
    return None


@rule(
    "a result's content is text or a list of blocks, each with its type, or null",
    f"{HANDLE}; anthropic SDK 2.12, `BetaToolResultBlockParam`",
)
def results_readable(request: ScriptedRequest) -> str | None:
    """Refuse the content of a result that is an object, or a list of anything but blocks."""
    for index, message in enumerate(request.messages):
        for at, block in enumerate(blocks(message)):
            if block.get("type") != "tool_result":
                continue
            place, content = f"messages.{index}.content.{at}.tool_result.content", block.get("content")
            if content is None or isinstance(content, str):
                continue
            if not isinstance(content, list):
                return f"{place}: Input should be a valid list"
            for number, each in enumerate(content):
                if not isinstance(each, Mapping):
                    return f"{place}.{number}: Input should be an object"
                if not isinstance(each.get("type"), str):
                    return f"{place}.{number}.type: Field required"
    return None


def _pairs(request: ScriptedRequest) -> Iterator[tuple[CallTurn | None, CallTurn]]:
    """Yield each turn with the one before it; None before the first."""
    joined = turns(request)
    for at, turn in enumerate(joined):
        yield (joined[at - 1] if at else None), turn


CALL_RULES = (
    blocks_placed, call_ids_unique, calls_answered, results_called, results_single, results_readable,
)  # fmt: skip
"""In the order in which they are checked."""
