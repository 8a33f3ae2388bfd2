"""DOT: the chart as a Graphviz drawing, each state a small decision table with its rows in the order they are tried.

A row shows its id, its event and guard, and where it leads.  The line starts at the row, so no label floats on a line
and none can overlap.  A row without a line shows its target as ``→ target``.  Any Graphviz with HTML-like labels reads
the text.
"""

from __future__ import annotations

from html import escape

from fsm_runner.charts.drawing.edges import Leg, drawn, hubs, legs
from fsm_runner.charts.drawing.labels import extras, holds_when, identifiers
from fsm_runner.charts.drawing.overlay import NO_OVERLAY, SIGNS, Mark, Overlay
from fsm_runner.charts.drawing.theme import LETTERS, THEMES, Paint, Theme, ThemeName
from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.engine.text import printable


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
    """Return the dot at which every run begins, and its line."""
    return [
        f'  initial [color="{theme.text}" fillcolor="{theme.text}" fixedsize=true label="" shape=circle style=filled'
        " width=0.17]",
        f'  initial -> {target}:w [color="{theme.text}" weight=4]',
    ]


def _text(text: str, *, colour: str | None = None, size: int | None = None, bold: bool = False) -> str:
    """Return `text` as HTML-like text; backslashes are doubled, because DOT reads escapes in labels too."""
    body = escape(printable(text)).replace("\\", "\\\\")
    body = f"<B>{body}</B>" if bold and body else body
    given = (f' COLOR="{colour}"' if colour else "") + (f' POINT-SIZE="{size}"' if size else "")
    return f"<FONT{given}>{body}</FONT>" if given and body else body


def _struck(text: str, mark: Mark) -> str:
    """Return `text`, struck out if the mark says that it is removed."""
    return f"<S>{text}</S>" if mark.tone == "removed" and text else text


