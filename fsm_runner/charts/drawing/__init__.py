"""Drawing: a chart as Mermaid and DOT, and with the `pictures` extra as SVG and PNG.

There are two levels: `states` shows every state as a small decision table, grouped by phase; `phases` gathers all rows
between two phases into one line.  The text depends on the chart alone, not on the clock, on versions or on the
machine's fonts, so drawings can be committed and compared.

mermaid, dot  the chart as Mermaid and as DOT
picture       runs the program that draws DOT
labels        rows as short text
edges         which rows are drawn as lines
theme         the colours
overlay       marks beyond the chart itself, such as the tests' coverage
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
"""How much of the chart is shown."""

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png"]
"""The format of the file."""


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
    """Return `chart` as self-contained SVG with its own background.

    Raises:
        PictureError: the `pictures` extra is not installed.
    """
    return render_svg(dot(chart, level=level, theme=theme, overlay=overlay))


def png(chart: Chart, *, level: Level = "states", theme: ThemeName = "light", overlay: Overlay = NO_OVERLAY) -> bytes:
    """Return `chart` as PNG, in a resolution for slides.

    Raises:
        PictureError: the `pictures` extra is not installed.
    """
    return render_png(dot(chart, level=level, theme=theme, overlay=overlay))
