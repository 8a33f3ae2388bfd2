"""What the async and the sync runner share: everything but performing effects.

The caller's acts become events here, and what the run knows can be read at any time.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import anthropic
from anthropic.types.beta import BetaMessage, BetaToolUseBlock

from fsm_runner.adapters.anthropic.calls import ErrorText, Work, unknown_warning, work_of
from fsm_runner.adapters.anthropic.failures import failed
from fsm_runner.adapters.anthropic.plain import is_given, message_data, message_param, plain
from fsm_runner.adapters.anthropic.requests import OutputFormat, RequestOptions, request_arguments
from fsm_runner.adapters.anthropic.streams import CallWatch
from fsm_runner.adapters.anthropic.tools import ToolBox, added_tools, declared_name, removed_names
from fsm_runner.adapters.opentelemetry import Spans
from fsm_runner.core.context import Usage
from fsm_runner.core.effects import CallTool, Effect, SendRequest, tool_response
from fsm_runner.core.errors import RunError
from fsm_runner.core.events import (
    AnswerAsked,
    Appended,
    CallDeferred,
    CompactionAsked,
    Continued,
    Failed,
    Json,
    ParamsReplaced,
    Replied,
    ResultsEdited,
    ToolsChanged,
)
from fsm_runner.core.machine import Snapshot, Step
from fsm_runner.core.messages import has_summary
from fsm_runner.core.stop import Stop
from fsm_runner.drivers.session import RunView, Session

OwnEffect: TypeAlias = Callable[[RunView], object]
"""An effect of the user's own: it returns the name of the event that happened, or `Reported`, or an awaitable of
either when the client is async."""

_KEPT = ("betas", "user_profile_id", "workspace_id")
_PACKAGE = str(Path(__file__).parent.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a runner works with that is no data: immutable.

    Attributes:
        client: the anthropic client.
        tools: the caller's tools.
        params: the request's parameters as the caller gave them, which it may edit in place.
        options: what every request carries.
        output_format: what replies are parsed into.
        effects: the user's own effects, by name.
        tool_errors: what the model is told of an exception in a tool.
        max_concurrent_tools: how many tools of one turn run at once; None: all.
    """

    client: Any
    tools: ToolBox
    params: Mapping[str, Any] = field(default_factory=dict)
    options: RequestOptions = field(default_factory=RequestOptions)
    output_format: OutputFormat | None = None
    effects: Mapping[str, OwnEffect] = field(default_factory=dict)
    tool_errors: ErrorText = "repr"
    max_concurrent_tools: int | None = 16


