"""A live stream that tells the machine what is read from it, whoever reads it.

The SDK's own stream class does all the work; it is given a proxy of its raw stream.  What passes through the proxy
is watched: that the model has moved on from a tool call, that the reply is complete, that it broke off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol, cast

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
        """Reading failed."""


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

    def see(self, event: Any, block_at: Callable[[int], Any]) -> Json | None:
        """Follow the reply; return the call that `event` shows the model has moved on from, if any."""
        kind = event.type
        if kind == "content_block_stop":
            block = block_at(event.index)
            if block is not None and block.type == "tool_use":
                call = reply_data(block, "the reply")
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


class _Proxy:
    """A raw stream, watched."""

    def __init__(self, raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None) -> None:
        self._raw = raw
        self._reader = reader
        self._watch = watch
        self._format = output_format
        self._complete = self._started = False
        self._moved_on_from: Json | None = None
        self.message: Callable[[], ParsedBetaMessage[Any]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def _block_at(self, index: int) -> Any:
        content = self.message().content
        return content[index] if index < len(content) else None

    def _see(self, event: BetaRawMessageStreamEvent) -> None:
        self._moved_on_from = self._watch.see(event, self._block_at) if self._started else None
        if self._format is not None and self._started and event.type == "content_block_stop":
            self._parse(self._block_at(event.index))
        self._started = self._started or event.type == "message_start"
        self._complete = self._complete or event.type == "message_stop"

    def _check_complete(self) -> None:
        if not self._complete:
            raise StreamTruncated(
                "the stream ended before 'message_stop': the reply is not complete (iterate the runner to ask again)"
            )

    def _parse(self, block: Any) -> None:
        """The view of a text block, as long as it may be the reply's last word.  It never fails the stream."""
        if block is not None and block.type == "text":
            block.parsed_output = parsed_text(block.text, self._format)

    def _whole(self) -> Json:
        """The reply as plain data."""
        self._check_complete()
        message = self.message()
        if self._format is not None and not is_final(message):
            for block in message.content:
                if block.type == "text":
                    block.parsed_output = None
        return message_data(message)

    def _ended(self, data: Json) -> None:
        message = self.message()
        self._reader.read_to_end(message, data)
        problem = unparsed(message, self._format)
        if problem is not None:
            raise problem


class _AsyncProxy(_Proxy):
    async def close(self) -> None:
        await self._raw.close()

    async def __aiter__(self) -> AsyncIterator[BetaRawMessageStreamEvent]:
        try:
            async for event in self._raw:
                if self._moved_on_from is not None:
                    await self._reader.moved_on(self._moved_on_from)
                self._see(event)
                yield event
            data = self._whole()
        except Exception as error:
            self._reader.broke_off(error)
            raise
        self._ended(data)


class _SyncProxy(_Proxy):
    def close(self) -> None:
        self._raw.close()

    def __iter__(self) -> Iterator[BetaRawMessageStreamEvent]:
        try:
            for event in self._raw:
                if self._moved_on_from is not None:
                    self._reader.moved_on(self._moved_on_from)
                self._see(event)
                yield event
            data = self._whole()
        except Exception as error:
            self._reader.broke_off(error)
            raise
        self._ended(data)


def watched_async(
    raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None
) -> BetaAsyncMessageStream[Any]:
    """Return `raw` as the SDK's async message stream, which tells `reader` what is read from it."""
    proxy = _AsyncProxy(raw, reader, watch, output_format)
    stream = BetaAsyncMessageStream[Any](cast(Any, proxy), output_format=not_given)  # the proxy parses
    proxy.message = lambda: stream.current_message_snapshot
    return stream


def watched(raw: Any, reader: Reader, watch: CallWatch, output_format: OutputFormat | None) -> BetaMessageStream[Any]:
    """Return `raw` as the SDK's message stream, which tells `reader` what is read from it."""
    proxy = _SyncProxy(raw, reader, watch, output_format)
    stream = BetaMessageStream[Any](cast(Any, proxy), output_format=not_given)  # the proxy parses
    proxy.message = lambda: stream.current_message_snapshot
    return stream
