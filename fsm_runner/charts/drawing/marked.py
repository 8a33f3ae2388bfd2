"""Only what is marked: the part of a chart that an overlay speaks of, for a picture that fits a page."""

from __future__ import annotations

from dataclasses import replace

from fsm_runner.charts.drawing.overlay import Overlay
from fsm_runner.charts.drawing.routes import hubs
from fsm_runner.engine.chart import Chart

QUIET = frozenset({"plain", "faint"})
"""The tones of what does not stand out."""


def only_marked(chart: Chart, overlay: Overlay) -> tuple[Chart, Overlay]:
    """Return `chart` without the states that nothing marked is in or leads to; the caption says which are left out.

    A state stays when it or one of its rows stands out, or when a row that does leads there, unless it is a hub; the
    first state always does.  Where nothing is marked, nothing is left out.
    """
    written = hubs(chart)
    kept = {state.name for state in chart.states if overlay.state(state.name).tone not in QUIET}
    for state in chart.states:
        for row in state.rows:
            if overlay.row(row.id).tone not in QUIET:
                kept |= {state.name, *{row.target}.difference(written)}
    left_out = [state.name for state in chart.states if state.name not in {chart.initial, *kept}]
    if not kept or not left_out:
        return chart, overlay
    caption = "\n".join(filter(None, [overlay.caption, f"not shown: {', '.join(left_out)}"]))
    states = tuple(state for state in chart.states if state.name not in left_out)
    return replace(chart, states=states), replace(overlay, caption=caption, hubs=written)
