"""What the async and the sync runner share beside the caller's acts: everything but performing effects."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from fsm_runner.adapters.anthropic.calls import ErrorText, Work, unknown_warning, work_of
from fsm_runner.adapters.anthropic.failures import failed, refusal
from fsm_runner.adapters.anthropic.requests import OutputFormat, Reading, RequestOptions, request_arguments
from fsm_runner.adapters.anthropic.tools import ToolBox
from fsm_runner.adapters.opentelemetry import Spans
from fsm_runner.drivers.acts import Acts
from fsm_runner.drivers.given import Given
from fsm_runner.drivers.session import RunView, Session, log
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.domain import Step
from fsm_runner.loop.effects import CallTool, Effect, SendRequest
from fsm_runner.loop.events import AnswerAsked, Continued, Failed, Json, Replied
from fsm_runner.loop.messages import has_summary

OwnEffect: TypeAlias = Callable[[RunView], object]
"""An effect of the user's own: it returns the name of the event that happened, or `Reported`, or an awaitable of
either when the client is async."""

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
        last: the last message that the caller of a run that goes on was handed; None before the first.
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


class BaseRunner(Acts):
    """A run, but for performing its effects."""

    def __init__(self, session: Session, equipment: Equipment) -> None:
        super().__init__(session, Given(equipment.params, equipment.tools, equipment.output_format))
        self._equipment = equipment
        self._client = equipment.client
        self._item: Any = None
        self._last: Any = equipment.last
        self._lasting: Any = equipment.last
        self._stream: Any = None
        self._step: Step | None = None
        self._busy = False
        self._early = False
        self._rested: set[str] = set()
        self._spans = session.spans = Spans(self._client, run=session.run, chart=session.machine.chart.name)

    def _check_rest(self, step: Step) -> None:
        """Refuse to go on from a step after which the run rests without having handed out anything, unless it was cut
        off there, or had a failure that the caller knows of.

        Raises:
            AnthropicError: the caller changed what a server-side thread keeps.
            RunError: the state takes nothing that a driver could tell, or going on only leads back to it.
        """
        stand, stop = step.snapshot.context.stand, step.snapshot.stop
        if stop is not None and stand.failure is not None and stand.failed_effect is None:
            raise refusal(stand.failure.text)
        if not self._session.takes(Continued):
            state = step.snapshot.state
            raise RunError(f"state '{state}' orders nothing and takes no 'continued' (give it an effect, or that row)")
        if step.snapshot.state in self._rested:
            raise RunError(f"state '{step.snapshot.state}': going on leads back to it, and nothing is done on the way")
        self._rested.add(step.snapshot.state)

    def _request(self, order: SendRequest) -> dict[str, Any]:
        held = order.thread is not None and order.thread.get("type") == "continue"
        return request_arguments(
            order,
            self._equipment.options,
            tools=self._given.tools.to_send if held or order.tools is self._given.tools.sent else order.tools,
            output_format=self._given.output_format,
            threads=self._session.context.thread.mode != "off",
        )

    def _response(self) -> Json | None:
        return self._given.response(self._session.context)

    def _hand_out(self, message: Any, data: Json) -> None:
        """Remember what the caller is handed.  A compaction without summary is the last word until the run goes on."""
        self._item = self._last = message
        self._given.remember(data)
        if self._session.context.compaction.config is None or has_summary(data):
            self._lasting = message

    def _replied(self, reply: Reading) -> Step:
        self._hand_out(reply.message, reply.data)
        step = self._session.tell(Replied(message=reply.data))
        if reply.problem is not None:
            raise reply.problem
        return step

    def read_to_end(self, message: Any, data: Json) -> None:
        """The stream is read to its end, whoever read it."""
        self._hand_out(message, data)
        self._step = self._session.tell(Replied(message=data))

    def _drained(self) -> Step:
        """The step that the end of a drained stream made."""
        if self._session.context.stand.awaits == "more":
            self._last = self._lasting
        return cast(Step, self._step)

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
        return work_of(effect, self._given.tools, self._equipment.tool_errors)

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
        for edit in self._given.edits(self._session.context):
            self._session.tell(edit)
        self._last = self._lasting
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
        """Tell the caller, at its own line, of every call to a tool that this run does not have."""
        for effect in effects:
            if effect.kind == "unknown":
                text = unknown_warning(effect.block, self._given.tools, self._session.context)
                if text is not None:
                    warnings.warn(text, UserWarning, stacklevel=caller_level())
                    log.warning(text)  # a warning is shown once for a line; a record, each time

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
        self._rested.clear()
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
    """Return the `stacklevel` with which a warning points at the first line outside of this package."""
    frame = inspect.currentframe()
    level = 0
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<frozen")):
        frame, level = frame.f_back, level + 1
    return level


def calls_to_start(step: Step) -> tuple[CallTool, ...]:
    """Return the tool calls that `step` orders."""
    return tuple(effect for effect in step.effects if isinstance(effect, CallTool))
