"""What a step costs: microseconds for a transition, over turns with one tool, on an idle core.

    python bench/step.py [turns]

Each turn has three events (`Replied`, `Continued`, `ToolFinished`) and six transitions.  The best of seven rounds is
printed, because other programs can only make a round slower.  Then the same is measured at the end of a long
conversation, where it must not cost more.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from fsm_runner.charts import load
from fsm_runner.loop.context import Context, Conversation, Counters, Settings
from fsm_runner.loop.events import Continued, Replied, ToolFinished
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, Snapshot, compile

TURN = (
    Replied(
        message={
            "content": [{"type": "tool_use", "id": "a", "name": "search", "input": {}}],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "output_tokens": 5},
        }
    ),
    Continued(),
    ToolFinished(id="a", result={"type": "tool_result", "tool_use_id": "a", "content": "found"}),
)
ROUNDS = 7


def begun(machine: Machine) -> Snapshot:
    """Return the snapshot of a run whose first request is in flight."""
    context = Context(
        conversation=Conversation(history=History([{"role": "user", "content": "hi"}])),
        settings=Settings(params={"model": "claude", "max_tokens": 64}, runnable=frozenset({"search"})),
        counters=Counters(limits={"iterations": None}),
    )
    return machine.step(machine.start(context).snapshot, Continued()).snapshot


def round_of(machine: Machine, snapshot: Snapshot, turns: int) -> tuple[float, Snapshot]:
    """Return the seconds for a transition over `turns` turns, and the last snapshot."""
    taken = 0
    start = time.perf_counter()
    for _ in range(turns):
        for event in TURN:
            step = machine.step(snapshot, event)
            snapshot = step.snapshot
            taken += len(step.transitions)
    return (time.perf_counter() - start) / taken, snapshot


def main(turns: int) -> None:
    """Print the figures."""
    machine = compile(load(Path(__file__).parents[1] / "states.yaml"))
    first = min(round_of(machine, begun(machine), turns)[0] for _ in range(ROUNDS))
    _, late = round_of(machine, begun(machine), 10 * turns)
    last = min(round_of(machine, late, turns)[0] for _ in range(ROUNDS))
    print(f"from the start          {first * 1e6:6.1f} µs a transition")
    print(f"after {10 * turns:>6} turns      {last * 1e6:6.1f} µs a transition")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
