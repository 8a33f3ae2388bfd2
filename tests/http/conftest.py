"""A server on a real socket, and callers of both flavours that leave nothing behind.

The `llmock` fixture is the package's own: one server in a thread, on a free port of this machine, and a clean script
for each test.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import psutil
import pytest

import fsm_runner

PATIENCE, SHORT = 600.0, 2.0
"""Seconds that a caller waits for the next byte, or for a free connection: long enough for a loaded machine,
unless the server is told never to answer."""

ASKED: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
}


class Caller:
    """A caller with one connection: a response that is left open would block its next request.

    Attributes:
        looked: the places that the tool was asked for.
        stream: whether replies are streamed.
        patience: seconds that it waits for the next byte.
    """

    def __init__(self, url: str, *, is_async: bool, stream: bool) -> None:
        self.url, self.is_async, self.stream = url, is_async, stream
        self.looked: list[str] = []
        self.patience = PATIENCE

    def run(self, play: Callable[[Any], Awaitable[None]], *, max_retries: int = 0, **arguments: Any) -> None:
        """Have `play` use a runner, then close the client and see that no task, thread or socket is left."""

        async def whole() -> None:
            with nothing_left(self.url):
                client = self.client(max_retries)
                given = {**ASKED, "tools": [self.tool()], "stream": self.stream, **arguments}
                await play(fsm_runner.tool_runner(client, **given))
                await settled(client.close())

        asyncio.run(asyncio.wait_for(whole(), PATIENCE))

    def client(self, max_retries: int) -> Any:
        """Return a client of one connection."""
        options = {
            "limits": httpx2.Limits(max_connections=1),
            "timeout": httpx2.Timeout(self.patience),
            "trust_env": False,
        }
        http: Any = httpx2.AsyncClient(**options) if self.is_async else httpx2.Client(**options)  # type: ignore[arg-type]
        kind: Any = anthropic.AsyncAnthropic if self.is_async else anthropic.Anthropic
        return kind(base_url=self.url, api_key="any", http_client=http, max_retries=max_retries, timeout=self.patience)

    def tool(self) -> Any:
        """Return the tool."""

        def look(where: str) -> str:
            """Look at the weather.

            Args:
                where: a place.
            """
            self.looked.append(where)
            return f"rain in {where}"

        if not self.is_async:
            return anthropic.beta_tool(look)

        async def look_async(where: str) -> str:
            return look(where)

        return anthropic.beta_async_tool(look_async, name="look", description="Look at the weather.")

    async def next(self, runner: Any) -> Any:
        """Return the next item; None at the end."""
        if self.is_async:
            return await anext(runner, None)
        return next(runner, None)

    async def read(self, item: Any) -> int:
        """Read the item to its end, if it is a stream, and return how many events it had."""
        if not self.stream:
            return 0
        if self.is_async:
            return len([event async for event in item])
        return len(list(item))


async def settled(value: Any) -> Any:
    """Return `value`, awaited if it can be."""
    return await value if inspect.isawaitable(value) else value


@contextmanager
def nothing_left(url: str) -> Iterator[None]:
    """See that no task, thread or socket is there that was not before.  The server's own are not counted."""
    before = tasks(), threads()
    assert 0 == sockets(url)
    yield
    assert (set(), set(), 0) == (tasks() - before[0], threads() - before[1], sockets(url))


def tasks() -> set[Any]:
    """Return the tasks of this event loop."""
    return asyncio.all_tasks()


def threads() -> set[threading.Thread]:
    """Return the threads, but for those that the server, and the event loop, keep for the next time."""
    return {each for each in threading.enumerate() if not each.name.startswith(("AnyIO worker", "asyncio_"))}


def sockets(url: str) -> int:
    """Return how many connections to the server are open on the caller's side."""
    port = httpx2.URL(url).port
    connections = psutil.Process().net_connections("tcp")
    return sum(1 for each in connections if each.raddr and each.raddr.port == port and each.laddr.port != port)


@pytest.fixture(params=["sync", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    """Which client."""
    return str(request.param)


@pytest.fixture(params=["messages", "streams"])
def items(request: pytest.FixtureRequest) -> str:
    """What the runner hands out."""
    return str(request.param)


@pytest.fixture
def caller(llmock: Any, flavour: str, items: str) -> Caller:
    """A caller of the server."""
    return Caller(llmock.base_url("anthropic"), is_async=flavour == "async", stream=items == "streams")


@pytest.fixture
def streaming(llmock: Any, flavour: str) -> Caller:
    """A caller of the server that has replies streamed."""
    return Caller(llmock.base_url("anthropic"), is_async=flavour == "async", stream=True)
