"""The sync driver: the async driver's twin, for the sync client.

It has the same names without await, and reports the same events in the same order.  The tools of one turn run
concurrently in threads.  A single tool, and every tool when `max_concurrent_tools` is 1, runs in the caller's thread.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never, cast

from fsm_runner.adapters.anthropic.plain import message_data
from fsm_runner.adapters.anthropic.requests import FormatT, check_summary, summary_arguments
from fsm_runner.adapters.anthropic.streams import CallWatch, SyncLent, lend
from fsm_runner.drivers.base import BaseRunner, Resources, calls_to_start
from fsm_runner.drivers.cancellation import is_of_the_process
from fsm_runner.drivers.loop import Flow
from fsm_runner.drivers.session import RunView, Session, reported
from fsm_runner.loop.effects import CallTool, DrainStream, Effect, LendStream, Perform, SendRequest, Summarise
from fsm_runner.loop.events import Json, MovedOn, Opened, Summarised, ToolFinished
from fsm_runner.loop.tool_loop import Step

if TYPE_CHECKING:
    from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

ItemT = TypeVar("ItemT")
T = TypeVar("T")


class Runner(BaseRunner, Generic[ItemT, FormatT]):
    """A run of Claude's tool loop on a sync client.  Made by `fsm_runner.tool_runner`.

    Iterate it for the assistant's messages, or for their streams.  One thread at a time.
    """

    def __init__(self, session: Session, resources: Resources) -> None:
        super().__init__(session, resources)
        self._running: dict[Future[Json], CallTool] = {}

    def __iter__(self) -> Iterator[ItemT]:
        while True:
            try:
                item = self.__next__()
            except StopIteration:
                return
            yield item

    def __next__(self) -> ItemT:
        """Return the next message, or its stream.

        Raises:
            StopIteration: the run has ended; `stop` says why.
            RunError: another thread is iterating this runner.
        """
        if self._busy and self._session.context.stand.closed:
            raise StopIteration
        with self._working():
            self._begin_spans()
            try:
                with self._spans.current():
                    has_more = self._driven(self._loop.next_item(self._told_on)) is not None
            except BaseException as error:
                self._leave(error)
                raise
            if not has_more:
                self._leave(None)
                raise StopIteration
            return cast(ItemT, self._handed.item)

    def until_done(self) -> ParsedBetaMessage[FormatT]:
        """Run to the end and return the last message.

        Raises:
            RunError: there is no message, because the run ended before the first one.
        """
        for _ in self:
            pass
        return cast("ParsedBetaMessage[FormatT]", self._last_message())

    def generate_tool_call_response(self) -> Json | None:
        """Run the tools that the last message calls, and return the user message that answers them.

        None when it calls none.  The response is kept: asking again does not run the tools again, unless messages were
        appended in between.  A stream is first read to its end.  After the end of the run, calls without a result can
        still be run in this way; the run does not go on, and its journal has no record of them.
        """
        with self._working(), self._session.reopened():
            self._driven(self._loop.answer())
            return self._response()

    def close(self) -> None:
        """End the run before its next request.  Closing a run that has ended has no effect."""
        if self._closed():
            self._leave(None)
        self._session.check()

    def _driven(self, flow: Flow[T]) -> T:
        """Perform what `flow` asks for, and return what it returns."""
        step: Step | None = None
        while True:
            try:
                effects = next(flow) if step is None else flow.send(step)
            except StopIteration as end:
                return cast(T, end.value)
            step = self._perform(effects)

    def _leave(self, error: BaseException | None) -> None:
        """Clean up after `error`, or at the end of the run.  A stream that is still to be handed out stays open."""
        self._loop.handed = False
        self._encoder.clear()
        try:
            with self._spans.current():
                if self._loop.due is None:
                    self._close_stream(readable=error is None)
            self._session.leave()
        finally:
            self._spans.end(error)

    def _perform(self, effects: tuple[Effect, ...]) -> Step:
        effect = effects[0]
        match effect:
            case SendRequest():
                return self._send(effect)
            case CallTool() if effect.early:  # it was cut off together with the stream that it ran in
                return self._stream_is_gone()
            case CallTool():
                return self._call_tools(cast("tuple[CallTool, ...]", effects))
            case Summarise():
                return self._summarise(effect)
            case LendStream():
                return self._stream_is_gone()
            case DrainStream():
                return self._drain()
            case Perform():
                return self._perform_own(effect)
            case _:
                assert_never(effect)

    def _send(self, order: SendRequest) -> Step:
        self._close_stream()
        try:
            with self._recorded(order):
                client, request = self._sending(order)
                response = client.beta.messages.create(**request)
                reply = None if order.stream else self._read(response)
        except BaseException as error:
            if is_of_the_process(error):
                raise
            return self._failed(error)
        if reply is not None:
            return self._replied(reply)
        self._watch = CallWatch()
        self._handed.streamed(*lend(response, self, self._watch, self._given.output_format))
        return self._session.tell(Opened())

    def _summarise(self, order: Summarise) -> Step:
        try:
            with self._recorded(order):
                message = message_data(self._client.beta.messages.create(**summary_arguments(order)))
                check_summary(message)
        except BaseException as error:
            if is_of_the_process(error):
                raise
            return self._failed(error)
        return self._session.tell(Summarised(message=message))

    def _perform_own(self, effect: Perform) -> Step:
        try:
            with self._recorded(effect):
                event = reported(effect.name, self._resources.effects[effect.name](RunView(self.snapshot)))
        except BaseException as error:
            if is_of_the_process(error):
                raise
            return self._failed(error)
        return self._session.tell(event)

    # ── tools ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call_tools(self, effects: tuple[CallTool, ...]) -> Step:
        """Run calls concurrently until none is left.  The end of a call may start the next one of its toolset."""
        self._warn_unknown(effects)
        most = self._resources.max_concurrent_tools or len(effects)
        if (len(effects) == 1 or most == 1) and not self._running:
            return self._call_in_turn(effects)
        pool = ThreadPoolExecutor(max_workers=min(most, len(effects)), thread_name_prefix="fsm_runner-tool")
        try:
            return self._call_in(pool, effects)
        finally:
            pool.shutdown(wait=not self._running)

    def _call_in_turn(self, effects: tuple[CallTool, ...]) -> Step:
        waiting = list(effects)
        while True:
            step = self._call_tool(waiting.pop(0))
            waiting += self._more(step)
            if not waiting or self._session.has_raised:
                return step

    def _call_tool(self, effect: CallTool) -> Step:
        with self._recorded(effect):
            answer = self._answer(effect)
        return self._session.tell(ToolFinished(id=effect.id, result=answer))

    def _call_in(self, pool: ThreadPoolExecutor, effects: tuple[CallTool, ...]) -> Step:
        """Run calls in threads, and report their results in this thread.

        After an interrupt, the exception is raised once the calls that had begun have ended.  After a second one it is
        raised at once, and the results of calls in flight are reported when the run goes on."""
        step = self._session.resume()
        first: BaseException | None = None
        try:
            self._start(pool, effects)
            while self._running:
                try:
                    done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                    for future in done:
                        step = self._collected(future)
                        self._start(pool, self._more(step))
                    if self._session.has_raised:
                        self._hold_back()
                except BaseException as error:
                    if first is not None and not isinstance(error, Exception):
                        raise
                    first = first or error
                    self._hold_back()
            if first is not None:
                raise first
            return step
        finally:
            first = None  # it holds this frame

    def _start(self, pool: ThreadPoolExecutor, effects: Iterable[CallTool]) -> None:
        """Start calls, except those that are still in flight since an interrupt."""
        in_flight = {effect.id for effect in self._running.values()}
        for effect in effects:
            if effect.id not in in_flight:
                self._session.scheduled(effect)
                self._running[pool.submit(contextvars.copy_context().run, self._answer, effect)] = effect

    def _collected(self, future: Future[Json]) -> Step:
        """Report the result of a call; not twice, if an interrupt came while it was being reported."""
        effect, turn = self._running[future], self._session.context.turn
        if not any(call.id == effect.id and call.status == "running" for call in (*turn.arriving, *turn.calls)):
            del self._running[future]
            return self._session.resume()
        try:
            answer = future.result()
        except BaseException:
            del self._running[future]
            self._session.cancelled(effect.id)
            raise
        try:
            self._session.completed(effect.id)
            step = self._session.tell(ToolFinished(id=effect.id, result=answer))
        except Exception:
            del self._running[future]
            raise
        del self._running[future]
        return step

    def _hold_back(self) -> None:
        """Cancel the calls that have not begun."""
        for future, effect in tuple(self._running.items()):
            if future.cancel():
                del self._running[future]
                self._session.cancelled(effect.id)

    def _answer(self, effect: CallTool) -> Json:
        work = self._work(effect)
        if work.call is None:
            return work.settled
        with self._spans.tool(work.tool, effect.block) as call:
            try:
                call.result = answer = work.done(work.call())
            except BaseException as error:
                if is_of_the_process(error):
                    raise
                call.result = answer = work.failed(error)
            return answer

    # ── streams: their reader calls these ────────────────────────────────────────────────────────────────────────────

    def moved_on(self, call: Json) -> None:
        """A call is complete while its reply streams; the machine says whether it runs now."""
        if not self._session.takes(MovedOn):
            return  # the run has ended; the caller may still read the stream
        self._check_early(call)
        self._early = True
        try:
            with self._spans.current():
                step = self._session.tell(MovedOn(call=call))
                while calls_to_start(step):
                    self._session.check()
                    step = self._call_tools(calls_to_start(step))
        finally:
            self._early = False

    def _drain(self) -> Step:
        if self._handed.stream is None:
            return self._stream_is_gone()
        with self._handed.drained():
            try:
                self._handed.stream.until_done()
            except BaseException:
                self._close_stream()
                raise
        return self._drained()

    def _close_stream(self, *, readable: bool = False) -> None:
        stream, self._handed.stream = cast("SyncLent | None", self._handed.stream), None
        if stream is not None:
            stream.leave(readable=readable)
