"""Decisions: what a run decided, with the answers of all facts, even those that no row asks there.

With them, the decisions of a mutant can be computed without another run: both runs are the same up to the first
decision that differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.journal import read
from fsm_runner.journal.codec import chart_from, context_from, event_from
from fsm_runner.loop.tool_loop import Machine, Step, compile


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a run: immutable, and equal to any other with the same place, answers and outcome.

    Attributes:
        state: the state.
        event: the event; None: the state was entered.
        answers: each fact of the chart with its answer, in file order.
        row: the id of the row that was taken; None: no row held, and the run waits.
    """

    state: str
    event: str | None
    answers: tuple[tuple[str, str], ...]
    row: str | None


def rows_of(state: State, event: str | None) -> tuple[Row, ...]:
    """Return the rows that are tried together: when `state` is entered, or at an event there."""
    return tuple(row for row in state.rows if row.event == event)


def taken(rows: Sequence[Row], answers: Mapping[str, str]) -> Row | None:
    """Return the first of `rows` whose guard holds; None if there is none."""
    for row in rows:
        if all(answers[fact] in wanted for fact, wanted in row.guard):
            return row
    return None


def asking_all(chart: Chart) -> Machine:
    """Return the machine of `chart` with complete guards: facts that a row does not ask are added with all answers.

    It decides as `chart` does, and its transitions carry the answers of all facts.
    """

    def asking(row: Row) -> Row:
        guard = dict(row.guard)
        return replace(row, guard=tuple((fact.name, guard.get(fact.name, fact.answers)) for fact in chart.facts))

    states = tuple(
        replace(state, always=tuple(map(asking, state.always)), transitions=tuple(map(asking, state.transitions)))
        for state in chart.states
    )
    return compile(replace(chart, states=states))


def decided(machine: Machine, steps: Iterable[Step]) -> Iterator[Decision]:
    """Yield the decisions in the steps of a run, in order; `machine` is one of `asking_all`."""
    for step in steps:
        for each in step.transitions:
            yield Decision(each.source, each.event, tuple(each.facts.items()), each.row)
        at = step.snapshot
        if machine.chart.state(at.state).always:
            answers = tuple((name, fact(at.context)) for name, fact in machine.facts.items())
            yield Decision(at.state, None, answers, None)


def runs_as(one: Chart, other: Chart) -> bool:
    """Whether two charts run in the same way; rules do not matter for that."""
    return replace(one, rules=()) == replace(other, rules=())


def recorded(machine: Machine, chart: Chart, journal: Path) -> Iterator[Step]:
    """Yield the steps, on `machine`, of the runs in `journal` that are written in full and ran on `chart`."""
    runs: dict[str, Step] = {}
    for record in read(journal):
        if record.type == "run_started":
            held = record.data.get("chart")
            ran_on = chart_from(held.get("data")) if isinstance(held, Mapping) else None
            if record.data.get("content", "full") == "full" and ran_on is not None and runs_as(ran_on, chart):
                runs[record.run] = machine.start(context_from(record.data.get("context")))
        elif record.run in runs and record.type == "event":
            event = event_from(record.data.get("event"), record.data)
            runs[record.run] = step = machine.step(runs[record.run].snapshot, event)
            yield step
