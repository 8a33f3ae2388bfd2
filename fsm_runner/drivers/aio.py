"""The async driver: performs the effects of a run and reports what came of them.

The loop is `AsyncRunner._run`: ask the machine for more, perform what it orders, hand out what it outputs.  What to do
when a reply arrives, a tool fails or a limit is reached is the chart's to decide; here is only how each effect is done.

Cancellation is no event.  It leaves the run where it is, its effects on record as cancelled, and iterating again goes
on from there.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never, cast

import anyio

from fsm_runner.adapters.anthropic.plain import message_data
from fsm_runner.adapters.anthropic.requests import FormatT, check_summary, reading, summary_arguments
from fsm_runner.adapters.anthropic.streams import CallWatch, watched_async
from fsm_runner.drivers.base import BaseRunner, Equipment, calls_to_start
from fsm_runner.drivers.session import RunView, Session, reported
from fsm_runner.loop.domain import Step
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
    Closed,
    Json,
    MovedOn,
    Opened,
    Summarised,
    ToolFinished,
)

if TYPE_CHECKING:
    from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

ItemT = TypeVar("ItemT")


class AsyncRunner(BaseRunner, Generic[ItemT, FormatT]):
    """A run of Claude's tool loop on an async client.  Made by `fsm_runner.tool_runner`.

    Iterate it for the assistant's messages, or for their streams.  One task at a time.
    """

    def __init__(self, session: Session, equipment: Equipment) -> None:
        super().__init__(session, equipment)
        self._items: AsyncGenerator[ItemT, None] | None = None
        self._slots = anyio.CapacityLimiter(equipment.max_concurrent_tools or math.inf)

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return self._each()

    async def _each(self) -> AsyncGenerator[ItemT, None]:
        while True:
            try:
                item = await self.__anext__()
            except StopAsyncIteration:
                return
            yield item

    async def __anext__(self) -> ItemT:
        """Return the next message, or its stream.

        Raises:
            StopAsyncIteration: the run has ended; `stop` says why.
            RunError: another task is iterating this runner.
        """
        if self._busy and self._session.context.stand.closed:
            raise StopAsyncIteration
        with self._working():
            if self._items is None:
                self._begin_spans()
                self._items = self._run()
            try:
                with self._spans.current():
                    return await anext(self._items)
            except BaseException:
                self._items = None
                raise

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

        None when it calls none.  The answer is kept: asking again does not run them again, unless messages were
        appended in between.  A stream is read to its end first.
        """
        with self._working():
            step = self._answer_asked()
            while step is not None and step.effects:
                step = await self._perform(step.effects)
            return self._response()

    async def close(self) -> None:
        """End the run before its next request.  Closing a run that has ended has no effect."""
        if self._session.final:
            return
        self._session.tell(Closed())
        if self._busy or self._early:
            return
        items, self._items = self._items, None
        self._end()
        if items is not None:
            await items.aclose()
        self._session.leave()

    async def _run(self) -> AsyncGenerator[ItemT, None]:
        step = self._session.resume()
        with self._spans:
            try:
                if not step.effects and not step.final:
                    step = self._go_on()
                while True:
                    while step.effects and step.output is None:
                        step = await self._perform(step.effects)
                    if step.final:
                        return
                    if step.output is not None:
                        yield cast(ItemT, self._item)
                    else:
                        self._check_rest(step)
                    step = self._go_on()
            finally:
                with self._spans.current():
                    await self._close_stream()
                self._session.leave()

    async def _perform(self, effects: tuple[Effect, ...]) -> Step:
        effect = effects[0]
        match effect:
            case SendRequest():
                return await self._send(effect)
            case CallTool() if effect.early:  # one that was cut off, and the stream that it ran in with it
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
                response = await self._client.beta.messages.create(**self._request(order))
                reply = None if order.stream else reading(response, self._given.output_format)
        except Exception as error:
            return self._failed(error)
        if reply is not None:
            return self._replied(reply)
        self._watch = CallWatch()
        self._stream = self._item = watched_async(response, self, self._watch, self._given.output_format)
        return self._session.tell(Opened())

    async def _summarise(self, order: Summarise) -> Step:
        try:
            with self._recorded(order):
                message = message_data(await self._client.beta.messages.create(**summary_arguments(order)))
                check_summary(message)
        except Exception as error:
            return self._failed(error)
        return self._session.tell(Summarised(message=message))

    async def _perform_own(self, effect: Perform) -> Step:
        try:
            with self._recorded(effect):
                outcome = self._equipment.effects[effect.name](RunView(self.snapshot))
                event = reported(effect.name, await outcome if inspect.isawaitable(outcome) else outcome)
        except Exception as error:
            return self._failed(error)
        return self._session.tell(event)

    # ── tools ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _call_tools(self, effects: tuple[CallTool, ...]) -> Step:
        """Run calls side by side until none is left; a call that ends may start the next one of its toolset."""
        self._warn_unknown(effects)
        if len(effects) == 1 or self._equipment.max_concurrent_tools == 1:
            return await self._call_in_turn(effects)
        last: Step | None = None

        async def run(effect: CallTool) -> None:
            nonlocal last
            async with self._slots:
                last = await self._call_tool(effect)
            for more in calls_to_start(last):
                group.start_soon(run, more)

        try:
            async with anyio.create_task_group() as group:
                for effect in effects:
                    group.start_soon(run, effect)
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        return cast(Step, last)

    async def _call_in_turn(self, effects: tuple[CallTool, ...]) -> Step:
        waiting = list(effects)
        while True:
            step = await self._call_tool(waiting.pop(0))
            waiting += calls_to_start(step)
            if not waiting:
                return step

    async def _call_tool(self, effect: CallTool) -> Step:
        with self._recorded(effect):
            answer = await self._answer(effect)
        return self._session.tell(ToolFinished(id=effect.id, result=answer))

    async def _answer(self, effect: CallTool) -> Json:
        work = self._work(effect)
        if work.call is None:
            return work.settled
        with self._spans.tool(work.tool, effect.block) as call:
            try:
                call.result = answer = work.done(await work.call())
            except Exception as error:
                call.result = answer = work.failed(error)
            return answer

    # ── streams: who reads one tells `self` ────────────────────────────────────────────────────────────────────────

    async def moved_on(self, call: Json) -> None:
        """The model has moved on from `call`; the machine says whether it runs now."""
        self._early = True
        try:
            with self._spans.current():
                step = self._session.tell(MovedOn(call=call))
                while calls_to_start(step):
                    step = await self._call_tools(calls_to_start(step))
        finally:
            self._early = False

    async def _drain(self) -> Step:
        if self._stream is None:
            return self._stream_is_gone()
        try:
            await self._stream.until_done()
        except BaseException:
            await self._close_stream()
            raise
        return self._drained()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with anyio.CancelScope(shield=True):
                await stream.close()


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that made the group, as it would have come from one tool alone."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
