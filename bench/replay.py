"""What replay costs: transitions a second on one core with full verification, and memory.

    python -m bench.replay [transitions]

As in a live run, every event is folded, every fact asked and every row taken by the same machine; and every derived
record is compared.  Three things are replayed: one run of many turns, a log of many runs, and many runs in a file each,
by one process and by as many as there are cores.  The best of three rounds is printed: CPU for one process, time for
several.  Memory is the most that was held at once, for journals of that length and of a tenth of it.  A log of many
runs must not need more for ten times the length; for one run, the conversation has to be held.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fsm_runner.charts import load
from fsm_runner.journal import Journal
from fsm_runner.loop.context import Context, Conversation, Counters, Settings
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.events import Continued, Replied, ToolFinished
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, compile
from fsm_runner.replaying import ReplayReport, replay
from fsm_runner.replaying.batch import replay_many

ROUNDS = 3
TURNS = 10
"""Turns of each of the many runs."""

CALL = Replied(
    message={
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "a", "name": "search", "input": {"query": "x" * 200}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
)
FOUND = ToolFinished(id="a", result={"type": "tool_result", "tool_use_id": "a", "content": "found " * 100})
END = Replied(message={"role": "assistant", "content": [{"type": "text", "text": "done"}], "stop_reason": "end_turn"})


def record(path: Path, machine: Machine, run: str, turns: int) -> None:
    """Append a run of `turns` turns with one tool to a journal, as a driver would."""
    context = Context(
        conversation=Conversation(history=History([{"role": "user", "content": "hi"}])),
        settings=Settings(params={"model": "claude", "max_tokens": 64}, runnable=frozenset({"search"})),
        counters=Counters(limits={"iterations": None}),
    )
    events: list[Any] = [Continued(), *[CALL, Continued(), FOUND] * turns, END, Continued()]
    with Journal.open(path, run=run) as journal:
        step = machine.start(context)
        journal.started(machine, context)
        for event in events:
            step = machine.step(step.snapshot, event)
            journal.event(event)
            journal.step(step)
            for effect in step.effects:
                id = effect.id if isinstance(effect, CallTool) else f"{effect.name}-{journal.seq}"
                journal.scheduled(effect, id)
                journal.completed(id)


def best(work: Callable[[], int], clock: Callable[[], float]) -> tuple[int, float]:
    """Return the number of transitions, and transitions a second by `clock`, the best of `ROUNDS`."""
    count, seconds = 0, []
    for _ in range(ROUNDS):
        before = clock()
        count = work()
        seconds.append(clock() - before)
    return count, count / min(seconds)


def peak(work: Callable[[], int]) -> float:
    """Return the most memory that `work` held at once, in MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def proven(report: object) -> int:
    """Return the number of transitions of a report that conforms."""
    assert isinstance(report, ReplayReport), report
    assert report.conforms, report
    return report.transitions


def main(transitions: int) -> None:
    """Print the figures."""
    machine = compile(load("states"))
    turns = transitions // 5
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"fsm-runner {version('fsm-runner')}, CPython {platform.python_version()}, {cores} cores\n")
    print("| replayed | transitions | journal | a second | memory | of a tenth |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for length in (turns, turns // 10):
            record(folder / f"one-{length}.jsonl", machine, "one", length)
            for run in range(length // TURNS):
                record(folder / f"log-{length}.jsonl", machine, f"run-{run}", TURNS)
        for what, kind in (("one run", "one"), ("a log of many runs", "log")):
            long, short = (str(folder / f"{kind}-{length}.jsonl") for length in (turns, turns // 10))
            count, rate = best(lambda long=long: proven(replay(long)), time.process_time)  # type: ignore[misc]  # bound
            held = [f"{peak(lambda path=path: proven(replay(path))):.1f} MB" for path in (long, short)]  # type: ignore[misc]  # bound
            size = Path(long).stat().st_size / 1e6
            print(
                f"| {what}, one process | {count:,} | {size:.1f} MB | **{rate:,.0f}** | {' | '.join(held)} |",
                flush=True,
            )
        files = [folder / f"{number}.jsonl" for number in range(2 * turns // TURNS)]
        for number, path in enumerate(files):
            record(path, machine, f"run-{number}", TURNS)
        names, size = list(map(str, files)), sum(path.stat().st_size for path in files) / 1e6
        for workers in dict.fromkeys((1, cores)):

            def all_of_them(workers: int = workers) -> int:
                return sum(proven(found) for _, found in replay_many(names, workers=workers))

            count, rate = best(all_of_them, time.process_time if workers == 1 else time.perf_counter)
            what = f"{len(names):,} files, {workers} process{'es' * (workers > 1)}"
            print(
                f"| {what} | {count:,} | {size:.1f} MB | **{rate:,.0f}** | {peak(all_of_them):.1f} MB | |", flush=True
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
