"""Ways: the rows that each run of a shipped chart takes in each world and moment, kept in a file a chart.

    python -m tests.charts.shipped.ways     writes them anew; read the difference before you keep it

A line is a world, the rows in order, and the state in which the run ends.  An edit that sends any of these runs
another way shows as a changed line.
"""

from __future__ import annotations

from pathlib import Path

from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.loop.tool_loop import Machine, compile
from tests.charts.shipped.moments import moments
from tests.charts.shipped.worlds import World, played, worlds

FOLDER = Path(__file__).parent / "kept"


def every_world() -> dict[str, World]:
    """The worlds and the moments, by what happens in them."""
    return worlds() | moments()


def way(machine: Machine, world: World) -> str:
    """The rows that a run of `machine` takes in `world`, and where it ends.

    Raises:
        AssertionError: it does not end.
    """
    steps = list(played(machine, world))
    rows = [each.row for step in steps for each in step.transitions]
    return f"{' '.join(rows)} → {steps[-1].snapshot.state}"


def written(name: str) -> str:
    """The file of a chart, as it would be written now."""
    machine = compile(load(shipped_charts()[name]))
    return "".join(f"{title}: {way(machine, world)}\n" for title, world in every_world().items())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in shipped_charts():
        (FOLDER / f"{name}.txt").write_text(written(name), encoding="utf-8")
