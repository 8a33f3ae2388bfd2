"""The overlay: what a picture says about single rows and states beyond the chart itself.

Counts from journals, the path of one run, a diff or coverage all come down to a `Mark` for some rows and states.
Drawing asks the overlay for each mark and knows nothing of where it came from.  `runs` makes one from journals and
`covered` one from counts; `charts.diff` makes one from two charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from fsm_runner.charts.drawing.edges import hubs
from fsm_runner.engine.chart import Chart

Tone: TypeAlias = Literal["plain", "strong", "faint", "added", "removed", "changed", "covered", "missed"]
"""How a row or state stands out; a theme gives each tone its colour.  What is removed is dashed and struck out, too,
so that nothing is told by colour alone; what is added, removed, changed or missed has a sign."""

SIGNS: Mapping[Tone, str] = MappingProxyType({"added": "+", "removed": "−", "changed": "~", "missed": "!"})
"""What stands before a name of that tone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one row or state stands out: immutable.

    Attributes:
        tone: ``plain`` draws it as the chart alone would.
        note: short text beside it, such as ``12×``; empty for none.  A line break parts two lines.
        weight: thickness of its line against the usual one; above 0, 1 for the usual.
        line: whether a row's line is drawn even where it would only be written.
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
        caption: what the picture shows, in one line below it; empty for none.  A line break parts two lines.
        key: what each tone means, in the order in which the legend says so.
        focus: whether the phases' colours give way to grey, so that only what is marked stands out.
        hubs: states whose lines from other phases are not drawn, however few they are; others are found by counting.
    """

    rows: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    states: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    caption: str = ""
    key: tuple[tuple[Tone, str], ...] = ()
    focus: bool = False
    hubs: frozenset[str] = frozenset()

    def row(self, row_id: str) -> Mark:
        """Return the mark of a row; a plain one when it has none."""
        return self.rows.get(row_id, PLAIN)

    def state(self, name: str) -> Mark:
        """Return the mark of a state; a plain one when it has none."""
        return self.states.get(name, PLAIN)


NO_OVERLAY = Overlay()
"""The chart alone."""


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