class BaseRunner:
    """A run, but for performing its effects."""

    def __init__(self, session: Session, equipment: Equipment) -> None:
        self._session = session
        self._equipment = equipment
        self._client = equipment.client
        self._tools = equipment.tools
        self._output_format = equipment.output_format
        self._item: Any = None
        self._last: Any = None
        self._stream: Any = None
        self._watch: CallWatch | None = None
        self._step: Step | None = None
        self._response_given: tuple[tuple[Json, ...], dict[str, Any]] | None = None
        self._live_params: dict[str, Any] = dict(equipment.params)
        self._told_params = session.context.settings.params
        self._replies: dict[int, object] = {}
        self._busy = False
        self._early = False
        self._spans = session.spans = Spans(self._client, run=session.run, chart=session.machine.chart.name)

    # ── what the run knows ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def run(self) -> str:
        """The run's id, which its journal carries."""
        return self._session.run

    @property
    def snapshot(self) -> Snapshot:
        """Where the run is, and all that it knows."""
        return self._session.snapshot

    @property
    def stop(self) -> Stop | None:
        """Why the run stopped; None while it goes on."""
        return self._session.snapshot.stop

    @property
    def usage(self) -> Usage:
        """The tokens of all replies so far, summaries and compactions too."""
        return self._session.context.counters.usage

    @property
    def messages(self) -> list[Json]:
        """The whole conversation, as plain data; the message that the caller holds is not part of it yet."""
        talk = self._session.context.conversation
        return list(talk.history if talk.draft is None else talk.draft)

    # ── what the caller does ───────────────────────────────────────────────────────────────────────────────────────

    def append_messages(self, *messages: object) -> None:
        """Add messages to the conversation: dicts, or replies as they were handed out.

        While a reply is handled, the history becomes the caller's: neither the reply nor its tool results are added
        by the runner, and tools that `generate_tool_call_response` ran will run again.

        Raises:
            ValueError: the API is compacting the conversation; its response replaces the messages.
            IllegalEvent: the run has ended.
        """
        self._refuse_while_compacting()
        self._session.tell(Appended(messages=tuple(message_param(message) for message in messages)))

    def set_messages_params(self, params: Any) -> None:
        """Replace the parameters of the requests to come.

        Args:
            params: all of them, ``messages`` included, as a dict; or a function that makes it from the current ones.
                A parameter that is left out is no longer sent, except ``betas``, ``user_profile_id`` and
                ``workspace_id``, which stay.

        Raises:
            ValueError: ``compaction`` among them; or other messages, while the API is compacting.
            TypeError: ``thread`` among them, with a value.
            IllegalEvent: the run has ended.
        """
        current = self._current_params()
        had_policy = "billing_policy" in current
        given = params(current) if callable(params) else params
        new = {key: value for key, value in given.items() if is_given(value)}
        check_params(new)
        kept = {key: current[key] for key in _KEPT if key in current}
        if had_policy and "billing_policy" not in new:
            kept.pop("user_profile_id", None)
        new = {**kept, **new}
        messages = tuple(message_param(message) for message in new.pop("messages", ()))
        same = list(messages) == self.messages
        if not same:
            self._refuse_while_compacting()
        tools = new.pop("tools", None)
        if self._session.context.compaction.asked is not None:
            check_can_compact(new)
        self._output_format = self._format(new.pop("output_format", None))
        self._live_params = new
        self._replace_params(None if same else messages, self._tools_given(tools))

    def compact_before_next_turn(self, compaction: Mapping[str, object] | None = None) -> None:
        """Have the API compact the conversation before the model's next turn.

        It happens once the turn is over, its tools included.  The response is handed out like any message, with
        ``stop_reason == "compaction"``.  Asking again before then replaces what was asked.

        Args:
            compaction: the ``compaction`` parameter to send; None: ``{"type": "summarize"}``.

        Raises:
            ValueError: ``context_management`` has a ``compact_*`` edit, which the API does not take beside it.
            IllegalEvent: the run has ended.
        """
        if self._session.context.compaction.config is not None:
            return
        check_can_compact(self._session.context.settings.params)
        config = plain(compaction) if compaction is not None else {"type": "summarize"}
        self._session.tell(CompactionAsked(config=cast(Json, config)))

    def add_tools(self, *tools: object) -> None:
        """Give the model more tools, without changing the ``tools`` parameter, which would miss the prompt cache.

        The model is told with the next request, by ``tool_addition`` blocks.  A tool of the SDK runs from now on, in
        place of any of its name, also for a call that the caller holds.  A raw definition is sent and never run.

        Raises:
            ToolsetContractError: one of them is a toolset, defines one that the run has, or has its name.
            TypeError: one of them is no tool, or of the other flavour.
            IllegalEvent: the run has ended.
        """
        added = added_tools(self._tools, tools)
        definitions = ({"type": "tool_definition", "definition": data} for *_, data in added)
        blocks = tuple({"type": "tool_addition", "tool": tool} for tool in definitions)
        runs = [(name, tool) for name, tool, _ in added if name is not None and not isinstance(tool, dict)]
        raw = [name for name, tool, _ in added if name is not None and isinstance(tool, dict)]
        self._tools.by_name.update(runs)
        self._session.tell(ToolsChanged(blocks=blocks, added=tuple(name for name, _ in runs), removed=tuple(raw)))

    def remove_tools(self, *tools: object) -> None:
        """Take tools away from the model, without changing the ``tools`` parameter.

        They stop running at once; the model is told with the next request, by ``tool_removal`` blocks.

        Args:
            tools: tools, or their names.

        Raises:
            ToolsetContractError: one of them is a toolset, or the name of one.
            TypeError: one of them is neither a tool nor a name.
            IllegalEvent: the run has ended.
        """
        names = removed_names(self._tools, tools)
        blocks = tuple({"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}} for name in names)
        self._session.tell(ToolsChanged(blocks=blocks, removed=tuple(names)))

    def defer_tool_call(self, tool_use: Any) -> None:
        """Hold a call of the reply that streams until the caller is done with the reply.

        Without ``run_tools_eagerly`` all calls wait anyway, and this does nothing; nor does it for a call that has
        started.

        Args:
            tool_use: the ``tool_use`` block, or its id.
        """
        if self._session.context.settings.eager and not self._session.final:
            self._session.tell(CallDeferred(id=tool_use if isinstance(tool_use, str) else tool_use.id))

    @property
    def deferred_tool_calls(self) -> list[BetaToolUseBlock]:
        """The calls of the current reply that are held and complete, in the model's order."""
        turn = self._session.context.turn
        held = {call.id for call in (*turn.arriving, *turn.calls) if call.held and call.status == "waiting"}
        complete = self._watch.finished if self._watch is not None else []
        return [BetaToolUseBlock.construct(**cast(Any, block)) for block in complete if block.get("id") in held]

    # ── for the drivers ────────────────────────────────────────────────────────────────────────────────────────────

    def _current_params(self) -> dict[str, Any]:
        settings = self._session.context.settings
        current: dict[str, Any] = {**self._live_params, "messages": [self._as_given(each) for each in self.messages]}
        if "container" in settings.params:
            current["container"] = settings.params["container"]
        if settings.tools is not None:
            current["tools"] = list(settings.tools)
        if self._output_format is not None:
            current["output_format"] = self._output_format.type
        return current

    def _as_given(self, message: Json) -> dict[str, Any]:
        """A message for the caller: of a reply, its content is the SDK's blocks."""
        content = message.get("content")
        if id(content) not in self._replies:
            return dict(message)
        return {**message, "content": BetaMessage.construct(content=cast(Any, content)).content}

    def _replace_params(self, messages: tuple[Json, ...] | None, tools: dict[str, Any]) -> None:
        """Tell the machine of new parameters, if they are new."""
        settings = self._session.context.settings
        params = settings_params(self._live_params, self._output_format)
        known = {"tools": settings.tools, "runnable": settings.runnable, "toolsets": settings.toolsets}
        if messages is None and params == self._told_params and tools == known:
            return
        self._session.tell(
            ParamsReplaced(
                params=params,
                messages=messages,
                tools=tools["tools"],
                runnable=tuple(sorted(tools["runnable"])),
                toolsets=tuple(sorted(tools["toolsets"])),
            )
        )
        self._told_params = params

    def _check_rest(self, step: Step) -> None:
        """Refuse to go on from a step after which the run rests without having handed out anything, unless it was cut
        off there, or had a failure that the caller knows of.

        Raises:
            AnthropicError: the caller changed what a server-side thread keeps.
            RunError: the state takes nothing that a driver could tell.
        """
        stand, stop = step.snapshot.context.stand, step.snapshot.stop
        if stop is not None and stand.failure is not None and stand.failed_effect is None:
            raise anthropic.AnthropicError(stand.failure.text)
        if not self._session.takes(Continued):
            state = step.snapshot.state
            raise RunError(f"state '{state}' orders nothing and takes no 'continued' (give it an effect, or that row)")

    def _read_again(self) -> None:
        """Tell the machine of what the caller edited in place: its tools, its parameters, the tool response."""
        settings = self._session.context.settings
        tools = {"tools": settings.tools, "runnable": settings.runnable, "toolsets": settings.toolsets}
        if settings.tools is not None and settings.tools == self._tools.sent and self._tools.read():
            runnable = settings.runnable - self._tools.gone | self._tools.come
            tools = {"tools": self._tools.sent, "runnable": runnable, "toolsets": frozenset(self._tools.toolsets)}
        self._replace_params(None, tools)
        if self._session.context.compaction.asked is not None:
            check_can_compact(self._live_params)
        if self._response_given is not None and self._response_given[0] == self._results():
            edited = tuple(cast("list[Json]", plain(self._response_given[1]["content"])))
            if edited != self._response_given[0]:
                self._session.tell(ResultsEdited(results=edited))
        self._response_given = None

    def _results(self) -> tuple[Json, ...]:
        response = tool_response(self._session.context)
        return () if response is None else tuple(cast("list[Json]", response["content"]))

    def _format(self, type_: object) -> OutputFormat | None:
        if type_ is None:
            return None
        if self._output_format is not None and self._output_format.type is type_:
            return self._output_format
        return OutputFormat(type_)

    def _tools_given(self, tools: Iterable[object] | None) -> dict[str, Any]:
        """The tools of new parameters.  A definition keeps the tool that runs under its name, and a name that is left
        out runs no more; parameters without tools send none, and leave what runs as it is."""
        settings = self._session.context.settings
        runs = {"runnable": settings.runnable, "toolsets": settings.toolsets}
        if tools is None:
            return {"tools": None, **runs}
        tools = tools if isinstance(tools, list) else list(tools)
        if settings.tools is not None and tools == list(settings.tools):
            return {"tools": settings.tools, **runs}  # given back as handed out: the list that is known stays
        self._tools.replace(tools)
        withdrawn = set(map(declared_name, settings.tools or ())) - set(map(declared_name, self._tools.sent))
        return {"tools": self._tools.sent, **{key: names - withdrawn for key, names in runs.items()}}

    def _refuse_while_compacting(self) -> None:
        if self._session.context.compaction.config is not None:
            raise ValueError(
                "Message params can't be changed while the conversation is being compacted, because the compaction "
                "response replaces them. Make the change on the next iteration."
            )

    def _request(self, order: SendRequest) -> dict[str, Any]:
        held = order.thread is not None and order.thread.get("type") == "continue"
        return request_arguments(
            order,
            self._equipment.options,
            tools=self._tools.given if held or order.tools is self._tools.sent else order.tools,
            output_format=self._output_format,
            threads=self._session.context.thread.mode != "off",
        )

    def _response(self) -> Json | None:
        """The tool response, the same object as long as it says the same."""
        results = self._results()
        if not results:
            return None
        if self._response_given is None or self._response_given[0] != results:
            self._response_given = (results, {"role": "user", "content": plain(results)})
        return self._response_given[1]

    def _hand_out(self, message: Any, data: Json) -> None:
        """Remember what the caller is handed.  A compaction without summary is handed out, but nothing's last word."""
        self._item = message
        self._replies[id(data["content"])] = data["content"]
        if self._session.context.compaction.config is None or has_summary(data):
            self._last = message

    def _replied(self, response: BetaMessage, message: Any) -> Step:
        data = message_data(response)
        self._hand_out(message, data)
        return self._session.tell(Replied(message=data))

    def read_to_end(self, message: Any, data: Json) -> None:
        """The stream is read to its end, whoever read it."""
        self._hand_out(message, data)
        self._step = self._session.tell(Replied(message=data))

    def broke_off(self, error: BaseException) -> None:
        """Reading the stream failed; whoever reads gets the exception."""
        self._step = self._session.tell(failed(error))

    def _stream_is_gone(self) -> Step:
        """The run was cut off in a stream, which cannot be read on: the machine says what now."""
        return self._session.tell(Failed(error="StreamClosed", text="the stream was closed before its end"))

    def _begin_spans(self) -> None:
        if not self._session.final:
            self._spans.begin(self._session.context.settings.params)

    def _work(self, effect: CallTool) -> Work:
        return work_of(effect, self._tools, self._equipment.tool_errors)

    def _last_message(self) -> Any:
        if self._last is None:
            stop = self.stop
            reason = None if stop is None else stop.reason
            raise RunError(f"the run ended before its first message (reason: {reason}), so there is none", reason)
        return self._last

    def _go_on(self) -> Step:
        """Ask for more; where an effect was cut off, it is what is left to do first."""
        if not self._session.takes(Continued):
            return self._session.resume()
        self._read_again()
        return self._session.tell(Continued())

    def _answer_asked(self) -> Step | None:
        """Ask for the tool response; None when there is nothing to do for it."""
        if self._session.takes(AnswerAsked):
            return self._session.tell(AnswerAsked())
        return self._session.resume() if self._session.context.stand.awaits == "answer" else None

    def _end(self) -> None:
        """End a closed run where it is.  An effect that was cut off is not begun again."""
        if not self._session.final and not self._session.takes(Continued):
            self._session.tell(Failed(error="RunClosed", text="the run was closed before this was done"))
        if not self._session.final:
            self._session.tell(Continued())

    def _failed(self, error: Exception) -> Step:
        """Tell the machine of a failure; unless it orders something else instead, the caller gets the exception."""
        step = self._session.tell(failed(error))
        if not step.effects:
            raise error
        return step

    def _warn_unknown(self, effects: Iterable[CallTool]) -> None:
        """Tell the caller, at its own line, of calls to tools that this run does not have."""
        for effect in effects:
            if effect.kind == "unknown":
                text = unknown_warning(effect.block, self._tools, self._session.context)
                if text is not None:
                    warnings.warn(text, UserWarning, stacklevel=caller_level())

    @contextmanager
    def _working(self) -> Iterator[None]:
        if self._busy:
            raise RunError("this runner is at work in another task or tool (one at a time: wait for it, or make two)")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    @contextmanager
    def _recorded(self, effect: Effect) -> Iterator[None]:
        """Put an effect on record before it is performed, and after."""
        id = self._session.scheduled(effect)
        try:
            yield
        except Exception as error:
            self._session.failed(id, error)
            raise
        except BaseException:
            self._session.cancelled(id)
            raise
        else:
            self._session.completed(id)


def settings_params(params: Mapping[str, object], output_format: OutputFormat | None) -> Json:
    """Return request parameters as the plain data that the context and the journal hold."""
    data = cast("dict[str, object]", plain(params))
    if output_format is not None:
        data["output_format"] = output_format.name
    return data


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


def caller_level() -> int:
    """Return the `stacklevel` with which a warning points at the first line outside of this package."""
    frame = inspect.currentframe()
    level = 0
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<frozen")):
        frame, level = frame.f_back, level + 1
    return level


def calls_to_start(step: Step) -> tuple[CallTool, ...]:
    """Return the tool calls that `step` orders."""
    return tuple(effect for effect in step.effects if isinstance(effect, CallTool))
