"""How the time of a check grows with the number of facts, rows and states, printed as a table.

    python -m bench.check

The charts are made for this.  Every state has a row for each fact, and one without a guard, so each state's table
covers all facts, which is the worst case.  Times are CPU, the best of three.
"""

from __future__ import annotations

import sys
import time

from fsm_runner.engine.chart import AlwaysReaches, Chart, FactUse, Moment, Never, Row, State
from fsm_runner.loop.tool_loop import check

ANSWERS = ("x", "y", "z")
CASES = (
    (10, 4, 5), (10, 8, 5), (10, 10, 5), (10, 12, 5),
    (30, 12, 3), (30, 12, 7), (30, 12, 14),
    (60, 12, 7), (120, 12, 7),
)  # fmt: skip
"""States, facts, and rows of a state."""


def chart_of(states: int, facts: int, rows: int) -> Chart:
    """Return a chart that passes the check and has two rules; each state's guards together ask all facts."""
    names = [f"f{index}" for index in range(facts)]
    made = []
    for number in range(states):
        table = []
        for index in range(rows - 1):
            asked = dict.fromkeys([*names[index :: rows - 1], names[index % facts], names[(index + 1) % facts]])
            guard = tuple((name, (ANSWERS[(index + index // facts + place) % 3],)) for place, name in enumerate(asked))
            target = f"s{(number + index) % states}"
            table.append(Row(id=f"s{number}r{index}", event="continued", guard=guard, target=target, consumes="caller"))
        table.append(Row(id=f"s{number}last", event="continued", target=f"s{number + 1}"))
        made.append(State(name=f"s{number}", phase="p", transitions=tuple(table)))
    return Chart(
        name="made",
        initial="s0",
        facts=tuple(FactUse(name=name, answers=ANSWERS) for name in names),
        states=(*made, State(name=f"s{states}", phase="done", final=True)),
        rules=(
            Never(name="never", after=Moment(states=(f"s{states}",)), enter=Moment(states=("s0",))),
            AlwaysReaches(name="ends", states=(f"s{states}",)),
        ),
    )


def best(chart: Chart, *, rounds: int = 3) -> float:
    """Return the least CPU that a check of `chart` takes, in seconds."""
    times = []
    for _ in range(rounds):
        before = time.process_time()
        verdict = check(chart)
        times.append(time.process_time() - before)
        if verdict.problems:
            sys.exit(f"bench: {verdict.problems[0].message}")
    return min(times)


def main() -> None:
    """Print the table."""
    print("| states | facts of 3 answers | rows | combinations of a state | check |")
    print("|---:|---:|---:|---:|---:|")
    for states, facts, rows in CASES:
        chart = chart_of(states, facts, rows)
        took = best(chart)
        print(f"| {states} | {facts} | {states * rows} | {len(ANSWERS) ** facts:,} | {took * 1e3:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
