"""Reachability: a way to a state, or a proof that there is none, by a search over states and answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.engine.check import FactCode
from fsm_runner.engine.check.combinations import Combos, spelled
from fsm_runner.engine.check.rules import Taken
from fsm_runner.engine.check.tables import Facts, Table, dead_rows, first_row_wins, tables_of
from fsm_runner.engine.domain import Domain, Vocabulary
from fsm_runner.loop.tool_loop import TOOL_LOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A row that can never be taken: immutable.

    Attributes:
        state: whose row it is.
        row: the row.
        why: why, as a clause.
    """

    state: str
    row: Row
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whether a run can come to a state: immutable.

    Attributes:
        state: the state that is asked for.
        path: a shortest way to it, with answers for which each row is taken; None: there is none.
        reached: all states that a run can come to, nearest first.
        leaving: the rows from those to others, none of which can be taken; empty when there is a way.
        toward: the rows that lead to the state from anywhere else; empty when there is a way.
    """

    state: str
    path: tuple[Taken, ...] | None
    reached: tuple[str, ...]
    leaving: tuple[Blocked, ...] = ()
    toward: tuple[Blocked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What the search found for a whole chart: immutable.  Made by `ways`.

    Attributes:
        chart: the chart.
        paths: by state that can be reached, a shortest way to it; nearest first.
        blocked: by id of a row that cannot be taken even in its state, why.
    """

    chart: Chart
    paths: Mapping[str, tuple[Taken, ...]]
    blocked: Mapping[str, str]

    def to(self, state: str) -> Reach:
        """Return whether a run can come to `state`, which the chart declares."""
        reached = tuple(self.paths)
        if state in self.paths:
            return Reach(state=state, path=self.paths[state], reached=reached)
        rows = [(each.name, row) for each in self.chart.states for row in each.rows]
        leaving = [(name, row) for name, row in rows if name in self.paths and row.target not in self.paths]
        toward = [(name, row) for name, row in rows if row.target == state and name != state]
        return Reach(
            state=state,
            path=None,
            reached=reached,
            leaving=tuple(Blocked(state=name, row=row, why=self.why_not(name, row)) for name, row in leaving),
            toward=tuple(Blocked(state=name, row=row, why=self.why_not(name, row)) for name, row in toward),
        )

    def why_not(self, state: str, row: Row) -> str:
        """Return why `row` of `state` can never be taken, as a clause; empty when it can."""
        if row.id in self.blocked:
            return self.blocked[row.id]
        return "" if state in self.paths else f"state '{state}' cannot be reached"


def ways(
    chart: Chart, facts: Mapping[str, FactCode] | None = None, *, domain: Domain[Any, Any, Any] = TOOL_LOOP
) -> Ways:
    """Search all that can happen in `chart`.

    Args:
        chart: a chart whose names resolve; it need not pass the rest of the check.
        facts: the facts' code by name, as `check` takes it.
        domain: what the chart is of.
    """
    known, vocabulary = Facts(chart, domain, facts), domain.vocabulary
    fixed = dict(_fixed(chart, facts, domain))
    onward: dict[str, list[Taken]] = {}
    blocked: dict[str, str] = {}
    for state in chart.states:
        onward[state.name] = []
        for row, found in _judged(chart, vocabulary, state, known, fixed):
            if isinstance(found, Taken):
                onward[state.name].append(found)
            else:
                blocked[row.id] = found
    paths: dict[str, tuple[Taken, ...]] = {chart.initial: ()}
    waiting = deque([chart.initial])
    while waiting:
        here = waiting.popleft()
        for taken in onward[here]:
            if taken.target not in paths:
                paths[taken.target] = (*paths[here], taken)
                waiting.append(taken.target)
    return Ways(chart=chart, paths=paths, blocked=blocked)


def _fixed(
    chart: Chart, facts: Mapping[str, FactCode] | None, domain: Domain[Any, Any, Any]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the built-in facts that always answer the same in this chart: the answer, and why."""
    limits, about = {limit.name for limit in chart.limits}, domain.vocabulary.own_limits
    declared = {use.name: use.answers for use in chart.facts}
    why = {
        name: (answer, f"the chart declares no limit '{limit}'")
        for name, (limit, answer) in about.items()
        if limit not in limits
    }
    if domain.vocabulary.limit is not None and limits <= {limit for limit, _ in about.values()}:
        why[domain.vocabulary.limit] = ("free", "the chart declares no limit that could be reached")
    for name, (answer, reason) in why.items():
        own = facts is not None and facts.get(name) is not domain.facts[name]
        if not own and answer in declared.get(name, ()):
            yield name, (answer, reason)


def _judged(
    chart: Chart, vocabulary: Vocabulary, state: State, facts: Facts, fixed: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[Row, Taken | str]]:
    """Yield each row of `state` with the transition that it can be, or why it can be none."""
    restless = False
    for table in sorted(tables_of(state, facts), key=lambda table: table.event is not None):
        space, asked = table.space, dict(table.space.facts)
        possible = table.possible
        for name in asked.keys() & fixed.keys():
            possible &= space.pattern(((name, (fixed[name][0],)),))
        held = [possible & some for some in table.held]
        taken = first_row_wins(held)
        for index, (_, row) in enumerate(table.rows):
            if state.final:
                yield row, f"state '{state.name}' is final, so its rows are never tried"
            elif row.event is not None and not _can_happen(chart, vocabulary, state, row.event):
                yield row, f"nothing reports '{row.event}' while a run is in '{state.name}'"
            elif row.event is not None and restless:
                yield row, f"a run never rests in '{state.name}': some always row holds whatever the facts answer"
            elif not taken[index]:
                yield row, _shadowed(table, index, fixed, held[index])
            else:
                answers = space.witness(taken[index], possible & ~taken[index])
                yield row, Taken(source=state.name, event=row.event, row=row.id, facts=answers, target=row.target)
        if table.event is None:
            rest = possible
            for some in taken:
                rest &= ~some
            restless = not rest


def _shadowed(table: Table, index: int, fixed: Mapping[str, tuple[str, str]], held: Combos) -> str:
    """Say why a row of `table` is never the first to hold; `held` is where it holds, all that is fixed considered."""
    path, row = table.rows[index]
    if not table.held[index]:
        return f"it wants {spelled(row.guard)}, which cannot happen"
    for name, answers in row.guard:
        if not held and name in fixed and fixed[name][0] not in answers:
            answer, why = fixed[name]
            return f"it wants {name}={'|'.join(answers)}, but {why}, so the answer is always {answer}"
    for problem in dead_rows(table):
        if problem.path == path:
            said = problem.message.partition(" is dead, ")[2].partition(" (")[0]
            return f"it is dead: {said}"
    earlier = ", ".join(f"'{each.id}'" for _, each in table.rows[:index])
    return f"it is dead: {earlier} before it cover all of it, as the facts can answer here"


def _can_happen(chart: Chart, vocabulary: Vocabulary, state: State, event: str) -> bool:
    """Whether `event` can be told while a run is in `state`; doubtful cases count as yes.

    What some effects report may come after the run has gone on elsewhere; the caller may ask, and close, where
    an effect was cut off.
    """
    own = {effect.name: effect.reports for effect in chart.effects}
    if event in vocabulary.asks or event == vocabulary.failed:
        return True
    if state.effect is not None and event in own.get(state.effect, vocabulary.reports(state.effect)):
        return True
    kinds = (vocabulary.effects.get(each.effect or "") for each in chart.states)
    return any(event in kind.reports for kind in kinds if kind is not None and kind.late)
