"""The decision table: each row of a chart as one line, in the order in which rows are tried; as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Literal, TypeAlias
from unicodedata import combining, east_asian_width

from fsm_runner.charts.drawing.labels import condition, extras, holds_when, identifiers
from fsm_runner.charts.drawing.theme import DARK, LIGHT, Theme
from fsm_runner.engine.chart import Chart, Pattern, Row, State
from fsm_runner.engine.check.minimise import TooManyPatterns, patterns
from fsm_runner.engine.check.names import FactCode
from fsm_runner.engine.check.tables import Facts, tables_of
from fsm_runner.engine.text import markdown_cell, markdown_table, printable
from fsm_runner.loop.tool_loop import TOOL_LOOP

TableFormat: TypeAlias = Literal["text", "markdown", "html"]
"""The formats that a caller may choose."""

HEADER = ("state", "row", "event", "holds when", "target", "besides", "effectively")
"""The columns.  `besides`: what the row hands to the caller, spends and consumes."""

ALWAYS = "(always)"
"""The event of a row that waits for none: it is tried when its state is entered."""

NEVER = "never"
"""Shown for a row that can never be taken, because of the rows above it."""

MOST = 8
"""How many patterns of a row are shown; a row with more is only said to come after the rows above it."""

UNTOLD = "where no row above holds"
"""Shown for a row that has more than `MOST` patterns."""

FactCodes: TypeAlias = Mapping[str, FactCode]


Effective: TypeAlias = dict[str, tuple[Pattern, ...] | None]


def effective(chart: Chart, *, facts: FactCodes | None = None, most: int | None = None) -> Effective:
    """Return for each row, by its id, the answers for which it is taken: few patterns, exact for whatever can happen.

    Args:
        chart: its names must resolve.  Its rows may be dead; those have no pattern.
        most: a row that needs more patterns gets None; None: every row gets all of its patterns.
        facts: the facts' code, which says which combinations cannot happen; None: the code of the built-in facts.
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
    """Return the table's cells: for each row of `chart` a tuple in the columns of `HEADER`.

    A state without rows has one line, which says that it is final, or that nothing leads out of it.  Several patterns
    of one row are separate lines of its last cell.
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
    """Return when `row` is taken, with a form feed between patterns; empty if its guard says the same."""
    if taken is None:
        return UNTOLD
    if not taken:
        return NEVER
    if [_unordered(pattern) for pattern in taken] == [_unordered(row.guard)]:
        return ""
    asked = [fact for fact, _ in row.guard]  # the facts of the row's own guard come first
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
            return markdown(chart, facts=facts)
        case "html":
            return html_table(chart, cells(chart, facts=facts), HEADER)
        case "text":
            return text_table(chart, facts=facts)


def markdown(chart: Chart, *, facts: FactCodes | None = None) -> str:
    """Return the decision table as a Markdown table, for `docs/states.md` and pull requests."""
    rows = (["<br>".join(map(markdown_cell, text.split("\n"))) for text in line] for line in cells(chart, facts=facts))
    return "\n".join(markdown_table(HEADER, rows)) + "\n"


def text_table(chart: Chart, *, facts: FactCodes | None = None) -> str:
    """Return the decision table as columns, two spaces apart; a state is named on its first line only.

    A row with several patterns takes one line for each.
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
    """Return how many terminal cells `text` takes: two for a wide letter, none for a combining accent."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


STYLE = """\
:root { color-scheme: light dark; }
body { margin: 1.5rem auto; padding: 0 1rem; max-width: 100rem; background: var(--page); color: var(--text);
  font: 14px/1.45 Arial, Helvetica, "Liberation Sans", Arimo, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
p { color: var(--quiet); margin: .15rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0; }
dt { font-weight: bold; }
dd { margin: 0; }
.scroll { overflow-x: auto; margin-top: 1.25rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid var(--rule); }
thead th { border-top: 0; color: var(--quiet); font-weight: normal; white-space: nowrap; }
tbody { border-top: 2px solid var(--line); }
tbody th { border-left: 4px solid var(--line); background: var(--fill); }
tbody th small { display: block; color: var(--line); font-weight: normal; }
tbody th a, td a { color: inherit; text-decoration: none; }
td a:hover { text-decoration: underline; }
td.name, td.target, td.event { white-space: nowrap; }
td.when { min-width: 9rem; }
td.effectively { min-width: 14rem; }
td.name { font-weight: bold; }
td.event i, td.besides { color: var(--quiet); }
td.effectively div + div::before { content: "or "; color: var(--quiet); }
tr:target, tbody:target { outline: 2px solid var(--line); }
"""
"""The style sheet of both themes; colours are variables."""

CLASSES = ("state", "name", "event", "when", "target", "besides", "effectively")
"""The CSS class of each column's cells."""


def html_table(chart: Chart, lines: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return the table as an HTML page.

    Args:
        chart: the chart.
        lines: the cells, a tuple for each row, the state's name first; a line break separates patterns of one row.
        header: the columns' names.
    """
    ids = identifiers("state", (state.name for state in chart.states))
    head = "".join(f"<th>{_text(name)}</th>" for name in header)
    groups = (list(rows) for _, rows in groupby(lines, key=lambda line: line[0]))
    bodies = "".join(_body(chart, rows, ids, number) for number, rows in enumerate(groups))
    name = _text(chart.name)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n'
        f"<style>\n{STYLE}{_colours(chart)}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
        "<p>Rows are tried from the top, state by state; the first that holds is taken.</p>\n"
        "<p>effectively: when a row is the one taken, after those above it; empty where it says so itself.</p>\n"
        f'{_declared(chart)}<div class="scroll">\n<table>\n<thead><tr>{head}</tr></thead>\n{bodies}</table>\n</div>\n'
        "</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _declared(chart: Chart) -> str:
    """The chart's limits and facts."""
    items = [
        (f"limit {limit.name}", "no limit" if limit.value is None else str(limit.value)) for limit in chart.limits
    ] + [(fact.name, ", ".join(fact.answers)) for fact in chart.facts]
    if not items:
        return ""
    return "<dl>\n" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>\n" for name, value in items) + "</dl>\n"


def _body(chart: Chart, rows: Sequence[Sequence[str]], ids: dict[str, str], number: int) -> str:
    """The rows of the state with the index `number` in the chart."""
    state = chart.states[number]
    told = [state.phase, *([f"does {state.effect}"] if state.effect else [])]
    first = " · first state" if state.name == chart.initial else ""
    small = f"<small>{_text(' · '.join(told))}{first}</small>"
    head = f'<th rowspan="{len(rows)}" scope="rowgroup">{_text(state.name)}{small}</th>'
    lines = []
    for at, row in enumerate(rows):
        cells = "".join(_cell(text, kind, ids) for text, kind in zip(row[1:], CLASSES[1:], strict=True))
        lines.append(f"<tr>{head if at == 0 else ''}{cells}</tr>\n")
    phase = chart.phases.index(state.phase)
    return f'<tbody id="{ids[state.name]}" class="phase{phase}">\n{"".join(lines)}</tbody>\n'


def _cell(text: str, kind: str, ids: dict[str, str]) -> str:
    body = _held(text)
    if kind == "target" and text in ids:
        body = f'<a href="#{ids[text]}">{body}</a>'
    elif kind == "event" and text.startswith("("):
        body = f"<i>{body}</i>"
    elif kind == "effectively":
        body = "".join(f"<div>{_held(pattern)}</div>" for pattern in text.split("\n") if pattern)
    return f'<td class="{kind}">{body}</td>'


def _held(text: str) -> str:
    """Return `text` with no-break spaces, so that a condition with one answer stays on one line."""
    return re.sub(
        r" ([=≠]) |(?<=\bnot) ", lambda found: f"\u00a0{found[1]}\u00a0" if found[1] else "\u00a0", _text(text)
    )


def _colours(chart: Chart) -> str:
    """The CSS variables of the page and of each phase, in both themes."""
    dark = "".join(f"  {line}\n" for line in _variables(chart, DARK))
    return "".join(f"{line}\n" for line in _variables(chart, LIGHT)) + (
        f"@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    )


def _variables(chart: Chart, theme: Theme) -> list[str]:
    page = f"--page: {theme.page}; --text: {theme.text}; --quiet: {theme.quiet}; --rule: {theme.rule};"
    paints = theme.paints(chart.phases).values()
    return [
        f":root {{ {page} }}",
        *(f".phase{at} {{ --line: {paint.line}; --fill: {paint.fill}; }}" for at, paint in enumerate(paints)),
    ]
