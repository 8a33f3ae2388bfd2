"""The check of the rows: exact over all combinations of the answers that they ask for.

A `Table` is the rows that are tried together, first row wins: the ``always`` rows of a state, or its rows for one
event.  Each knows its combinations, those that can happen, and for each row those in which it is the one taken.
From these follow the gaps, the dead rows, the overlaps and what a reached limit blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fsm_runner.core.chart import Chart, Pattern, Row, State
from fsm_runner.core.check_names import FactCode, Path, rows_with_paths
from fsm_runner.core.cover import LEAF_BITS, Combos, Space, intersection, spelled
from fsm_runner.core.cover_order import close_together
from fsm_runner.core.errors import Problem
from fsm_runner.core.facts import FACTS
from fsm_runner.core.impossible import impossible_among
from fsm_runner.core.vocabulary import LIMIT_FACT

IMPOSSIBLE: tuple[Pattern, ...] = tuple(pattern for fact in FACTS.values() for pattern in fact.impossible)
"""What the built-in facts can never answer together, for a check that is not given the facts' code."""

REACHED = "reached"
"""What `LIMIT_FACT` answers then."""


class Facts:
    """The answers of every fact, and which of them cannot be given together.

    Args:
        chart: declares the facts.
        code: the facts' code; None when it is not at hand, then `IMPOSSIBLE` holds.
        leaf_bits: the most combinations that one integer holds, at least 1.
    """

    def __init__(self, chart: Chart, code: Mapping[str, FactCode] | None, *, leaf_bits: int = LEAF_BITS) -> None:
        self.answers = {fact.name: fact.answers for fact in chart.facts}
        patterns = IMPOSSIBLE
        if code is not None:
            patterns = tuple(dict.fromkeys(pattern for fact in code.values() for pattern in fact.impossible))
            self.answers = {**{fact.name: fact.answers for fact in code.values()}, **self.answers}
        self._spaces: dict[tuple[str, ...], tuple[Space, Combos]] = {}
        self._impossible: dict[tuple[str, ...], tuple[Pattern, ...]] = {}
        self._leaf_bits = leaf_bits
        known = [self._known(pattern) for pattern in patterns]
        self.impossible = tuple(pattern for pattern in known if pattern is not None)

    def _known(self, pattern: Pattern) -> Pattern | None:
        """Return `pattern` in the answers that are declared; None when it asks for others."""
        kept = tuple((name, tuple(a for a in answers if a in self.answers.get(name, ()))) for name, answers in pattern)
        return kept if all(answers for _, answers in kept) else None

    def space(self, guards: Iterable[Pattern]) -> tuple[Space, Combos]:
        """Return the combinations that decide between `guards`, and those of them that can happen."""
        asked = tuple(guards)
        names = {name for guard in asked for name, _ in guard}
        answers = {name: given for name, given in self.answers.items() if name in names}
        known = tuple(answers)
        if known not in self._impossible:
            self._impossible[known] = impossible_among(known, self.impossible, self.answers)
        impossible = self._impossible[known]
        order = self._order(answers, (*impossible, *asked))
        if order not in self._spaces:
            space = Space(answers, order=order, leaf_bits=self._leaf_bits)
            self._spaces[order] = space, space.without(space.every, space.union(impossible))
        return self._spaces[order]

    def _order(self, answers: Mapping[str, Sequence[str]], patterns: Iterable[Pattern]) -> tuple[str, ...]:
        """Return the facts as a diagram should ask them; as they are declared where one integer holds it all."""
        if math.prod(map(len, answers.values())) <= self._leaf_bits:
            return tuple(answers)
        return close_together(tuple(answers), ([name for name, _ in pattern] for pattern in patterns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows that are tried together, and the combinations that decide between them: immutable.

    Attributes:
        state: whose rows they are.
        event: what they wait for; None for ``always`` rows.
        rows: the rows with their places, in the order in which they are tried.
        space: the combinations.
        possible: those that can happen.
        held: for each row, the possible combinations for which its guard holds.
        taken: for each row, those in which no earlier row holds.
    """

    state: State
    event: str | None
    rows: tuple[tuple[Path, Row], ...]
    space: Space
    possible: Combos
    held: tuple[Combos, ...]
    taken: tuple[Combos, ...]

    @property
    def place(self) -> str:
        return f"state '{self.state.name}'"


def tables_of(state: State, facts: Facts) -> Iterator[Table]:
    """Yield the tables of `state`: its ``always`` rows, then its rows for each event."""
    groups: dict[str | None, list[tuple[Path, Row]]] = {}
    for path, row in rows_with_paths(state):
        groups.setdefault(row.event, []).append((path, row))
    for event, rows in groups.items():
        space, possible = facts.space(row.guard for _, row in rows)
        held = tuple(space.both(possible, space.pattern(row.guard)) for _, row in rows)
        yield Table(
            state=state,
            event=event,
            rows=tuple(rows),
            space=space,
            possible=possible,
            held=held,
            taken=first_row_wins(space, held),
        )


def first_row_wins(space: Space, held: Iterable[Combos]) -> tuple[Combos, ...]:
    """Return, for sets in order, what is in each and in none before it."""
    taken, before = [], space.never
    for some in held:
        taken.append(space.without(some, before))
        before = space.either(before, some)
    return tuple(taken)


def gap(table: Table) -> Iterator[Problem]:
    """Yield a problem when some combination that can happen has no row."""
    rests = table.event is None and (table.state.effect is not None or bool(table.state.transitions))
    covered = table.space.never
    for taken in table.taken:
        covered = table.space.either(covered, taken)
    if rests or table.space.without(table.possible, covered) == table.space.never:
        return
    witness = spelled(table.space.witness(table.possible, covered))
    of = "row" if table.event is None else f"row of event '{table.event}'"
    path = table.rows[-1][0] if table.event is not None else ("states", table.state.name, "always")
    message = f"{table.place}: no {of} holds for {witness} (add a row for it, or a last one without guard)"
    yield Problem(code="incomplete", path=path, message=message)


def dead_rows(table: Table) -> Iterator[Problem]:
    """Yield a problem for each row that is never taken, with the rows that shadow it."""
    never = table.space.never
    for index, (path, row) in enumerate(table.rows):
        if table.taken[index] != never:
            continue
        if table.held[index] == never:
            wanted = spelled(row.guard)
            message = f"{table.place}: row '{row.id}' wants {wanted}, which cannot happen (correct its guard)"
            yield Problem(code="impossible-row", path=path, message=message)
            continue
        names = ", ".join(f"'{table.rows[earlier][1].id}'" for earlier in _shadow(table, index))
        message = f"{table.place}: row '{row.id}' is dead, {names} before it cover all of it (move it up, or delete it)"
        yield Problem(code="dead-row", path=path, message=message)


def _shadow(table: Table, index: int) -> list[int]:
    """Return the fewest earlier rows, by leaving out one after another, that together hold whenever the row does."""
    space, row = table.space, table.held[index]
    shadow = [earlier for earlier in range(index) if space.both(table.held[earlier], row) != space.never]
    for candidate in tuple(shadow):
        rest = row
        for earlier in shadow:
            if earlier != candidate:
                rest = space.without(rest, table.held[earlier])
        if rest == space.never:
            shadow.remove(candidate)
    return shadow


def overlaps(table: Table) -> Iterator[Problem]:
    """Yield a note for each two rows that both hold for some combination.

    A dead row is left to `dead_rows`.  A last row without guard says "else", so it overlaps with nothing.
    """
    for later, (path, row) in enumerate(table.rows):
        rest = later == len(table.rows) - 1 and not row.guard
        if rest or table.taken[later] == table.space.never:
            continue
        for earlier in range(later):
            first = table.rows[earlier][1]
            shared = intersection(first.guard, row.guard)
            if shared is None or table.space.both(table.held[earlier], table.held[later]) == table.space.never:
                continue
            message = f"{table.place}: rows '{first.id}' and '{row.id}' both hold for {spelled(shared)}"
            yield Problem(code="overlap", path=path, message=f"{message}; '{first.id}' comes first")


def blocked_rows(tables: Sequence[Table], facts: Facts) -> dict[Path, tuple[str, ...]]:
    """Return the places of the rows that cannot be taken once a limit is reached, each with the rows taken instead."""
    answers = facts.answers.get(LIMIT_FACT, ())
    reached: Pattern = ((LIMIT_FACT, (REACHED,)),) if REACHED in answers else ()
    blocked: dict[Path, tuple[str, ...]] = {}
    for table in tables:
        space, possible = facts.space([*(row.guard for _, row in table.rows), reached])
        at_limit = space.both(possible, space.pattern(reached))
        held = [space.both(at_limit, space.pattern(row.guard)) for _, row in table.rows]
        for index, taken in enumerate(first_row_wins(space, held)):
            if taken == space.never:
                blocked[table.rows[index][0]] = _instead(table, index, answers)
    return blocked


def _instead(table: Table, index: int, answers: Sequence[str]) -> tuple[str, ...]:
    """Return the rows that are taken once a limit is reached, where before that the row at `index` was."""
    at_limit = _taken_when(table, REACHED)
    before = [_taken_when(table, answer)[index] for answer in answers if answer != REACHED]
    return tuple(
        row.id
        for (_, row), taken in zip(table.rows, at_limit, strict=True)
        if any(table.space.both(some, taken) != table.space.never for some in before)
    )


def _taken_when(table: Table, answer: str) -> tuple[Combos, ...]:
    """Return, for each row, the combinations of the other facts in which it is taken when the limit answers so."""
    held = []
    for _, row in table.rows:
        rest = tuple((name, wanted) for name, wanted in row.guard if name != LIMIT_FACT)
        can = answer in dict(row.guard).get(LIMIT_FACT, (answer,))
        held.append(table.space.both(table.possible, table.space.pattern(rest)) if can else table.space.never)
    return first_row_wins(table.space, held)
