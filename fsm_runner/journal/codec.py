"""The codec: events, contexts and charts as plain JSON data, and back.

Payloads are written as they are.  Our own data is written by field name.  A chart's fields that hold their default are
left out, so a field that is added later changes no hash.  Reading raises `ValueError` for a field that is missing,
unknown or of a wrong type.  Its text names the field; the caller, who knows the line, adds that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TypeVar, assert_never

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.frozen import NONE, fields_of, is_frozen
from fsm_runner.journal.masking import masked, masked_text
from fsm_runner.journal.render import canonical
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context
from fsm_runner.loop.history import History

Data = dict[str, object]
_T = TypeVar("_T")


def event_data(event: ev.Event) -> tuple[str, Data]:
    """Return the word under which an event is journaled, and its fields.

    The word is the event's name, except that all events of the user's own are ``reported``, with their name as a field.
    """
    match event:
        case ev.Replied() | ev.Summarised():
            return event.name, {"message": event.message}
        case ev.MovedOn():
            return event.name, {"call": event.call}
        case ev.ToolFinished():
            return event.name, {"id": event.id, "result": event.result}
        case ev.Failed():
            said = masked_text(event.text)
            reply = {} if event.message is None else {"message": event.message}
            return event.name, {"error": event.error, "text": said, "status": event.status, "code": event.code, **reply}
        case ev.Reported():
            return "reported", {"name": event.name, "data": event.data, "results": event.results}
        case ev.Opened() | ev.Continued() | ev.AnswerAsked():
            return event.name, {}
        case _:
            return event.name, _act_data(event)


def _act_data(event: ev.Act) -> Data:
    match event:
        case ev.Appended():
            return {"messages": event.messages}
        case ev.ParamsReplaced():
            tools = {"tools": event.tools, "runnable": event.runnable, "toolsets": event.toolsets}
            return {"params": masked(event.params), "messages": event.messages, **tools}
        case ev.ResultsEdited():
            return {"results": event.results}
        case ev.ToolsChanged():
            return {"blocks": event.blocks, "added": event.added, "removed": event.removed}
        case ev.CompactionAsked():
            return {"config": event.config}
        case ev.CallDeferred():
            return {"id": event.id}
        case ev.Closed():
            return {}
        case _:
            assert_never(event)


def event_from(word: object, data: Mapping[str, object]) -> ev.Event:
    """Return the event that was journaled as `word` with `data`; further fields in `data` are ignored.

    Raises:
        ValueError: there is no such event, or a field of it is missing or of a wrong type.
    """
    make = _EVENTS.get(word) if isinstance(word, str) else None
    if make is None:
        raise ValueError(f"event {word!r} is not known")
    return make(_Fields(data))


class _Fields:
    """Typed access to the fields of a record."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data

    def json(self, name: str) -> ev.Json:
        return self._is(name, self._data.get(name), dict, "an object")

    def maybe_json(self, name: str) -> ev.Json | None:
        return None if self._data.get(name) is None else self.json(name)

    def text(self, name: str) -> str:
        return self._is(name, self._data.get(name), str, "text")

    def maybe_text(self, name: str) -> str | None:
        return None if self._data.get(name) is None else self.text(name)

    def maybe_int(self, name: str) -> int | None:
        value = self._data.get(name)
        return None if value is None else self._is(name, value, int, "a whole number")

    def jsons(self, name: str) -> tuple[ev.Json, ...]:
        return tuple(self._is(name, each, dict, "a list of objects") for each in self._list(name))

    def maybe_jsons(self, name: str) -> tuple[ev.Json, ...] | None:
        return None if self._data.get(name) is None else self.jsons(name)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._is(name, each, str, "a list of texts") for each in self._list(name))

    def _list(self, name: str) -> list[object]:
        return self._is(name, self._data.get(name), list, "a list")

    def _is(self, name: str, value: object, type_: type[_T], what: str) -> _T:
        if name not in self._data:
            raise ValueError(f"field '{name}' is missing")
        if not isinstance(value, type_):
            raise ValueError(f"field '{name}' is not {what}")
        return value


