"""Runs on a picture: how often each row was taken, how long runs were in each state, where they stopped and why.

Records are any objects with the right fields, such as those of `journal.read`.  For a single run the path is shown as
well: each row has the numbers of the steps that took it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from fsm_runner.charts.drawing.labels import condition
from fsm_runner.charts.drawing.overlay import Mark, Overlay, Tone
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.text import counted, duration
from fsm_runner.journal.timeline import Timeline, TimelineRecord

STEPS = 6
"""How many steps of a path a row shows; the rest is counted."""

KEY: tuple[tuple[Tone, str], ...] = (("strong", "taken, thicker the more often"), ("faint", "never taken"))
"""The legend of the tones."""


class RunRecord(TimelineRecord, Protocol):
    """One line of a journal: the fields that are used here."""

    @property
    def run(self) -> str: ...


class RunPath:
    """One run: mutable, fed record by record.

    Attributes:
        timeline: what its records add up to.
        taken: how many rows it took.
        steps: for each row, the numbers of the first `STEPS` steps that took it, counted from 1.
    """

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.taken = 0
        self.steps: dict[str, list[int]] = {}

    def take(self, record: RunRecord) -> None:
        """Add one record."""
        self.timeline.take(record)
        if record.type == "transition":
            self.taken += 1
            steps = self.steps.setdefault(str(record.data.get("row")), [])
            if len(steps) < STEPS:
                steps.append(self.taken)


def runs_of(records: Iterable[RunRecord]) -> dict[str, RunPath]:
    """Return the runs in `records`, by id, in the order in which they begin."""
    runs: dict[str, RunPath] = {}
    for record in records:
        runs.setdefault(record.run, RunPath()).take(record)
    return runs


def overlay_of_runs(chart: Chart, runs: Mapping[str, RunPath], *, caption: str = "") -> Overlay:
    """Return the marks of `runs` on `chart`.

    Args:
        chart: rows that it does not declare are counted in the caption.
        runs: by id; if there is only one, its path is shown as well.
        caption: what the runs are, such as the journal's name.
    """
    taken: Counter[str] = Counter()
    for run in runs.values():
        taken.update(run.timeline.rows)
    alone = next(iter(runs.values())) if len(runs) == 1 else None
    most = max(taken.values(), default=1)
    rows = {}
    for row in chart.rows:
        times = taken.pop(row.id, 0)
        steps = _steps(alone.steps[row.id], times) if alone is not None and times else ""
        note = f"{times}×{steps}"
        weight = 1.2 + 1.8 * times / most
        rows[row.id] = Mark(tone="strong", note=note, weight=weight, line=True) if times else Mark(tone="faint")
    unknown = ", ".join(f"'{row}' {times}×" for row, times in taken.items())
    lines = [caption or counted(len(runs), "run"), "" if alone is None else _end(chart, alone.timeline)]
    lines += [f"rows taken that are not in this chart: {unknown}" if unknown else ""]
    return Overlay(rows=rows, states=_states(chart, runs), caption="\n".join(filter(None, lines)), key=KEY, focus=True)


def _steps(first: list[int], times: int) -> str:
    """Return the step numbers as text; `times` is how many steps took the row, of which `first` are known."""
    steps = [str(number) for number in first]
    more = [f"+ {times - len(steps)} more"] if times > len(steps) else []
    return f": step{'s' * (times > 1)} {', '.join([*steps, *more])}"


def _states(chart: Chart, runs: Mapping[str, RunPath]) -> dict[str, Mark]:
    marks = {}
    timelines = [run.timeline for run in runs.values()]
    for state in chart.states:
        seconds = [each.seconds[state.name] for each in timelines if state.name in each.seconds]
        stops = Counter(_why(each) for each in timelines if each.state == state.name)
        left = {row.id for row in state.rows}
        visited = bool(seconds or stops) or any(left.intersection(each.rows) for each in timelines)
        notes = [duration(sum(seconds))] if seconds and not state.final else []
        if stops:
            notes += [_told(why, times, len(runs)) for why, times in stops.items()]
            marks[state.name] = Mark(tone="strong", note="\n".join(notes), weight=3)
        else:
            marks[state.name] = Mark(note="\n".join(notes)) if visited else Mark(tone="faint")
    return marks


def _told(why: str, times: int, runs: int) -> str:
    return why if runs == 1 else f"{times}× {why}"


def _why(run: Timeline) -> str:
    return "here, no end recorded" if run.stop is None else f"stopped here: {run.stop.get('reason')}"


def _end(chart: Chart, run: Timeline) -> str:
    """Return where a run stopped and why, in one line."""
    if run.stop is None:
        return f"no end is recorded: the run was cut off, or goes on, in state '{run.state}'"
    facts = run.stop.get("facts")
    known = facts if isinstance(facts, Mapping) else {}
    because = ", ".join(condition(chart, str(fact), (str(answer),)) for fact, answer in known.items())
    detail = run.stop.get("detail")
    return (
        f"stopped: {run.stop.get('reason')}, in state '{run.state}', by row '{run.stop.get('row')}'"
        + (f" ({because})" if because else "")
        + (f": {detail}" if detail else "")
    )
