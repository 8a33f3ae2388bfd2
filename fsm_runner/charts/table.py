"""The decision table: every row of a chart as one line, in the order in which it is tried.

Text for a terminal and Markdown for a page hold the same cells.  The text of the cells is that of the pictures.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from unicodedata import combining, east_asian_width

from fsm_runner.charts.drawing.words import extras, holds_when, printable
from fsm_runner.core.chart import Chart

TableFormat: TypeAlias = Literal["text", "markdown"]
"""What a caller may ask for."""

HEADER = ("state", "row", "event", "holds when", "target", "besides")
"""The columns.  `besides`: what the row gives the caller, spends and consumes."""

ALWAYS = "(always)"
"""The event of a row that waits for none: it is tried on entering its state."""


def cells(chart: Chart) -> tuple[tuple[str, ...], ...]:
    """Return the table's cells, a tuple for each row of `chart`, in the columns of `HEADER`.

    A state without rows is one line: it is final, or nothing leads out of it.
    """
    lines = []
    for state in chart.states:
        for row in state.rows:
            when = ", ".join(holds_when(chart, state, row))
            besides = ", ".join(extras(chart, row))
            lines.append((state.name, row.id, row.event or ALWAYS, when, row.target, besides))
        if not state.rows:
            lines.append((state.name, "", "", "", "", "final" if state.final else "no way out"))
    return tuple(tuple(map(printable, line)) for line in lines)


def table(chart: Chart, *, format: TableFormat = "text") -> str:  # noqa: A002  the word of every other command
    """Return the decision table of `chart`, with a line break at its end."""
    return markdown_table(chart) if format == "markdown" else text_table(chart)


def markdown_table(chart: Chart) -> str:
    """Return the decision table as a Markdown table, for `docs/states.md` and pull requests."""
    lines = [HEADER, ("---",) * len(HEADER), *(tuple(map(_escaped, line)) for line in cells(chart))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def text_table(chart: Chart) -> str:
    """Return the decision table in columns two spaces apart; a state is named on its first line only."""
    lines: list[tuple[str, ...]] = [HEADER]
    before = None
    for line in cells(chart):
        lines.append(line if line[0] != before else ("", *line[1:]))
        before = line[0]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("─" * width for width in widths))
    return "".join(_padded(line, widths) + "\n" for line in lines)


def _padded(line: tuple[str, ...], widths: list[int]) -> str:
    """Return one line of the text table; widths in terminal cells."""
    return "  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    """Return how many terminal cells `text` takes: two for a wide letter, none for an accent of its own."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is.  Underscores inside a word are safe as they are."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"[\\`*\[\]|~#]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)
