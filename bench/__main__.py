"""Runs the benchmarks and writes `bench/results.md`: ratios against the SDK's own runner, both measured in one process.

A ratio below 1 means that fsm_runner needs less.  Times are the best of nine rounds, or of two for long work, because
other programs can only make a round slower.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from bench.replay import best as replay_rate
from bench.replay import proven, record
from bench.step import begun, round_of
from bench.turns import Floor, Side, at_once, by_hand, cpu, in_sync, journaled, streamed, wall
from fsm_runner.charts import load
from fsm_runner.loop.tool_loop import compile
from fsm_runner.replaying import replay

RESULTS = Path(__file__).parent / "results.md"
PACKAGES = ("fsm-runner", "anthropic", "httpx2", "pydantic", "anyio", "transitions")
SIDES: tuple[Side, Side] = ("ours", "sdk")
FLOORS: tuple[Floor, Floor] = ("create", "post")
ROUNDS = 9
LONG = 2
"""Rounds of work that takes a minute."""

CALLS = 8
"""Slow calls in one turn."""

GOALS = {
    "10 turns of 4 KB": 0.60, "100 turns of 4 KB": 0.20, "500 turns of 4 KB": 0.06, "streamed, 10 turns": 0.80,
    "with a journal, 10 turns": 0.75, "runs at once": 0.62, "slow tools": 0.14,
}  # fmt: skip
"""The ratios to reach."""


Arm: TypeAlias = "Side | Floor"


def best(measures: Mapping[Arm, Callable[[], Awaitable[float]]], rounds: int = ROUNDS) -> dict[Arm, float]:
    """Return the best of `rounds` for each arm; they take turns."""
    found: dict[Arm, list[float]] = {arm: [] for arm in measures}
    for _ in range(rounds):
        for arm, measure in measures.items():
            found[arm].append(asyncio.run(_awaited(measure)))
    return {arm: min(seconds) for arm, seconds in found.items()}


async def _awaited(measure: Callable[[], Awaitable[float]]) -> float:
    return await measure()


def memory_of(side: Side, turns: int) -> dict[str, int]:
    """Return the memory of a run, measured in a process of its own."""
    command = [sys.executable, "-m", "bench.turns", side, str(turns)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=RESULTS.parent.parent)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def ratio(ours: float, theirs: float, goal: float | None = None) -> str:
    """Return a ratio, with the goal if there is one."""
    text = f"**{ours / theirs:.2f}**" if theirs else "–"
    return text if goal is None else f"{text} (goal {goal:.2f})"


def sides(work: Callable[..., Awaitable[float]], *given: int) -> dict[Arm, Callable[[], Awaitable[float]]]:
    """Return the same work by both runners."""
    return {side: functools.partial(work, side, *given) for side in SIDES}


def times(turns: list[int], runs: int) -> Iterator[str]:
    """Yield the table of times."""
    yield row("work", "fsm_runner", "SDK", "ratio", "by hand: `create`", "`post`")
    yield row("---", "---:", "---:", "---:", "---:", "---:")
    for count in turns:
        repeats, rounds = max(1, 100 // count), ROUNDS if count < 500 else LONG
        floors: dict[Arm, Callable[[], Awaitable[float]]] = {
            floor: functools.partial(by_hand, floor, count, repeats) for floor in FLOORS
        }
        name = f"{count} {'turn' if count == 1 else 'turns'} of 4 KB"
        yield timed(name, {**sides(cpu, count, repeats), **floors}, rounds)
    yield timed("streamed, 10 turns", sides(streamed, 10, 10))
    yield timed("with a journal, 10 turns", sides(journaled, 10, 10))
    yield timed("sync, 10 turns", sides(in_sync, 10, 10))
    if runs:
        yield timed("runs at once", sides(at_once, runs, 3), LONG, told=f"{runs:,} runs at once, of 3 turns")
    yield timed("slow tools", sides(wall, CALLS), 3, told=f"{CALLS} tools of 50 ms in one turn, wall time")


def timed(
    work: str, measures: Mapping[Arm, Callable[[], Awaitable[float]]], rounds: int = ROUNDS, *, told: str = ""
) -> str:
    """Return the line of one work; `told`: what it is called on the page, if that is not how `GOALS` calls it."""
    found = best(measures, rounds)
    cells = [_span(found[side]) for side in SIDES]
    floors = [_span(found[floor]) if floor in found else "" for floor in FLOORS]
    return row(told or work, *cells, ratio(found["ours"], found["sdk"], GOALS.get(work)), *floors)


def _span(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"


def alone() -> Iterator[str]:
    """Yield the table of what the SDK's runner does not have."""
    yield row("work", "measured", "goal")
    yield row("---", "---:", "---:")
    machine = compile(load("states"))
    step = min(round_of(machine, begun(machine), 500)[0] for _ in range(ROUNDS))
    yield row("a transition", f"{step * 1e6:.1f} µs", "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        record(path, machine, "one", 2_000)
        _, rate = replay_rate(lambda: proven(replay(str(path))), time.process_time)
    yield row("transitions replayed in full, a second", f"{rate:,.0f}", "50,000")
    yield row("`fsm-runner check` of the default chart, CPU", f"{_command('-m', 'fsm_runner', 'check'):.2f} s", "0.5 s")
    yield row("`import fsm_runner`, CPU", f"{_command('-c', 'import fsm_runner'):.3f} s", "")


def _command(*arguments: str) -> float:
    """Return the least CPU that a Python process with `arguments` takes, in seconds."""
    seconds = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(seconds)


def memories(turns: list[int]) -> Iterator[str]:
    """Yield the table of memory."""
    yield row("turns", "held: ours", "SDK", "ratio", "peak: ours", "SDK", "ratio", "resident: ours", "SDK")
    yield row("---:", *["---:"] * 8)
    short = {side: memory_of(side, 1) for side in SIDES}
    for count in turns:
        long = {side: memory_of(side, count) for side in SIDES}
        cells: list[str] = []
        for key in ("held", "peak"):
            ours, theirs = (max(0, long[side][key] - short[side][key]) for side in SIDES)
            cells += [_size(ours), _size(theirs), ratio(ours, theirs)]
        yield row(count, *cells, *(_size(long[side]["resident"]) for side in SIDES))


def _size(size: int) -> str:
    return f"{size / 1024:.0f} KB" if size < 2**20 else f"{size / 2**20:.1f} MB"


def report(turns: list[int], runs: int) -> Iterator[str]:
    """Yield the whole report, line by line."""
    yield "# Benchmarks"
    yield ""
    yield "Written by `make bench`: fsm_runner and the SDK's `client.beta.messages.tool_runner`, in one process"
    yield "and over one fake transport, both with `thread=False`. A ratio below 1 means that fsm_runner needs less."
    yield ""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield f"- {packages}"
    yield f"- {platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield f"- {os.cpu_count()} cores"
    yield ""
    yield "## Time"
    yield ""
    yield "CPU a turn, unless said; the whole history goes with every request. A loop by hand checks nothing, records"
    yield "nothing and cannot be resumed, but it encodes the whole history for each request."
    yield ""
    yield from times(turns, runs)
    yield ""
    yield "## Alone"
    yield ""
    yield from alone()
    yield ""
    yield "## Memory"
    yield ""
    yield "How much memory a run holds at its end, and at most, beyond a run of one turn (tracemalloc); and how much"
    yield "the process grows meanwhile (resident set)."
    yield ""
    yield from memories([count for count in turns if count > 1])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=[1, 10, 100, 500], help="how long the runs are")
    parser.add_argument("--runs", type=int, default=1000, help="how many run at once; 0: leave this out")
    parser.add_argument("--dry", action="store_true", help="print only, and leave results.md as it is")
    options = parser.parse_args()
    lines = []
    for line in report(options.turns, options.runs):
        print(line, flush=True)
        lines.append(line)
    if not options.dry:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
