"""Answers: for each state and event, exactly which combinations of answers now go another way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fsm_runner.charts.diff.changes import Route, Way
from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.engine.check.combinations import Combos, Space
from fsm_runner.engine.check.minimise import patterns
from fsm_runner.engine.check.names import FactCode
from fsm_runner.engine.check.tables import Facts, first_row_wins
from fsm_runner.loop.tool_loop import TOOL_LOOP


def merged_facts(old: Chart, new: Chart) -> tuple[FactUse, ...]:
    """Return the facts of both charts, each with the answers of both; the new chart's come first."""
    before = {fact.name: fact.answers for fact in old.facts}
    after = {fact.name: fact.answers for fact in new.facts}
    return tuple(
        FactUse(name=name, answers=tuple(dict.fromkeys((*after.get(name, ()), *before.get(name, ())))))
        for name in dict.fromkeys((*after, *before))
    )


def routes(
    old: Chart, new: Chart, rows: Mapping[str, str], facts: Mapping[str, FactCode] | None = None
) -> Iterator[Route]:
    """Yield each difference in the ways that runs go, in the states of both charts.

    Args:
        old: the earlier chart, with the new names of its renamed states.
        new: the later chart.
        rows: old ids by new ones, for rows that were renamed; they count as the same row.
        facts: the facts' code, which says which combinations cannot happen; None: the code of the built-in facts.
    """
    shared = Facts(replace(new, facts=merged_facts(old, new)), TOOL_LOOP, facts)
    for after in new.states:
        before = next((state for state in old.states if state.name == after.name), None)
        if before is None:
            continue
        events = dict.fromkeys((None, *after.events, *before.events))
        for event in events:
            sides = _Side(old, before, event), _Side(new, after, event)
            if sides[0].rows or sides[1].rows:
                yield from _between(*sides, rows, shared)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two charts, in one state, at one event."""

    chart: Chart
    state: State
    event: str | None

    @property
    def rows(self) -> tuple[Row, ...]:
        rows = self.state.always if self.event is None else self.state.transitions
        return tuple(row for row in rows if row.event == self.event)

    def ways(self, space: Space, possible: Combos) -> list[tuple[Way, Combos]]:
        """Return each way that a run can go, with the combinations that lead there, at least one."""
        declared = possible
        answers = {fact.name: fact.answers for fact in self.chart.facts}
        for name, known in space.facts:
            if name in answers:
                own = tuple(answer for answer in known if answer in answers[name])
                declared &= space.pattern(((name, own),))
        held = [declared & space.pattern(row.guard) for row in self.rows]
        found = [(Way(row=row), taken) for row, taken in zip(self.rows, first_row_wins(held), strict=True)]
        rest = declared
        for some in held:
            rest &= ~some
        found.append((Way(absence="waits" if self.event is None else "refused"), rest))
        found.append((Way(absence="undeclared"), possible & ~declared))
        return [(way, some) for way, some in found if some]


def _between(old: _Side, new: _Side, rows: Mapping[str, str], facts: Facts) -> Iterator[Route]:
    guards, name = [row.guard for row in (*old.rows, *new.rows)], new.state.name
    space, possible = facts.space(guards, path=("states", name), subject=f"state '{name}'")
    impossible = space.every & ~possible
    before = old.ways(space, possible)
    for now, taken in new.ways(space, possible):
        for was, had in before:
            some = taken & had
            if not some or _same(was, now, rows):
                continue
            yield Route(
                state=new.state.name,
                event=new.event,
                patterns=patterns(space, some, impossible),
                combinations=some.bit_count(),
                of=possible.bit_count(),
                old=was,
                new=now,
            )


def _same(old: Way, new: Way, rows: Mapping[str, str]) -> bool:
    """Whether nothing differs: the same row, perhaps with a new id, that does the same."""
    if old.effect != new.effect:
        return False
    return old.row is None or new.row is None or old.row.id == rows.get(new.row.id, new.row.id)
