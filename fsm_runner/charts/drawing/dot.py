"""DOT: the chart as a Graphviz drawing, each state a small decision table with its rows in the order they are tried.

A row says its id, its event and guard, and where it leads; the line leaves from the row, so no label floats on a
line and none can overlap.  Lines that `routes` only writes are left to the row's own ``→ target``.  Any Graphviz with
HTML-like labels reads it.
"""

from __future__ import annotations

from html import escape

from fsm_runner.charts.drawing.overlay import NO_OVERLAY, Overlay
from fsm_runner.charts.drawing.routes import Leg, drawn, hubs, legs
from fsm_runner.charts.drawing.theme import LETTERS, THEMES, Paint, Theme, ThemeName
from fsm_runner.charts.drawing.words import extras, holds_when, identifiers, printable
from fsm_runner.core.chart import Chart, Row, State


def dot_states(chart: Chart, *, theme: ThemeName = "light", overlay: Overlay = NO_OVERLAY) -> str:
    """Return DOT of all states, grouped by phase."""
    return _States(chart, THEMES[theme], overlay).text()


def dot_phases(chart: Chart, *, theme: ThemeName = "light") -> str:
    """Return DOT of the phases, with the rows between two phases gathered into one line."""
    colours = THEMES[theme]
    paints = colours.paints(chart.phases)
    ids = identifiers("p", chart.phases)
    lines = _opening(chart, colours, ranksep=0.3, nodesep=0.3, size=15)
    for phase in chart.phases:
        states = [state for state in chart.states if state.phase == phase]
        lines.append(f"  {ids[phase]} [label=<{_phase_card(phase, states, paints[phase], colours)}>]")
    start = next((state.phase for state in chart.states if state.name == chart.initial), None)
    if start is not None:
        lines += _entry(colours, f"{ids[start]}:top")
    lines += [f"  {_leg_line(leg, ids, paints, colours)}" for leg in legs(chart)]
    return "\n".join([*lines, "}", ""])


def _opening(chart: Chart, theme: Theme, *, ranksep: float, nodesep: float, size: int) -> list[str]:
    """Return the attributes that hold for the whole drawing; separations in inches, letters in points."""
    font = f'fontname="{LETTERS}"'
    return [
        f"digraph {identifiers('chart', [chart.name])[chart.name]} {{",
        f'  graph [bgcolor="{theme.page}" {font} fontcolor="{theme.text}" nodesep={nodesep} pad=0.25 rankdir=LR'
        f" ranksep={ranksep} splines=spline]",
        f'  node [{font} fontcolor="{theme.text}" fontsize={size} margin=0 shape=plain]',
        f'  edge [{font} arrowsize=0.75 fontcolor="{theme.text}" fontsize={size} penwidth=1.4]',
    ]


def _entry(theme: Theme, target: str) -> list[str]:
    """Return the dot in which every run begins, and its line."""
    return [
        f'  initial [color="{theme.text}" fillcolor="{theme.text}" fixedsize=true label="" shape=circle style=filled'
        " width=0.17]",
        f'  initial -> {target}:w [color="{theme.text}" weight=4]',
    ]


def _text(text: str, *, colour: str | None = None, size: int | None = None, bold: bool = False) -> str:
    """Return `text` as HTML-like text; a backslash is doubled because DOT reads escapes in labels too."""
    body = escape(printable(text)).replace("\\", "\\\\")
    body = f"<B>{body}</B>" if bold and body else body
    given = (f' COLOR="{colour}"' if colour else "") + (f' POINT-SIZE="{size}"' if size else "")
    return f"<FONT{given}>{body}</FONT>" if given and body else body


def _boxed(body: str, line: str, ground: str, *, final: bool, width: float = 1) -> str:
    """Return a card with a round border, a double one for a final state."""
    look = f'CELLBORDER="0" COLOR="{line}" STYLE="ROUNDED" BGCOLOR="{ground}"'
    card = f'<TABLE BORDER="{round(width)}" CELLPADDING="6" CELLSPACING="0" {look}>{body}</TABLE>'
    if not final:
        return card
    return f'<TABLE BORDER="2" CELLPADDING="3" CELLSPACING="0" {look}><TR><TD>{card}</TD></TR></TABLE>'


def _phase_card(phase: str, states: list[State], paint: Paint, theme: Theme) -> str:
    """Return a phase as a card: its name, and its states when their names say more."""
    names = [state.name for state in states]
    body = f'<TR><TD CELLPADDING="5" PORT="top">{_text(phase, colour=paint.line, size=19, bold=True)}</TD></TR>'
    if names != [phase]:
        listed = "<BR/>".join(_text(name, colour=theme.quiet, size=14) for name in names)
        body += f'<TR><TD CELLPADDING="6">{listed}</TD></TR>'
    return _boxed(body, paint.line, paint.fill, final=all(state.final for state in states))


def _leg_line(leg: Leg, ids: dict[str, str], paints: dict[str, Paint], theme: Theme) -> str:
    """Return the line between two phases."""
    texts = (_text(text, colour=paints[leg.target].line) for text in leg.words)
    body = "".join(f'{text}<BR ALIGN="LEFT"/>' for text in texts)
    label = f'<TABLE BORDER="0" CELLPADDING="4" CELLSPACING="0"><TR><TD ALIGN="LEFT">{body}</TD></TR></TABLE>'
    dashed = " style=dashed" if leg.failure else ""
    return f'{ids[leg.source]} -> {ids[leg.target]} [color="{paints[leg.target].line}"{dashed} label=<{label}>]'