def _boxed(body: str, line: str, ground: str, *, final: bool, width: float = 1, dashed: bool = False) -> str:
    """Return a card with a round border, a double one for a final state."""
    style = "ROUNDED,DASHED" if dashed else "ROUNDED"
    look = f'CELLBORDER="0" COLOR="{line}" STYLE="{style}" BGCOLOR="{ground}"'
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
        self.paints = theme.grey(chart.phases) if overlay.focus else theme.paints(chart.phases)
        self.shaping = drawn(chart, overlay.hubs)  # these lines make the layout; the others are drawn into it
        self.drawn = self.shaping | {
            row.id
            for state in chart.states
            for row in state.rows
            if overlay.row(row.id).line and row.target in self.phase_of and row.target != state.name
        }

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
        line = self.theme.tone(mark.tone, self.paints[state.phase].line)
        note = self.theme.tone(mark.tone, self.theme.text)
        aside = [_text(state.effect, colour=self.theme.quiet, size=12)] if state.effect else []
        aside += [_text(text, colour=note, size=12, bold=True) for text in mark.note.split("\n") if text]
        faint = self.theme.tones["faint"] if mark.tone == "faint" else None
        name = _struck(_text(state.name, colour=faint, size=15, bold=True), mark)
        title = f"{self.sign(mark)}{'  '.join([name, *aside])}"
        body = f'<TR><TD ALIGN="LEFT" COLSPAN="3" PORT="top">{title}</TD></TR>'
        body += "".join(self.row(state, row, number) for number, row in enumerate(state.rows, 1))
        if state.rows and self.overlay.row(state.rows[-1].id).tone in self.theme.washes:
            body += '<TR><TD CELLPADDING="0" COLSPAN="3" HEIGHT="8"></TD></TR>'  # a wash would square the corners
        ground = self.theme.washes.get(mark.tone, self.theme.card)
        width = max(1 if mark.tone in ("plain", "faint") else 2, mark.weight)
        body = _boxed(body, line, ground, final=state.final, width=width, dashed=mark.tone == "removed")
        return f"{self.ids[state.name]} [label=<{body}>]"

    def sign(self, mark: Mark) -> str:
        """Return the sign of a mark's tone, and a space; nothing for a tone without one."""
        sign = SIGNS.get(mark.tone)
        return f"{_text(sign, colour=self.theme.tones[mark.tone], bold=True)} " if sign else ""

    def row(self, state: State, row: Row, number: int) -> str:
        """Return a row as three cells: its id; its event, guard and what it does besides; where it leads."""
        mark = self.overlay.row(row.id)
        faint = self.theme.tones["faint"] if mark.tone == "faint" else None
        name = _struck(_text(row.id, colour=self.theme.tone(mark.tone, self.theme.text)), mark)
        texts = [_text(text, colour=faint) for text in holds_when(self.chart, state, row)]
        if row.event is not None:
            texts = [" ".join([_text(row.event, colour=faint, bold=True), *texts[:1]]), *texts[1:]]
        besides = ", ".join(extras(self.chart, row))
        texts += [_text(besides, colour=self.theme.quiet, size=11)] if besides else []
        note = self.theme.tone(mark.tone, self.theme.text)
        texts += [_text(text, colour=note, size=11, bold=True) for text in mark.note.split("\n") if text]
        middle = "".join(f'{text}<BR ALIGN="LEFT"/>' for text in texts) or "always"
        plain = self.paints[self.phase_of[row.target]].line if row.target in self.phase_of else self.theme.text
        leads = _text(self.leads(state, row), colour=self.theme.tone(mark.tone, plain))
        ground = self.theme.washes.get(mark.tone)
        wash = f' BGCOLOR="{ground}"' if ground else ""
        cell = f'<TD BORDER="1" COLOR="{self.theme.rule}" SIDES="T"{wash}'
        return (
            f'<TR>{cell} ALIGN="LEFT">{self.sign(mark)}{name}</TD>{cell} ALIGN="LEFT">{middle}</TD>'
            f'{cell} ALIGN="RIGHT" PORT="r{number}">{leads}</TD></TR>'
        )

    def leads(self, state: State, row: Row) -> str:
        """Return where a row leads, as text."""
        return "stays" if row.target == state.name else f"→ {row.target}"

    def lines(self, state: State) -> list[str]:
        """Return the lines that start at the rows of `state`."""
        found = []
        for number, row in enumerate(state.rows, 1):
            if row.id not in self.drawn:
                continue
            mark = self.overlay.row(row.id)
            colour = self.theme.tone(mark.tone, self.paints[self.phase_of[row.target]].line)
            colour = self.theme.rule if mark.tone == "faint" else colour
            width = "" if mark.weight == 1 else f" penwidth={1.4 * mark.weight:.2f}"
            dashed = " style=dashed" if mark.tone == "removed" else ""
            loose = "" if row.id in self.shaping else " constraint=false"
            source, target = f"{self.ids[state.name]}:r{number}:e", f"{self.ids[row.target]}:top"
            side = ":w" if self.chart.state(row.target).final else ""
            found.append(f'{source} -> {target}{side} [color="{colour}"{dashed}{width}{loose}]')
        return found

    def legend(self) -> str:
        """Return the explanation of the picture, and the overlay's caption and key."""
        left_out = " or ".join(sorted(hubs(self.chart) | self.overlay.hubs))
        others = "other lines" if any(mark.line for mark in self.overlay.rows.values()) else "lines"
        texts = [
            "● first state;  double border: final;  rows are tried from the top, the first that holds is taken;"
            "  bold: the event it waits for;  stays: no new state",
            f"{others} that lead back to {left_out} from another phase are not drawn" if left_out else "",
        ]
        cells = [_text(f"{self.chart.name}", size=16, bold=True)]
        cells += [_text(text, size=13) for text in self.overlay.caption.split("\n") if text]
        cells += [self.key()] if self.overlay.key else []
        cells += [_text(text, colour=self.theme.quiet, size=12) for text in texts if text]
        rows = "".join(f'<TR><TD ALIGN="LEFT">{cell}</TD></TR>' for cell in cells)
        return f'<TABLE BORDER="0" CELLPADDING="2" CELLSPACING="0">{rows}</TABLE>'

    def key(self) -> str:
        """Return what each tone means, in its colour."""
        texts = []
        for tone, meaning in self.overlay.key:
            sign = f"{SIGNS[tone]} " if tone in SIGNS else ""
            texts.append(_text(f"{sign}{meaning}", colour=self.theme.tone(tone, self.theme.text), size=13, bold=True))
        return "    ".join(texts)
