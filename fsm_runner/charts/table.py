"""The decision table: every row of a chart as one line, in the order in which it is tried.

Text for a terminal, Markdown and HTML for a page hold the same cells.  The text of the cells is that of the pictures.
``effectively`` says what the order does to a row: its guard, less what the rows above it have taken, and less what
cannot happen.  It is empty where that is what the row says anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias
from unicodedata import combining, east_asian_width

from fsm_runner.charts.drawing.words import condition, extras, holds_when, printable
from fsm_runner.engine.chart import Chart, Pattern, Row, State
from fsm_runner.engine.check.minimise import TooManyPatterns, patterns
from fsm_runner.engine.check.names import FactCode
from fsm_runner.engine.check.tables import Facts, tables_of
from fsm_runner.loop.domain import TOOL_LOOP

TableFormat: TypeAlias = Literal["text", "markdown", "html"]
"""What a caller may ask for."""

HEADER = ("state", "row", "event", "holds when", "target", "besides", "effectively")
"""The columns.  `besides`: what the row gives the caller, spends and consumes."""

ALWAYS = "(always)"
"""The event of a row that waits for none: it is tried on entering its state."""

NEVER = "never"
"""What is said of a row that rows above it always shadow."""

MOST = 8
"""How many patterns of a row are still read; of a row that takes more, only that rows above it come first is said."""

UNTOLD = "where no row above holds"
"""What is said of a row that takes more than `MOST` patterns."""

FactCodes: TypeAlias = Mapping[str, FactCode]


Effective: TypeAlias = dict[str, tuple[Pattern, ...] | None]


def effective(chart: Chart, *, facts: FactCodes | None = None, most: int | None = None) -> Effective:
    """Return for each row, by its id, when it is the one that is taken: few patterns, exact but for what cannot happen.

    Args:
        chart: its names must resolve; rows may be dead, and then have no pattern.
        most: a row that needs more patterns has None instead; None: each has all of its patterns.
        facts: the facts' code, for what cannot happen; None: what the built-in facts say of it.
    """
    asked = Facts(chart, TOOL_LOOP, facts)
    found: Effective = {}
    for state in chart.states:
        for table in tables_of(state, asked):
            space = table.space
            impossible = space.every & ~table.possible
            for (_, row), taken in zip(table.rows, table.taken, strict=True):
                try:
                    found[row.id] = patterns(space, taken, impossible, most=most)
                except TooManyPatterns:
                    found[row.id] = None
    return found


def cells(chart: Chart, *, facts: FactCodes | None = None) -> tuple[tuple[str, ...], ...]:
    """Return the table's cells, a tuple for each row of `chart`, in the columns of `HEADER`.

    A state without rows is one line: it is final, or nothing leads out of it.  Several patterns of one row are a line
    of its last cell each.
    """
    taken = effective(chart, facts=facts, most=MOST)
    lines = []
    for state in chart.states:
        for row in state.rows:
            when = ", ".join(holds_when(chart, state, row))
            besides = ", ".join(extras(chart, row))
            texts = _effectively(chart, row, taken[row.id])
            lines.append((state.name, row.id, row.event or ALWAYS, when, row.target, besides, texts))
        if not state.rows:
            lines.append((state.name, "", "", "", "", _end(state), ""))
    return tuple(tuple("\n".join(map(printable, cell.split("\f"))) for cell in line) for line in lines)


def _end(state: State) -> str:
    return "final" if state.final else "no way out"


def _effectively(chart: Chart, row: Row, taken: tuple[Pattern, ...] | None) -> str:
    """When `row` is taken, its patterns a form feed apart; empty when its guard says the same."""
    if taken is None:
        return UNTOLD
    if not taken:
        return NEVER
    if [_unordered(pattern) for pattern in taken] == [_unordered(row.guard)]:
        return ""
    asked = [fact for fact, _ in row.guard]  # what the row asks comes first
    texts = []
    for pattern in taken:
        ordered = sorted(pattern, key=lambda each: asked.index(each[0]) if each[0] in asked else len(asked))
        texts.append(", ".join(condition(chart, fact, answers) for fact, answers in ordered) or "always")
    return "\f".join(texts)


def _unordered(pattern: Pattern) -> frozenset[tuple[str, frozenset[str]]]:
    return frozenset((fact, frozenset(answers)) for fact, answers in pattern)


def table(chart: Chart, *, format: TableFormat = "text", facts: FactCodes | None = None) -> str:  # noqa: A002  as every command calls it
    """Return the decision table of `chart`, with a line break at its end."""
    match format:
        case "markdown":
            return markdown_table(chart, facts=facts)
        case "html":
            from fsm_runner.charts.table_page import html_table

            return html_table(chart, cells(chart, facts=facts), HEADER)
        case "text":
            return text_table(chart, facts=facts)


def markdown_table(chart: Chart, *, facts: FactCodes | None = None) -> str:
    """Return the decision table as a Markdown table, for `docs/states.md` and pull requests."""
    lines = [HEADER, ("---",) * len(HEADER)]
    lines += [tuple("<br>".join(map(escaped, text.split("\n"))) for text in line) for line in cells(chart, facts=facts)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def text_table(chart: Chart, *, facts: FactCodes | None = None) -> str:
    """Return the decision table in columns two spaces apart; a state is named on its first line only.

    A row with several patterns takes a line for each.
    """
    lines: list[tuple[str, ...]] = [HEADER]
    before = None
    for line in cells(chart, facts=facts):
        state, texts = line[0], line[-1].split("\n")
        head = line[:-1] if state != before else ("", *line[1:-1])
        lines.append((*head, f"{texts[0]}{', or' * (len(texts) > 1)}"))
        lines += [(*[""] * len(head), f"{text}{', or' * (at < len(texts) - 1)}") for at, text in enumerate(texts) if at]
        before = state
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("─" * width for width in widths))
    return "".join(_padded(line, widths) + "\n" for line in lines)


def _padded(line: tuple[str, ...], widths: list[int]) -> str:
    """Return one line of the text table; widths in terminal cells."""
    return "  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    """Return how many terminal cells `text` takes: two for a wide letter, none for an accent of its own."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is.  Underscores inside a word are safe as they are."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"[\\`*\[\]|~#]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)
