"""The path that breaks a rule, as a picture: its rows and states stand out, each row with the numbers of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm_runner.cli.pictures import content_of, format_of, write

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Overlay
    from fsm_runner.charts.drawing.overlay import Tone
    from fsm_runner.engine.chart import Chart
    from fsm_runner.engine.check.rules import Taken, Violation


def drawn(chart: Chart, violation: Violation, output: Path) -> None:
    """Draw `chart` with the path of `violation` into a file, in the format that its suffix tells.

    Raises:
        Quit: the suffix tells no format, or the file cannot be written.
    """
    overlay = overlay_of_path(chart, violation.path, f"rule {violation.rule}: a shortest path that breaks it")
    write(output, content_of(chart, overlay, format_of(output, "check", "use")))


def overlay_of_path(chart: Chart, path: Sequence[Taken], caption: str) -> Overlay:
    """Return the marks of a path on `chart`: its rows with the numbers of their steps; all else is faint."""
    from fsm_runner.charts.drawing import Mark, Overlay

    steps: dict[str, list[str]] = {}
    for number, taken in enumerate(path, start=1):
        steps.setdefault(taken.row, []).append(str(number))
    rows = {row.id: Mark(tone="faint") for row in chart.rows}
    rows |= {
        row: Mark(tone="strong", note=f"step {', '.join(numbers)}", weight=2, line=True)
        for row, numbers in steps.items()
    }
    way = (chart.initial, *(taken.target for taken in path))
    states = {state.name: Mark(tone="strong" if state.name in way else "faint") for state in chart.states}
    states[way[-1]] = Mark(tone="missed", note="here")
    key: tuple[tuple[Tone, str], ...] = (("strong", "on the path"), ("missed", "where it breaks the rule"))
    return Overlay(rows=rows, states=states, caption=caption, key=key, focus=True)
