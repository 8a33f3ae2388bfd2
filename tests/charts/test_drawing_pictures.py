"""The pictures: self-contained, nothing clipped or overlapping, and those committed show the chart."""

from __future__ import annotations

import re
import struct
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fsm_runner.charts.drawing import PictureError, mermaid, png, svg
from fsm_runner.charts.drawing.__main__ import drawings, main, stale
from fsm_runner.charts.drawing.picture import render_svg
from fsm_runner.charts.drawing.theme import THEMES
from fsm_runner.charts.loader import load

CHART = load("states.yaml", verify=False)
SVG = "{http://www.w3.org/2000/svg}"


def boxes(root: ElementTree.Element) -> list[tuple[str, float, float, float, float]]:
    """Return each text of an SVG with its left, top, right and bottom edge, in points of its view box."""
    drawing = root.find(f"{SVG}g")
    assert drawing is not None
    found = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", drawing.get("transform", ""))
    assert found is not None
    across, down = float(found[1]), float(found[2])
    result = []
    for text in root.iter(f"{SVG}text"):
        if (text.text or "").strip():
            x, y = float(text.get("x", "")) + across, float(text.get("y", "")) + down
            width, size = float(text.get("textLength", "")), float(text.get("font-size", ""))
            left = x - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor", "start")]
            result.append((text.text or "", left, y - 0.72 * size, left + width, y + 0.05 * size))
    return result


@pytest.mark.parametrize("level", ["states", "phases"])
def test_every_text_lies_inside_the_picture(level):
    """No text is cut off by the edge."""
    root = ElementTree.fromstring(svg(CHART, level=level))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    outside = [box for box in boxes(root) if box[1] < 0 or box[2] < 0 or box[3] > width or box[4] > height]

    assert [] == outside


@pytest.mark.parametrize("level", ["states", "phases"])
def test_no_two_texts_overlap(level):
    """Each text has its own place; their lengths are stated, so this holds for any font of the viewer."""
    found = boxes(ElementTree.fromstring(svg(CHART, level=level)))
    overlapping = [
        (one[0], other[0])
        for one, other in combinations(found, 2)
        if one[1] < other[3] - 0.5 and other[1] < one[3] - 0.5 and one[2] < other[4] and other[2] < one[4]
    ]

    assert len(found) > 25
    assert [] == overlapping


@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_needs_nothing_but_itself(theme):
    """It has a ground of its own, links to nothing, runs nothing, and names no version."""
    text = svg(CHART, theme=theme)
    root = ElementTree.fromstring(text)

    ground = next(root.iter(f"{SVG}polygon"))
    assert THEMES[theme].page == ground.get("fill")
    assert [] == re.findall(r"href=|<script|<image|@import|url\(|<!--|graphviz", text)


def test_labels_at_the_width_of_a_page_are_legible():
    """The phases, shown 880 pixels wide, have no letters under 10 pixels."""
    root = ElementTree.fromstring(svg(CHART, level="phases"))
    width = float(root.get("viewBox", "").split()[2])
    smallest = min(float(text.get("font-size", "")) for text in root.iter(f"{SVG}text"))

    assert smallest * 880 / width >= 10


def test_a_png_is_a_png_of_a_size_for_slides():
    """It begins with the signature, and is at least as wide as a large slide."""
    content = png(CHART, level="phases")
    width, height = struct.unpack(">II", content[16:24])

    assert b"\x89PNG\r\n\x1a\n" == content[:8]
    assert 1920 <= width <= 6000
    assert 600 <= height <= 6000


def test_what_cannot_be_drawn_is_said():
    """A text that is no DOT is refused, with what the program says of it."""
    with pytest.raises(PictureError, match=r"picture: 'graphviz-pure' could not draw: .*syntax error"):
        render_svg("digraph {")


def test_the_committed_drawings_show_the_chart():
    """`make diagrams` would change nothing."""
    assert () == stale(drawings(CHART), Path("diagrams"))


def test_drawings_are_written_and_compared(tmp_path, capsys):
    """A fresh folder is fresh; a changed or missing drawing is named, with exit code 1."""
    folder = tmp_path / "deep" / "folder"
    assert 0 == main(["states.yaml", "--into", str(folder)])
    assert 0 == main(["states.yaml", "--into", str(folder), "--check"])

    (folder / "phases.mmd").write_text("flowchart LR\n")
    (folder / "tool_loop.dot").unlink()
    assert 1 == main(["states.yaml", "--into", str(folder), "--check"])
    assert ["tool_loop.dot", "phases.mmd"] == re.findall(r"/([\w.]+): does not show", capsys.readouterr().err)
    assert mermaid(CHART) == (folder / "tool_loop.mmd").read_text(encoding="utf-8")


def test_a_chart_that_is_not_there_is_used_wrongly(tmp_path, capsys):
    """Exit code 2, and one line that says what is missing."""
    assert 2 == main([str(tmp_path / "none.yaml"), "--into", str(tmp_path)])
    assert "none.yaml" in capsys.readouterr().err
