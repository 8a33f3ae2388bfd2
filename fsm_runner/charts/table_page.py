"""The decision table as a page: one HTML file that needs nothing else, light or dark as its reader prefers.

A state's rows stand together under its phase's colour, and target names are links to their states.  On a narrow
screen the table scrolls within the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

from fsm_runner.charts.drawing.theme import DARK, LIGHT, Theme
from fsm_runner.charts.drawing.words import identifiers, printable
from fsm_runner.engine.chart import Chart

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
"""What both themes share; the colours are variables."""

CLASSES = ("state", "name", "event", "when", "target", "besides", "effectively")
"""The class of each column's cells."""


def html_table(chart: Chart, lines: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return the page.

    Args:
        chart: whose table it is.
        lines: the cells, a tuple for each row, the state's name first; a line break parts the patterns of one row.
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
    """The rows of the state whose place in the chart is `number`."""
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
    """Return `text` with each condition kept on one line as long as it has no choice of answers."""
    return re.sub(
        r" ([=≠]) |(?<=\bnot) ", lambda found: f"\u00a0{found[1]}\u00a0" if found[1] else "\u00a0", _text(text)
    )


def _colours(chart: Chart) -> str:
    """The variables: of the page, and of each phase, in both themes."""
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
