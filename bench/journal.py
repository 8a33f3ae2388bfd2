"""What a record costs: microseconds of CPU and of time, by how often the disk is waited for and what is written.

    python -m bench.journal [records]

Beside it stand structlog alone and plain orjson, which write the same records without chaining, numbering or shielding
them.  The best of five rounds is printed, so that what else the machine does counts least.  A wait for the disk is no
CPU, and depends on the disk: that of the folder for temporary files.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import structlog

from fsm_runner.charts import load
from fsm_runner.core.context import Context, Conversation, Counters, Settings
from fsm_runner.core.effects import CallTool
from fsm_runner.core.events import Continued, Event, Replied, ToolFinished
from fsm_runner.core.history import History
from fsm_runner.core.machine import Machine, Step, compile
from fsm_runner.journal import Journal

ROUNDS = 5
SLOW = 50
"""How many times fewer records are written when the disk is waited for."""

TURN: tuple[Event, ...] = (
    Replied(
        message={
            "content": [{"type": "tool_use", "id": "a", "name": "search", "input": {"query": "x" * 200}}],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "output_tokens": 5},
        }
    ),
    Continued(),
    ToolFinished(id="a", result={"type": "tool_result", "tool_use_id": "a", "content": "found " * 100}),
)
Told = tuple[Event | None, Step]


def told(machine: Machine, records: int) -> list[Told]:
    """A run of turns of one tool, long enough for as many records."""
    context = Context(
        conversation=Conversation(history=History([{"role": "user", "content": "hi"}])),
        settings=Settings(params={"model": "claude", "max_tokens": 64}, runnable=frozenset({"search"})),
        counters=Counters(limits={"iterations": None}),
    )
    step = machine.step(machine.start(context).snapshot, Continued())
    run: list[Told] = [(None, step)]
    for _ in range(records // 12):
        for event in TURN:
            step = machine.step(step.snapshot, event)
            run.append((event, step))
    return run


def write(journal: Journal, run: list[Told]) -> int:
    """Write `run` as a driver would; return how many records that made."""
    before = journal.seq
    for event, step in run:
        if event is not None:
            journal.event(event)
        journal.step(step)
        for effect in step.effects:
            id = effect.id if isinstance(effect, CallTool) else effect.name
            journal.scheduled(effect, id)
            journal.completed(id)
    return journal.seq - before


def best(work: Callable[[], int], rounds: int = ROUNDS) -> tuple[float, float]:
    """Microseconds of CPU and of time a record, the best of `rounds`."""
    found = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        records = work()
        found.append(((time.process_time() - cpu) / records * 1e6, (time.perf_counter() - wall) / records * 1e6))
    return min(cpu for cpu, _ in found), min(wall for _, wall in found)


def measured(folder: Path, records: int) -> Iterator[tuple[str, float, float]]:
    """Yield a name and its figures, for each way to write."""
    machine = compile(load("states"))
    run = told(machine, records)
    path = folder / "run.jsonl"
    with Journal.open(path, run="a") as journal:
        write(journal, run)
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]

    def plainly() -> int:
        with path.open("wb", buffering=0) as file:
            for line in lines:
                file.write(orjson.dumps(line) + b"\n")
        return len(lines)

    def by_structlog() -> int:
        with path.open("wb") as file:
            renderer = structlog.processors.JSONRenderer(orjson.dumps)
            log = structlog.wrap_logger(structlog.BytesLogger(file), processors=[renderer])
            for line in lines:
                log.msg(**{"event": None, **line})
        return len(lines)

    yield "plain orjson", *best(plainly)
    yield "structlog alone", *best(by_structlog)
    for content in ("full", "digest", "none"):

        def journaled(content: str = content) -> int:
            with Journal.open(path, run="a", content=content) as journal:  # type: ignore[arg-type]  # a literal's text
                return write(journal, run)

        yield f"journal, content={content}", *best(journaled)
    for sync in ("effect", "record"):

        def synced(sync: str = sync) -> int:
            with Journal.open(path, run="a", sync=sync) as journal:  # type: ignore[arg-type]  # as above
                return write(journal, run[: max(2, len(run) // SLOW)])

        yield f"journal, sync={sync}", *best(synced, 2)


def main(records: int) -> None:
    """Print the figures."""
    print("| written by | CPU a record | time a record |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, cpu, wall in measured(Path(folder), records):
            print(f"| {name} | {cpu:.1f} µs | {wall:.1f} µs |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6_000)
