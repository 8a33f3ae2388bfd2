"""Overlays: what a difference, journals and counts mark, and that the pictures of them are fit to show."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import combinations
from xml.etree import ElementTree

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.diff import diff, merged
from fsm_runner.charts.drawing import (
    Mark,
    Overlay,
    dot,
    mermaid,
    only_marked,
    overlay_of_counts,
    svg,
)
from fsm_runner.charts.drawing.theme import THEMES
from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.inspecting.run_overlay import overlay_of_runs, runs_of
from tests.charts.test_drawing_pictures import boxes
from tests.inspecting.test_run_overlay import took

CHART = load("states")

HERE = State(
    name="here",
    phase="request",
    transitions=(
        Row(id="again", event="replied", guard=(("turn", ("paused",)),), target="here"),
        Row(id="stop", event="replied", target="done"),
    ),
)
DONE = State(name="done", phase="done", final=True)
SMALL = Chart(
    name="small", initial="here", states=(HERE, DONE), facts=(FactUse(name="turn", answers=("none", "paused", "over")),)
)


def with_rows(*rows: Row) -> Chart:
    """`SMALL` with other rows in its first state."""
    return replace(SMALL, states=(replace(HERE, transitions=rows), DONE))


# ── a difference ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_removed_row_stands_where_it_was_and_an_added_one_where_it_is():
    """Both charts are in one, each row in its tone."""
    stop = HERE.transitions[1]
    late = Row(id="late", event="replied", guard=(("turn", ("over",)),), target="done")
    chart, overlay = merged(diff(SMALL, with_rows(late, stop)))

    assert ["again", "late", "stop"] == [row.id for row in chart.rows]
    assert ["removed", "added", "changed"] == [overlay.row(row.id).tone for row in chart.rows]
    assert "takes more than it did" == overlay.row("stop").note


@pytest.mark.parametrize(
    ("edit", "note"),
    [
        ({"target": "done"}, "was → here"),
        ({"guard": (("turn", ("over",)),)}, "was: turn = paused"),
        ({"guard": ()}, "was: turn = paused"),
        ({"output": "message"}, "output was nothing"),
    ],
)
def test_a_changed_row_says_what_it_was(edit, note):
    """It is drawn once, as it is now."""
    again, stop = HERE.transitions
    chart, overlay = merged(diff(SMALL, with_rows(replace(again, **edit), stop)))

    assert ["again", "stop"] == [row.id for row in chart.rows]
    assert ("changed", note) == (overlay.row("again").tone, overlay.row("again").note)


def test_a_removed_state_is_drawn_with_its_rows_and_a_renamed_one_once():
    """Nothing that was there is missing from the picture."""
    there = State(name="there", phase="request", transitions=(Row(id="back", event="replied", target="here"),))
    old = replace(SMALL, states=(HERE, there, DONE))
    chart, overlay = merged(diff(old, SMALL))
    lonely = replace(there, transitions=(Row(id="back", event="replied", target="done"),))
    old_name, new_name = ((HERE, replace(lonely, name=name), DONE) for name in ("there", "elsewhere"))
    one, renamed = merged(diff(replace(SMALL, states=old_name), replace(SMALL, states=new_name)))

    assert ["here", "done", "there"] == [state.name for state in chart.states]
    assert ["removed", "removed"] == [overlay.state("there").tone, overlay.row("back").tone]
    assert ["here", "elsewhere", "done"] == [state.name for state in one.states]
    assert Mark(tone="changed", note="was called there") == renamed.state("elsewhere")


def test_a_row_that_moved_to_another_state_stands_in_both():
    """The one that is gone has another id in the picture, since two rows cannot share one."""
    there = State(name="there", phase="request", transitions=(Row(id="back", event="replied", target="here"),))
    old = replace(SMALL, states=(HERE, there, DONE))
    moved = Row(id="back", event="failed", target="here")
    new = replace(
        old,
        states=(
            replace(HERE, transitions=(*HERE.transitions, moved)),
            replace(there, transitions=(Row(id="other", event="replied", target="done"),)),
            DONE,
        ),
    )
    chart, overlay = merged(diff(old, new))

    assert ["again", "stop", "back", "other", "back (old)"] == sorted(
        (row.id for row in chart.rows), key=["again", "stop", "back", "other", "back (old)"].index
    )
    assert ["changed", "removed"] == [overlay.row("back").tone, overlay.row("back (old)").tone]


def test_what_is_removed_is_dashed_and_struck_out():
    """Nobody has to tell red from green."""
    again, stop = HERE.transitions
    gone = Row(id="gone", event="failed", target="done")
    chart, overlay = merged(diff(with_rows(again, stop, gone), SMALL))
    text = dot(chart, overlay=overlay)

    assert ["gone"] == re.findall(r"<S><FONT[^>]*>(\w+)</FONT></S>", text)
    assert 1 == len(re.findall(r" -> .*style=dashed", text))
    assert "− gone" in re.sub(r"#8722;", "−", mermaid(chart, overlay=overlay))


def test_mermaid_colours_lines_that_are_marked_alike():
    """The number of the line in `linkStyle` is that of the line in the text, from 0."""
    again, stop = HERE.transitions
    chart, overlay = merged(diff(SMALL, with_rows(again, replace(stop, event="failed"))))
    text = mermaid(chart, overlay=overlay)
    lines = [line for line in text.splitlines() if "-->" in line]

    assert "s_here -->" in lines[1]
    assert ["1"] == re.findall(r"linkStyle (\d+) stroke:", text)


def test_phases_give_way_to_what_is_marked():
    """No phase has the hue of a change: every colour that is left is a mark's."""
    again, stop = HERE.transitions
    chart, overlay = merged(diff(SMALL, with_rows(again, replace(stop, guard=(("turn", ("over",)),)))))
    greys = {THEMES["light"].spare[-1].line, "#888"}

    assert {THEMES["light"].tones["changed"]} == set(
        re.findall(r"stroke:(#\w+)", mermaid(chart, overlay=overlay))
    ) - greys
    assert THEMES["light"].named["done"].line not in dot(chart, overlay=replace(overlay, key=()))


