"""Live streams: whoever reads one, the machine is told what was read.

The caller gets the SDK's own stream, which does all the work.  Its raw stream is a `Lent`, which watches the events
that pass and reports to a `Reader`:

- the model has moved on from a tool call, so the tool may run;
- the reply is complete;
- or reading failed.  That includes a call whose input is not JSON, on which the SDK's stream fails.

A stream reports one of the last two, once, unless the run has left it.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

import anyio
import httpx2
import jiter
from anthropic import not_given
from anthropic.lib.streaming import BetaAsyncMessageStream, BetaMessageStream
from anthropic.types.beta import BetaRawMessageStreamEvent

from fsm_runner.adapters.anthropic.plain import message_data, reply_data
from fsm_runner.adapters.anthropic.requests import OutputFormat, is_final, parsed_text, unparsed
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.events import Json

StreamT = TypeVar("StreamT")


class StreamTruncated(RunError):
    """The stream ended before the reply was complete; what arrived is discarded."""


class Reader(Protocol):
    """Receives the reports of a stream."""

    def moved_on(self, call: Json) -> Any:
        """The model has moved on from `call`, and the reader has asked for what comes next.  Async readers await it."""

    def read_to_end(self, message: Any, data: Json) -> None:
        """The stream was read to its end; `message` is the whole reply, and `data` the same as plain data."""

    def broke_off(self, error: BaseException) -> None:
        """Reading failed with `error`."""


class CallWatch:
    """Finds out which tool calls the model has moved on from.

    The end of a call's own block is not proof: a reply that is cut off ends its last block too.  After a fallback block
    nothing is certain, so nothing is reported.

    Source: anthropic 2.12's rule for tools that run while the reply streams."""

    def __init__(self) -> None:
        self.finished: list[Json] = []
        """The tool calls whose blocks are complete, in the model's order."""
        self._closed: Json | None = None
        self._fallback = False
        self._inputs: dict[int, str] = {}
        self.malformed: Exception | None = None
        """Why the SDK's stream will fail on the last event: a call's input is not even the beginning of JSON, or the
        event's block never began."""

    def as_it_came(self, block: dict[str, object], index: int) -> dict[str, object]:
        """Return the call `block` with its input as JSON; as text, if it is not complete JSON.

        The SDK parses what there is of incomplete JSON, and hides that it is incomplete."""
        text = self._inputs.get(index)
        if block.get("type") == "tool_use" and text and not _is_json(text):
            block["input"] = text
        return block

    def _check(self, text: str) -> None:
        try:
            jiter.from_json(text.encode(), partial_mode=True)  # the same call as in the SDK's stream
        except ValueError as error:
            self.malformed = error

    def see(self, event: Any, block_at: Callable[[int], Any]) -> Json | None:
        """Follow the reply.  Return the call that the model has moved on from with `event`, if any."""
        kind = event.type
        if kind in ("content_block_delta", "content_block_stop") and block_at(event.index) is None:
            self.malformed = IndexError(f"the stream has no content block {event.index}")
            return None
        if kind == "content_block_delta" and event.delta.type == "input_json_delta":
            text = self._inputs[event.index] = self._inputs.get(event.index, "") + event.delta.partial_json
            if text:
                self._check(text)
            return None
        if kind == "content_block_stop":
            block = block_at(event.index)
            if block is not None and block.type == "tool_use":
                call = self.as_it_came(reply_data(block, "the reply"), event.index)
                self.finished.append(call)
                self._closed = None if self._fallback else call
            return None
        if kind == "content_block_start" and event.content_block.type == "fallback":
            self._fallback, self._closed = True, None
            return None
        if kind == "content_block_start" or (kind == "message_delta" and event.delta.stop_reason == "tool_use"):
            moved_on_from, self._closed = self._closed, None
            return moved_on_from
        return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class Lent:
    """The raw stream inside one of the SDK's streams, watched.  By it the run keeps hold of the stream it lent out.

    Attributes:
        raw: the raw stream.
    """

    def __init__(self, raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None) -> None:
        self.raw = raw
        self._reader: Reader | None = reader
        self._watch = watch
        self._format = output_format
        self._complete = self._started = self._read = self._has_failed = self._is_left = False
        self._moved_on_from: Json | None = None
        self._stream: Callable[[], Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def lend(self, stream: StreamT) -> StreamT:
        """Become the raw stream of `stream`, and return it.  Dropping `stream` closes the response."""
        self._stream = weakref.ref(stream)
        return stream

    def _block_at(self, index: int) -> Any:
        content = self._stream().current_message_snapshot.content
        return content[index] if index < len(content) else None

    def _see(self, event: BetaRawMessageStreamEvent) -> None:
        """Watch `event` before the SDK's stream gets it, which may fail on it."""
        self._moved_on_from = self._watch.see(event, self._block_at) if self._started else None
        if self._format is not None and self._started and event.type == "content_block_stop":
            self._parse(self._block_at(event.index))
        self._started = self._started or event.type == "message_start"
        self._complete = self._complete or event.type == "message_stop"
        if self._watch.malformed is not None:
            self._broke(self._watch.malformed)

    def _parse(self, block: Any) -> None:
        """Parse a text block that may be the reply's last.  A failure here never fails the stream."""
        if block is not None and block.type == "text":
            block.parsed_output = parsed_text(block.text, self._format)

    def _ended(self) -> None:
        """The raw stream has ended, and so has the reply.

        Raises:
            StreamTruncated: the reply is not complete.
            OutputFormatError: the reply does not fit the output format.
        """
        if not self._complete:
            raise StreamTruncated(_INCOMPLETE)
        self._read = True
        reader, self._reader = self._reader, None
        if reader is not None:
            message = self._stream().current_message_snapshot
            if self._format is not None and not is_final(message):
                for block in message.content:
                    if block.type == "text":
                        block.parsed_output = None
            data = message_data(message)
            content = data.get("content")
            for index, block in enumerate(content if isinstance(content, list) else ()):
                self._watch.as_it_came(block, index)
            reader.read_to_end(message, data)
            problem = unparsed(message, self._format)
            if problem is not None:
                raise problem

    def _broke(self, error: BaseException) -> None:
        """The stream failed with `error` and cannot be read any further."""
        self._has_failed = True
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.broke_off(error)


_INCOMPLETE = "the stream ended before 'message_stop': the reply is not complete (iterate the runner to ask again)"


class AsyncLent(Lent):
    """The raw stream inside one of the SDK's async streams."""

    async def begin(self) -> None:
        """Arrange that the response is closed when the stream is dropped, or its event loop ends."""
        self._closing = _closing_async(self.raw)
        await anext(self._closing)

    async def close(self) -> None:
        """Close the response."""
        await self.raw.close()

    def __aiter__(self) -> AsyncIterator[BetaRawMessageStreamEvent]:
        return self

    async def __anext__(self) -> BetaRawMessageStreamEvent:
        if self._is_left:
            raise httpx2.StreamClosed
        try:
            event: BetaRawMessageStreamEvent = await anext(self.raw)
            if self._moved_on_from is not None and self._reader is not None:
                await self._reader.moved_on(self._moved_on_from)
            self._see(event)
            return event
        except StopAsyncIteration:
            await self._end()
            raise
        except GeneratorExit:  # nobody waits for the next event
            raise
        except BaseException as error:
            self._broke(error)
            raise

    async def _end(self) -> None:
        try:
            self._ended()
        except BaseException as error:
            self._broke(error)
            raise
        finally:
            await self._closing.aclose()

    async def until_done(self) -> None:
        """Read the stream to its end."""
        await self._stream().until_done()

    async def leave(self, *, readable: bool = False) -> None:
        """Close the response: the run is done with the stream, and gets no more reports.

        Args:
            readable: whether somebody may still read the stream; they then learn that it is closed.  Otherwise
                generators that wait for more events are ended here.
        """
        self._reader, self._is_left = None, True
        with suppress(Exception):  # the event loop may be gone, or somebody else may be reading
            await self._closing.aclose()
        if self._read or (readable and not self._has_failed):
            return
        stream = self._stream()
        with suppress(Exception):
            while stream is not None:
                await anext(stream)
        with anyio.CancelScope() as scope, suppress(Exception):
            scope.cancel()  # buffered events can still be read; anything that waits is cut off
            while True:
                await anext(self.raw)


class SyncLent(Lent):
    """The raw stream inside one of the SDK's sync streams."""

    def begin(self) -> None:
        """Arrange that the response is closed when the stream is dropped."""
        self._closing = _closing(self.raw)
        next(self._closing)

    def close(self) -> None:
        """Close the response."""
        self.raw.close()

    def __iter__(self) -> Iterator[BetaRawMessageStreamEvent]:
        return self

    def __next__(self) -> BetaRawMessageStreamEvent:
        if self._is_left:
            raise httpx2.StreamClosed
        try:
            event: BetaRawMessageStreamEvent = next(self.raw)
            if self._moved_on_from is not None and self._reader is not None:
                self._reader.moved_on(self._moved_on_from)
            self._see(event)
            return event
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._broke(error)
            raise

    def _end(self) -> None:
        try:
            self._ended()
        except BaseException as error:
            self._broke(error)
            raise

    def until_done(self) -> None:
        """Read the stream to its end."""
        self._stream().until_done()

    def leave(self, *, readable: bool = False) -> None:
        """Close the response: the run is done with the stream, and gets no more reports.  For `readable` see
        `AsyncLent.leave`."""
        self._reader, self._is_left = None, True
        with suppress(Exception):
            self._closing.close()
        stream = self._stream()
        with suppress(Exception):
            while not (self._read or readable or self._has_failed or stream is None):
                next(stream)


async def _closing_async(raw: Any) -> AsyncGenerator[None, None]:
    """Close `raw` when this generator is closed: by the run, or by the event loop if the stream was dropped."""
    try:
        yield
    finally:
        await raw.close()


def _closing(raw: Any) -> Generator[None, None, None]:
    try:
        yield
    finally:
        raw.close()


async def lend_async(
    raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None
) -> tuple[BetaAsyncMessageStream[Any], AsyncLent]:
    """Return `raw` as the SDK's async message stream, and the `AsyncLent` that reports to `reader`."""
    lent = AsyncLent(raw, reader, watch, output_format)
    await lent.begin()
    return lent.lend(BetaAsyncMessageStream[Any](cast(Any, lent), output_format=not_given)), lent  # `lent` parses


def lend(
    raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None
) -> tuple[BetaMessageStream[Any], SyncLent]:
    """Return `raw` as the SDK's message stream, and the `SyncLent` that reports to `reader`."""
    lent = SyncLent(raw, reader, watch, output_format)
    lent.begin()
    return lent.lend(BetaMessageStream[Any](cast(Any, lent), output_format=not_given)), lent
