"""Renames: a row or state that has another name and is otherwise the same, told from one removed and one added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from fsm_runner.engine.chart import Chart, Pattern, Row, State

Meaning: TypeAlias = frozenset[tuple[str, frozenset[str]]]
"""A guard without the order in which it is written."""


def meaning(guard: Pattern) -> Meaning:
    """Return `guard` without its order."""
    return frozenset((fact, frozenset(answers)) for fact, answers in guard)


def renamed_states(old: Chart, new: Chart) -> dict[str, str]:
    """Return old names by new ones, for the states of which only the name differs.

    Two states are the same when effect, end and rows agree, and the rows lead to the same states.  Where that holds
    for more than one pair, nobody can tell which became which, and none is a rename.
    """
    gone = [state for state in old.states if state.name not in {each.name for each in new.states}]
    come = [state for state in new.states if state.name not in {each.name for each in old.states}]
    pairs = [(before.name, after.name) for before in gone for after in come if _looks(before) == _looks(after)]
    befores, afters = [before for before, _ in pairs], [after for _, after in pairs]
    return {after: before for before, after in pairs if befores.count(before) == afters.count(after) == 1}


def with_new_names(old: Chart, states: Mapping[str, str]) -> Chart:
    """Return `old` with its renamed states under their new names; `states`: old names by new ones."""
    names = {before: after for after, before in states.items()}

    def named(row: Row) -> Row:
        return replace(row, target=names.get(row.target, row.target))

    return replace(
        old,
        initial=names.get(old.initial, old.initial),
        states=tuple(
            replace(
                state,
                name=names.get(state.name, state.name),
                always=tuple(map(named, state.always)),
                transitions=tuple(map(named, state.transitions)),
            )
            for state in old.states
        ),
    )


def renamed_rows(old: Chart, new: Chart) -> dict[str, str]:
    """Return old ids by new ones, for the rows of which only the id differs: same state, event, guard and way."""
    kept = {row.id for row in old.rows} & {row.id for row in new.rows}
    gone = [(_way(state, row), row.id) for state in old.states for row in state.rows if row.id not in kept]
    found: dict[str, str] = {}
    for way, id in _ways(new):
        if id in kept:
            continue
        before = next((other for same, other in gone if same == way and other not in found.values()), None)
        if before is not None:
            found[id] = before
    return found


def _ways(chart: Chart) -> Iterator[tuple[tuple[object, ...], str]]:
    for state in chart.states:
        for row in state.rows:
            yield _way(state, row), row.id


def _way(state: State, row: Row) -> tuple[object, ...]:
    """Everything of a row but its id."""
    return state.name, row.event, meaning(row.guard), row.target, row.output, row.spends, row.consumes


def _looks(state: State) -> tuple[object, ...]:
    """Everything of a state but its name and phase; the ids tell states without guards apart."""
    rows = tuple(
        (row.id, *_way(replace(state, name=""), replace(row, target="" if row.target == state.name else row.target)))
        for row in state.rows
    )
    return state.effect, state.final, rows
