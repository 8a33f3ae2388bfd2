"""Mermaid: the chart as text that GitHub, GitLab and most editors show as a picture.

It is a flowchart, because that keeps states grouped by phase and quotes every label.  Rows with the same source and
target share one line of the picture, with a line of text each.  Phases colour only borders, so that the picture is
legible on a light and on a dark page.
"""

from __future__ import annotations

from fsm_runner.charts.drawing.edges import drawn, legs
from fsm_runner.charts.drawing.labels import extras, identifiers, one_line
from fsm_runner.charts.drawing.overlay import NO_OVERLAY, SIGNS, Mark, Overlay, Tone
from fsm_runner.charts.drawing.theme import LIGHT
from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.engine.text import printable

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _/=,·→↻≠")
"""The characters that have no meaning of their own in a quoted label; any other is written by its number."""

WIDE = '%%{init: {"flowchart": {"nodeSpacing": 80, "rankSpacing": 80, "wrappingWidth": 480}}}%%'
"""Space for the labels, which Mermaid does not keep apart by itself."""


def mermaid_states(chart: Chart, *, overlay: Overlay = NO_OVERLAY) -> str:
    """Return a Mermaid flowchart of all states, grouped by phase."""
    ids = identifiers("s", (state.name for state in chart.states))
    groups = identifiers("p", chart.phases)
    lines = [WIDE, "flowchart TB"]
    for phase in chart.phases:
        lines.append(f'  subgraph {groups[phase]}["{_text(phase)}"]')
        lines += [f"    {_node(chart, state, ids, overlay)}" for state in chart.states if state.phase == phase]
        lines.append("  end")
    if chart.initial in ids:
        lines += ["  initial(( )) --> " + ids[chart.initial]]
    for state in chart.states:
        lines += [f"  {line}" for line in _lines(chart, state, ids, overlay)]
    return "\n".join([*lines, *_colours(chart, groups, ids, grey=overlay.focus), *_marks(chart, ids, overlay), ""])


def mermaid_phases(chart: Chart) -> str:
    """Return a Mermaid flowchart of the phases, with the rows between two phases gathered into one line."""
    ids = identifiers("p", chart.phases)
    lines = [WIDE, "flowchart LR"]
    for phase in chart.phases:
        final = all(state.final for state in chart.states if state.phase == phase)
        lines.append(f"  {ids[phase]}" + (f'((("{_text(phase)}")))' if final else f'("{_text(phase)}")'))
    start = next((state.phase for state in chart.states if state.name == chart.initial), None)
    if start is not None:
        lines += ["  initial(( )) --> " + ids[start]]
    for leg in legs(chart):
        arrow = "-.->" if leg.failure else "-->"
        lines.append(f'  {ids[leg.source]} {arrow}|"{"<br>".join(map(_text, leg.words))}"| {ids[leg.target]}')
    return "\n".join([*lines, *_colours(chart, ids, {}), ""])


def _text(text: str) -> str:
    """Return `text` for a quoted label; characters that Mermaid or HTML would interpret are written by number."""
    return "".join(char if char in PLAIN else f"#{ord(char)};" for char in printable(text))


def _label(chart: Chart, state: State, row: Row, overlay: Overlay) -> str:
    """Return one row as a line of a label."""
    mark = overlay.row(row.id)
    notes = [*extras(chart, row), *filter(None, mark.note.split("\n"))]
    return _signed(one_line(chart, state, row), mark) + (f" · {', '.join(notes)}" if notes else "")


def _signed(text: str, mark: Mark) -> str:
    """Return `text` after the sign of its mark."""
    return f"{SIGNS[mark.tone]} {text}" if mark.tone in SIGNS else text


def _node(chart: Chart, state: State, ids: dict[str, str], overlay: Overlay) -> str:
    """Return one state: rounded, or a double circle if it is final; inside, its effect and the rows without a line."""
    lined = drawn(chart, overlay.hubs)
    mark = overlay.state(state.name)
    texts = [_signed(state.name, mark), *([f"does {state.effect}"] if state.effect else [])]
    texts += filter(None, mark.note.split("\n"))
    for row in state.rows:
        if row.id not in lined:
            leads = " · stays" if row.target == state.name else f" → {row.target}"
            texts.append(_label(chart, state, row, overlay) + leads)
    label = "<br>".join(map(_text, texts))
    return ids[state.name] + (f'((("{label}")))' if state.final else f'("{label}")')


def _lines(chart: Chart, state: State, ids: dict[str, str], overlay: Overlay) -> list[str]:
    """Return the lines that leave `state`: one for each target, with a line of text for each row."""
    lines = []
    for target, rows in _leaving(chart, state, overlay).items():
        label = "<br>".join(_text(_label(chart, state, row, overlay)) for row in rows)
        lines.append(f'{ids[state.name]} -->|"{label}"| {ids[target]}')
    return lines


def _leaving(chart: Chart, state: State, overlay: Overlay) -> dict[str, list[Row]]:
    """Return the rows of `state` that have a line, by their target."""
    lined = drawn(chart, overlay.hubs)
    found: dict[str, list[Row]] = {}
    for row in state.rows:
        if row.id in lined:
            found.setdefault(row.target, []).append(row)
    return found


def _marks(chart: Chart, ids: dict[str, str], overlay: Overlay) -> list[str]:
    """Return the styles of marked states, and of lines whose rows all have the same mark."""
    lines = []
    for state in chart.states:
        tone = overlay.state(state.name).tone
        if tone in LIGHT.tones:
            lines.append(f"  style {ids[state.name]} stroke:{LIGHT.tones[tone]},stroke-width:4px{_dash(tone)}")
    number = int(chart.initial in ids)  # Mermaid counts lines from 0, and the first comes from the dot
    for state in chart.states:
        for rows in _leaving(chart, state, overlay).values():
            tones = {overlay.row(row.id).tone for row in rows}
            tone = tones.pop()
            if not tones and tone in LIGHT.tones:
                lines.append(f"  linkStyle {number} stroke:{LIGHT.tones[tone]},stroke-width:3px{_dash(tone)}")
            number += 1
    return lines


def _dash(tone: Tone) -> str:
    return ",stroke-dasharray:6 4" if tone == "removed" else ""


def _colours(chart: Chart, groups: dict[str, str], ids: dict[str, str], *, grey: bool = False) -> list[str]:
    """Return the styles: borders in the phase's colour, or all grey, and the dot at which a run begins."""
    lines = []
    for phase, paint in (LIGHT.grey if grey else LIGHT.paints)(chart.phases).items():
        members = [ids[state.name] for state in chart.states if state.phase == phase and state.name in ids]
        lines.append(f"  style {groups[phase]} {'fill:none,' if ids else ''}stroke:{paint.line},stroke-width:2px")
        lines += [f"  style {name} stroke:{paint.line},stroke-width:2px" for name in members]
    return [*lines, "  style initial fill:#888,stroke:#888"] if chart.initial else lines
