"""What a record costs: microseconds of CPU and of time, for each `sync` and `content`.

    python -m bench.journal [records]

For comparison, structlog alone and plain orjson write the same records without making, numbering, chaining or redacting
them.  All take turns, and the best round of each is printed, because other programs can only make a round slower.
Waiting for the disk needs little CPU, and depends on the disk: it is that of the folder for temporary files.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from fsm_runner.charts import load
from fsm_runner.journal import Journal
from fsm_runner.loop.context import Context, Conversation, Counters, Settings
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.events import Continued, Event, Replied, ToolFinished
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, Step, compile

ROUNDS = 9
SLOW = 50
"""By how much the number of records is divided when the disk is waited for."""

PLAIN = "plain orjson"

WAYS: Mapping[str, Mapping[str, Any]] = {
    "journal": {},
    "journal, key=...": {"key": b"k" * 32},
    "journal, content='none'": {"content": "none"},
    "journal, sync='effect'": {"sync": "effect"},
    "journal, sync='record'": {"sync": "record"},
}
"""The arguments of `Journal.open`, by their name in the table."""

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
    """Return a run of turns with one tool that makes at least so many records."""
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
    """Write `run` as a driver would; return the number of records."""
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


def timed(work: Callable[[], int]) -> tuple[float, float]:
    """Return microseconds of CPU and of time for one record."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    records = work()
    return (time.process_time() - cpu) / records * 1e6, (time.perf_counter() - wall) / records * 1e6


def ways(folder: Path, records: int) -> dict[str, Callable[[], int]]:
    """Return the ways to write: each writes the same records, and returns their number."""
    run = told(compile(load("states")), records)
    path = folder / "run.jsonl"

    def journaled(given: Mapping[str, Any]) -> int:
        with Journal.open(path, run="a", **given) as journal:
            return write(journal, run[: max(2, len(run) // SLOW)] if "sync" in given else run)

    journaled({})
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]

    def plainly() -> int:
        with path.open("wb", buffering=0) as file:
            for line in lines:
                file.write(orjson.dumps(line) + b"\n")
        return len(lines)

    def by_structlog() -> int:
        with path.open("wb") as file:
            renderer = structlog.processors.JSONRenderer(orjson.dumps)
            log = structlog.wrap_logger(structlog.BytesLogger(file), processors=[renderer]).bind()
            for line in lines:
                log.msg(**{"event": None, **line})
        return len(lines)

    return {
        PLAIN: plainly,
        "structlog alone": by_structlog,
        **{name: lambda given=given: journaled(given) for name, given in WAYS.items()},
    }


def measured(records: int) -> dict[str, tuple[float, float]]:
    """Return the best figures of each way to write."""
    found: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        made = ways(Path(folder), records)
        for at in range(ROUNDS):
            for name, work in made.items():
                if at < 2 or "sync" not in name:
                    (Path(folder) / "run.jsonl").unlink(missing_ok=True)
                    found.setdefault(name, []).append(timed(work))
    return {name: (min(cpu for cpu, _ in each), min(wall for _, wall in each)) for name, each in found.items()}


def main(records: int) -> None:
    """Print the figures."""
    figures = measured(records)
    plain = figures[PLAIN][0]
    print("| written by | CPU a record | of plain orjson | time a record |\n| --- | ---: | ---: | ---: |")
    for name, (cpu, wall) in figures.items():
        print(f"| {name} | {cpu:.1f} µs | {cpu / plain:.1f} | {wall:.1f} µs |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6_000)
