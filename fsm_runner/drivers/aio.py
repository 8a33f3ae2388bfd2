"""The async driver: performs the effects of a run and reports what came of them.

`AsyncRunner._driven` is its loop: it takes effects from the flow of `drivers.loop`, performs them, and sends back the
step.  The chart decides what to do when a reply arrives, a tool fails or a limit is reached; this module only knows how
each effect is performed.

A cancellation is not an event.  The run stays where it is, its effects are recorded as cancelled, and iterating again
goes on from there.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never, cast

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from fsm_runner.adapters.anthropic.plain import message_data
from fsm_runner.adapters.anthropic.requests import FormatT, check_summary, summary_arguments
from fsm_runner.adapters.anthropic.streams import AsyncLent, CallWatch, lend_async
from fsm_runner.adapters.opentelemetry import Spans
from fsm_runner.drivers.base import BaseRunner, Resources, calls_to_start
from fsm_runner.drivers.cancellation import Cancels
from fsm_runner.drivers.loop import Flow
from fsm_runner.drivers.session import RunView, Session, reported
from fsm_runner.loop.effects import (
    CallTool,
    DrainStream,
    Effect,
    LendStream,
    Perform,
    SendRequest,
    Summarise,
)
from fsm_runner.loop.events import (
    Json,
    MovedOn,
    Opened,
    Summarised,
    ToolFinished,
)
from fsm_runner.loop.tool_loop import Step

if TYPE_CHECKING:
    from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

ItemT = TypeVar("ItemT")
T = TypeVar("T")


class _Items(Generic[ItemT]):
    """An ``async for`` over a run.  Leaving or closing it ends only this loop: another one can go on with the run.

    It is not an async generator, since event loops close those, and trio's warns."""

    def __init__(self, following: Callable[[], Awaitable[ItemT]]) -> None:
        """Loop over what `following` returns until it raises StopAsyncIteration."""
        self._following: Callable[[], Awaitable[ItemT]] | None = following

    def __aiter__(self) -> _Items[ItemT]:
        return self

    async def __anext__(self) -> ItemT:
        if self._following is None:
            raise StopAsyncIteration
        return await self._following()

    async def aclose(self) -> None:
        """End the loop."""
        self._following = None


