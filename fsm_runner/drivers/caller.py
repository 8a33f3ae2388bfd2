"""The caller: what it gave to a run and may edit in place (`Given`), and what it can do to the run (`Acts`).

Acts work at any time and from any thread: before the run starts, while an effect is in flight, and after the end.
There they change only the conversation that another run may go on from.  An act is told to the machine as an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from fsm_runner.adapters.anthropic.calls import call_blocks
from fsm_runner.adapters.anthropic.json_values import (
    copied,
    is_given,
    json_object,
    json_value,
    lasting,
    structure,
)
from fsm_runner.adapters.anthropic.plain import message_blocks, message_param
from fsm_runner.adapters.anthropic.requests import OutputFormat
from fsm_runner.adapters.anthropic.streams import CallWatch
from fsm_runner.adapters.anthropic.tool_box import ToolBox, added_tools, declared_name, removed_names
from fsm_runner.drivers.session import Session
from fsm_runner.loop.context import Context, Usage
from fsm_runner.loop.effects import tool_response
from fsm_runner.loop.enter import handed_on
from fsm_runner.loop.events import (
    Appended,
    CallDeferred,
    CompactionAsked,
    Json,
    ParamsReplaced,
    ResultsEdited,
    ToolsChanged,
)
from fsm_runner.loop.stop import Stop
from fsm_runner.loop.tool_loop import Snapshot

if TYPE_CHECKING:
    from anthropic.types.beta import BetaToolUseBlock


_KEPT = ("betas", "user_profile_id", "workspace_id")
"""The parameters that stay when new parameters leave them out.  Source: anthropic 2.12."""


class Given:
    """What the caller gave to one run, and may edit in place: mutable."""

    def __init__(self, params: Mapping[str, Any], tools: ToolBox, output_format: OutputFormat | None) -> None:
        self.tools = tools
        self.output_format = output_format
        self._params = dict(params)
        self._told = structure({**self._params, "output_format": self._format_name})
        self._replies: dict[int, object] = {}
        self._response: tuple[tuple[Json, ...], dict[str, Any]] | None = None
        self.warned: set[str] = set()
        """The ids of calls of unknown tools that the caller was warned of."""

    def remember(self, reply: Json) -> None:
        """Remember the content of a reply: in `params`, the caller gets it as the SDK's objects."""
        self._replies[id(reply["content"])] = reply["content"]

    def params(self, context: Context, messages: Iterable[Json]) -> dict[str, Any]:
        """Return the parameters as the caller knows them, with `messages` and ``tools``."""
        settings = context.settings
        current: dict[str, Any] = {**self._params, "messages": [self._as_given(message) for message in messages]}
        if "container" in settings.params:
            current["container"] = copied(settings.params["container"])
        if settings.tools is not None:
            current["tools"] = copied(settings.tools)
        if self.output_format is not None:
            current["output_format"] = self.output_format.type
        return current

    def _as_given(self, message: Json) -> dict[str, Any]:
        content = message.get("content")
        if id(content) in self._replies:
            return {**cast("dict[str, Any]", copied({**message, "content": None})), "content": message_blocks(content)}
        return cast("dict[str, Any]", copied(message))

    def replace(self, params: Any, context: Context, messages: list[Json]) -> ParamsReplaced | None:
        """Replace the parameters.  Returns the event to tell the machine, or None if nothing has changed.

        Args:
            params: the parameters, or a function that makes them from the current ones.
            context: what the run knows.
            messages: the conversation as it is.

        Raises:
            TypeError, ValueError: a parameter that the run sets itself, or parameters that contradict each other.
        """
        current = self.params(context, messages)
        had_policy = "billing_policy" in current
        wanted = params(current) if callable(params) else params
        new = {key: value for key, value in wanted.items() if is_given(value)}
        check_params(new)
        kept = {key: current[key] for key in _KEPT if key in current}
        if had_policy and "billing_policy" not in new:
            kept.pop("user_profile_id", None)
        new = {**kept, **new}
        messages_given = enumerate(new.pop("messages", ()))
        given = tuple(message_param(message, f"messages[{at}]") for at, message in messages_given)
        same = list(given) == messages
        if not same:
            refuse_while_compacting(context)
        if context.compaction.asked is not None:
            check_can_compact(new)
        tools = new.pop("tools", None)
        output_format = self._format(new.pop("output_format", None))
        new = lasting_params(new)
        settings_params(new, output_format)  # may raise, so before anything changes
        told = self._tools_of(tools, context)
        self.output_format = output_format
        self._params = new
        return self._replaced(context, None if same else given, told)

    def edits(self, context: Context) -> Iterator[ParamsReplaced | ResultsEdited]:
        """Yield events for what the caller has edited in place since the last ones.

        Raises:
            ValueError: a compaction was asked for, and the parameters no longer allow one.
        """
        settings = context.settings
        tools = _known(context)
        if settings.tools is not None and settings.tools == self.tools.sent and self.tools.read():
            runnable = settings.runnable - self.tools.gone | self.tools.come
            tools = {"tools": self.tools.sent, "runnable": runnable, "toolsets": frozenset(self.tools.toolsets)}
        replaced = self._replaced(context, None, tools)
        if replaced is not None:
            yield replaced
        if context.compaction.asked is not None:
            check_can_compact(self._params)
        if self._response is not None and self._response[0] == _results(context):
            edited = _result_blocks(self._response[1])
            if edited != self._response[0]:
                yield ResultsEdited(results=edited)
        self._response = None

    def begin_response(self) -> None:
        """Forget the last tool response, and what the caller edited in it.

        Source: anthropic 2.12 does so when messages are appended."""
        self._response = None
        self.warned.clear()

    def response(self, context: Context) -> dict[str, Any] | None:
        """Return the tool response, for the caller to edit: the same object as long as the results are the same."""
        results = _results(context)
        if not results:
            return None
        if self._response is None or self._response[0] != results:
            self._response = (results, {"role": "user", "content": copied(results)})
        return self._response[1]

    def _replaced(
        self, context: Context, messages: tuple[Json, ...] | None, tools: dict[str, Any]
    ) -> ParamsReplaced | None:
        said = structure({**self._params, "output_format": self._format_name})
        if messages is None and said == self._told and tools == _known(context):
            return None
        params = settings_params(self._params, self.output_format)
        self._told = said
        return ParamsReplaced(
            params=params,
            messages=messages,
            tools=tools["tools"],
            runnable=tuple(sorted(tools["runnable"])),
            toolsets=tuple(sorted(tools["toolsets"])),
        )

    @property
    def _format_name(self) -> str | None:
        return None if self.output_format is None else self.output_format.name

    def _format(self, type_: object) -> OutputFormat | None:
        if type_ is None:
            return None
        if self.output_format is not None and self.output_format.type is type_:
            return self.output_format
        return OutputFormat(type_)

    def _tools_of(self, tools: Iterable[object] | None, context: Context) -> dict[str, Any]:
        """The tools after new parameters.  A tool whose definition is left out does not run any more.  Parameters
        without ``tools`` send no definitions, and every tool still runs."""
        known = _known(context)
        if tools is None:
            return {**known, "tools": None}
        tools = tools if isinstance(tools, list) else list(tools)
        if known["tools"] is not None and tools == list(known["tools"]):
            return known  # the caller gave back the list that it was given
        self.tools.replace(tools)
        withdrawn = set(map(declared_name, known["tools"] or ())) - set(map(declared_name, self.tools.sent))
        return {
            "tools": self.tools.sent,
            "runnable": known["runnable"] - withdrawn,
            "toolsets": known["toolsets"] - withdrawn,
        }


