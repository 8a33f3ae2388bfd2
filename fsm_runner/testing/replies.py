"""Replies: what a scripted model answers, built from content blocks.

A block is plain JSON, as the API has it; those without a function here can be written out.  An id that is left out is
assigned when the reply is played: `toolu_0001`, `toolu_0002` and so on, for each model, so that a test can name them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

Block: TypeAlias = Mapping[str, Any]
"""One content block, as the API's JSON."""

USAGE: Mapping[str, Any] = MappingProxyType(
    {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
)
"""The default tokens of a reply."""

CALL_IDS: Mapping[str, str] = MappingProxyType(
    {"tool_use": "toolu", "server_tool_use": "srvtoolu", "mcp_tool_use": "mcptoolu"}
)
"""The types of blocks that have an id, and how their ids begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One message of the model: immutable.  Made by `reply` and its relatives.

    Attributes:
        blocks: the content; may be empty.
        stop_reason: sent verbatim, known to the API or not; None is sent as null.
        usage: what differs from `USAGE`.
        model: the model that answers; None: the one that the request asked for.
        fields: more fields of the message, sent verbatim; they replace others of the same name.
    """

    blocks: tuple[Block, ...]
    stop_reason: str | None
    usage: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Reply({shorten(str(self))!r})"

    def __str__(self) -> str:
        said = ", ".join(_brief(block) for block in self.blocks) or "nothing"
        return f"{said}; stop reason {self.stop_reason}"


def _brief(block: Block) -> str:
    match block.get("type"):
        case "text":
            return f"text {shorten(str(block['text']))!r}"
        case "tool_use":
            return f"tool_use '{block['name']}'"
        case other:
            return str(other)


def shorten(words: str) -> str:
    """Return `words` on one line of at most 60 characters."""
    line = " ".join(words.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


# ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def text(words: str) -> Block:
    """Return a text block."""
    return {"type": "text", "text": words}


def tool_use(name: str, arguments: Mapping[str, Any] | None = None, *, id: str | None = None) -> Block:
    """Return a call of the tool `name`; several in one reply are parallel calls."""
    return {"type": "tool_use", "id": id, "name": name, "input": dict(arguments or {})}


class _Partial(dict[str, Any]):
    """The input of a call whose JSON is cut off: an empty object, with the text that a stream has of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def cut_off(call: Block, *, after: int) -> Block:
    """Return `call` with an input whose JSON is cut off after `after` characters, when it is streamed."""
    text = json.dumps(call["input"], ensure_ascii=False, separators=(",", ":"))
    return {**call, "input": _Partial(text[:after])}


def json_of_input(call: Block) -> str:
    """Return the JSON of a call's input as a stream has it."""
    given = call["input"]
    return given.text if isinstance(given, _Partial) else json.dumps(given, ensure_ascii=False, separators=(",", ":"))


def server_tool_use(name: str, arguments: Mapping[str, Any] | None = None, *, id: str | None = None) -> Block:
    """Return a call of a tool that the API runs itself, such as ``web_search``."""
    return {"type": "server_tool_use", "id": id, "name": name, "input": dict(arguments or {})}


def thinking(thoughts: str, *, signature: str = "c2lnbmF0dXJl") -> Block:
    """Return a thinking block, signed."""
    return {"type": "thinking", "thinking": thoughts, "signature": signature}


def compaction(summary: str | None, *, encrypted_content: str | None = None) -> Block:
    """Return the API's own summary of the conversation; None: it could not make one.  `encrypted_content` is opaque.

    A reply of nothing else has the stop reason ``compaction``.

    Source: anthropic SDK 2.12, `BetaCompactionBlock`.
    """
    return {"type": "compaction", "content": summary, "encrypted_content": encrypted_content}


# ── replies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def reply(
    *blocks: Block,
    stop_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    model: str | None = None,
    **fields: Any,
) -> Reply:
    """Return a reply of `blocks`.

    The stop reason None means: ``tool_use`` with a tool call, ``compaction`` for a summary alone, ``end_turn``
    otherwise.  `without_stop_reason` sends null.  `fields` are the message's other fields, such as
    ``container`` or ``context_management``.
    """
    reason = stop_reason if stop_reason is not None else _derived(blocks)
    return Reply(blocks=blocks, stop_reason=reason, usage=dict(usage or {}), model=model, fields=fields)


def _derived(blocks: tuple[Block, ...]) -> str:
    kinds = {block.get("type") for block in blocks}
    if "tool_use" in kinds:
        return "tool_use"
    return "compaction" if kinds == {"compaction"} else "end_turn"


def without_stop_reason(*blocks: Block, **fields: Any) -> Reply:
    """Return a reply whose stop reason is null, which the API promises never to send."""
    return Reply(blocks=blocks, stop_reason=None, fields=fields)


def pause_turn(*blocks: Block, **fields: Any) -> Reply:
    """Return a long turn that the API paused; without blocks: in the middle of a web search.

    Source: "Stop reasons and fallback", https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
    """
    content = blocks or (server_tool_use("web_search", {"query": "finite state machines"}),)
    return Reply(blocks=content, stop_reason="pause_turn", fields=fields)


def refusal(words: str = "", *, category: str | None = None, explanation: str | None = None) -> Reply:
    """Return a reply in which the model refused, after it had said `words`; "": it said nothing.

    Source: anthropic SDK 2.12, `BetaRefusalStopDetails`.
    """
    details = {"type": "refusal", "category": category, "explanation": explanation}
    content = (text(words),) if words else ()
    return Reply(blocks=content, stop_reason="refusal", fields={"stop_details": details})