class AsyncRunner(BaseRunner, Generic[ItemT, FormatT]):
    """A run of Claude's tool loop on an async client.  Made by `fsm_runner.tool_runner`.

    Iterate it for the assistant's messages, or for their streams.  One task at a time.
    """

    def __init__(self, session: Session, resources: Resources) -> None:
        super().__init__(session, resources)
        self._cancels: Cancels | None = None
        self._called: Step | None = None
        self._span_end: AsyncGenerator[None, None] | None = None

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return _Items(self.__anext__)

    async def __anext__(self) -> ItemT:
        """Return the next message, or its stream.

        Raises:
            StopAsyncIteration: the run has ended; `stop` says why.
            RunError: another task is iterating this runner.
        """
        if self._busy and self._session.context.stand.closed:
            raise StopAsyncIteration
        with self._working():
            await self._begin_spans_in_loop()
            try:
                with self._spans.current():
                    await self._watch_cancels()
                    has_more = await self._driven(self._loop.next_item(self._told_on)) is not None
            except BaseException as error:
                await self._leave(error)
                raise
            if not has_more:
                await self._leave(None)
                raise StopAsyncIteration
            return cast(ItemT, self._handed.item)

    async def until_done(self) -> ParsedBetaMessage[FormatT]:
        """Run to the end and return the last message.

        Raises:
            RunError: there is no message, because the run ended before the first one.
        """
        async for _ in self:
            pass
        return cast("ParsedBetaMessage[FormatT]", self._last_message())

    async def generate_tool_call_response(self) -> Json | None:
        """Run the tools that the last message calls, and return the user message that answers them.

        None when it calls none.  The response is kept: asking again does not run the tools again, unless messages were
        appended in between.  A stream is first read to its end.  After the end of the run, calls without a result can
        still be run in this way; the run does not go on, and its journal has no record of them.
        """
        with self._working(), self._session.reopened():
            await self._watch_cancels()
            await self._driven(self._loop.answer())
            return self._response()

    async def close(self) -> None:
        """End the run before its next request.  Closing a run that has ended has no effect."""
        if self._closed():
            await self._leave(None)
        self._session.check()

    async def _watch_cancels(self) -> None:
        """From now on, a cancellation of this task cancels the run.  One that was requested before is raised here."""
        self._cancels = Cancels()
        if self._cancels.before:
            await anyio.lowlevel.checkpoint()

    async def _driven(self, flow: Flow[T]) -> T:
        """Perform what `flow` asks for, and return what it returns."""
        step: Step | None = None
        while True:
            try:
                effects = next(flow) if step is None else flow.send(step)
            except StopIteration as end:
                return cast(T, end.value)
            step = await self._perform(effects)

    async def _leave(self, error: BaseException | None) -> None:
        """Clean up after `error`, or at the end of the run.  A stream that is still to be handed out stays open."""
        self._loop.handed = False
        self._encoder.clear()
        try:
            with self._spans.current():
                if self._loop.due is None and not isinstance(
                    error, GeneratorExit
                ):  # the task is gone, so nothing can be awaited
                    await self._close_stream(readable=error is None)
            self._session.leave()
        finally:
            self._spans.end(error)
            ending, self._span_end = self._span_end, None
            if ending is not None:
                with suppress(Exception):  # of an event loop that is gone
                    await ending.aclose()

    async def _begin_spans_in_loop(self) -> None:
        """Begin the run's span; it ends at the latest when the event loop closes."""
        was_open = self._spans.is_open
        self._begin_spans()
        if self._spans.is_open and not was_open and _in_asyncio():
            self._span_end = _ended_with_the_loop(self._spans)
            await anext(self._span_end)

    async def _perform(self, effects: tuple[Effect, ...]) -> Step:
        effect = effects[0]
        match effect:
            case SendRequest():
                return await self._send(effect)
            case CallTool() if effect.early:  # it was cut off together with the stream that it ran in
                return self._stream_is_gone()
            case CallTool():
                return await self._call_tools(cast("tuple[CallTool, ...]", effects))
            case Summarise():
                return await self._summarise(effect)
            case LendStream():
                return self._stream_is_gone()
            case DrainStream():
                return await self._drain()
            case Perform():
                return await self._perform_own(effect)
            case _:
                assert_never(effect)

    async def _send(self, order: SendRequest) -> Step:
        await self._close_stream()
        try:
            with self._recorded(order):
                client, request = self._sending(order)
                response = await client.beta.messages.create(**request)
                reply = None if order.stream else self._read(response)
        except BaseException as error:
            if not self._is_own(error):
                raise
            return self._failed(error)
        if reply is not None:
            return self._replied(reply)
        self._watch = CallWatch()
        self._handed.streamed(*await lend_async(response, self, self._watch, self._given.output_format))
        return self._session.tell(Opened())

    async def _summarise(self, order: Summarise) -> Step:
        try:
            with self._recorded(order):
                message = message_data(await self._client.beta.messages.create(**summary_arguments(order)))
                check_summary(message)
        except BaseException as error:
            if not self._is_own(error):
                raise
            return self._failed(error)
        return self._session.tell(Summarised(message=message))

    async def _perform_own(self, effect: Perform) -> Step:
        try:
            with self._recorded(effect):
                outcome = self._resources.effects[effect.name](RunView(self.snapshot))
                event = reported(effect.name, await outcome if inspect.isawaitable(outcome) else outcome)
        except BaseException as error:
            if not self._is_own(error):
                raise
            return self._failed(error)
        return self._session.tell(event)

    # ── tools ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _call_tools(self, effects: tuple[CallTool, ...]) -> Step:
        """Run calls concurrently until none is left.  The end of a call may start the next one of its toolset."""
        self._warn_unknown(effects)
        most = self._resources.max_concurrent_tools or len(effects)
        if len(effects) == 1 or most == 1:
            return await self._call_in_turn(effects)
        self._called = None
        cut_off: list[CallTool] = []
        slots = anyio.CapacityLimiter(most)
        try:
            async with anyio.create_task_group() as group:
                for effect in effects:
                    group.start_soon(self._call_beside, effect, group, slots, cut_off)
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        for effect in cut_off:  # only the task of that call was cancelled, not the run
            self._called = self._told(effect, self._work(effect).failed(asyncio.CancelledError()))
        return self._session.resume() if self._called is None else self._called

    async def _call_beside(
        self, effect: CallTool, group: TaskGroup, slots: anyio.CapacityLimiter, cut_off: list[CallTool]
    ) -> None:
        """Run one of the concurrent calls.  In the end, `_called` is the step that the last of them made."""
        async with slots:
            if self._session.has_raised:
                return
            try:
                step = self._called = await self._call_tool(effect, Cancels())
            except anyio.get_cancelled_exc_class():
                cut_off.append(effect)
                raise
        for more in self._more(step):
            group.start_soon(self._call_beside, more, group, slots, cut_off)

    async def _call_in_turn(self, effects: tuple[CallTool, ...]) -> Step:
        waiting = list(effects)
        while True:
            step = await self._call_tool(waiting.pop(0), self._cancels or Cancels())
            waiting += self._more(step)
            if not waiting or self._session.has_raised:
                return step

    async def _call_tool(self, effect: CallTool, cancels: Cancels) -> Step:
        with self._recorded(effect):
            answer = await self._answer(effect, cancels)
        return self._told(effect, answer)

    def _told(self, effect: CallTool, answer: Json) -> Step:
        return self._session.tell(ToolFinished(id=effect.id, result=answer))

    async def _answer(self, effect: CallTool, cancels: Cancels) -> Json:
        work = self._work(effect)
        if work.call is None:
            return work.settled
        with self._spans.tool(work.tool, effect.block) as call:
            try:
                call.result = answer = work.done(await work.call())
            except BaseException as error:
                if not cancels.is_own(error):
                    raise
                call.result = answer = work.failed(error)
            return answer

    def _is_own(self, error: BaseException) -> bool:
        return isinstance(error, Exception) or (self._cancels is not None and self._cancels.is_own(error))

    # ── streams: their reader calls these ────────────────────────────────────────────────────────────────────────────

    async def moved_on(self, call: Json) -> None:
        """A call is complete while its reply streams; the machine says whether it runs now."""
        if not self._session.takes(MovedOn):
            return  # the run has ended; the caller may still read the stream
        self._check_early(call)
        self._early = True
        if not self._handed.draining:
            self._cancels = Cancels()
        try:
            with self._spans.current():
                step = self._session.tell(MovedOn(call=call))
                while calls_to_start(step):
                    self._session.check()
                    step = await self._call_tools(calls_to_start(step))
        finally:
            self._early = False

    async def _drain(self) -> Step:
        if self._handed.stream is None:
            return self._stream_is_gone()
        with self._handed.drained():
            try:
                await self._handed.stream.until_done()
            except GeneratorExit:
                raise
            except BaseException:
                await self._close_stream()
                raise
        return self._drained()

    async def _close_stream(self, *, readable: bool = False) -> None:
        stream, self._handed.stream = cast("AsyncLent | None", self._handed.stream), None
        if stream is not None:
            with anyio.CancelScope(shield=True):
                await stream.leave(readable=readable)


def _in_asyncio() -> bool:
    """Whether the event loop is asyncio's, which closes generators: those that are dropped, and all at its end."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _ended_with_the_loop(spans: Spans) -> AsyncGenerator[None, None]:
    """End the run's span when this is closed, as asyncio closes each generator that is open at its end."""
    try:
        yield
    finally:
        spans.end(GeneratorExit())


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that made the group, as it would have come from one tool alone."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