_EVENTS: Mapping[str, Callable[[_Fields], ev.Event]] = {
    "replied": lambda f: ev.Replied(message=f.json("message")),
    "opened": lambda _: ev.Opened(),
    "moved_on": lambda f: ev.MovedOn(call=f.json("call")),
    "tool_finished": lambda f: ev.ToolFinished(id=f.text("id"), result=f.json("result")),
    "summarised": lambda f: ev.Summarised(message=f.json("message")),
    "failed": lambda f: ev.Failed(
        error=f.text("error"),
        text=f.text("text"),
        status=f.maybe_int("status"),
        code=f.maybe_text("code"),
        message=f.maybe_json("message"),
    ),
    "reported": lambda f: ev.Reported(name=f.text("name"), data=f.json("data"), results=f.jsons("results")),
    "continued": lambda _: ev.Continued(),
    "answer_asked": lambda _: ev.AnswerAsked(),
    "appended": lambda f: ev.Appended(messages=f.jsons("messages")),
    "params_replaced": lambda f: ev.ParamsReplaced(
        params=f.json("params"),
        messages=f.maybe_jsons("messages"),
        tools=f.maybe_jsons("tools"),
        runnable=f.texts("runnable"),
        toolsets=f.texts("toolsets"),
    ),
    "results_edited": lambda f: ev.ResultsEdited(results=f.jsons("results")),
    "tools_changed": lambda f: ev.ToolsChanged(
        blocks=f.jsons("blocks"), added=f.texts("added"), removed=f.texts("removed")
    ),
    "compaction_asked": lambda f: ev.CompactionAsked(config=f.json("config")),
    "call_deferred": lambda f: ev.CallDeferred(id=f.text("id")),
    "closed": lambda _: ev.Closed(),
}


def plain(value: object, *, defaults: bool = True) -> object:
    """Return our frozen data as JSON data, by field name.  Mappings are payloads and are returned unchanged.

    Args:
        defaults: whether fields that hold their default are included.
    """
    if is_frozen(value):
        some = fields_of(type(value))
        kept = (f for f in some if defaults or f.default is NONE or getattr(value, f.name) != f.default)
        return {f.name: plain(getattr(value, f.name), defaults=defaults) for f in kept}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, History)):
        return [plain(each, defaults=defaults) for each in value]
    return value


def context_data(context: Context) -> Data:
    """Return `context` as plain data, without secrets."""
    data = {f.name: plain(getattr(context, f.name)) for f in fields_of(Context)}
    settings = data["settings"]
    if isinstance(settings, dict):
        settings["params"] = masked(context.settings.params)
    return data


def context_from(data: object) -> Context:
    """Return the context that `data` was made from.

    Raises:
        ValueError: a field is missing, unknown or of a wrong type.
    """
    try:
        return msgspec.convert(data, Context, dec_hook=_custom)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise ValueError(f"field 'context{place.rstrip('`')}': {problem[:1].lower()}{problem[1:]}") from None


@lru_cache(maxsize=64)
def chart_data(chart: Chart) -> tuple[Mapping[str, object], str]:
    """Return `chart` as plain data, and the SHA-256 of its canonical form in hex."""
    rest = plain(chart, defaults=False)
    data = {"schema": chart.schema, **(rest if isinstance(rest, dict) else {})}
    return MappingProxyType(data), chart_hash(data)


def chart_hash(data: object) -> str:
    """Return the SHA-256, in hex, of a chart's plain data: of its JSON without spaces and with sorted keys."""
    return sha256(canonical(dict(data) if isinstance(data, Mapping) else data)).hexdigest()


def chart_from(data: object) -> Chart:
    """Return the chart that `data` was made from.

    Raises:
        ValueError: a field is missing, unknown or of a wrong type.
    """
    try:
        return _OfChart.model_validate({"chart": data}).chart
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"field '{'.'.join(map(str, first['loc']))}': {first['msg'].lower()}") from None


def _custom(type_: type, data: object) -> object:
    """Return a list of messages as `History`, and payloads as they are: the types that msgspec does not know."""
    if type_ is object:
        return data
    if type_ is History and isinstance(data, list) and all(isinstance(each, Mapping) for each in data):
        return History(data)
    raise ValueError("expected a list of objects")


class _OfChart(BaseModel):
    """A chart from outside.  pydantic passes the configuration on to the dataclasses inside."""

    model_config = ConfigDict(extra="forbid")

    chart: Chart
