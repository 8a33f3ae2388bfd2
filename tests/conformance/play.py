"""Play: one scenario through one runner, and all that can be seen of it from outside.

Both runners are played by the same code, the sync ones too: what they return is awaited if it can be.  Each gets a
model of its own, which says the same in answer to the same requests.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import pydantic
from anthropic.lib.tools import ToolError

import fsm_runner
from fsm_runner.testing import Fault, Reply, ScriptedModel, ScriptedRequest, compaction, reply, text
from tests.conformance.scenarios import Act, Scenario, Visit

RAW = {"type": "custom", "name": "raw", "description": "nobody runs it", "input_schema": {"type": "object"}}
NO_MESSAGE = "no message"
"""`until_done` of a run that ended before its first message: ours says so, where the SDK's fails an assertion."""

MOST = 30
"""Requests after which a model no longer plays along: a scenario that goes on longer has gone wrong."""


@dataclass
class Seen:
    """All that can be seen of a run.

    Attributes:
        bodies, betas: of the requests; of equal replies in a row, the first.
        items: what was handed out; for a stream, its events as far as they were read.
        acts: what each act returned or raised.
        calls: the tool calls made, sorted: tools of one turn run side by side.
        raised: the type of the exception that ended the loop.
        final: what `until_done` returned at last, or the type of what it raised.
        warned: the first sentence of each warning; what may be done about it is said in other words.
    """

    bodies: list[Any] = field(default_factory=list)
    betas: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    acts: list[Any] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    raised: str | None = None
    final: Any = None
    warned: list[str] = field(default_factory=list)


def play(scenario: Scenario, *, flavour: str, ours: bool) -> Seen:
    """Return what is seen of `scenario` with our runner or with the SDK's, `flavour` "sync" or "async"."""
    seen = Seen()
    model = ScriptedModel(answering(scenario), strict=False)
    logging.disable()  # a tool that raises is logged with its traceback, thousands of times here
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            asyncio.run(Player(scenario, seen, model, flavour=flavour, ours=ours).play())
    finally:
        logging.disable(logging.NOTSET)
    seen.warned = sorted(str(each.message).partition(". ")[0] for each in caught if each.category is UserWarning)
    seen.calls.sort(key=repr)
    seen.bodies = [with_equal_replies_once(dict(request.body)) for request in model.requests]
    seen.betas = [request.betas for request in model.requests]
    return seen


def with_equal_replies_once(body: dict[str, Any]) -> dict[str, Any]:
    """Return `body` with the first of equal replies in a row: where the caller changed the history, the SDK's runner
    drops the others."""
    messages: list[Any] = []
    for message in body["messages"]:
        if message["role"] != "assistant" or message not in messages[-1:]:
            messages.append(message)
    return {**body, "messages": messages}


def answering(scenario: Scenario) -> Callable[[ScriptedRequest], Reply | Fault]:
    """Return the model: its replies in turn, a goodbye at their end; summaries for those who ask for one."""
    replies, summaries = iter(scenario.replies), iter(scenario.summaries)

    def answer(request: ScriptedRequest) -> Reply | Fault:
        if request.number > MOST:
            raise AssertionError("the run does not end")
        if "compaction" in request.body:
            return next(summaries, reply(compaction("all that was said")))
        return next(replies, reply(text("goodbye")))

    return answer


class Player:
    """The caller of one runner."""

    def __init__(self, scenario: Scenario, seen: Seen, model: ScriptedModel, *, flavour: str, ours: bool) -> None:
        self.scenario, self.seen = scenario, seen
        self.is_async = flavour == "async"
        self.cut_off = False
        self.tools = toolbox(seen.calls, is_async=self.is_async)
        client: Any = model.client() if self.is_async else model.sync_client()
        given: dict[str, Any] = {
            "model": "claude-haiku-4-5",
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [self.tools[name] for name in scenario.tools],
            "thread": False,
            **scenario.params,
        }
        if scenario.stream:
            given |= {"stream": True, "run_tools_eagerly": scenario.eager}
        if scenario.limit is not None:
            given["max_iterations"] = scenario.limit
        self.runner = fsm_runner.tool_runner(client, **given) if ours else client.beta.messages.tool_runner(**given)

    async def play(self) -> None:
        """Run the scenario to its end."""
        await self.do(self.scenario.before, None)
        visits = iter(self.scenario.visits)
        try:
            while self.scenario.leave is None or len(self.seen.items) < self.scenario.leave:
                item = await settled(self.runner.__anext__() if self.is_async else next(self.runner, None))
                if item is None:
                    break
                await self.visit(item, next(visits, Visit()))
        except StopAsyncIteration:
            pass
        except Exception as error:
            self.seen.raised = type(error).__name__
            return
        if self.cut_off:
            return  # the SDK's runner would read on in the response that closing has closed
        try:
            self.seen.final = dumped(await settled(self.runner.until_done()))
        except (AssertionError, fsm_runner.RunError):
            self.seen.final = NO_MESSAGE
        except Exception as error:
            self.seen.final = type(error).__name__

    async def visit(self, item: Any, visit: Visit) -> None:
        """Handle one item."""
        if self.scenario.stream:
            events: list[Any] = []
            self.seen.items.append(events)
            whole = await self.read(item, visit, events)
            self.cut_off |= not whole and Act("close") in visit.acts
            self.seen.acts.append(("held", [dumped(call) for call in self.runner.deferred_tool_calls]))
        else:
            self.seen.items.append(dumped(item))
        await self.do(visit.acts, item)

    async def read(self, stream: Any, visit: Visit, events: list[Any]) -> bool:
        """Read as much of the stream as the caller wants to, and return whether that was all."""
        calls = 0
        while visit.read is None or len(events) < visit.read:
            event = await settled(anext(stream, None) if self.is_async else next(stream, None))
            if event is None:
                return True
            events.append(dumped(event))
            if event.type == "content_block_start" and event.content_block.type == "tool_use":
                if calls in visit.hold:
                    self.runner.defer_tool_call(event.content_block)
                calls += 1
        return False

    async def do(self, acts: tuple[Act, ...], item: Any) -> None:
        """Do what the caller does, and note what came of it."""
        for act in acts:
            if act.kind in NEED_ITEM and item is None:
                continue
            try:
                outcome = await settled(ACTS[act.kind](self, act.value, item))
            except (ValueError, TypeError, anthropic.AnthropicError) as error:
                outcome = type(error).__name__
            self.seen.acts.append((act.kind, outcome))


# ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def append(player: Player, words: str, item: Any) -> None:
    """Say something."""
    player.runner.append_messages({"role": "user", "content": words or "(nothing)"})


async def append_reply(player: Player, _: None, item: Any) -> None:
    """Add the reply itself, as a caller does that keeps the history."""
    message = await settled(item.get_final_message()) if player.scenario.stream else item
    player.runner.append_messages(message, {"role": "user", "content": "go on"})


def change(player: Player, what: str, item: Any) -> None:
    """Replace the parameters."""
    player.runner.set_messages_params(lambda params: CHANGES[what](dict(params)))


async def answer(player: Player, _: None, item: Any) -> Any:
    """Ask for the tool response, twice: the second time it is the same."""
    first = dumped(await settled(player.runner.generate_tool_call_response()))
    again = dumped(await settled(player.runner.generate_tool_call_response()))
    return first, first == again


async def edit_answer(player: Player, _: None, item: Any) -> Any:
    """Ask for the tool response and change it in place."""
    response = await settled(player.runner.generate_tool_call_response())
    if response is not None:
        response["content"][0]["content"] = "edited"
    return dumped(response)


def add(player: Player, name: str, item: Any) -> None:
    """Add a tool."""
    player.runner.add_tools(RAW if name == "raw" else player.tools[name])


def remove(player: Player, name: str, item: Any) -> None:
    """Remove a tool."""
    player.runner.remove_tools(name)


def compact(player: Player, config: Any, item: Any) -> None:
    """Ask for a compaction."""
    player.runner.compact_before_next_turn(config)


async def close(player: Player, _: None, item: Any) -> None:
    """Close the runner."""
    await settled(player.runner.close())


ACTS: dict[str, Callable[[Player, Any, Any], Any]] = {
    act.__name__: act for act in (append, append_reply, change, answer, edit_answer, add, remove, compact, close)
}
NEED_ITEM = ("append_reply",)

CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "max_tokens": lambda params: {**params, "max_tokens": 32},
    "metadata": lambda params: {**params, "metadata": {"user_id": "v"}},
    "system": lambda params: {key: value for key, value in params.items() if key != "system"} | {"system": "new"},
    "fewer": lambda params: {**params, "messages": params["messages"][-1:]},
    "more": lambda params: {**params, "messages": [*params["messages"], {"role": "user", "content": "more"}]},
    "other": lambda params: {**params, "messages": [{"role": "user", "content": "something else"}]},
    "same": lambda params: params,
    "no_tools": lambda params: {key: value for key, value in params.items() if key != "tools"},
}


# ── tools ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def toolbox(made: list[Any], *, is_async: bool) -> dict[str, Any]:
    """Return the tools by name; each call of one is added to `made`."""
    return {function.__name__: tool(function, is_async=is_async) for function in functions(made)}


def functions(made: list[Any]) -> Iterator[Callable[..., Any]]:
    """Yield what the tools do."""

    def add(a: int, b: int) -> str:
        """Add."""
        made.append(("add", a, b))
        return str(a + b)

    def boom() -> str:
        """Fail."""
        made.append(("boom",))
        raise LookupError("boom")

    def refuse() -> str:
        """Say no."""
        made.append(("refuse",))
        raise ToolError("no")

    def refuse_in_blocks() -> str:
        """Say no in blocks."""
        made.append(("refuse_in_blocks",))
        raise ToolError([{"type": "text", "text": "no"}, {"type": "text", "text": "no\ud800"}])

    def silent() -> str:
        """Return nothing."""
        made.append(("silent",))
        return None  # type: ignore[return-value]

    def blocks() -> Any:
        """Return blocks."""
        made.append(("blocks",))
        return [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]

    def surrogate() -> str:
        """Return text that cannot be encoded."""
        made.append(("surrogate",))
        return "half \ud83d"

    def later() -> str:
        """Come later."""
        made.append(("later",))
        return "late"

    yield from (add, boom, refuse, refuse_in_blocks, silent, blocks, surrogate, later)


def tool(function: Callable[..., Any], *, is_async: bool) -> Any:
    """Return a tool of the client's flavour."""
    if not is_async:
        return anthropic.beta_tool(function)

    async def slowly(**arguments: Any) -> Any:
        await asyncio.sleep(0)
        return function(**arguments)

    slowly.__name__, slowly.__doc__ = function.__name__, function.__doc__
    slowly.__signature__ = inspect.signature(function, eval_str=True)  # type: ignore[attr-defined]
    slowly.__annotations__ = inspect.get_annotations(function, eval_str=True)
    return anthropic.beta_async_tool(slowly)


# ── small things ────────────────────────────────────────────────────────────────────────────────────────────────────


async def settled(value: Any) -> Any:
    """Return `value`, awaited if it can be."""
    return await value if inspect.isawaitable(value) else value


def dumped(value: Any) -> Any:
    """Return `value` as plain data."""
    return value.model_dump() if isinstance(value, pydantic.BaseModel) else value
