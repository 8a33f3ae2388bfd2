"""The drive: one scenario, played by every driver, with calls that look synchronous.

A scenario is a plain function that takes `drive`.  It gets a runner on a scripted model, calls its methods without
await, and writes its tools as coroutine functions that await nothing but what the drive offers (`gate`, `meeting`).
For the async driver the calls go to an event loop in a thread; for the sync one, the tools become plain functions.

When a scenario is over, `Drive.check` holds whatever it did to the same law: the script was played to its end, no
request broke a rule of the API, the caller's arguments are as they were, every response is closed, no task is left.
"""

from __future__ import annotations

import copy
import functools
import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anthropic
import anyio
import anyio.from_thread
import httpx2

import fsm_runner
from fsm_runner.testing import ScriptedModel

ASKED: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
PATIENCE = 600
"""Seconds after which a tool that waits for another gives up: a scenario fails then, and does not hang."""


class Counting(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport that knows which of its responses are open."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.open: set[object] = set()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._watched(self.inner.handle_request(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._watched(await self.inner.handle_async_request(request))

    def _watched(self, response: httpx2.Response) -> httpx2.Response:
        body = _Watched(response.stream, self.open)
        return httpx2.Response(response.status_code, headers=response.headers, stream=body)


class _Watched(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, body: Any, unclosed: set[object]) -> None:
        self.body, self.open = body, unclosed
        unclosed.add(self)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.body:
            yield self._while_open(piece)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(aiter(self.body), self._while_open)

    def _while_open(self, piece: bytes) -> bytes:
        if self not in self.open:
            raise httpx2.ReadError("read after close, as from a socket")
        return piece

    def close(self) -> None:
        self.open.discard(self)

    async def aclose(self) -> None:
        self.open.discard(self)


class _Pieces:
    """No generator: of a stream that is dropped, the loop's thread and the collector's could both close it at once."""

    def __init__(self, pieces: AsyncIterator[bytes], each: Callable[[bytes], bytes]) -> None:
        self._pieces, self._each = pieces, each

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return self._each(await anext(self._pieces))


class Drive(ABC):
    """What a scenario is given.  The last run's model and transport stay at hand."""

    client_of: Callable[..., Any]
    decorate: Callable[..., Any]

    def __init__(self) -> None:
        self.model = ScriptedModel([])
        self.transport = Counting(None)
        self._given: list[tuple[Any, Any]] = []
        self._models: list[tuple[ScriptedModel, Counting]] = []
        self.steps: list[tuple[str | None, list[str]]] = []

    def run(self, replies: Any, *functions: Any, strict: bool = True, max_retries: int = 0, **arguments: Any) -> Any:
        """Return a runner on a model that plays `replies`; each of `functions` becomes a tool unless it is one."""
        model = ScriptedModel(replies, strict=strict)
        transport = model.transport = Counting(model.transport)  # type: ignore[assignment]
        self.model, self.transport = model, transport
        self._models.append((model, transport))
        tools = [self.tool(each) if inspect.iscoroutinefunction(each) else each for each in functions]
        given = {**ASKED, "thread": False, "tools": tools, **arguments}
        given.setdefault("on_step", lambda event, step: self.steps.append(told(event, step)))
        self._given += [
            (given[key], copy.deepcopy(given[key])) for key in ("messages", *arguments) if plain(given[key])
        ]
        self._given += [(tool, copy.deepcopy(tool)) for tool in given["tools"] if plain(tool)]
        return self.live(fsm_runner.tool_runner(self.client_of(model, max_retries=max_retries), **given))

    def tool(self, function: Callable[..., Awaitable[Any]], **options: Any) -> Any:
        """Return a tool of the driver's flavour."""
        return self.decorate(self.flavoured(function), **options)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the requests so far."""
        return [dict(request.body) for request in self.model.requests]

    @property
    def rows(self) -> list[str]:
        """The rows taken so far."""
        return [row for _, rows in self.steps for row in rows]

    def check(self) -> None:
        """Hold the scenario to the law.  Raises: AssertionError."""
        assert 0 == self.tasks()
        for model, transport in self._models:
            model.verify()
            assert [] == model.refused
            assert set() == transport.open
        for given, before in self._given:
            assert before == given

    # ── the flavours differ in these ────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def live(self, target: Any) -> Any:
        """Return an object of the driver's, its methods without await."""

    @abstractmethod
    def flavoured(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        """Return a tool's function as the driver calls it."""

    @abstractmethod
    async def inner(self, run: Any, method: str, *arguments: Any) -> Any:
        """Call a method of the runner from within a tool."""

    @abstractmethod
    def gate(self) -> Any:
        """Return a gate: tools ``await gate.wait()`` until someone calls ``gate.set()``."""

    @abstractmethod
    def meeting(self, parties: int) -> Callable[[], Awaitable[None]]:
        """Return a meeting: ``await meeting()`` returns once `parties` are there."""

    def tasks(self) -> int:
        """How many tasks are left, but for the drive's own."""
        return 0


class AsyncDrive(Drive):
    """The async driver, on an event loop of `backend` in a thread of its own."""

    decorate = staticmethod(anthropic.beta_async_tool)
    client_of = staticmethod(ScriptedModel.client)

    def __init__(self, portal: anyio.from_thread.BlockingPortal) -> None:
        super().__init__()
        self._portal = portal
        self._own = portal.call(_count)

    def live(self, target: Any) -> Live:
        return Live(self._portal, target)

    def flavoured(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        return function

    async def inner(self, run: Any, method: str, *arguments: Any) -> Any:
        return await getattr(run.target, method)(*arguments)

    def gate(self) -> Any:
        return _Gate()

    def meeting(self, parties: int) -> Callable[[], Awaitable[None]]:
        return _Meeting(parties)

    def tasks(self) -> int:
        return self._portal.call(_count) - self._own


class SyncDrive(Drive):
    """The sync driver, in the test's own thread."""

    decorate = staticmethod(anthropic.beta_tool)
    client_of = staticmethod(ScriptedModel.sync_client)

    def __init__(self) -> None:
        super().__init__()
        self._own = set(threading.enumerate())

    def live(self, target: Any) -> Any:
        return target

    def flavoured(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        def plainly(*args: Any, **kwargs: Any) -> Any:
            try:
                function(*args, **kwargs).send(None)  # type: ignore[attr-defined]
            except StopIteration as done:
                return done.value
            raise AssertionError("a scenario's tool awaits only what the drive offers")

        return plainly

    async def inner(self, run: Any, method: str, *arguments: Any) -> Any:
        return getattr(run, method.replace("__anext__", "__next__"))(*arguments)

    def tasks(self) -> int:
        return len(set(threading.enumerate()) - self._own)

    def gate(self) -> Any:
        return _BlockingGate()

    def meeting(self, parties: int) -> Callable[[], Awaitable[None]]:
        barrier = threading.Barrier(parties)

        async def meet() -> None:
            barrier.wait(PATIENCE)

        return meet


class Live:
    """An object of the async driver, or of the SDK, whose methods and iterators are used without await."""

    def __init__(self, portal: anyio.from_thread.BlockingPortal, target: Any) -> None:
        self.portal, self.target = portal, target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.target, name)
        return functools.partial(self.portal.call, value) if callable(value) else self._live(value)

    def _live(self, value: Any) -> Any:
        return Live(self.portal, value) if hasattr(value, "__aiter__") else value

    def __next__(self) -> Any:
        try:
            return self._live(self.portal.call(self.target.__anext__))
        except StopAsyncIteration:
            raise StopIteration from None

    def __iter__(self) -> Iterator[Any]:
        items = self.portal.call(aiter, self.target)
        try:
            yield from iter(functools.partial(next, Live(self.portal, items), _END), _END)
        finally:
            self.portal.call(items.aclose)


_END = object()


class _Gate:
    def __init__(self) -> None:
        self._event = anyio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        with anyio.fail_after(PATIENCE):
            await self._event.wait()


class _BlockingGate:
    def __init__(self) -> None:
        self._event = threading.Event()
        self.set = self._event.set

    async def wait(self) -> None:
        if not self._event.wait(PATIENCE):
            raise TimeoutError


class _Meeting:
    """As a barrier of threads: it takes in the next ones when the last of a group has come."""

    def __init__(self, parties: int) -> None:
        self._parties, self._here, self._gate = parties, 0, _Gate()

    async def __call__(self) -> None:
        self._here, gate = self._here + 1, self._gate
        if self._here == self._parties:
            self._here, self._gate = 0, _Gate()
            gate.set()
        await gate.wait()


async def _count() -> int:
    await anyio.wait_all_tasks_blocked()  # the loop may still be closing generators that were dropped
    return len(anyio.get_running_tasks())


def plain(value: object) -> bool:
    """Whether `value` is data that can be copied and compared."""
    return isinstance(value, (dict, list)) and not any(hasattr(each, "to_dict") for each in value)


def told(event: Any, step: Any) -> tuple[str | None, list[str]]:
    """Return an event's name and the rows that its step took."""
    return (None if event is None else event.name, [transition.row for transition in step.transitions])


def use(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a tool call."""
    return {"type": "tool_use", "id": None, "name": name, "input": arguments}


def words(message: Any) -> str:
    """Return the text of a message, as the SDK's object or as data."""
    content = message["content"] if isinstance(message, dict) else message.content
    texts = (block.get("text") if isinstance(block, dict) else getattr(block, "text", None) for block in content)
    return "".join(filter(None, texts))
