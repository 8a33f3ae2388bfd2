"""Runs on a picture: how often each row was taken, how long the runs were in each state, where they stopped and why.

Records come as plain objects, so that this module does not care who wrote them: `journal.read` gives such.  Of one
run the path is shown as well, each row with the numbers of the steps that took it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fsm_runner.charts.drawing.labels import condition
from fsm_runner.charts.drawing.overlay import Mark, Overlay, Tone
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.text import counted

STEPS = 6
"""How many steps of a path a row names before it counts the rest."""

KEY: tuple[tuple[Tone, str], ...] = (("strong", "taken, thicker the more often"), ("faint", "never taken"))
"""What the legend says of the tones."""


class RunRecord(Protocol):
    """One line of a journal, as far as this module looks."""

    @property
    def run(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, object]: ...
    @property
    def at(self) -> str | None: ...


@dataclass(slots=True)
class Run:
    """What the records of one run add up to.

    Attributes:
        path: ids of the rows taken, in order.
        state: where it is; None before its first row.
        seconds: time in each state, as far as the records say when they were written.
        ended: the fields of the last `ended` record; None when the run goes on, or was cut off.
    """

    path: list[str] = field(default_factory=list)
    state: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    ended: Mapping[str, object] | None = None
    seen: datetime | None = None

    def take(self, record: RunRecord) -> None:
        """Add one record."""
        at = _moment(record.at)
        # Between the last record before a crash and `resumed` nobody ran: that is no time in the state.
        if at and self.seen and self.state is not None and record.type != "resumed":
            passed = max(0.0, (at - self.seen).total_seconds())
            self.seconds[self.state] = self.seconds.get(self.state, 0.0) + passed
        self.seen = at or self.seen
        if record.type == "transition":
            self.path.append(str(record.data.get("row")))
            self.state, self.ended = str(record.data.get("target")), None
        elif record.type == "ended":
            self.ended = record.data


def runs_of(records: Iterable[RunRecord]) -> dict[str, Run]:
    """Return the runs that `records` tell of, by id, in the order in which they begin."""
    runs: dict[str, Run] = {}
    for record in records:
        runs.setdefault(record.run, Run()).take(record)
    return runs


def overlay_of_runs(chart: Chart, runs: Mapping[str, Run], *, caption: str = "") -> Overlay:
    """Return the marks of `runs` on `chart`.

    Args:
        chart: rows and states that it does not declare are counted in the caption.
        runs: by id; of a single one the path is shown as well.
        caption: what the runs are, such as the name of the journal.
    """
    taken = Counter(row for run in runs.values() for row in run.path)
    alone = next(iter(runs.values())) if len(runs) == 1 else None
    most = max(taken.values(), default=1)
    rows = {}
    for row in chart.rows:
        times = taken.pop(row.id, 0)
        steps = _steps(alone.path, row.id) if alone is not None and times else ""
        note = f"{times}×{steps}"
        weight = 1.2 + 1.8 * times / most
        rows[row.id] = Mark(tone="strong", note=note, weight=weight, line=True) if times else Mark(tone="faint")
    unknown = ", ".join(f"'{row}' {times}×" for row, times in taken.items())
    lines = [caption or counted(len(runs), "run"), "" if alone is None else _end(chart, alone)]
    lines += [f"rows taken that are not in this chart: {unknown}" if unknown else ""]
    return Overlay(rows=rows, states=_states(chart, runs), caption="\n".join(filter(None, lines)), key=KEY, focus=True)


def _steps(path: list[str], row: str) -> str:
    """The numbers of the steps that took `row`, counted from 1."""
    steps = [str(number) for number, taken in enumerate(path, 1) if taken == row]
    more = [f"+ {len(steps) - STEPS} more"] if len(steps) > STEPS else []
    return f": step{'s' * (len(steps) > 1)} {', '.join([*steps[:STEPS], *more])}"


def _states(chart: Chart, runs: Mapping[str, Run]) -> dict[str, Mark]:
    marks = {}
    for state in chart.states:
        seconds = [run.seconds[state.name] for run in runs.values() if state.name in run.seconds]
        stops = Counter(_why(run) for run in runs.values() if run.state == state.name)
        left = {row.id for row in state.rows}
        visited = bool(seconds or stops) or any(left.intersection(run.path) for run in runs.values())
        notes = [duration(sum(seconds))] if seconds and not state.final else []
        if stops:
            notes += [_told(why, times, len(runs)) for why, times in stops.items()]
            marks[state.name] = Mark(tone="strong", note="\n".join(notes), weight=3)
        else:
            marks[state.name] = Mark(note="\n".join(notes)) if visited else Mark(tone="faint")
    return marks


def _told(why: str, times: int, runs: int) -> str:
    return why if runs == 1 else f"{times}× {why}"


def _why(run: Run) -> str:
    return "here, no end recorded" if run.ended is None else f"stopped here: {run.ended.get('reason')}"


def _end(chart: Chart, run: Run) -> str:
    """Where a run stopped and why, in one line."""
    if run.ended is None:
        return f"no end is recorded: the run was cut off, or goes on, in state '{run.state}'"
    facts = run.ended.get("facts")
    known = facts if isinstance(facts, Mapping) else {}
    because = ", ".join(condition(chart, str(fact), (str(answer),)) for fact, answer in known.items())
    detail = run.ended.get("detail")
    return (
        f"stopped: {run.ended.get('reason')}, in state '{run.state}', by row '{run.ended.get('row')}'"
        + (f" ({because})" if because else "")
        + (f": {detail}" if detail else "")
    )


def duration(seconds: float) -> str:
    """Return a span of time as a person says it: ``120 ms``, ``8.1 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _moment(at: str | None) -> datetime | None:
    """When a record was written; None when it does not say so in ISO 8601."""
    try:
        return None if at is None else datetime.fromisoformat(at)
    except ValueError:
        return None
