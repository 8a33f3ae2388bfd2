"""``python -m fsm_runner.charts.drawing``: write the drawings of a chart to a folder, or compare them.

``make diagrams`` writes, ``make check`` compares.  Exit codes: 0 fine, 1 a drawing is missing or out of date, 2 wrong
arguments, or the chart cannot be drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fsm_runner.charts.drawing import Level, dot, mermaid, png, svg
from fsm_runner.charts.loader import load
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import FsmRunnerError


def drawings(chart: Chart) -> dict[str, bytes]:
    """Return every drawing of `chart` by file name: ``NAME.*`` shows all states, ``phases.*`` the phases."""
    files: dict[str, bytes] = {}
    levels: tuple[tuple[str, Level], ...] = ((chart.name, "states"), ("phases", "phases"))
    for name, level in levels:
        files[f"{name}.mmd"] = mermaid(chart, level=level).encode()
        files[f"{name}.dot"] = dot(chart, level=level).encode()
        files[f"{name}.svg"] = svg(chart, level=level).encode()
        files[f"{name}-dark.svg"] = svg(chart, level=level, theme="dark").encode()
        files[f"{name}.png"] = png(chart, level=level)
    return files


def stale(files: dict[str, bytes], folder: Path) -> tuple[str, ...]:
    """Return the names of the drawings that `folder` lacks or that differ there."""
    paths = ((name, folder / name) for name in files)
    return tuple(name for name, path in paths if not path.is_file() or path.read_bytes() != files[name])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the drawings; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fsm_runner.charts.drawing", description="draw a chart to a folder")
    parser.add_argument("chart", nargs="?", default="states.yaml", help="the chart's file (default: states.yaml)")
    parser.add_argument("--into", type=Path, default=Path("diagrams"), help="the folder (default: diagrams)")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    given = parser.parse_args(arguments)
    try:
        files = drawings(load(given.chart))
    except FsmRunnerError as error:
        print(error, file=sys.stderr)
        return 2
    if given.check:
        old = stale(files, given.into)
        for name in old:
            print(f"{given.into / name}: does not show the chart (run 'make diagrams')", file=sys.stderr)
        return 1 if old else 0
    given.into.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (given.into / name).write_bytes(content)
    print(f"{given.into}: {len(files)} drawings")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
