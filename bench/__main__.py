"""Runs the benchmarks and writes `bench/results.md`: ratios against the SDK's own runner, both measured in one process.

A ratio below 1 means that fsm_runner needs less.  Times are the best of nine rounds, or of two for long work, because
other programs can only make a round slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from bench.turns import Side, at_once, cpu, wall

RESULTS = Path(__file__).parent / "results.md"
PACKAGES = ("fsm-runner", "anthropic", "httpx2", "pydantic", "anyio", "transitions")
SIDES: tuple[Side, Side] = ("ours", "sdk")
ROUNDS = 9
LONG = 2
"""Rounds of work that takes a minute."""

CALLS = 8
"""Slow calls in one turn."""

GOALS = {"turns 100": 0.20, "turns 500": 0.06, "wall": 0.14, "runs": 0.62}
"""The ratios to reach."""


def best(measure: Callable[[Side], Awaitable[float]], rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the best of `rounds` for each side; the sides take turns."""
    found: dict[Side, list[float]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            found[side].append(asyncio.run(_awaited(measure, side)))
    return min(found["ours"]), min(found["sdk"])


async def _awaited(measure: Callable[[Side], Awaitable[float]], side: Side) -> float:
    return await measure(side)


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


def times(turns: list[int], runs: int) -> Iterator[str]:
    """Yield the table of times."""
    yield row("work", "fsm_runner", "SDK", "ratio")
    yield row("---", "---:", "---:", "---:")
    for count in turns:
        repeats = max(1, 100 // count)
        rounds = ROUNDS if count < 500 else LONG
        ours, theirs = best(lambda side, n=count, r=repeats: cpu(side, n, r), rounds)  # type: ignore[misc]
        name = f"CPU per turn, {count} {'turn' if count == 1 else 'turns'} of 4 KB, whole history"
        yield row(
            name, f"{ours * 1e3:.2f} ms", f"{theirs * 1e3:.2f} ms", ratio(ours, theirs, GOALS.get(f"turns {count}"))
        )
    ours, theirs = best(lambda side: wall(side, CALLS), 3)
    name = f"wall time, {CALLS} tools of 50 ms in one turn"
    yield row(name, f"{ours * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms", ratio(ours, theirs, GOALS["wall"]))
    if runs:
        ours, theirs = best(lambda side: at_once(side, runs, 3), LONG)
        yield row(
            f"CPU, {runs} runs of 3 turns at once",
            f"{ours:.2f} s",
            f"{theirs:.2f} s",
            ratio(ours, theirs, GOALS["runs"]),
        )


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
    yield from times(turns, runs)
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
