"""The overlay: marks on single rows and states of a picture, beyond the chart itself.

Counts from journals, the path of one run, a diff and coverage all become a `Mark` for some rows and states.  Drawing
asks the overlay for each mark, and does not know where it came from.  `inspecting.run_overlay` makes one from journals,
`overlay_of_counts` one from counts, and `charts.diff` one from two charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from fsm_runner.charts.drawing.edges import hubs
from fsm_runner.engine.chart import Chart

Tone: TypeAlias = Literal["plain", "strong", "faint", "added", "removed", "changed", "covered", "missed"]
"""How a row or state stands out; a theme gives each tone its colour.  So that colour alone never carries a meaning,
removed things are also dashed and struck out, and added, removed, changed and missed ones have a sign."""

SIGNS: Mapping[Tone, str] = MappingProxyType({"added": "+", "removed": "−", "changed": "~", "missed": "!"})
"""The sign before a name of that tone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one row or state stands out: immutable.

    Attributes:
        tone: ``plain`` draws it as without an overlay.
        note: short text next to it, such as ``12×``; empty for none.  A line break makes two lines.
        weight: how thick its line is; 1 is the usual thickness, and it is above 0.
        line: whether a row gets a line where it would otherwise only name its target.
    """

    tone: Tone = "plain"
    note: str = ""
    weight: float = 1.0
    line: bool = False


PLAIN = Mark()
"""The mark of everything that an overlay does not mention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The marks of a picture: immutable.

    Attributes:
        rows: marks by row id.
        states: marks by state name.
        caption: what the picture shows, below it; empty for none.  A line break makes two lines.
        key: the meaning of each tone, in the legend's order.
        focus: whether phases are grey, so that only marked things stand out.
        hubs: more states to which lines from other phases are not drawn; the others are found by counting.
    """

    rows: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    states: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    caption: str = ""
    key: tuple[tuple[Tone, str], ...] = ()
    focus: bool = False
    hubs: frozenset[str] = frozenset()

    def row(self, row_id: str) -> Mark:
        """Return the mark of a row; `PLAIN` if it has none."""
        return self.rows.get(row_id, PLAIN)

    def state(self, name: str) -> Mark:
        """Return the mark of a state; `PLAIN` if it has none."""
        return self.states.get(name, PLAIN)


NO_OVERLAY = Overlay()
"""No marks at all."""


KEY: tuple[tuple[Tone, str], ...] = (("covered", "taken"), ("missed", "never taken"))
"""The legend of the tones."""


def overlay_of_counts(
    chart: Chart, counts: Mapping[str, int], *, notes: Mapping[str, str] | None = None, caption: str = ""
) -> Overlay:
    """Return the marks of coverage on `chart`.

    Args:
        chart: the chart that was driven.
        counts: how often each row was taken, by its id; a row that is missing was taken 0 times.  Ids of other charts
            are ignored.
        notes: more about single rows, by id, such as ``4 of 6 combinations``; it stands next to the count.
        caption: what drove the chart; empty: nothing.
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


QUIET = frozenset({"plain", "faint"})
"""The tones that do not stand out."""


def only_marked(chart: Chart, overlay: Overlay) -> tuple[Chart, Overlay]:
    """Return `chart` without the states that have nothing to do with a mark; the caption lists them.

    A state stays if it or one of its rows is marked, or if a marked row leads to it, unless it is a hub.  The first
    state always stays.  If nothing is marked, all states stay.
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
