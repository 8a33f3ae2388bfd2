"""The caller: what it gave to a run and may edit in place, and what it does to the run between turns, as events.

Acts work at any time and from any thread: before the start of the run, while an effect is under way, and after its
end, where they change the conversation that is handed on, and the run does not go on by them.  Each is read, made and
told in one go.
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
"""What new parameters that leave it out do not drop.  Source: anthropic 2.12."""


class Given:
    """What the caller gave to one run."""

    def __init__(self, params: Mapping[str, Any], tools: ToolBox, output_format: OutputFormat | None) -> None:
        self.tools = tools
        self.output_format = output_format
        self._params = dict(params)
        self._told = structure({**self._params, "output_format": self._format_name})
        self._replies: dict[int, object] = {}
        self._response: tuple[tuple[Json, ...], dict[str, Any]] | None = None
        self.warned: set[str] = set()
        """The calls to unknown tools of which the caller was warned; they are warned of again where they run again."""

    def remember(self, reply: Json) -> None:
        """Remember that the content of a message is a reply's; the caller gets such content as the SDK's blocks."""
        self._replies[id(reply["content"])] = reply["content"]

    def params(self, context: Context, messages: Iterable[Json]) -> dict[str, Any]:
        """Return the parameters as the caller knows them, `messages` and tool definitions among them."""
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
        """Take new parameters; return what the machine must be told, None when they say what it knows.

        Args:
            params: the parameters, or a function that makes them from the current ones.
            context: what the run knows.
            messages: the conversation as it is.

        Raises:
            TypeError, ValueError: parameters that a run sets itself, or that contradict each other.
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
        settings_params(new, output_format)  # refused before anything has changed
        told = self._tools_of(tools, context)
        self.output_format = output_format
        self._params = new
        return self._replaced(context, None if same else given, told)

    def edits(self, context: Context) -> Iterator[ParamsReplaced | ResultsEdited]:
        """Yield what the machine must be told of what the caller edited in place since it was last told.

        Raises:
            ValueError: a compaction is asked for, and the parameters do not take it any more.
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
        """The tool response begins anew: what the caller edited in the last one is not part of it.

        Source: anthropic 2.12, whose runner forgets its response where messages are appended."""
        self._response = None
        self.warned.clear()

    def response(self, context: Context) -> dict[str, Any] | None:
        """Return the tool response: the same object, for the caller to edit, as long as the results are the same."""
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
        """The tools of new parameters.  A definition keeps the tool that runs under its name, and a name that is left
        out runs no more; parameters without tools send none, and leave what runs as it is."""
        known = _known(context)
        if tools is None:
            return {**known, "tools": None}
        tools = tools if isinstance(tools, list) else list(tools)
        if known["tools"] is not None and tools == list(known["tools"]):
            return known  # given back as handed out: the list that is known stays
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
        TypeError: it is no list of blocks, or JSON cannot hold them.
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
    """Return request parameters as a run may read them again and again: what can be read only once is read now."""
    return {key: lasting(value, key) for key, value in params.items() if is_given(value)}


def check_params(params: Mapping[str, object]) -> None:
    """Refuse parameters that a run sets itself.

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
    """Refuse a compaction beside one by ``context_management``.

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
    """Refuse a change of the messages while the API compacts them.

    Raises:
        ValueError: it does.
    """
    if context.compaction.config is not None:
        raise ValueError(
            "messages: they can't be replaced while the conversation is being compacted. Message params can't be "
            "changed then, because the response takes their place (make the change on the next iteration)"
        )


class Acts:
    """What a run knows, and what the caller can do to it."""

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
        """A copy of where the run is, and of all that it knows."""
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
        """A copy of the whole conversation, as plain data, to go on from in this run or in another.

        The message that the caller holds is not part of it yet.  A call in it that has no result, for the run was
        closed, cut off or cancelled before, is answered as not run.
        """
        return cast("list[Json]", copied(handed_on(self._session.context)))

    def _conversation(self) -> list[Json]:
        """The history as it is, for the caller to change."""
        return list(self._session.context.conversation.current)

    # ── what the caller does ───────────────────────────────────────────────────────────────────────────────────────

    def append_messages(self, *messages: object) -> None:
        """Add messages to the conversation: dicts, or replies as they were handed out.

        While a reply is handled, the history becomes the caller's: neither the reply nor its tool results are added
        by the runner, and tools that `generate_tool_call_response` ran will run again.

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
        """Replace the parameters of the requests to come.

        Args:
            params: all of them, ``messages`` included, as a dict; or a function that makes it from the current ones.
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

        The model is told with the next request, by ``tool_addition`` blocks.  A tool of the SDK runs from now on, in
        place of any of its name, also for a call that the caller holds.  A raw definition is sent and never run.

        Raises:
            ToolsetContractError: one of them is a toolset, defines one that the run has, or has its name.
            TypeError: one of them is no tool, or of the other flavour.
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

        They stop running at once; the model is told with the next request, by ``tool_removal`` blocks.

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
        """Hold a call of the reply that streams until the caller is done with the reply.

        Without ``run_tools_eagerly`` all calls wait anyway, and this does nothing; nor does it for a call that has
        started.

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
