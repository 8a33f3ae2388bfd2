"""Coverage on a picture: how often tests took each row, and which rows they never took."""

from __future__ import annotations

from collections.abc import Mapping

from fsm_runner.charts.drawing.overlay import Mark, Overlay, Tone
from fsm_runner.engine.chart import Chart

KEY: tuple[tuple[Tone, str], ...] = (("covered", "taken"), ("missed", "never taken"))
"""What the legend says of the tones."""


def overlay_of_counts(
    chart: Chart, counts: Mapping[str, int], *, notes: Mapping[str, str] | None = None, caption: str = ""
) -> Overlay:
    """Return the marks of coverage on `chart`.

    Args:
        chart: the chart that was driven.
        counts: how often each row was taken, by its id; a row that is missing was taken 0 times.  Ids of other charts
            are passed over.
        notes: more about single rows, by id, such as ``4 of 6 combinations``; it stands beside the count.
        caption: what drove the chart; empty: nothing is said of it.
    """
    more = notes or {}
    marks = {}
    for row in chart.rows:
        times = counts.get(row.id, 0)
        told = f"{times}×" if times else "never taken"
        note = ", ".join(filter(None, [told, more.get(row.id, "")]))
        marks[row.id] = Mark(tone="covered" if times else "missed", note=note)
    taken = sum(1 for row in chart.rows if counts.get(row.id, 0))
    lines = [caption, f"rows taken: {taken} of {len(chart.rows)}"]
    return Overlay(rows=marks, caption="\n".join(filter(None, lines)), key=KEY, focus=True)
