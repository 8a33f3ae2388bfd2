"""The base of the async and the sync runner: everything but how an effect is performed."""

from __future__ import annotations

import inspect
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fsm_runner.adapters.anthropic.calls import ErrorText, Work, unknown_warning, work_of
from fsm_runner.adapters.anthropic.encoded import Encoder, as_given
from fsm_runner.adapters.anthropic.plain import failed, refusal
from fsm_runner.adapters.anthropic.requests import (
    OutputFormat,
    ReplyReading,
    RequestOptions,
    reading,
    request_arguments,
)
from fsm_runner.adapters.anthropic.short_way import shortened
from fsm_runner.adapters.anthropic.tool_box import ToolBox
from fsm_runner.adapters.opentelemetry import Spans
from fsm_runner.drivers.caller import Acts, Given
from fsm_runner.drivers.loop import Loop
from fsm_runner.drivers.session import RunView, Session, log
from fsm_runner.engine.errors import ReplyError, RunError
from fsm_runner.engine.text import clipped
from fsm_runner.loop.effects import CallTool, Effect, SendRequest
from fsm_runner.loop.events import Continued, Failed, Json, Replied
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import check_calls, has_summary
from fsm_runner.loop.tool_loop import Step

OwnEffect: TypeAlias = Callable[[RunView], object]
"""A function for a custom effect.  It returns the name of the event that happened, or a `Reported`; with an async
client it may return an awaitable of these."""

