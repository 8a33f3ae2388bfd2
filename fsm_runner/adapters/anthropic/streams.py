"""A live stream that tells the machine what is read from it, whoever reads it.

The SDK's own stream class does all the work; it is given a proxy of its raw stream.  What passes through the proxy
is watched: that the model has moved on from a tool call, and that the reply is complete.  What comes out of the SDK's
class is watched, too: whatever else than the reply's end that is, the stream broke off.  Each stream tells one of the
two, once, as long as the run has not left it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar, cast

import anyio
import httpx2
from anthropic import not_given
from anthropic.lib.streaming import BetaAsyncMessageStream, BetaMessageStream
from anthropic.types.beta import BetaRawMessageStreamEvent
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

from fsm_runner.adapters.anthropic.plain import message_data, reply_data
from fsm_runner.adapters.anthropic.requests import OutputFormat, is_final, parsed_text, unparsed
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.events import Json


class StreamTruncated(RunError):
    """The stream ended before the reply was complete; what arrived is no reply."""


class Reader(Protocol):
    """Who is told of a stream."""

    def moved_on(self, call: Json) -> Any:
        """The model has moved on from `call`, and the reader asks for what comes after.  Awaited when async."""

    def read_to_end(self, message: Any, data: Json) -> None:
        """The stream is read to its end; `message` is the whole reply, and `data` the same as plain data."""

    def broke_off(self, error: BaseException) -> None:
        """ReplyReading failed."""


class CallWatch:
    """Which tool call the model has moved on from.

    The end of a call's own block is not enough: a reply that is cut off ends its last block too.  After a fallback
    block nothing is certain any more, so nothing is told.

    Source: anthropic 2.12's rule for tools that run while the reply streams."""

    def __init__(self) -> None:
        self.finished: list[Json] = []
        """The tool calls whose blocks are complete, in the model's order."""
        self._closed: Json | None = None
        self._fallback = False
        self._inputs: dict[int, str] = {}

    def as_it_came(self, block: dict[str, object], index: int) -> dict[str, object]:
        """Return the call `block` with its input; as text, when what came is no whole JSON.

        The SDK reads what there is of a JSON that is cut off, and takes it for the whole."""
        text = self._inputs.get(index)
        if block.get("type") == "tool_use" and text and not _is_json(text):
            block["input"] = text
        return block

    def see(self, event: Any, block_at: Callable[[int], Any]) -> Json | None:
        """Follow the reply; return the call that `event` shows the model has moved on from, if any."""
        kind = event.type
        if kind == "content_block_delta" and event.delta.type == "input_json_delta":
            self._inputs[event.index] = self._inputs.get(event.index, "") + event.delta.partial_json
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


