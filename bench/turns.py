"""The work that is measured: the same conversation with either runner, over a transport that costs almost nothing.

Each turn calls one tool, whose result is 4 KB, and every request sends the whole history.  The transport reads the
request, as a server would, and answers with bytes that were made before the clock started.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anthropic
import httpx2

import fsm_runner

Side: TypeAlias = Literal["ours", "sdk"]

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


def client_of(replies: Sequence[bytes]) -> anthropic.AsyncAnthropic:
    """Return a client that gets `replies` as answers, in order, again and again."""
    played = 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal played
        reply = replies[played % len(replies)]
        played += 1
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=reply)

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return anthropic.AsyncAnthropic(api_key="none", base_url="https://bench.invalid", http_client=http, max_retries=0)


def runner_of(side: Side, client: anthropic.AsyncAnthropic) -> Any:
    """Return a new run of one of the runners."""
    make: Callable[..., Any] = client.beta.messages.tool_runner
    if side == "ours":
        return fsm_runner.tool_runner(client, **ASKED, tools=[read, wait])
    return make(**ASKED, tools=[read, wait])


async def cpu(side: Side, turns: int, repeats: int) -> float:
    """Return the CPU seconds of one turn, as the mean over `repeats` runs of `turns` turns."""
    await runner_of(side, client_of(answers(3))).until_done()
    client = client_of(answers(turns))
    gc.collect()
    started = time.process_time()
    for _ in range(repeats):
        await runner_of(side, client).until_done()
    return (time.process_time() - started) / repeats / turns


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
