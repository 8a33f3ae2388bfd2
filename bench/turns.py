"""The work that is measured: the same conversation with either runner, over a transport that costs almost nothing.

Each turn calls one tool, whose result is 4 KB, and every request sends the whole history.  The transport reads the
request, as a server would, and answers with bytes that were made before the clock started.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import resource
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anthropic
import httpx2

import fsm_runner

Side: TypeAlias = Literal["ours", "sdk"]

Floor: TypeAlias = Literal["create", "post"]
"""What no runner can be below: a loop by hand over the client's `create`, or over its `post`."""


RESULT = "x" * 4096
"""The tool's result: 4 KB."""

SLEEP = 0.05
"""Seconds that a slow tool takes."""

ASKED: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": "Go through all of it."}],
    "thread": False,
}


@anthropic.beta_async_tool
async def read(page: int) -> str:
    """Read a page."""
    return RESULT


@anthropic.beta_async_tool
async def wait(page: int) -> str:
    """Read a page slowly."""
    await asyncio.sleep(SLEEP)
    return "read"


def answers(turns: int, *, tool: str = "read", calls: int = 1) -> list[bytes]:
    """Return the replies of a conversation: `turns` - 1 that call the tool, and a last one that does not."""
    usage = {"input_tokens": 10, "output_tokens": 5}
    message = {
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "stop_sequence": None,
        "usage": usage,
    }

    def asking(turn: int) -> dict[str, Any]:
        blocks = [
            {"type": "tool_use", "id": f"toolu_{turn}_{call}", "name": tool, "input": {"page": turn}}
            for call in range(calls)
        ]
        words = {"type": "text", "text": "I read the next page, and then I go on."}
        return {**message, "id": f"msg_{turn}", "content": [words, *blocks], "stop_reason": "tool_use"}

    last = {**message, "id": "msg", "content": [{"type": "text", "text": "Done."}], "stop_reason": "end_turn"}
    return [json.dumps(each).encode() for each in [*map(asking, range(turns - 1)), last]]


@anthropic.beta_tool
def read_now(page: int) -> str:
    """Read a page."""
    return RESULT


def client_of(replies: Sequence[bytes], *, kind: str = "application/json", sync: bool = False) -> Any:
    """Return a client that gets `replies` as answers, in order, again and again."""
    played = 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal played
        reply = replies[played % len(replies)]
        played += 1
        return httpx2.Response(200, headers={"content-type": kind}, content=reply)

    given: dict[str, Any] = {"api_key": "none", "base_url": "https://bench.invalid", "max_retries": 0}
    transport = httpx2.MockTransport(answer)
    if sync:
        return anthropic.Anthropic(http_client=httpx2.Client(transport=transport), **given)
    return anthropic.AsyncAnthropic(http_client=httpx2.AsyncClient(transport=transport), **given)


def runner_of(side: Side, client: Any, **more: Any) -> Any:
    """Return a new run of one of the runners."""
    given = {"tools": [read, wait], **ASKED, **more}
    return fsm_runner.tool_runner(client, **given) if side == "ours" else client.beta.messages.tool_runner(**given)


def events_of(reply: bytes) -> bytes:
    """Return a reply as the events of a stream: each block in pieces of some 20 characters."""
    message = json.loads(reply)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            begun, key, kind, whole = {**block, "text": ""}, "text", "text_delta", block["text"]
        else:
            whole = json.dumps(block["input"])
            begun, key, kind = {**block, "input": {}}, "partial_json", "input_json_delta"
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        pieces = [whole[at : at + 20] for at in range(0, len(whole), 20)]
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}} for piece in pieces
        ]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events)


async def streamed(side: Side, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn whose reply is streamed, and read to its end by the caller."""
    client = client_of([events_of(each) for each in answers(turns)], kind="text/event-stream")

    async def once() -> None:
        async for stream in runner_of(side, client, stream=True):
            async for _ in stream:
                pass

    return await _timed(once, turns, repeats)


async def journaled(side: Side, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn, ours with a journal; the SDK's runner has none."""
    client = client_of(answers(turns))
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        async def once() -> None:
            more = {"journal": Path(folder) / f"{next(numbers)}.jsonl"} if side == "ours" else {}
            await runner_of(side, client, **more).until_done()

        return await _timed(once, turns, repeats)


async def in_sync(side: Side, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn of the sync runner."""
    client: Any = client_of(answers(turns, tool="read_now"), sync=True)

    async def once() -> None:
        runner_of(side, client, tools=[read_now]).until_done()

    return await _timed(once, turns, repeats)


async def by_hand(floor: Floor, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn of a loop by hand that checks nothing and records nothing."""
    client = client_of(answers(turns))
    tools = [read.to_dict(), wait.to_dict()]

    async def reply_to(messages: list[Any]) -> Any:
        body = {"model": ASKED["model"], "max_tokens": ASKED["max_tokens"], "messages": messages, "tools": tools}
        if floor == "create":
            return (await client.beta.messages.create(**body)).to_dict()
        return await client.post("/v1/messages?beta=true", body=body, cast_to=object)

    async def once() -> None:
        messages = list(ASKED["messages"])
        while True:
            reply = await reply_to(messages)
            messages.append({"role": "assistant", "content": reply["content"]})
            calls = [block for block in reply["content"] if block["type"] == "tool_use"]
            if not calls:
                return
            results = [
                {"type": "tool_result", "tool_use_id": call["id"], "content": await read.call(call["input"])}
                for call in calls
            ]
            messages.append({"role": "user", "content": results})

    return await _timed(once, turns, repeats)


async def _timed(once: Callable[[], Awaitable[None]], turns: int, repeats: int) -> float:
    await once()
    gc.collect()
    started = time.process_time()
    for _ in range(repeats):
        await once()
    return (time.process_time() - started) / repeats / turns


async def cpu(side: Side, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn, as the mean over `repeats` runs of `turns` turns."""
    client = client_of(answers(turns))

    async def once() -> None:
        await runner_of(side, client).until_done()

    return await _timed(once, turns, repeats)


async def wall(side: Side, calls: int) -> float:
    """Return the wall seconds of one turn with `calls` slow calls."""
    client = client_of(answers(2, tool="wait", calls=calls))
    started = time.perf_counter()
    await runner_of(side, client).until_done()
    return time.perf_counter() - started


async def at_once(side: Side, runs: int, turns: int) -> float:
    """Return the CPU seconds of `runs` runs of `turns` turns, all at once."""
    replies = answers(turns)
    started = time.process_time()
    await asyncio.gather(*(runner_of(side, client_of(replies)).until_done() for _ in range(runs)))
    return time.process_time() - started


async def memory(side: Side, turns: int) -> dict[str, int]:
    """Return how many bytes a run of `turns` turns holds at its end, holds at most, and adds to the process."""
    await runner_of(side, client_of(answers(2))).until_done()
    client = client_of(answers(turns))
    before = resident()
    runner = runner_of(side, client)
    await runner.until_done()
    grown = resident() - before
    gc.collect()
    tracemalloc.start()
    runner = runner_of(side, client)
    await runner.until_done()
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"held": held, "peak": peak, "resident": max(0, grown)}


def resident() -> int:
    """Return the bytes of memory that this process uses; on other systems than Linux, the most that it ever used."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    # In a process of its own, so that memory left over from one side does not affect the other.
    named: Side = "ours" if sys.argv[1] == "ours" else "sdk"
    print(json.dumps(asyncio.run(memory(named, int(sys.argv[2])))))
