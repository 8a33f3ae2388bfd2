"""The pictures: a chart with how often each row was taken, and how many of its combinations were driven."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm_runner.pytest_plugin.coverage import ChartCoverage

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Format, Overlay, ThemeName

SUFFIXES: Mapping[str, Format] = {".svg": "svg", ".png": "png", ".dot": "dot", ".mmd": "mermaid"}
"""The formats, by the suffix of a file."""


def problem_of(path: Path) -> str | None:
    """Return why no picture can be drawn to `path`; None when one can, as far as is known before there is one."""
    if path.suffix not in SUFFIXES:
        return f"the suffix tells no format (there is: {', '.join(SUFFIXES)})"
    if path.suffix in (".svg", ".png"):
        from fsm_runner.charts.drawing import PictureError
        from fsm_runner.charts.drawing.picture import render_png

        try:
            render_png("graph {}")
        except PictureError as error:
            return str(error)
    return None


def draw(path: Path, charts: Sequence[ChartCoverage], *, theme: ThemeName, driven_by: str) -> None:
    """Draw a single chart to `path`, or each of several to a file with its name before the suffix.

    Args:
        path: the file; folders that are missing are made.
        charts: what was driven.
        theme: the colours; a .mmd has those of the page that shows it.
        driven_by: what drove them, such as ``12 tests``.

    Raises:
        OSError: a file cannot be written.
        PictureError: the picture cannot be drawn.
    """
    from fsm_runner.charts.drawing import drawn

    path.parent.mkdir(parents=True, exist_ok=True)
    for covered in charts:
        own = path if len(charts) == 1 else path.with_name(f"{path.stem}-{_file_name(covered.name)}{path.suffix}")
        own.write_bytes(drawn(covered.chart, SUFFIXES[path.suffix], theme=theme, overlay=_overlay(covered, driven_by)))


def _overlay(covered: ChartCoverage, driven_by: str) -> Overlay:
    from fsm_runner.charts.drawing import overlay_of_counts

    notes = {
        each.row.id: f"{each.driven_count} of {each.possible_count}"
        for each in covered.rows
        if each.times and each.driven_count < each.possible_count
    }
    lines = [f"driven by {driven_by}"]
    if notes:
        example = next(iter(notes.values()))
        lines.append(f"{example}: so many of the combinations of answers by which the row can be taken")
    counts = {each.row.id: each.times for each in covered.rows}
    return overlay_of_counts(covered.chart, counts, notes=notes, caption="\n".join(lines))


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
