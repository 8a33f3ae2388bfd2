"""Pictures: DOT drawn as SVG and PNG by the `pictures` extra.

The extra is `graphviz-pure`, a single program that carries its own fonts and letter widths, so the same DOT gives the
same bytes on every machine.  Comments, which name versions, are removed from its SVG.  The SVG asks its viewer for
fonts of the same widths, and gives the length of each text: with a wider font, letters move closer together instead of
running over their neighbours.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from html import unescape

from fsm_runner.charts.drawing.theme import FAMILIES, LETTERS
from fsm_runner.engine.errors import FsmRunnerError

PROGRAM = "graphviz-pure"
"""The program that draws."""

DPI = 144
"""Dots per inch of a PNG: sharp on a slide."""

TIMEOUT = 60
"""How many seconds a drawing may take."""


class PictureError(FsmRunnerError):
    """A picture cannot be drawn.

    Attributes:
        problem: the reason, and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


def render_svg(dot: str) -> str:
    """Return `dot` as self-contained SVG.

    Raises:
        PictureError: the `pictures` extra is not installed, or the text cannot be drawn.
    """
    lengths = {(text, round(x, 1), round(-y, 1)): width for text, x, y, width in _texts(dot)}

    def with_length(found: re.Match[str]) -> str:
        place = (unescape(found["text"]), round(float(found["x"]), 1), round(float(found["y"]), 1))
        given = f' textLength="{lengths[place]:g}" lengthAdjust="spacingAndGlyphs"' if lengths.get(place) else ""
        return f"{found['head']}{given}>{found['text']}</text>"

    svg = _run(dot, "-Tsvg").decode("utf-8")
    svg = re.sub(r"<!--.*?-->\n?|<!DOCTYPE.*?>\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'(?P<head><text [^>]*?x="(?P<x>[^"]+)" y="(?P<y>[^"]+)"[^>]*)>(?P<text>[^<]*)</text>', with_length, svg
    )
    return svg.replace(f'font-family="{LETTERS}"', f'font-family="{FAMILIES}"')


def render_png(dot: str) -> bytes:
    """Return `dot` as PNG at `DPI` dots per inch.

    Raises:
        PictureError: the `pictures` extra is not installed, or the text cannot be drawn.
    """
    return _run(dot, "-Tpng", f"-Gdpi={DPI}")


def _texts(dot: str) -> Iterator[tuple[str, float, float, float]]:
    """Yield each text of the drawing with its place and its length, in points; y grows upwards."""
    drawing = json.loads(_run(dot, "-Tjson"))
    for part in (drawing, *drawing.get("objects", ()), *drawing.get("edges", ())):
        for stroke in part.get("_ldraw_", ()):
            if stroke["op"] == "T":
                yield stroke["text"], *stroke["pt"], stroke["width"]


def _run(dot: str, *arguments: str) -> bytes:
    """Return the program's output for `dot`."""
    program = shutil.which(PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(PROGRAM)
    if program is None:
        raise PictureError(f"picture: '{PROGRAM}' is not installed (pip install 'fsm-runner[pictures]', or draw DOT)")
    try:
        done = subprocess.run([program, *arguments], input=dot.encode(), capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise PictureError(f"picture: '{PROGRAM}' took longer than {TIMEOUT} s (draw DOT instead)") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise PictureError(f"picture: '{PROGRAM}' could not draw: {said}")
    return done.stdout