# ── coverage ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_counts_mark_every_row():
    """A row that is missing was never taken; ids of other charts are passed over."""
    overlay = overlay_of_counts(
        SMALL, {"again": 3, "other": 1}, notes={"again": "1 of 2 combinations"}, caption="tests"
    )

    assert Mark(tone="covered", note="3×, 1 of 2 combinations") == overlay.row("again")
    assert Mark(tone="missed", note="never taken") == overlay.row("stop")
    assert "tests\nrows taken: 1 of 2" == overlay.caption


# ── only what is marked ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_picture_of_what_is_marked_leaves_out_the_rest():
    """The state of a marked row and the state that it leads to stay, and the first; the caption names the others."""
    overlay = Overlay(rows={"compacted": Mark(tone="added"), "ask": Mark(tone="faint")}, caption="two")
    chart, narrowed = only_marked(CHART, overlay)

    assert ["start", "compact"] == [state.name for state in chart.states if state.name != "offered"]
    assert narrowed.caption.startswith("two\nnot shown: inspect, request, ")
    assert "inspect" in narrowed.hubs


def test_where_nothing_is_marked_nothing_is_left_out():
    """An empty picture would say nothing."""
    assert (CHART, Overlay()) == only_marked(CHART, Overlay())


def test_a_marked_state_stays_with_all_of_its_rows():
    """A row that leads to a state that is not shown still says where."""
    chart, overlay = only_marked(CHART, Overlay(states={"streaming": Mark(tone="changed")}))

    assert CHART.state("streaming") == chart.state("streaming")
    assert "→ draining" in unescape(dot(chart, overlay=overlay))
    assert "→ draining" in mermaid(chart, overlay=overlay)


# ── the pictures ────────────────────────────────────────────────────────────────────────────────────────────────────


def pictures() -> list[str]:
    """A picture of each kind, of the default chart."""
    states = tuple(
        replace(state, always=tuple(row for row in state.always if row.id != "finish")) for state in CHART.states
    )
    chart, overlay = merged(diff(CHART, replace(CHART, states=states)))
    runs = overlay_of_runs(CHART, runs_of([took(row.id, row.target, number) for number, row in enumerate(CHART.rows)]))
    counts = overlay_of_counts(CHART, {row.id: number % 3 for number, row in enumerate(CHART.rows)})
    return [svg(chart, overlay=overlay), svg(CHART, overlay=runs), svg(CHART, overlay=counts, theme="dark")]


def test_no_text_of_an_overlay_is_clipped_or_covers_another():
    """Each text has its own place inside the picture."""
    for picture in pictures():
        root = ElementTree.fromstring(picture)
        _, _, width, height = map(float, root.get("viewBox", "").split())
        found = boxes(root)
        assert [] == [box for box in found if box[1] < 0 or box[2] < 0 or box[3] > width or box[4] > height]
        assert [] == [
            (one[0], other[0])
            for one, other in combinations(found, 2)
            if one[1] < other[3] - 0.5 and other[1] < one[3] - 0.5 and one[2] < other[4] and other[2] < one[4]
        ]
