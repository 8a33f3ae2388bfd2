"""Drawing: a chart as Mermaid and DOT, and with the `pictures` extra as SVG and PNG.

Two levels: `states` shows every state as a small decision table, grouped by phase; `phases` gathers all rows
between two phases into one line.  The text is a function of the chart alone: no clock, no versions, no fonts of the
machine, so drawings can be committed and compared.

mermaid, dot  the chart as text that draws itself
picture       the program that draws it
labels        what is written: rows as short text
edges         which rows are lines
theme         the colours
overlay       what a picture says beyond the chart: tests' coverage, or only a part of it
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from fsm_runner.charts.drawing.dot import dot_phases, dot_states
from fsm_runner.charts.drawing.mermaid import mermaid_phases, mermaid_states
from fsm_runner.charts.drawing.overlay import NO_OVERLAY, Mark, Overlay, only_marked, overlay_of_counts
from fsm_runner.charts.drawing.picture import PictureError, render_png, render_svg
from fsm_runner.charts.drawing.theme import ThemeName
from fsm_runner.engine.chart import Chart

__all__ = [
    "Format",
    "Level",
    "Mark",
    "Overlay",
    "PictureError",
    "ThemeName",
    "dot",
    "drawn",
    "mermaid",
    "only_marked",
    "overlay_of_counts",
    "png",
    "svg",
]

Level: TypeAlias = Literal["states", "phases"]
"""How close the picture is."""

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png"]
"""What is written."""


def drawn(
    chart: Chart,
    format: Format,  # noqa: A002  the field's word
    *,
    level: Level = "states",
    theme: ThemeName = "light",
    overlay: Overlay = NO_OVERLAY,
) -> bytes:
    """Return `chart` in `format`, as the bytes of a file.

    Raises:
        PictureError: a picture cannot be drawn: the `pictures` extra is not installed.
    """
    match format:
        case "mermaid":
            return mermaid(chart, level=level, overlay=overlay).encode()
        case "dot":
            return dot(chart, level=level, theme=theme, overlay=overlay).encode()
        case "svg":
            return svg(chart, level=level, theme=theme, overlay=overlay).encode()
        case "png":
            return png(chart, level=level, theme=theme, overlay=overlay)


def mermaid(chart: Chart, *, level: Level = "states", overlay: Overlay = NO_OVERLAY) -> str:
    """Return `chart` as a Mermaid flowchart; the page that shows it chooses light or dark.

    An overlay's marks are for the states level.
    """
    return mermaid_phases(chart) if level == "phases" else mermaid_states(chart, overlay=overlay)


def dot(chart: Chart, *, level: Level = "states", theme: ThemeName = "light", overlay: Overlay = NO_OVERLAY) -> str:
    """Return `chart` as DOT for any Graphviz with HTML-like labels.

    An overlay's marks are for the states level.
    """
    return dot_phases(chart, theme=theme) if level == "phases" else dot_states(chart, theme=theme, overlay=overlay)


def svg(chart: Chart, *, level: Level = "states", theme: ThemeName = "light", overlay: Overlay = NO_OVERLAY) -> str:
    """Return `chart` as self-contained SVG with a ground of its own.

    Raises:
        PictureError: the `pictures` extra is not installed.
    """
    return render_svg(dot(chart, level=level, theme=theme, overlay=overlay))


def png(chart: Chart, *, level: Level = "states", theme: ThemeName = "light", overlay: Overlay = NO_OVERLAY) -> bytes:
    """Return `chart` as PNG, sharp on a slide.

    Raises:
        PictureError: the `pictures` extra is not installed.
    """
    return render_png(dot(chart, level=level, theme=theme, overlay=overlay))
