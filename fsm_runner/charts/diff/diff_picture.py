"""The difference as a picture: both charts in one; added, removed and changed things each have a tone.

A removed row or state is drawn where it was.  A changed row is drawn once, as it is now, with a note of what it was.  A
row counts as changed if its own text is, or if it now takes what another row took before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fsm_runner.charts.diff.answers import merged_facts
from fsm_runner.charts.diff.changes import Change, Difference
from fsm_runner.charts.diff.diff_text import SIGNS, change_text, headline
from fsm_runner.charts.drawing.overlay import Mark, Overlay, Tone
from fsm_runner.engine.chart import Chart, Row, State

KEY: tuple[tuple[Tone, str], ...] = (("added", "added"), ("removed", "removed (dashed)"), ("changed", "changed"))
"""The legend of the tones."""

NOTHING = "nothing"
"""Shown for the old value of a field that was empty."""


def merged(difference: Difference) -> tuple[Chart, Overlay]:
    """Return one chart that has everything of both, and the marks that show what happened to each thing.

    The chart is only for drawing: its rows are not proved, and the id of a row that moved appears twice, the removed
    one with ``(old)``.
    """
    new = difference.new
    old_states = {state.name: state for state in difference.old.states}
    names = {state.name for state in new.states}
    marks = dict(_row_marks(difference))
    removed: dict[str, str] = {}
    states = []
    for state in new.states:
        was = old_states.get(state.name)
        states.append(state if was is None else _with_removed(difference, was, state, removed))
    for name, gone in old_states.items():
        if name not in names:
            states.append(_with_removed(difference, gone, replace(gone, always=(), transitions=()), removed))
    marks.update({id: Mark(tone="removed") for id in removed})
    facts = merged_facts(difference.old, new)
    chart = replace(new, states=tuple(states), facts=facts)
    of_states = dict(_state_marks(difference))
    return chart, Overlay(rows=marks, states=of_states, caption=_caption(difference), key=KEY, focus=True)


def _with_removed(difference: Difference, was: State, now: State, removed: dict[str, str]) -> State:
    """Return `now` with the rows that only `was` has, each after the row that it followed; note their ids."""
    renamed = {old: new for new, old in difference.rows}
    taken = {row.id for row in difference.new.rows}
    here = {row.id for row in now.rows}
    rows, after = list(now.rows), -1
    for row in was.rows:
        id = renamed.get(row.id, row.id)
        if id in here:
            after = next(at for at, each in enumerate(rows) if each.id == id)
            continue
        shown = f"{row.id} (old)" if row.id in taken else row.id
        removed[shown] = row.id
        after += 1
        rows.insert(after, replace(row, id=shown))
    always, transitions = _split(rows)
    return replace(now, always=always, transitions=transitions)


def _split(rows: list[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    return tuple(row for row in rows if row.event is None), tuple(row for row in rows if row.event is not None)


def _row_marks(difference: Difference) -> Iterator[tuple[str, Mark]]:
    """Yield the marks of the new chart's rows."""
    told: dict[str, list[Change]] = {}
    for change in difference.changes:
        if change.subject == "row" and change.kind != "removed":
            told.setdefault(change.name, []).append(change)
    moved = {route.new.row.id for route in difference.moved if route.new.row is not None}
    for row in difference.new.rows:
        changes = told.get(row.id, [])
        if any(change.kind == "added" for change in changes):
            yield row.id, Mark(tone="added", weight=1.5)
        elif changes:
            yield row.id, Mark(tone="changed", note="\n".join(map(_note, changes)), weight=1.5)
        elif row.id in moved:
            yield row.id, Mark(tone="changed", note="takes more than it did", weight=1.5)


def _state_marks(difference: Difference) -> Iterator[tuple[str, Mark]]:
    """Yield the marks of states; changes of their rows are marked on the rows."""
    told: dict[str, list[Change]] = {}
    for change in difference.changes:
        if change.subject == "state" and change.field != "order":
            told.setdefault(change.name, []).append(change)
    for name, changes in told.items():
        kind = changes[0].kind
        if kind == "added" or kind == "removed":
            yield name, Mark(tone=kind)
        else:
            yield name, Mark(tone="changed", note="  ".join(map(_note, changes)))
    first = next((change for change in difference.changes if change.field == "first state"), None)
    if first is not None and first.new not in told:
        yield first.new, Mark(tone="changed", note=f"first, was {first.old}")


def _note(change: Change) -> str:
    """Return what a changed field was before."""
    was = change.old or NOTHING
    match change.field:
        case "name" | "id":
            return f"was called {was}"
        case "target":
            return f"was → {was}"
        case "guard":
            return f"was: {change.old or 'otherwise'}"
        case _:
            return f"{change.field} was {was}"


def _caption(difference: Difference) -> str:
    """Return the differences besides states and rows."""
    others = [change for change in difference.changes if change.subject in ("limit", "fact", "effect", "rule")]
    return "\n".join([headline(difference), *dict.fromkeys(map(_declared, others))])


def _declared(change: Change) -> str:
    """Return a line of the caption; for a changed rule only its name, because its text would make the picture wide."""
    rule = change.subject == "rule" and change.kind == "changed"
    return f"{SIGNS[change.kind]} " + (f"rule '{change.name}'" if rule else change_text(change))
