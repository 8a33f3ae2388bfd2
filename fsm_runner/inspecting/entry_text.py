"""The text of entries: what happened, in a few words, and the same as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fsm_runner.engine.text import counted
from fsm_runner.inspecting.declared import mapping, mappings, text
from fsm_runner.loop.context import Usage
from fsm_runner.loop.effects import Summarise
from fsm_runner.loop.messages import blocks_of, usage_of
from fsm_runner.loop.stop import stop_reason_of

_PURPOSES = {"compaction": "a compaction is requested", "reply": "a reply is requested"}
_KINDS = {"skip": "not run: a call before it in its toolset failed", "unknown": "there is no such tool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryText:
    """What happened, in words: immutable.  For the attributes see `Entry`."""

    text: str
    bad: bool = False
    detail: Mapping[str, object] = field(default_factory=dict)


def event_words(event: str, data: Mapping[str, object], tools: Mapping[str, str]) -> EntryText:
    """Return the text of an event that was journaled as `event` with `data`; `tools` are tools' names by call id."""
    match event:
        case "replied" | "summarised":
            return _reply(event, mapping(data.get("message")))
        case "tool_finished":
            return _result(data, tools)
        case "failed":
            return _failure(data)
        case "opened":
            return EntryText(text="the stream begins")
        case "moved_on":
            tool = text(mapping(data.get("call")).get("name"))
            return EntryText(text=f"the call of {tool or '(no name)'} is complete", detail={"tool": tool})
        case "reported":
            name, results = str(data.get("name")), len(mappings(data.get("results")))
            answered = f", with {counted(results, 'result')}" if results else ""
            return EntryText(text=f"reported{answered}", detail={"name": name, "results": results})
        case _:
            return _by_caller(event, data, tools)


def _reply(event: str, message: Mapping[str, object]) -> EntryText:
    reason, known = text(message.get("stop_reason")), stop_reason_of(message)
    calls = [block for block in blocks_of(message) if block.get("type") in ("tool_use", "server_tool_use")]
    names = [str(call.get("name")) for call in calls]
    usage = usage_of(message)
    told = "a summary" if event == "summarised" else reason or "no stop reason"
    calling = f"; calls {times(names)}" if names else ""
    return EntryText(
        text=f"{told}; {token_words(usage)}{calling}",
        bad=known is not None and known.cut_off,
        detail={"stop_reason": reason, "usage": _tokens(usage), "calls": names},
    )


def _result(data: Mapping[str, object], tools: Mapping[str, str]) -> EntryText:
    id, result = str(data.get("id")), mapping(data.get("result"))
    tool, wrong = tools.get(id), result.get("is_error") is True
    said = _content(result.get("content")) if wrong else ""
    return EntryText(
        text=f"{tool or id}: {'error' if wrong else 'ok'}" + (f": {said}" if said else ""),
        bad=wrong,
        detail={"id": id, "tool": tool, "error": wrong},
    )


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(block["text"]) for block in mappings(content) if isinstance(block.get("text"), str))


def _failure(data: Mapping[str, object]) -> EntryText:
    error, said, status = text(data.get("error")), text(data.get("text")), data.get("status")
    where = f" ({status})" if status is not None else ""
    return EntryText(
        text=f"{error or 'a failure'}{where}" + (f": {said}" if said else ""),
        bad=True,
        detail={"error": error, "text": said, "status": status, "code": data.get("code")},
    )


def _by_caller(event: str, data: Mapping[str, object], tools: Mapping[str, str]) -> EntryText:
    match event:
        case "continued":
            return EntryText(text="caller goes on")
        case "answer_asked":
            return EntryText(text="caller asks for the response to the calls")
        case "appended":
            return EntryText(text=f"caller appends {counted(len(mappings(data.get('messages'))), 'message')}")
        case "params_replaced":
            changed = sorted(map(str, mapping(data.get("params"))))
            also = " and the messages" if data.get("messages") is not None else ""
            return EntryText(text=f"caller replaces the parameters{also}", detail={"params": changed})
        case "results_edited":
            return EntryText(text=f"caller edits {counted(len(mappings(data.get('results'))), 'result')}")
        case "tools_changed":
            return _tools_changed(data)
        case "compaction_asked":
            return EntryText(text="caller asks for compaction")
        case "call_deferred":
            id = str(data.get("id"))
            return EntryText(text=f"caller defers the call of {tools.get(id, id)}", detail={"id": id})
        case "closed":
            return EntryText(text="caller closes the run")
        case _:
            return EntryText(text=event)


def _tools_changed(data: Mapping[str, object]) -> EntryText:
    changed = {word: _texts(data.get(word)) for word in ("added", "removed")}
    verbs = {"added": "adds", "removed": "removes"}
    told = " and ".join(f"{verbs[word]} {', '.join(names)}" for word, names in changed.items() if names)
    return EntryText(text=f"caller {told or 'changes the tools'}", detail={**changed})


def request_words(data: Mapping[str, object]) -> EntryText:
    """Return the text of a request's `scheduled` record."""
    if data.get("effect") == Summarise.name:
        told = f"a summary is requested from {data.get('model')}"
        kept = {"purpose": "summary", "messages": data.get("messages"), "model": data.get("model")}
        return EntryText(text=f"{told}: {_sent(data)}", detail=kept)
    purpose = str(data.get("purpose"))
    kept = {"purpose": purpose, **{key: data.get(key) for key in ("messages", "tools", "stream")}}
    return EntryText(text=f"{_PURPOSES.get(purpose, purpose)}: {_sent(data)}", detail=kept)


def _sent(data: Mapping[str, object]) -> str:
    messages, tools = data.get("messages"), data.get("tools")
    sent = counted(messages, "message") if isinstance(messages, int) else "messages"
    return f"{sent}, {counted(tools, 'tool')}" if isinstance(tools, int) and tools else sent


def call_words(kind: object) -> str:
    """Return why a call was answered without its tool; empty for a call that runs."""
    return _KINDS.get(str(kind), "")


def token_words(usage: Usage) -> str:
    """Return `usage` as ``1,200 in, 80 out, 500 cache read``."""
    told = [f"{usage.input_tokens:,} in", f"{usage.output_tokens:,} out"]
    told += [f"{usage.cache_read_input_tokens:,} cache read"] if usage.cache_read_input_tokens else []
    told += [f"{usage.cache_creation_input_tokens:,} cache written"] if usage.cache_creation_input_tokens else []
    return ", ".join(told)


def _tokens(usage: Usage) -> Mapping[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
    }


def times(names: Iterable[str]) -> str:
    """Return `names` with their counts: ``search ×2, deploy``."""
    return ", ".join(name if number == 1 else f"{name} ×{number}" for name, number in Counter(names).items())


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()