def _known(context: Context) -> dict[str, Any]:
    settings = context.settings
    return {"tools": settings.tools, "runnable": settings.runnable, "toolsets": settings.toolsets}


def _result_blocks(response: Mapping[str, object]) -> tuple[Json, ...]:
    """The blocks of a tool response that the caller has edited.

    Raises:
        TypeError: its content is not a list of blocks, or is not JSON.
    """
    made = json_value(response.get("content"), "tool response")
    if not isinstance(made, list):
        raise TypeError(f"tool response: its content is a list of tool_result blocks, got {type(made).__name__}")
    return tuple(json_object(block, f"tool response[{at}]", "a dict") for at, block in enumerate(made))


def _results(context: Context) -> tuple[Json, ...]:
    response = tool_response(context)
    return () if response is None else tuple(cast("list[Json]", response["content"]))


def settings_params(params: Mapping[str, object], output_format: OutputFormat | None) -> Json:
    """Return request parameters as the plain data that the context and the journal hold.

    Raises:
        TypeError: JSON cannot hold one of them; the error says where.
    """
    data = {key: json_value(value, key) for key, value in params.items() if is_given(value)}
    if output_format is not None:
        data["output_format"] = output_format.name
    return data


def lasting_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return request parameters that can be read again and again: an iterator among them becomes a list."""
    return {key: lasting(value, key) for key, value in params.items() if is_given(value)}


def check_params(params: Mapping[str, object]) -> None:
    """Check that the parameters have none that the run sets itself.

    Raises:
        ValueError: ``compaction``; or ``output_format`` beside ``output_config.format``.
        TypeError: ``thread`` with a value.
    """
    if params.get("compaction") is not None:
        raise ValueError(
            "`compaction` cannot be set on a tool runner: every request in the loop would compact again. "
            "Call `runner.compact_before_next_turn()` when the conversation should be compacted instead."
        )
    thread = params.get("thread")
    if thread is not None and thread is not False:
        raise TypeError(
            f"`thread` cannot be set in the params of a tool runner, got {thread!r}. The runner sets it for each "
            "request itself. To run without a message thread, pass `thread=False` to `tool_runner()`."
        )


def check_can_compact(params: Mapping[str, object]) -> None:
    """Check that ``context_management`` does not compact, too.

    Raises:
        ValueError: ``context_management`` has a ``compact_*`` edit.
    """
    management = params.get("context_management")
    edits = management.get("edits") if isinstance(management, Mapping) else None
    if any(str(edit.get("type", "")).startswith("compact_") for edit in edits or () if isinstance(edit, Mapping)):
        raise ValueError(
            "`compact_before_next_turn()` can't be used while `context_management` has a compaction edit, because the "
            "API doesn't accept a compaction block together with one. Remove the edit first."
        )


def refuse_while_compacting(context: Context) -> None:
    """Check that the API is not compacting the messages, which then cannot be changed.

    Raises:
        ValueError: it is.
    """
    if context.compaction.config is not None:
        raise ValueError(
            "messages: they can't be replaced while the conversation is being compacted. Message params can't be "
            "changed then, because the response takes their place (make the change on the next iteration)"
        )


class Acts:
    """What a caller can see of a run, and do to it."""

    def __init__(self, session: Session, given: Given) -> None:
        self._session = session
        self._given = given
        self._watch: CallWatch | None = None

    # ── what the run knows ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def run(self) -> str:
        """The run's id, which its journal carries."""
        return self._session.run

    @property
    def snapshot(self) -> Snapshot:
        """A copy of the snapshot: where the run is, and all that it knows."""
        return self._session.copy_of(self._session.snapshot)

    @property
    def stop(self) -> Stop | None:
        """Why the run stopped; None while it goes on."""
        return self._session.copy_of(self._session.snapshot.stop)

    @property
    def usage(self) -> Usage:
        """The tokens of all replies so far, summaries and compactions too."""
        return self._session.context.counters.usage

    @property
    def messages(self) -> list[Json]:
        """A copy of the whole conversation, as plain data, from which this run or another one can go on.

        The message that the caller holds is not included.  A call without a result, because the run was closed, cut
        off or cancelled, gets one that says that it was not run.
        """
        return cast("list[Json]", copied(handed_on(self._session.context)))

    def _conversation(self) -> list[Json]:
        """The history as it is, for the caller to change."""
        return list(self._session.context.conversation.current)

    # ── what the caller does ───────────────────────────────────────────────────────────────────────────────────────

    def append_messages(self, *messages: object) -> None:
        """Add messages to the conversation: dicts, or replies as they were handed out.

        Done while you hold a message, this makes the history yours: the runner adds neither that message nor its tool
        results, and tools that `generate_tool_call_response` ran will run again.

        Raises:
            ValueError: the API is compacting the conversation; its response replaces the messages.
        """
        added = Appended(
            messages=tuple(message_param(message, f"messages[{at}]") for at, message in enumerate(messages))
        )
        with self._session.acting():
            refuse_while_compacting(self._session.context)
            self._session.act(added)
            self._given.begin_response()

    def set_messages_params(self, params: Any) -> None:
        """Replace the parameters of the next requests.

        Args:
            params: a dict of all of them, with ``messages``; or a function that makes it from the current ones.
                A parameter that is left out is no longer sent, except ``betas``, ``user_profile_id`` and
                ``workspace_id``, which stay.

        Raises:
            ValueError: ``compaction`` among them; or other messages, while the API is compacting.
            TypeError: ``thread`` among them, with a value.
        """
        with self._session.acting():
            replaced = self._given.replace(params, self._session.context, self._conversation())
            if replaced is not None:
                self._session.act(replaced)

    def compact_before_next_turn(self, compaction: Mapping[str, object] | None = None) -> None:
        """Have the API compact the conversation before the model's next turn.

        It happens once the turn is over, its tools included.  The response is handed out like any message, with
        ``stop_reason == "compaction"``.  Asking again before then replaces what was asked.

        Args:
            compaction: the ``compaction`` parameter to send; None: ``{"type": "summarize"}``.

        Raises:
            ValueError: ``context_management`` has a ``compact_*`` edit, which the API does not take beside it.
        """
        config = {"type": "summarize"} if compaction is None else compaction
        asked = CompactionAsked(config=json_object(config, "compaction", "a dict"))
        with self._session.acting():
            if self._session.context.compaction.config is not None:
                return
            check_can_compact(self._session.context.settings.params)
            self._session.act(asked)

    def add_tools(self, *tools: object) -> None:
        """Give the model more tools, without changing the ``tools`` parameter, which would miss the prompt cache.

        The next request tells the model, by ``tool_addition`` blocks.  A tool of the SDK runs from now on, in place of
        one of the same name, also for calls in the message that you hold.  A raw definition is sent and never run.

        Raises:
            ToolsetContractError: one of them is a toolset, defines one of the run, or has its name.
            TypeError: one of them is not a tool, or is async where the client is sync, or the other way round.
        """
        with self._session.acting():
            added = added_tools(self._given.tools, tools)
            definitions = ({"type": "tool_definition", "definition": data} for *_, data in added)
            blocks = tuple({"type": "tool_addition", "tool": tool} for tool in definitions)
            runs = [(name, tool) for name, tool, _ in added if name is not None and not isinstance(tool, dict)]
            raw = [name for name, tool, _ in added if name is not None and isinstance(tool, dict)]
            self._given.tools.by_name.update(runs)
            self._session.act(ToolsChanged(blocks=blocks, added=tuple(name for name, _ in runs), removed=tuple(raw)))

    def remove_tools(self, *tools: object) -> None:
        """Take tools away from the model, without changing the ``tools`` parameter.

        They do not run any more.  The next request tells the model, by ``tool_removal`` blocks.

        Args:
            tools: tools, or their names.

        Raises:
            ToolsetContractError: one of them is a toolset, or the name of one.
            TypeError: one of them is neither a tool nor a name.
        """
        with self._session.acting():
            names = removed_names(self._given.tools, tools)
            blocks = tuple({"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}} for name in names)
            self._session.act(ToolsChanged(blocks=blocks, removed=tuple(names)))

    def defer_tool_call(self, tool_use: Any) -> None:
        """Hold back a call of the streaming reply until you ask for the next message.

        It has no effect on a call that has started, nor without ``run_tools_eagerly``: then all calls wait anyway.

        Args:
            tool_use: the ``tool_use`` block, or its id.
        """
        with self._session.acting():
            if self._session.context.settings.eager and not self._session.final:
                self._session.act(CallDeferred(id=tool_use if isinstance(tool_use, str) else tool_use.id))

    @property
    def deferred_tool_calls(self) -> list[BetaToolUseBlock]:
        """The calls of the current reply that are held and complete, in the model's order."""
        turn = self._session.context.turn
        held = {call.id for call in (*turn.arriving, *turn.calls) if call.held and call.status == "waiting"}
        complete = self._watch.finished if self._watch is not None else []
        return call_blocks(block for block in complete if block.get("id") in held)
