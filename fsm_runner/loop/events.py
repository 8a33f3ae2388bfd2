"""The events: facts of the past, and the only input of the machine.

Three kinds, told apart by who makes them:

- **reports** of a driver on an effect: `Replied`, `Opened`, `MovedOn`, `ToolFinished`, `Summarised`, `Failed`,
  `Reported`.  A row must take them.
- **asks** of the caller: `Continued`, `AnswerAsked`.  A row must take them.
- **acts** of the caller: it appends messages, replaces parameters, edits results, changes tools, asks for a compaction,
  defers a call or closes the run.  They only change the context: every state takes them, and no row is needed.

The machine also folds an `Entered` on entering each state.  It follows from the rows, so it is never journaled.

Messages, blocks and parameters are plain JSON data, as the Messages API has them.  The driver keeps live objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from msgspec import field

from fsm_runner.engine.frozen import Frozen
from fsm_runner.engine.rows import Entered as Entered

Json: TypeAlias = Mapping[str, object]
"""A JSON object, as the Messages API has it.  Do not change one."""

_NOTHING: Json = {}


class Replied(Frozen, frozen=True, kw_only=True):
    """A reply of the model is complete, also one that was streamed.

    Attributes:
        message: the API's message object, verbatim, with ``content``, ``stop_reason`` and ``usage``.
    """

    name: ClassVar[str] = "replied"
    message: Json


class Opened(Frozen, frozen=True, kw_only=True):
    """The response to a streaming request has begun."""

    name: ClassVar[str] = "opened"


class MovedOn(Frozen, frozen=True, kw_only=True):
    """A tool call is complete while its reply still streams: the model has moved on from it.

    Attributes:
        call: the ``tool_use`` block.
    """

    name: ClassVar[str] = "moved_on"
    call: Json


class ToolFinished(Frozen, frozen=True, kw_only=True):
    """A tool call has its result.

    Attributes:
        id: the id of the ``tool_use`` block.
        result: the ``tool_result`` block to send.
    """

    name: ClassVar[str] = "tool_finished"
    id: str
    result: Json


class Summarised(Frozen, frozen=True, kw_only=True):
    """The model's summary of the conversation has arrived.

    Attributes:
        message: the API's message object, complete; its text is the summary.
    """

    name: ClassVar[str] = "summarised"
    message: Json


class Failed(Frozen, frozen=True, kw_only=True):
    """An effect did not succeed.

    Attributes:
        error: the type of the error, such as ``APIConnectionError``.
        text: its text.
        status: the HTTP status; None when there was no response.
        code: the API's ``error.details.error_code``; None when it sent none, as mostly.
        message: the reply that arrived and cannot be used, whose tokens count; None: none arrived.
    """

    name: ClassVar[str] = "failed"
    error: str
    text: str
    status: int | None = None
    code: str | None = None
    message: Json | None = None


class Reported(Frozen, frozen=True, kw_only=True):
    """A custom effect has ended with one of the events that the chart declares for it.

    Attributes:
        name: the event.
        data: more to tell; facts read it as ``context.reports[name]``.
        results: ``tool_result`` blocks for calls of the last reply, which then do not run.
    """

    name: str
    data: Json = field(default_factory=lambda: _NOTHING)
    results: tuple[Json, ...] = ()


class Continued(Frozen, frozen=True, kw_only=True):
    """The caller asks for the next message."""

    name: ClassVar[str] = "continued"


class AnswerAsked(Frozen, frozen=True, kw_only=True):
    """The caller asks for the response to the tool calls of the last reply, before going on."""

    name: ClassVar[str] = "answer_asked"


class Appended(Frozen, frozen=True, kw_only=True):
    """The caller appended messages.  While it holds a reply, neither that nor its results are then added."""

    name: ClassVar[str] = "appended"
    messages: tuple[Json, ...]


class ParamsReplaced(Frozen, frozen=True, kw_only=True):
    """The caller replaced the request's parameters.

    Attributes:
        params: all of them, without ``messages`` and ``tools``.
        messages: the new history; None: it stays as it is.
        tools: the tool definitions to send; None: send none.
        runnable: the names of the tools that the driver runs from now on.
        toolsets: the names of the toolsets that it runs.
    """

    name: ClassVar[str] = "params_replaced"
    params: Json
    messages: tuple[Json, ...] | None = None
    tools: tuple[Json, ...] | None = None
    runnable: tuple[str, ...] = ()
    toolsets: tuple[str, ...] = ()


class ResultsEdited(Frozen, frozen=True, kw_only=True):
    """The caller edited the tool response that it was handed, in place.

    Attributes:
        results: the ``tool_result`` blocks as they are now.
    """

    name: ClassVar[str] = "results_edited"
    results: tuple[Json, ...]


class ToolsChanged(Frozen, frozen=True, kw_only=True):
    """The caller added or removed tools.  The next request tells the model.

    Attributes:
        blocks: the ``tool_addition`` and ``tool_removal`` blocks, in the order of the calls.
        added: the names of tools that run from now on.
        removed: the names of tools that do not run any more.
    """

    name: ClassVar[str] = "tools_changed"
    blocks: tuple[Json, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class CompactionAsked(Frozen, frozen=True, kw_only=True):
    """The caller asks the API to compact the conversation before the model's next turn.

    Attributes:
        config: the ``compaction`` parameter to send.
    """

    name: ClassVar[str] = "compaction_asked"
    config: Json


class CallDeferred(Frozen, frozen=True, kw_only=True):
    """The caller deferred a tool call: it runs only after the caller has asked for more."""

    name: ClassVar[str] = "call_deferred"
    id: str


class Closed(Frozen, frozen=True, kw_only=True):
    """The caller closed the run: it ends before its next request."""

    name: ClassVar[str] = "closed"


Report: TypeAlias = Replied | Opened | MovedOn | ToolFinished | Summarised | Failed | Reported
Ask: TypeAlias = Continued | AnswerAsked
Act: TypeAlias = Appended | ParamsReplaced | ResultsEdited | ToolsChanged | CompactionAsked | CallDeferred | Closed
Event: TypeAlias = Report | Ask | Act
"""Every event of the tool loop: a closed union."""

ACTS = (Appended, ParamsReplaced, ResultsEdited, ToolsChanged, CompactionAsked, CallDeferred, Closed)
"""The acts of the caller, which only change the context."""

EVENT_TYPES: tuple[type[Event], ...] = (
    Replied, Opened, MovedOn, ToolFinished, Summarised, Failed, Reported, Continued, AnswerAsked, *ACTS,
)  # fmt: skip
"""Every member of `Event`."""
