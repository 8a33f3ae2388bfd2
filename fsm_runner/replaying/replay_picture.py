"""The picture: an edited chart with what recorded runs do on it.

Each row says how often it was taken.  A row by which runs now go another way is amber, with what they took before;
so is a row that they took and take no more.
"""

from __future__ import annotations

from collections import Counter

from fsm_runner.charts.drawing import Mark, Overlay
from fsm_runner.charts.drawing.overlay import Tone
from fsm_runner.engine.chart import Chart
from fsm_runner.replaying.replay_text import headline
from fsm_runner.replaying.report import VERDICTS
from fsm_runner.replaying.totals import Totals

KEY: tuple[tuple[Tone, str], ...] = (
    ("strong", "taken, thicker the more often"),
    ("changed", "taken otherwise than recorded"),
    ("faint", "never taken"),
)
"""What the legend says of the tones."""


def overlay_of_totals(chart: Chart, totals: Totals) -> Overlay:
    """Return the marks of recorded runs on the edited `chart`."""
    turned = _turned(totals)
    most = max(totals.rows.values(), default=1)
    rows = {}
    for row in chart.rows:
        times, more = totals.rows[row.id], turned.get(row.id, Counter())
        notes = [f"{times}×"] * bool(times) + [f"{count}× {said}" for said, count in more.items()]
        tone: Tone = "changed" if more else "strong" if times else "faint"
        weight = 1.2 + 1.8 * times / most
        rows[row.id] = Mark(tone=tone, note="\n".join(notes), weight=weight, line=True) if notes else Mark(tone=tone)
    return Overlay(rows=rows, states=_states(chart, totals), caption=headline(totals), key=KEY, focus=True)


def _turned(totals: Totals) -> dict[str, Counter[str]]:
    """By row, how often it is taken where another was, or another is where it was."""
    turned: dict[str, Counter[str]] = {}
    for change, places in totals.changes.items():
        was, now = (None if way is None else way.row for way in (change.was, change.goes))
        if was is not None and now is not None and was.id == now.id:
            turned.setdefault(now.id, Counter())[f"led to {was.target}"] += places.runs
            continue
        if was is not None:
            turned.setdefault(was.id, Counter())[f"now {'none' if now is None else now.id}"] += places.runs
        if now is not None:
            turned.setdefault(now.id, Counter())[f"instead of {'none' if was is None else was.id}"] += places.runs
    return turned


def _states(chart: Chart, totals: Totals) -> dict[str, Mark]:
    """Where runs are stuck, do something else, or where it cannot be told how they go on."""
    reached = {row.target for row in chart.rows if totals.met(row)} | {chart.initial}
    told: dict[str, list[str]] = {}
    for change, places in totals.changes.items():
        if change.was is None and change.state:
            told.setdefault(change.state, []).append(f"{places.runs}× {VERDICTS[change.verdict][0]}: {change.said}")
    marks = {}
    for state in chart.states:
        if state.name in told:
            marks[state.name] = Mark(tone="changed", note="\n".join(told[state.name]), weight=3)
        elif state.name not in reached:
            marks[state.name] = Mark(tone="faint")
    return marks
