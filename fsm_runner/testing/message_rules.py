"""Rules about the messages: their roles, their content, and how a conversation may end.

The rules about calls and their results are in `call_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fsm_runner.testing.received import ScriptedRequest, blocks
from fsm_runner.testing.rule import DOCS, ISSUES, rule

CREATE = f"Create a Message, `messages`, {DOCS}/api/messages/create"
SYSTEM = f"Mid-conversation system messages, {DOCS}/build-with-claude/mid-conversation-system-messages"
CLAUDE_CODE = f"{ISSUES}/anthropics/claude-code/issues"

PREFILL_GONE = re.compile(r"claude-(?:(?:opus|sonnet|haiku)-(?:4-[6-9]|[5-9])(?!\d)|fable|mythos)")
"""The models that refuse a prefill: from Claude 4.6 on."""

# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("there is at least one message", f"{CREATE}; quoted in portkey.ai/error-library, 10153")
def messages_given(request: ScriptedRequest) -> str | None:
    """Refuse a missing or empty list."""
    if "messages" not in request.body:
        return "messages: Field required"
    return None if request.messages else "messages: at least one message is required"


@rule("every message has the role user or assistant, or system between them", f"{CREATE}; {SYSTEM}")
def role_known(request: ScriptedRequest) -> str | None:
    """Refuse any other role, and a message that is not an object."""
    sent: Sequence[Any] = request.messages  # not yet known to be objects
    for index, message in enumerate(sent):
        if not isinstance(message, Mapping):
            return f"messages.{index}: Input should be an object"
        if "role" not in message:
            return f"messages.{index}.role: Field required"
        if message["role"] not in {"user", "assistant", "system"}:
            return f'messages: Unexpected role "{message["role"]}". Allowed roles are "user" or "assistant"'
    return None


@rule(
    "the first message is the user's",
    f"quoted in {ISSUES}/tonyljx/TextWordExplain/issues/2; anthropic SDK 2.12, `compact_before_next_turn`",
)
def user_first(request: ScriptedRequest) -> str | None:
    """Refuse an assistant's message at the start, unless it is a compaction, which stands for all before it."""
    began = request.messages[0] if request.messages else {"role": "user"}
    compacted = any(block.get("type") == "compaction" for block in blocks(began))
    refused = began["role"] == "assistant" and not compacted
    return 'messages: first message must use the "user" role' if refused else None


@rule(
    "a system message follows the user, or the assistant's server tools, and comes last or before the assistant",
    SYSTEM,
)
def system_placed(request: ScriptedRequest) -> str | None:
    """Refuse a system message elsewhere; one that only carries `output_config` may stand anywhere."""
    sent = request.messages
    for index, message in enumerate(sent):
        if message["role"] != "system" or (message.get("output_config") and not message.get("content")):
            continue
        before = next((other for other in reversed(sent[:index]) if other["role"] != "system"), None)
        behind = next((other for other in sent[index + 1 :] if other["role"] != "system"), None)
        if before is None:
            return f"messages.{index}: use the top-level 'system' parameter for the initial system prompt"
        if before["role"] != "user" and not _ends_in_server_result(before):
            follow = (
                "role 'system' must follow a 'user' message or an 'assistant' message ending in a server tool result"
            )
            return f"messages.{index}: {follow}"
        if behind is not None and behind["role"] != "assistant":
            return f"messages.{index}: role 'system' must precede an 'assistant' message or end the array"
    return None


def _ends_in_server_result(message: Mapping[str, Any]) -> bool:
    content = blocks(message)
    return bool(content) and str(content[-1].get("type")).endswith("_tool_result")


# ── content ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("every message has content, except a final one of the assistant", f"quoted in {CLAUDE_CODE}/6774")
def content_given(request: ScriptedRequest) -> str | None:
    """Refuse "" and [] as content."""
    last = len(request.messages) - 1
    for index, message in enumerate(request.messages):
        if message.get("content") or message["role"] == "system":
            continue
        if "content" not in message:
            return f"messages.{index}.content: Field required"
        if index != last or message["role"] != "assistant":
            rest = "all messages must have non-empty content except for the optional final assistant message"
            return f"messages.{index}: {rest}"
    return None


@rule(
    "every text block has text that is not only white space",
    f"quoted in {ISSUES}/experientiallabs/experiential/pull/799 (empty) and in public code (blank)",
)
def text_given(request: ScriptedRequest) -> str | None:
    """Refuse empty and blank text in messages and in `system`; text within tool results is not checked."""
    system = request.body.get("system")
    parts: list[tuple[str, Mapping[str, Any]]] = [("system", {"content": system})] if isinstance(system, list) else []
    parts += [("messages", message) for message in request.messages if message.get("content")]
    for place, part in parts:
        for block in blocks(part):
            if block.get("type") != "text":
                continue
            words = str(block.get("text", ""))
            if not words:
                return f"{place}: text content blocks must be non-empty"
            if not words.strip():
                return f"{place}: text content blocks must contain non-whitespace text"
    return None


@rule(
    "the text of a final assistant message does not end in white space",
    f"quoted in {ISSUES}/langchain-ai/langchain/issues/35071",
)
def ends_in_text(request: ScriptedRequest) -> str | None:
    """Refuse a prefill that ends in a space or a line break."""
    words = _prefilled(request)
    if words is None or request.resumes or words == words.rstrip():
        return None
    return "messages: final assistant content cannot end with trailing whitespace"


@rule(
    "the conversation does not end with text of the assistant, for models from Claude 4.6 on",
    f"Errors, prefill not supported, {DOCS}/api/errors; quoted in "
    f"{ISSUES}/smallmain/vscode-unify-chat-provider/issues/249",
)
def no_prefill(request: ScriptedRequest) -> str | None:
    """Refuse a prefill.

    A conversation may end in a reply that the script paused, in content of server tools, and, as anthropic 2.12 sends
    it, where the API is to compact."""
    if _prefilled(request) is None or request.resumes or request.body.keys() & {"fallback_credit_token", "compaction"}:
        return None
    if not PREFILL_GONE.search(str(request.model)):
        return None
    return "This model does not support assistant message prefill. The conversation must end with a user message."


def _prefilled(request: ScriptedRequest) -> str | None:
    """Return the last text of a final assistant message that is made of text and thinking alone; else None."""
    spoken = [message for message in request.messages if message["role"] != "system"]
    if not spoken or spoken[-1]["role"] != "assistant":
        return None
    content = blocks(spoken[-1])
    if not content or any(block.get("type") not in {"text", "thinking", "redacted_thinking"} for block in content):
        return None
    return str(content[-1].get("text", ""))


@rule("no assistant message ends in thinking", f"quoted in {ISSUES}/tailcallhq/forgecode/issues/2107")
def thinking_followed(request: ScriptedRequest) -> str | None:
    """Refuse thinking with nothing after it."""
    for index, message in enumerate(request.messages):
        content = blocks(message) if message["role"] == "assistant" else []
        if content and content[-1].get("type") in {"thinking", "redacted_thinking"}:
            return f"messages.{index}: The final block in an assistant message cannot be `{content[-1]['type']}`."
    return None


MESSAGE_RULES = (messages_given, role_known, user_first, system_placed, content_given, text_given, thinking_followed)
"""In the order in which they are checked."""

ENDING_RULES = (ends_in_text, no_prefill)
"""Checked last, after the rules about calls."""