class _Proxy:
    """A raw stream, watched.

    Attributes:
        raw: the raw stream.
        is_left: whether the run left it before its end.
    """

    def __init__(self, raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None) -> None:
        self.raw = raw
        self._reader: Reader | None = reader
        self._watch = watch
        self._format = output_format
        self._complete = self._started = self._read = False
        self._moved_on_from: Json | None = None
        self.is_left = False
        self.message: Callable[[], ParsedBetaMessage[Any]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def _block_at(self, index: int) -> Any:
        content = self.message().content
        return content[index] if index < len(content) else None

    def _see(self, event: BetaRawMessageStreamEvent) -> None:
        self._moved_on_from = self._watch.see(event, self._block_at) if self._started else None
        if self._format is not None and self._started and event.type == "content_block_stop":
            self._parse(self._block_at(event.index))
        self._started = self._started or event.type == "message_start"
        self._complete = self._complete or event.type == "message_stop"

    def _parse(self, block: Any) -> None:
        """The view of a text block, as long as it may be the reply's last word.  It never fails the stream."""
        if block is not None and block.type == "text":
            block.parsed_output = parsed_text(block.text, self._format)

    def _ended(self) -> None:
        """The raw stream has ended, and with it the reply.

        Raises:
            StreamTruncated: the reply is not complete.
            OutputFormatError: it is, and it is not of the output format.
        """
        if not self._complete:
            raise StreamTruncated(_INCOMPLETE)
        self._read = True
        reader, self._reader = self._reader, None
        if reader is not None:
            message = self.message()
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

    def broke(self, error: BaseException) -> None:
        """The stream ends with `error`: it cannot be read on."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.broke_off(error)

    def check_end(self) -> None:
        """Nothing more comes: refuse an end that is not the reply's.

        Raises:
            StreamTruncated: somebody else ended it, as an event loop does that ends.
            httpx2.StreamClosed: it was closed or had broken off before.
        """
        if self._reader is not None:
            error = StreamTruncated(_INCOMPLETE)
            self.broke(error)
            raise error
        if not self._read:
            raise httpx2.StreamClosed

    def leave(self) -> bool:
        """Tell nobody any more; return whether the stream was left before its end."""
        self._reader = None
        self.is_left = not self._read
        return self.is_left


_INCOMPLETE = "the stream ended before 'message_stop': the reply is not complete (iterate the runner to ask again)"


class _AsyncProxy(_Proxy):
    async def close(self) -> None:
        await self.raw.close()

    def __aiter__(self) -> AsyncIterator[BetaRawMessageStreamEvent]:
        return self

    async def __anext__(self) -> BetaRawMessageStreamEvent:
        if self.is_left:
            raise StopAsyncIteration
        try:
            event: BetaRawMessageStreamEvent = await anext(self.raw)
        except StopAsyncIteration:
            self._ended()
            raise
        if self._moved_on_from is not None and self._reader is not None:
            await self._reader.moved_on(self._moved_on_from)
        self._see(event)
        return event


class _SyncProxy(_Proxy):
    def close(self) -> None:
        self.raw.close()

    def __iter__(self) -> Iterator[BetaRawMessageStreamEvent]:
        return self

    def __next__(self) -> BetaRawMessageStreamEvent:
        if self.is_left:
            raise StopIteration
        try:
            event: BetaRawMessageStreamEvent = next(self.raw)
        except StopIteration:
            self._ended()
            raise
        if self._moved_on_from is not None and self._reader is not None:
            self._reader.moved_on(self._moved_on_from)
        self._see(event)
        return event


ItemT = TypeVar("ItemT")


class AsyncItems(Generic[ItemT]):
    """One loop over what another loop can go on with: leaving it, or closing it, ends nothing but the loop.

    No generator, which an event loop would close, and warn of where it is trio's."""

    def __init__(self, following: Callable[[], Awaitable[ItemT]]) -> None:
        """Loop over what `following` returns until it raises StopAsyncIteration."""
        self._following: Callable[[], Awaitable[ItemT]] | None = following

    def __aiter__(self) -> AsyncItems[ItemT]:
        return self

    async def __anext__(self) -> ItemT:
        if self._following is None:
            raise StopAsyncIteration
        return await self._following()

    async def aclose(self) -> None:
        """End the loop."""
        self._following = None


class AsyncWatchedStream(BetaAsyncMessageStream[Any]):
    """The SDK's async message stream, which tells how it ends."""

    def __init__(self, proxy: _AsyncProxy) -> None:
        super().__init__(cast(Any, proxy), output_format=not_given)  # the proxy parses
        self._proxy = proxy
        self._closing = _closing_async(proxy.raw)
        proxy.message = lambda: self.current_message_snapshot

    async def begin(self) -> AsyncWatchedStream:
        """Have the response closed when the stream is dropped, or its event loop ends."""
        await anext(self._closing)
        return self

    async def __anext__(self) -> Any:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self._proxy.check_end()
            await self._closing.aclose()
            raise
        except GeneratorExit:  # nobody waits for what comes
            raise
        except BaseException as error:
            self._proxy.broke(error)
            raise

    def __aiter__(self) -> AsyncIterator[Any]:
        return AsyncItems(self.__anext__)

    async def leave(self) -> None:
        """Close the response, and end what generators are still reading it: the run is done with the stream."""
        is_unread = self._proxy.leave()
        with suppress(Exception):  # of an event loop that is gone, or read by somebody else
            await self._closing.aclose()
        if not is_unread:
            return
        with suppress(Exception):
            while True:
                await super().__anext__()
        with anyio.CancelScope() as scope, suppress(Exception):
            scope.cancel()  # what is buffered can be read; whatever waits is cut off
            while True:
                await anext(self._proxy.raw)


class WatchedStream(BetaMessageStream[Any]):
    """The SDK's message stream, which tells how it ends."""

    def __init__(self, proxy: _SyncProxy) -> None:
        super().__init__(cast(Any, proxy), output_format=not_given)  # the proxy parses
        self._proxy = proxy
        self._closing = _closing(proxy.raw)
        next(self._closing)
        proxy.message = lambda: self.current_message_snapshot

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except StopIteration:
            self._proxy.check_end()
            raise
        except BaseException as error:
            self._proxy.broke(error)
            raise

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                event = self.__next__()
            except StopIteration:
                return
            yield event

    def leave(self) -> None:
        """Close the response, and end the generator that is still reading it: the run is done with the stream."""
        is_unread = self._proxy.leave()
        with suppress(Exception):
            self._closing.close()
        with suppress(Exception):
            while is_unread:
                super().__next__()


async def _closing_async(raw: Any) -> AsyncGenerator[None, None]:
    """Close `raw` when this is closed: by the run, or, when that was dropped, by the event loop."""
    try:
        yield
    finally:
        await raw.close()


def _closing(raw: Any) -> Generator[None, None, None]:
    try:
        yield
    finally:
        raw.close()


async def watched_async(
    raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None
) -> AsyncWatchedStream:
    """Return `raw` as the SDK's async message stream, which tells `reader` what is read from it."""
    return await AsyncWatchedStream(_AsyncProxy(raw, reader, watch, output_format)).begin()


def watched(raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None) -> WatchedStream:
    """Return `raw` as the SDK's message stream, which tells `reader` what is read from it."""
    return WatchedStream(_SyncProxy(raw, reader, watch, output_format))
