"""Messages: how the loop reads the API's messages, and how it writes them.

They are plain JSON data.  A field of the wrong type counts as absent: a malformed reply must lead to a state, not to a
traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import is_

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.context import Call, Calls, Turn, Usage
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History
from fsm_runner.loop.stop import stop_reason_of

_THINKING = frozenset({"thinking", "redacted_thinking"})


def blocks_of(message: Json) -> tuple[Json, ...]:
    """Return the content blocks of `message`; an empty tuple when its content is a string."""
    content = message.get("content")
    if not isinstance(content, (list, tuple)) and (isinstance(content, str) or not isinstance(content, Iterable)):
        return ()
    return tuple([block for block in content if isinstance(block, (dict, Mapping))])


def text_in(value: Json, key: str) -> str | None:
    """Return ``value[key]`` if it is a string, else None."""
    found = value.get(key)
    return found if isinstance(found, str) else None


def call_of(block: Json) -> Call:
    """Return the call that a ``tool_use`` block asks for."""
    return Call(
        id=text_in(block, "id") or "",
        name=text_in(block, "name") or "",
        block=block,
        toolset=text_in(block, "toolset_name"),
    )


def calls_of(message: Json) -> tuple[Call, ...]:
    """Return the calls that `message` asks for, in the model's order."""
    return tuple(call_of(block) for block in blocks_of(message) if block.get("type") == "tool_use")


def is_done(turn: Turn) -> bool:
    """Whether every call of the last reply has its result; True when there are no calls."""
    return not Calls.of(turn.calls).undone


def asks_for_tools(turn: Turn) -> bool:
    """Whether results must follow the last reply: it stopped for tools, or the server paused it on a call.

    Source: the API refuses a paused turn that goes back with a ``tool_use`` and without its ``tool_result``."""
    asks_for = turn_of(turn.reply)
    return asks_for == "wants_tools" or (asks_for == "paused" and bool(turn.calls))


def turn_of(message: Json | None) -> str | None:
    """Return what the fact `turn` answers for the stop reason of a reply, not counting its calls; None when the stop
    reason is missing or unknown."""
    reason = stop_reason_of(message)
    return None if reason is None else reason.facts["turn"]


def reply_param(message: Json) -> Json:
    """Return a reply as a message of the next request.  Its content is empty when none of it can be sent."""
    return {"role": "assistant", "content": sendable(message.get("content", ()))}


def sendable(content: object) -> object:
    """Return the content of a reply as a request can send it; the same object if all of it can be sent.

    Blank text is removed, and with it thinking at the end.  The input of a call that is not an object, as when its
    JSON was cut off, becomes an empty object.

    Source: the API refuses some of what it writes itself, above all an empty text block beside a call."""
    if not isinstance(content, (list, tuple)):
        return content
    kept = [_with_object(block) for block in content if not _is_blank(block)]
    if len(kept) < len(content):
        return kept if kept and kept[-1] is content[-1] else without_last_thinking(kept)
    return content if all(map(is_, kept, content)) else kept


def without_last_thinking(blocks: Iterable[object]) -> list[object]:
    """Return `blocks` without thinking at their end.  Source: the API refuses a message that ends in thinking."""
    kept = list(blocks)
    while kept and _type_of(kept[-1]) in _THINKING:
        kept.pop()
    return kept


def sendable_message(message: Json) -> Json:
    """Return a message of the caller, which may be a reply of the API, as a request can send it."""
    if message.get("role") != "assistant":
        return message
    content = sendable(message.get("content"))
    return message if content is message.get("content") or not content else {**message, "content": content}


def _type_of(block: object) -> str | None:
    return text_in(block, "type") if isinstance(block, (dict, Mapping)) else None


def _is_blank(block: object) -> bool:
    if not isinstance(block, (dict, Mapping)) or block.get("type") != "text":
        return False
    text = block.get("text")
    return isinstance(text, str) and not text.strip()


def _with_object(block: object) -> object:
    if _type_of(block) != "tool_use" or not isinstance(block, Mapping) or is_object(block.get("input")):
        return block
    return {**block, "input": {}}


def is_object(value: object) -> bool:
    """Whether `value` is a JSON object, as the input of every call should be."""
    return isinstance(value, (dict, Mapping))


def results_param(calls: Iterable[Call]) -> Json:
    """Return the user message that answers `calls`, in their order."""
    return {"role": "user", "content": [call.result for call in calls if call.result is not None]}


def usage_of(message: Json) -> Usage:
    """Return the tokens of one reply; zero where the API sent none."""
    usage = message.get("usage")
    counts: Json = usage if isinstance(usage, (dict, Mapping)) else {}
    return Usage(
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
    """Return the messages of `history` without the calls of its last reply that have no result.

    Thinking that is then at the end of the message is removed, too, and so is a message of which nothing is left.

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
    left = without_last_thinking(kept)
    last = ({**messages[at], "content": left},) if left else ()
    return messages[:at] + last + after


def has_summary(message: Json) -> bool:
    """Whether the API's response to a compaction has a complete summary."""
    reason = stop_reason_of(message)
    if reason is not None and reason.cut_off:
        return False
    summaries = [block.get("content") for block in blocks_of(message) if block.get("type") == "compaction"]
    return any(summary.strip() if isinstance(summary, str) else summary for summary in summaries)


def summary_text(message: Json) -> str:
    """Return the summary that the model wrote: all of its text, without its thinking."""
    texts = (text_in(block, "text") or "" for block in blocks_of(message) if block.get("type") == "text")
    return "".join(texts)


def summary_problem(message: Json) -> str | None:
    """Return why a reply cannot replace the history as its summary; None when it can."""
    reason = stop_reason_of(message)
    if reason is None or not reason.whole:
        return f"it stopped with the reason {message.get('stop_reason')!r}, so it is not whole"
    return None if summary_text(message).strip() else "it has no text"


def call_problem(block: Json) -> str | None:
    """Return why no result could refer to the call of a ``tool_use`` block; None when one can."""
    id, name = block.get("id"), block.get("name")
    if not isinstance(id, str) or not id:
        return f"a call of {name!r} has the id {id!r} (an id is a non-empty string)"
    if not isinstance(name, str) or not name:
        return f"the call with the id {id!r} has the name {name!r} (a name is a non-empty string)"
    return None


def check_calls(message: Json) -> None:
    """Check, before anything is done with a reply, that each of its calls can be answered.

    The API takes a ``tool_use`` only with a result that has its id, so a reply with a call that has none could never
    become part of the history.  Ids of earlier replies are not compared: the API does that.

    Args:
        message: the reply, or as much of it as has arrived.

    Raises:
        ReplyError: a call has no id, the id of another call, or no name.
    """
    seen = set[str]()
    for call in blocks_of(message):
        if call.get("type") != "tool_use":
            continue
        problem, id = call_problem(call), text_in(call, "id") or ""
        if problem is None and id in seen:
            problem = f"two of its calls have the id {id!r}"
        if problem is not None:
            raise ReplyError(f"the reply cannot be answered: {problem}; none of its calls was run", message)
        seen.add(id)
