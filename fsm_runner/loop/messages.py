"""Messages: what the loop reads out of the API's objects and how it writes them.

All of it is plain JSON data.  A field of the wrong type reads as absent: a malformed reply must end in a
state, not in a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fsm_runner.engine.parts import maker
from fsm_runner.loop.calls import Calls
from fsm_runner.loop.context import Call, Turn, Usage
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History

_new_call, _new_usage = maker(Call), maker(Usage)
_THINKING = frozenset({"thinking", "redacted_thinking"})


def blocks_of(message: Json) -> tuple[Json, ...]:
    """Return the content blocks of `message`; none when its content is text."""
    content = message.get("content")
    if not isinstance(content, (list, tuple)) and (isinstance(content, str) or not isinstance(content, Iterable)):
        return ()
    return tuple([block for block in content if isinstance(block, (dict, Mapping))])


def text_in(value: Json, key: str) -> str | None:
    """Return ``value[key]`` when it is text, else None."""
    found = value.get(key)
    return found if isinstance(found, str) else None


def call_of(block: Json) -> Call:
    """Return the call that a ``tool_use`` block asks for."""
    return _new_call(
        id=text_in(block, "id") or "",
        name=text_in(block, "name") or "",
        block=block,
        toolset=text_in(block, "toolset_name"),
    )


def calls_of(message: Json) -> tuple[Call, ...]:
    """Return the calls that `message` asks for, in the model's order."""
    return tuple(call_of(block) for block in blocks_of(message) if block.get("type") == "tool_use")


def is_done(turn: Turn) -> bool:
    """Whether every call of the last reply has its result; true of none."""
    return not Calls.of(turn.calls).undone


def reply_param(message: Json) -> Json:
    """Return a reply as the message that the next request sends."""
    return {"role": "assistant", "content": message.get("content", ())}


def results_param(calls: Iterable[Call]) -> Json:
    """Return the user message that answers `calls`, in their order."""
    return {"role": "user", "content": [call.result for call in calls if call.result is not None]}


def usage_of(message: Json) -> Usage:
    """Return the tokens of one reply; zero where the API sent none."""
    usage = message.get("usage")
    counts: Json = usage if isinstance(usage, (dict, Mapping)) else {}
    return _new_usage(
        input_tokens=_count(counts, "input_tokens"),
        output_tokens=_count(counts, "output_tokens"),
        cache_creation_input_tokens=_count(counts, "cache_creation_input_tokens"),
        cache_read_input_tokens=_count(counts, "cache_read_input_tokens"),
        replies=1,
    )


def _count(counts: Json, key: str) -> int:
    value = counts.get(key)
    return value if isinstance(value, int) else 0


def with_container(params: Json, message: Json | None) -> Json:
    """Return `params` with the container of `message`, unless they name one themselves.

    Source: anthropic 2.12 carries the container on, since server tools that are bound to one refuse a request
    without it."""
    used = message.get("container") if message is not None else None
    id = used.get("id") if isinstance(used, Mapping) else None
    if id is None:
        return params
    given = params.get("container")
    if given is None:
        return {**params, "container": id}
    if isinstance(given, Mapping) and not given.get("id"):
        return {**params, "container": {**given, "id": id}}
    return params


def without_open_calls(history: History) -> tuple[Json, ...]:
    """Return the messages of `history` without the tool calls that its last reply leaves unanswered.

    What must not end a message goes with them: thinking that led to the calls.  A message of which nothing
    remains goes as a whole.

    Source: the API refuses a ``tool_use`` without its ``tool_result``, and a message that ends in thinking."""
    messages = tuple(history)
    at = next((at for at in reversed(range(len(messages))) if messages[at].get("role") == "assistant"), None)
    if at is None:
        return messages
    blocks, after = blocks_of(messages[at]), messages[at + 1 :]
    answered = {block.get("tool_use_id") for block in blocks_of(after[0])} if after else set()
    kept = [block for block in blocks if block.get("type") != "tool_use" or block.get("id") in answered]
    if not blocks or (after and len(kept) == len(blocks)):
        return messages
    while kept and text_in(kept[-1], "type") in _THINKING:
        kept.pop()
    last = ({**messages[at], "content": kept},) if kept else ()
    return messages[:at] + last + after


def has_summary(message: Json) -> bool:
    """Whether the API's response to a compaction holds a summary."""
    return any(block.get("type") == "compaction" and block.get("content") for block in blocks_of(message))
