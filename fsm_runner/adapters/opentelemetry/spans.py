"""The spans of a run: one for the run, one for each tool call, as the SDK's own runner makes them.

The client makes the span of an API call itself, as a child of the current span.  So a driver makes the run's span
current while it works (`Spans.current`), but never while the caller's code runs.

The client's public ``open_telemetry`` option says whether there are spans, where they go and what they may contain.
Nothing here raises: if tracing fails, that is logged at level debug, and the run goes on without it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, StatusCode, Tracer

from fsm_runner.adapters.anthropic.calls import Unsendable
from fsm_runner.adapters.opentelemetry import span_names
from fsm_runner.adapters.opentelemetry.attributes import (
    content_attributes,
    description_of,
    error_type,
    keeps_spans,
    made_for_mcp,
    options_of,
    provider_of,
    tracer_of,
    wants_json,
)
from fsm_runner.engine.rows import Transition
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import text_in
from fsm_runner.loop.stop import Stop
from fsm_runner.loop.tool_loop import Step

log = logging.getLogger("fsm_runner.spans")

_NOT_CURRENT: AbstractContextManager[object] = nullcontext()


class ToolCall:
    """A tool call in flight, for its span: set `result` before the block ends.

    Attributes:
        result: the ``tool_result`` block that the model gets; None until there is one, and if the call was cut off.
    """

    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: Json | None = None


class Spans:
    """The spans of one run.  As a context manager it ends the run's span at the end of the block."""

    def __init__(self, client: Any, *, run: str, chart: str) -> None:
        """Read the client's option.

        Args:
            client: an anthropic client; one without the option makes no spans.
            run: the run's id.
            chart: the chart's name.
        """
        self._options = options_of(client)
        self._provider = provider_of(client)
        self._whose = {span_names.RUN: run, span_names.CHART: chart}
        self._span: Span | None = None
        self._before: SpanContext | None = None
        self._last: Transition | None = None
        self._stop: Stop | None = None

    @functools.cached_property
    def _tracer(self) -> Tracer | None:
        return None if self._options is None else tracer_of(self._options)

    @property
    def are_kept(self) -> bool:
        """Whether somebody may keep spans: the client has a tracer provider, or the process has."""
        return self._options is not None and keeps_spans(self._options)

    # ── the run ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, params: Mapping[str, object]) -> None:
        """Start the run's span as a child of the caller's, unless it is open already.

        A run that goes on after a failure has ended its span gets another one, linked to the last.

        Args:
            params: the parameters of the requests, as plain data.
        """
        if self._span is not None:
            return
        # Without a link none is passed, so that a sampler sees the same as of the SDK's span.
        links = [] if self._before is None else [Link(self._before)]
        attributes = {
            span_names.OPERATION: span_names.INVOKE_AGENT,
            span_names.MODEL: text_in(params, "model"),
            span_names.OUTPUT_TYPE: span_names.JSON_OUTPUT if wants_json(params) else None,
        }
        self._span = self._start(span_names.RUN_SPAN, attributes, links)
        self._before = None if self._span is None else self._span.get_span_context()

    @property
    def is_open(self) -> bool:
        """Whether the run's span has begun and not ended."""
        return self._span is not None

    def current(self) -> AbstractContextManager[object]:
        """Make the run's span current for the block, in which the runner works."""
        return _NOT_CURRENT if self._span is None else _current(self._span)

    def step(self, step: Step) -> None:
        """Add what the machine did to the run's span: an event for each row taken, and one where the run stops."""
        self._stop = step.snapshot.stop
        if not step.transitions:
            return
        self._last = step.transitions[-1]
        if self._span is None or not self._span.is_recording():
            return
        with _harmless("record a transition"):
            for transition in step.transitions:
                self._span.add_event(span_names.TRANSITION_EVENT, self._whose | _taken(transition))
            if self._stop is not None:
                told = {span_names.STOP_REASON: self._stop.reason, span_names.ROW: self._stop.row}
                self._span.add_event(
                    span_names.STOP_EVENT, self._whose | {span_names.STATE: step.snapshot.state} | told
                )

    def end(self, error: BaseException | None = None) -> None:
        """End the run's span, if it is open.

        The status is OK when the run has ended, an error when it failed, and unset when the caller closed, cancelled
        or left it.

        Args:
            error: what the caller gets; anything but an `Exception` comes from the caller itself.
        """
        span, self._span = self._span, None
        if span is None:
            return
        reason = None if self._stop is None else self._stop.reason
        with _harmless("set the status of a run's span"):
            if isinstance(error, Exception):
                _failed(span, error_type(error))
            elif error is None and reason == "failed":
                _failed(span, span_names.CLIENT_ERROR)
            elif error is None and reason not in (None, "closed"):
                span.set_status(StatusCode.OK)
        with _harmless("end a run's span"):
            span.end()

    def __enter__(self) -> Spans:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end(error)

    # ── tool calls ──────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def tool(self, tool: object, block: Json) -> Iterator[ToolCall]:
        """Make the span of one call, which is current for the block, and end it with the result that the block sets.

        Its parent is the current span: the run's when the runner calls the tool, the caller's when the caller does.

        Args:
            tool: the tool or toolset that runs.
            block: the ``tool_use`` block.
        """
        call = ToolCall()
        span = self._start_tool(tool, block) if self._tracer is not None else None
        if span is None:
            yield call
            return
        try:
            with _current(span):
                yield call
        finally:
            self._end_tool(span, block, call.result)

    def _start_tool(self, tool: object, block: Json) -> Span | None:
        name = text_in(block, "name") or ""
        span: Span | None = None
        with _harmless("read a tool for its span"):
            kind = span_names.MCP_TOOL_SPAN if made_for_mcp(tool) else span_names.TOOL_SPAN
            attributes = {
                span_names.OPERATION: span_names.EXECUTE_TOOL,
                span_names.TOOL_NAME: name,
                span_names.TOOLSET: text_in(block, "toolset_name"),
                span_names.TOOL_DESCRIPTION: description_of(tool),
                span_names.TOOL_CALL: text_in(block, "id"),
                span_names.TOOL_TYPE: span_names.FUNCTION,
            }
            span = self._start(f"{kind} {name}" if name else kind, attributes)
        if span is not None:
            with _harmless("say where a tool was called"):
                last = self._last
                at = {} if last is None else {span_names.STATE: last.target, span_names.ROW: last.row}
                span.add_event(span_names.CALL_EVENT, self._whose | at)
        return span

    def _end_tool(self, span: Span, block: Json, result: Json | None) -> None:
        """End the span of a tool.  The status is that of the tool: OK even if its result cannot be sent."""
        unsendable = isinstance(result, Unsendable)
        with _harmless("record the content of a tool call"):
            traces = None if self._options is None else self._options["traces"]
            if traces is not None and traces["content_mode"] == "content" and span.is_recording():
                told = content_attributes(
                    block.get("input"), None if unsendable else result, limit=traces["max_content_bytes"]
                )
                span.set_attributes(told)
        with _harmless("set the status of a tool's span"):
            if result is not None and result.get("is_error") is True and not unsendable:
                _failed(span, span_names.TOOL_ERROR)
            elif result is not None:
                span.set_status(StatusCode.OK)
        with _harmless("end a tool's span"):
            span.end()

    def _start(self, name: str, attributes: Mapping[str, str | None], links: Sequence[Link] = ()) -> Span | None:
        """Start a span; None when there is no tracer, or its spans neither record nor pass on a context."""
        if self._options is None or self._tracer is None:
            return None
        given = {
            **attributes,
            span_names.PROVIDER: self._provider,
            span_names.CONVERSATION: self._options.get("conversation_id"),
        }
        known = {key: value for key, value in given.items() if value is not None}
        try:
            span = self._tracer.start_span(name, attributes=known, links=links)
        except Exception:
            log.debug("could not start a span", exc_info=True)
            return None
        return span if span.is_recording() or span.get_span_context().is_valid else None


def _current(span: Span) -> AbstractContextManager[object]:
    return trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False)


def _failed(span: Span, kind: str) -> None:
    span.set_status(StatusCode.ERROR)
    span.set_attribute(span_names.ERROR_TYPE, kind)


def _taken(transition: Transition) -> dict[str, str]:
    told = {span_names.ROW: transition.row, span_names.SOURCE: transition.source, span_names.STATE: transition.target}
    if transition.event is not None:
        told[span_names.EVENT] = transition.event
    return told | {f"{span_names.FACT}{fact}": answer for fact, answer in transition.facts.items()}


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    """Log an exception of tracing, and keep it from the run."""
    try:
        yield
    except Exception:
        log.debug("could not %s", what, exc_info=True)