class _States:
    """One drawing of all states."""

    def __init__(self, chart: Chart, theme: Theme, overlay: Overlay) -> None:
        self.chart, self.theme, self.overlay = chart, theme, overlay
        self.ids = identifiers("s", (state.name for state in chart.states))
        self.phase_of = {state.name: state.phase for state in chart.states}
        self.paints = theme.paints(chart.phases)
        self.drawn = drawn(chart)

    def text(self) -> str:
        """Return the whole drawing."""
        lines = _opening(self.chart, self.theme, ranksep=0.8, nodesep=0.4, size=13)
        clusters = identifiers("cluster", self.chart.phases)
        for phase in self.chart.phases:
            paint = self.paints[phase]
            lines.append(f"  subgraph {clusters[phase]} {{")
            lines.append(
                f'    graph [bgcolor="{paint.fill}" color="{paint.fill}" fontsize=16 labeljust=l margin=14'
                f" style=rounded label=<{_text(phase, colour=paint.line, bold=True)}>]"
            )
            lines += [f"    {self.node(state)}" for state in self.chart.states if state.phase == phase]
            lines.append("  }")
        if self.chart.initial in self.ids:
            lines += _entry(self.theme, f"{self.ids[self.chart.initial]}:top")
        lines += [f"  {line}" for state in self.chart.states for line in self.lines(state)]
        lines.append(f"  graph [label=<{self.legend()}> labeljust=l labelloc=b]")
        return "\n".join([*lines, "}", ""])

    def node(self, state: State) -> str:
        """Return a state as a card with one line for each of its rows."""
        mark = self.overlay.state(state.name)
        paint = self.theme.tone(mark.tone, self.paints[state.phase].line)
        aside = "  ".join(_text(text, colour=self.theme.quiet, size=12) for text in (state.effect, mark.note) if text)
        title = _text(state.name, size=15, bold=True) + (f"  {aside}" if aside else "")
        head = f'<TR><TD ALIGN="LEFT" COLSPAN="3" PORT="top">{title}</TD></TR>'
        rows = "".join(self.row(state, row, number) for number, row in enumerate(state.rows, 1))
        body = _boxed(head + rows, paint, self.theme.card, final=state.final, width=max(1, mark.weight))
        return f"{self.ids[state.name]} [label=<{body}>]"

    def row(self, state: State, row: Row, number: int) -> str:
        """Return a row as three cells: its id, its event and guard with what it does besides, where it leads."""
        mark = self.overlay.row(row.id)
        plain = self.paints[self.phase_of[row.target]].line if row.target in self.phase_of else self.theme.text
        colour = self.theme.tone(mark.tone, plain)
        texts = [_text(text) for text in holds_when(self.chart, state, row)]
        if row.event is not None:
            texts = [" ".join([_text(row.event, bold=True), *texts[:1]]), *texts[1:]]
        besides = ", ".join([*extras(self.chart, row), *([mark.note] if mark.note else [])])
        texts += [_text(besides, colour=self.theme.quiet, size=11)] if besides else []
        middle = "".join(f'{text}<BR ALIGN="LEFT"/>' for text in texts) or "always"
        leads = "stays" if row.target == state.name else f"→ {row.target}"
        name = _text(row.id, colour=self.theme.tone(mark.tone, self.theme.text))
        cell = f'<TD BORDER="1" COLOR="{self.theme.rule}" SIDES="T"'
        return (
            f'<TR>{cell} ALIGN="LEFT">{name}</TD>{cell} ALIGN="LEFT">{middle}</TD>'
            f'{cell} ALIGN="RIGHT" PORT="r{number}">{_text(leads, colour=colour)}</TD></TR>'
        )

    def lines(self, state: State) -> list[str]:
        """Return the lines that leave from the rows of `state`."""
        found = []
        for number, row in enumerate(state.rows, 1):
            if row.id not in self.drawn:
                continue
            mark = self.overlay.row(row.id)
            colour = self.theme.tone(mark.tone, self.paints[self.phase_of[row.target]].line)
            width = "" if mark.weight == 1 else f" penwidth={1.4 * mark.weight:.2f}"
            source, target = f"{self.ids[state.name]}:r{number}:e", f"{self.ids[row.target]}:top"
            side = ":w" if self.chart.state(row.target).final else ""
            found.append(f'{source} -> {target}{side} [color="{colour}"{width}]')
        return found

    def legend(self) -> str:
        """Return how to read the picture, and the overlay's caption."""
        left_out = " or ".join(sorted(hubs(self.chart)))
        texts = [
            "● first state;  double border: final;  rows are tried from the top, the first that holds is taken;"
            "  bold: the event it waits for;  stays: no new state",
            f"lines that lead back to {left_out} from another phase are not drawn" if left_out else "",
            self.overlay.caption,
        ]
        cells = [_text(f"{self.chart.name}", size=16, bold=True)]
        cells += [_text(text, colour=self.theme.quiet, size=12) for text in texts if text]
        rows = "".join(f'<TR><TD ALIGN="LEFT">{cell}</TD></TR>' for cell in cells)
        return f'<TABLE BORDER="0" CELLPADDING="2" CELLSPACING="0">{rows}</TABLE>'