_PACKAGE = str(Path(__file__).parent.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a runner works with besides data: immutable.

    Attributes:
        client: the anthropic client.
        tools: the caller's tools.
        params: the request's parameters as the caller gave them, which it may edit in place.
        options: headers, query, body and timeout of every request.
        output_format: what replies are parsed into.
        effects: the functions for custom effects, by name.
        tool_errors: what the model is told of an exception in a tool.
        max_concurrent_tools: how many tools of one turn run at the same time; None: all.
        last: of a resumed run, the last message that its caller got; None: of none.
    """

    client: Any
    tools: ToolBox
    params: Mapping[str, Any] = field(default_factory=dict)
    options: RequestOptions = field(default_factory=RequestOptions)
    output_format: OutputFormat | None = None
    effects: Mapping[str, OwnEffect] = field(default_factory=dict)
    tool_errors: ErrorText = "repr"
    max_concurrent_tools: int | None = 16
    last: Any = None


@dataclass(slots=True, kw_only=True)
class HandedOut:
    """The messages and streams that a run hands to its caller: mutable.

    Attributes:
        item: what the caller gets now, a message or a stream.
        last: the last message; None before the first one.
        lasting: as `last`, but never a compaction without a summary; it becomes `last` again when the run goes on.
        stream: the stream that is open; None when none is.
        unread: whether the last stream has not been read to its end.
        draining: whether the run itself reads the rest of the stream.
        end: the step that the end of the stream made, until the run takes it.
    """

    item: Any = None
    last: Any
    lasting: Any
    stream: Any = None
    unread: bool = False
    draining: bool = False
    end: Step | None = None

    def message(self, message: Any, *, lasts: bool) -> None:
        """A message goes out."""
        self.item = self.last = message
        self.unread = False
        if lasts:
            self.lasting = message

    def streamed(self, item: Any, stream: Any) -> None:
        """A stream goes out: `item` for the caller, `stream` for the run."""
        self.item, self.stream, self.unread = item, stream, True

    def go_on(self) -> None:
        """The caller asks for more."""
        self.last = self.lasting

    @contextmanager
    def drained(self) -> Iterator[None]:
        """While it lasts, the run itself reads the rest of the stream."""
        self.end, self.draining = None, True
        try:
            yield
        finally:
            self.draining = False


class BaseRunner(Acts):
    """A run of the tool loop, without the ways in which its effects are performed."""

    def __init__(self, session: Session, resources: Resources) -> None:
        super().__init__(session, Given(resources.params, resources.tools, resources.output_format))
        self._resources = resources
        self._client = resources.client
        self._handed = HandedOut(last=resources.last, lasting=resources.last)
        self._busy = False
        self._early = False
        self._encoder = Encoder()
        self._loop = Loop(session, refusal)
        self._spans = session.spans = Spans(self._client, run=session.run, chart=session.machine.chart.name)
        weakref.finalize(self, self._spans.end, GeneratorExit()).atexit = False  # a run may be dropped

    def __repr__(self) -> str:
        stop = "" if self.stop is None else f", stop={self.stop!r}"
        return clipped(f"{type(self).__name__}(run={self.run!r}, state={self._session.snapshot.state!r}{stop})")

    def _request(self, order: SendRequest) -> dict[str, Any]:
        held = order.thread is not None and order.thread.get("type") == "continue"
        with self._session.alone():
            return request_arguments(
                order,
                self._resources.options,
                tools=self._given.tools.to_send if held or order.tools is self._given.tools.sent else order.tools,
                output_format=self._given.output_format,
                threads=self._session.context.thread.mode != "off",
            )

    def _sending(self, order: SendRequest) -> tuple[Any, dict[str, Any]]:
        """The client to send `order` by, and what its ``create`` is given."""
        request = self._request(order)
        if self._given.output_format is not None or self._spans.are_kept:
            return self._client, request
        client, messages = shortened(self._client), None
        if client is not self._client and isinstance(order.messages, History):
            messages = as_given(order.messages) if order.stream else self._encoder.encoded(order.messages)
        if order.stream:  # its response is not read here
            client = self._client
        return client, request if messages is None else {**request, "messages": messages}

    def _response(self) -> Json | None:
        """The tool response; None for a stream that was closed before its end, whose calls are not known."""
        if self._handed.unread and self._session.final:
            return None
        return self._given.response(self._session.context)

    def _hand_out(self, message: Any, data: Json) -> None:
        """Hand a message to the caller.  A compaction without a summary is `last` only until the run goes on."""
        self._given.warned.clear()
        self._given.remember(data)
        self._handed.message(message, lasts=self._session.context.compaction.config is None or has_summary(data))

    def _read(self, response: Any) -> ReplyReading:
        """Return a reply, read and checked.

        Raises:
            NotJson: it is nested too deep.
            ReplyError: one of its calls could not be answered.
        """
        reply = reading(response, self._given.output_format)
        check_calls(reply.data)
        return reply

    def _replied(self, reply: ReplyReading) -> Step:
        self._hand_out(reply.message, reply.data)
        step = self._session.tell(Replied(message=reply.data))
        if reply.problem is not None:
            raise reply.problem
        return step

    def _check_early(self, call: Json) -> None:
        """Check a call that arrives while its reply streams.

        Raises:
            ReplyError: it could not be answered.
        """
        context = self._session.context
        before = [known.block for known in context.turn.arriving if known.block]
        check_calls({"content": [*before, call]})

    def read_to_end(self, message: Any, data: Json) -> None:
        """The stream was read to its end, by the caller or by the run.  After the end of the run this does nothing."""
        if not self._session.takes(Replied):
            return
        try:
            check_calls(data)
        except ReplyError as error:
            self.broke_off(error)
            raise
        self._hand_out(message, data)
        self._handed.end = self._session.tell(Replied(message=data))

    def _drained(self) -> Step:
        """The step that the end of the drained stream made.  If it made none, the stream is gone."""
        step, self._handed.end = self._handed.end, None
        if step is None:
            return self._stream_is_gone()
        if self._session.context.stand.awaits == "more":
            self._handed.go_on()
        return step

    def broke_off(self, error: BaseException) -> None:
        """Reading the stream failed.  Whoever reads it gets the exception.

        If the run itself was reading and was cancelled, that is not a failure: the run stays where it is."""
        if self._session.takes(Failed) and (isinstance(error, Exception) or not self._handed.draining):
            self._session.tell(failed(error))

    def _stream_is_gone(self) -> Step:
        """Report that the stream is gone: the run was cut off in it, so it cannot be read any further."""
        return self._session.tell(Failed(error="StreamClosed", text="the stream was closed before its end"))

    def _begin_spans(self) -> None:
        if not self._session.final:
            self._spans.begin(self._session.context.settings.params)

    def _work(self, effect: CallTool) -> Work:
        journal = self._session.journal
        private = journal is not None and journal.content == "none"
        return work_of(effect, self._given.tools, self._resources.tool_errors, private=private)

    def _last_message(self) -> Any:
        if self._handed.last is None:
            stop = self.stop
            reason = None if stop is None else stop.reason
            raise RunError(f"the run ended before its first message (reason: {reason}), so there is none", reason)
        return self._handed.last

    def _told_on(self) -> Step:
        """Tell the run of what the caller has edited in place, and to go on."""
        for edit in self._given.edits(self._session.context):
            self._session.tell(edit)
        self._handed.go_on()
        return self._session.tell(Continued())

    def _closed(self) -> bool:
        """Close the run for the caller; return whether it has ended here.  If it is at work, it ends there."""
        return self._loop.close(self._session.act, lambda: self._busy or self._early or self._session.is_stepping)

    def _failed(self, error: BaseException) -> Step:
        """Report a failure.  The caller gets the exception, unless a row handles the failure by another effect."""
        step = self._session.tell(failed(error))
        if step.effects:
            return step
        try:
            raise error
        finally:
            del error  # it holds this frame

    def _warn_unknown(self, effects: Iterable[CallTool]) -> None:
        """Warn the caller, at its own line of code, of each call of a tool that this run does not have.

        A call is warned of once, also where warnings are errors, so the caller can then go on."""
        for effect in effects:
            if effect.kind == "unknown" and effect.id not in self._given.warned:
                self._given.warned.add(effect.id)
                text = unknown_warning(effect.block, self._given.tools, self._session.context)
                if text is not None:
                    log.warning(text)  # Python shows a warning once for each line of code, and a log record each time
                    warnings.warn(text, UserWarning, stacklevel=caller_level())

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._session.alone():
            if self._busy:
                raise RunError(
                    "this runner is at work in another task or tool (one at a time: wait for it, or make two)"
                )
            self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _more(self, step: Step) -> tuple[CallTool, ...]:
        """The tool calls that `step` starts; none after the listener has raised, for the caller gets that first."""
        return () if self._session.has_raised else calls_to_start(step)

    @contextmanager
    def _recorded(self, effect: Effect) -> Iterator[None]:
        """Record an effect before it is performed, and what came of it."""
        self._loop.rested.clear()
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


def caller_level() -> int:
    """Return the `stacklevel` for a warning to point at the first line outside of this package."""
    frame = inspect.currentframe()
    level = 0
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<frozen")):
        frame, level = frame.f_back, level + 1
    return level


def calls_to_start(step: Step) -> tuple[CallTool, ...]:
    """Return the tool calls that `step` starts."""
    return tuple(effect for effect in step.effects if isinstance(effect, CallTool))
