"""Mutants: charts with one small mistake in one row.  Every such mistake is made.

    removed      the row is deleted
    retargeted   it leads to another state; each other state is tried
    widened      its guard holds for more: one more answer of a fact is allowed, or the fact is not asked
    narrowed     its guard holds for less: one answer is taken out of a list, or one more fact is asked, for one answer
    swapped      it changes places with the next row that is tried with it

A guard that allows every answer of a fact is written without the fact, so each mutant is made only once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from fsm_runner.engine.chart import Chart, Pattern, Row, State

Kind: TypeAlias = Literal["removed", "retargeted", "widened", "narrowed", "swapped"]
"""The kind of mistake."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A chart with one fault: immutable.

    Attributes:
        kind: the kind of mistake.
        state: the name of the state whose rows differ.
        row: the id of the changed row.
        how: the details, such as ``to done`` or ``closed=true``; empty if the kind says it all.
        chart: the whole chart, with the mistake.
    """

    kind: Kind
    state: str
    row: str
    how: str
    chart: Chart

    @property
    def name(self) -> str:
        """Its name, such as ``finish narrowed: closed=true``."""
        return f"{self.row} {self.kind}" + (f": {self.how}" if self.how else "")


def mutants(chart: Chart) -> Iterator[Mutant]:
    """Yield every mutant of `chart`, row by row in file order."""
    for state in chart.states:
        for index, row in enumerate(state.rows):
            yield _mutant(chart, state, "removed", row, "", (*state.rows[:index], *state.rows[index + 1 :]))
            for kind, how, changed in _changes(chart, row):
                yield _mutant(chart, state, kind, row, how, (*state.rows[:index], changed, *state.rows[index + 1 :]))
            after = next((at for at in range(index + 1, len(state.rows)) if state.rows[at].event == row.event), None)
            if after is not None:
                rows = list(state.rows)
                rows[index], rows[after] = rows[after], rows[index]
                yield _mutant(chart, state, "swapped", row, f"with {rows[index].id}", tuple(rows))


def _mutant(chart: Chart, state: State, kind: Kind, row: Row, how: str, rows: tuple[Row, ...]) -> Mutant:
    changed = replace(
        state,
        always=tuple(each for each in rows if each.event is None),
        transitions=tuple(each for each in rows if each.event is not None),
    )
    states = tuple(changed if each is state else each for each in chart.states)
    return Mutant(kind=kind, state=state.name, row=row.id, how=how, chart=replace(chart, states=states))


def _changes(chart: Chart, row: Row) -> Iterator[tuple[Kind, str, Row]]:
    """Yield the changed versions of `row`, each with the kind of mistake and its details."""
    for state in chart.states:
        if state.name != row.target:
            yield "retargeted", f"to {state.name}", replace(row, target=state.name)
    asked = dict(row.guard)
    for fact in chart.facts:
        answers = asked.get(fact.name)
        if answers is None:
            for answer in fact.answers:
                yield "narrowed", f"{fact.name}={answer}", _guarded(row, fact.name, (answer,))
            continue
        yield "widened", f"{fact.name} not asked", _guarded(row, fact.name, None)
        missing = [answer for answer in fact.answers if answer not in answers]
        for answer in missing if len(missing) > 1 else ():
            yield "widened", f"{fact.name} also {answer}", _guarded(row, fact.name, (*answers, answer))
        for answer in answers if len(answers) > 1 else ():
            kept = tuple(each for each in answers if each != answer)
            yield "narrowed", f"{fact.name} not {answer}", _guarded(row, fact.name, kept)


def _guarded(row: Row, fact: str, answers: tuple[str, ...] | None) -> Row:
    """Return `row` with other answers of `fact` in its guard; None: without the fact."""
    guard = {**dict(row.guard), fact: answers or ()}
    pattern: Pattern = tuple((name, wanted) for name, wanted in guard.items() if wanted)
    return replace(row, guard=pattern)
