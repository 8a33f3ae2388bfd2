"""The check of rows, exact over all combinations of answers.

A `Table` has the rows that are tried together, of which the first that holds is taken: the ``always`` rows of a state,
or its rows for one event.  It knows which combinations can happen, and for which of them each row is taken.  From this
follow the gaps, the dead rows, the overlaps, and what a reached limit blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from fsm_runner.engine import bounds
from fsm_runner.engine.chart import Chart, Pattern, Row, State
from fsm_runner.engine.check.combinations import Combos, Space, TooManyCombinations, intersection, spelled
from fsm_runner.engine.check.names import FactCode, Path, rows_with_paths
from fsm_runner.engine.domain import Domain, EffectT, StopT
from fsm_runner.engine.errors import ChartError, Problem
from fsm_runner.engine.fact import ContextT

REACHED = "reached"
"""What the fact about limits answers once one is reached."""

TOLD = 20
"""The most overlaps that are reported for one row."""


class Facts:
    """The answers of all facts, and the combinations that cannot happen.

    Args:
        chart: declares the facts.
        domain: what the chart is about.
        code: the facts' code; None: only what the built-in facts call impossible is.
    """

    def __init__(
        self, chart: Chart, domain: Domain[ContextT, EffectT, StopT], code: Mapping[str, FactCode] | None
    ) -> None:
        self.chart = chart
        self.limit = domain.vocabulary.limit
        self.answers = {fact.name: fact.answers for fact in chart.facts}
        patterns = domain.impossible
        if code is not None:
            patterns = tuple(dict.fromkeys(pattern for fact in code.values() for pattern in fact.impossible))
            self.answers = {**{fact.name: fact.answers for fact in code.values()}, **self.answers}
        self._spaces: dict[tuple[str, ...], tuple[Space, Combos]] = {}
        known = [self._known(pattern) for pattern in patterns]
        self.impossible = tuple(pattern for pattern in known if pattern is not None)

    def _known(self, pattern: Pattern) -> Pattern | None:
        """Return `pattern` with the declared answers only; None when it has none of a fact."""
        kept = tuple((name, tuple(a for a in answers if a in self.answers.get(name, ()))) for name, answers in pattern)
        return kept if all(answers for _, answers in kept) else None

    def space(self, guards: Iterable[Pattern], *, path: Path, subject: str) -> tuple[Space, Combos]:
        """Return the combinations that decide between `guards`, and those of them that can happen.

        Args:
            guards: the patterns to decide between.
            path: where in the chart they are.
            subject: what messages call that place.

        Raises:
            ChartError: there are more combinations than `bounds.COMBINATIONS`.
        """
        names = {name for guard in guards for name, _ in guard}
        known = tuple(name for name in self.answers if name in names)
        try:
            if known not in self._spaces:
                space = Space({name: self.answers[name] for name in known})
                self._spaces[known] = space, self._possible(known)
        except TooManyCombinations as error:
            raise ChartError(self.chart.name, (_too_many(error, path, subject),)) from None
        return self._spaces[known]

    def _possible(self, names: tuple[str, ...]) -> Combos:
        """Return the combinations of the facts `names` that can happen, for some answers of the other facts.

        Other facts that occur with them in an impossible combination are put before them in one space, and removed at
        the end.  Impossible combinations of unrelated facts count only if they leave these no answer at all.
        """
        tied, impossible, rest = _tied(names, self._binding(names))
        while rest:
            others, ruled_out, rest = _tied(rest[0][0][:1], rest)
            space = Space({name: self.answers[name] for name in others})
            if space.union(ruled_out) == space.every:
                return 0
        before = [name for name in self.answers if name in tied and name not in names]
        space = Space({name: self.answers[name] for name in (*before, *names)})
        return space.without_first(space.every & ~space.union(impossible), len(before))

    def _binding(self, names: Collection[str]) -> list[Pattern]:
        """Return what is impossible, except what another fact avoids by an answer that nothing rules out."""
        left = list(self.impossible)
        while True:
            named: dict[str, set[str]] = {}
            for pattern in left:
                for name, answers in pattern:
                    named.setdefault(name, set()).update(answers)
            free = {name for name, some in named.items() if name not in names and len(some) < len(self.answers[name])}
            if not free:
                return left
            left = [pattern for pattern in left if free.isdisjoint(name for name, _ in pattern)]


def _tied(names: Iterable[str], patterns: Sequence[Pattern]) -> tuple[set[str], list[Pattern], list[Pattern]]:
    """Return `names` with all facts that patterns relate to them, the patterns of these, and the other patterns."""
    tied, near, rest = set(names), list[Pattern](), list(patterns)
    while more := [pattern for pattern in rest if any(name in tied for name, _ in pattern)]:
        near += more
        rest = [pattern for pattern in rest if pattern not in more]
        tied.update(name for pattern in more for name, _ in pattern)
    return tied, near, rest


def _too_many(error: TooManyCombinations, path: Path, subject: str) -> Problem:
    number, most = f"{error.combinations:,}", f"{bounds.COMBINATIONS:,}"
    message = (
        f"{subject}: the {len(error.facts)} facts that decide here have {number} combinations of answers, and {most} "
        "are the most that can be proved (ask fewer facts in one state, or make one fact of several)"
    )
    return Problem(code="too-many-combinations", path=path, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows that are tried together, and the combinations that decide between them: immutable.

    Attributes:
        state: the state of the rows.
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
    """Yield the tables of `state`: its ``always`` rows, then its rows for each event.

    Raises:
        ChartError: the facts of one of them have too many combinations.
    """
    groups: dict[str | None, list[tuple[Path, Row]]] = {}
    for path, row in rows_with_paths(state):
        groups.setdefault(row.event, []).append((path, row))
    for event, rows in groups.items():
        guards, subject = [row.guard for _, row in rows], f"state '{state.name}'"
        space, possible = facts.space(guards, path=rows[-1][0], subject=subject)
        held = tuple(possible & space.pattern(row.guard) for _, row in rows)
        yield Table(
            state=state,
            event=event,
            rows=tuple(rows),
            space=space,
            possible=possible,
            held=held,
            taken=first_row_wins(held),
        )


def first_row_wins(held: Iterable[Combos]) -> tuple[Combos, ...]:
    """Return, for each set, what is in it and in no set before it."""
    taken, before = [], 0
    for some in held:
        taken.append(some & ~before)
        before |= some
    return tuple(taken)


def gap(table: Table) -> Iterator[Problem]:
    """Yield a problem when some combination that can happen has no row."""
    rests = table.event is None and (table.state.effect is not None or bool(table.state.transitions))
    covered = 0
    for taken in table.taken:
        covered |= taken
    if rests or not table.possible & ~covered:
        return
    witness = spelled(table.space.witness(table.possible, covered))
    of = "row" if table.event is None else f"row of event '{table.event}'"
    path = table.rows[-1][0] if table.event is not None else ("states", table.state.name, "always")
    message = f"{table.place}: no {of} holds for {witness} (add a row for it, or a last one without guard)"
    yield Problem(code="incomplete", path=path, message=message)


def dead_rows(table: Table) -> Iterator[Problem]:
    """Yield a problem for each row that is never taken, with the rows that shadow it."""
    for index, (path, row) in enumerate(table.rows):
        if table.taken[index]:
            continue
        if not table.held[index]:
            wanted = spelled(row.guard)
            message = f"{table.place}: row '{row.id}' wants {wanted}, which cannot happen (correct its guard)"
            yield Problem(code="impossible-row", path=path, message=message)
            continue
        names = ", ".join(f"'{table.rows[earlier][1].id}'" for earlier in _shadow(table, index))
        message = f"{table.place}: row '{row.id}' is dead, {names} before it cover all of it (move it up, or delete it)"
        yield Problem(code="dead-row", path=path, message=message)


def _shadow(table: Table, index: int) -> list[int]:
    """Return earlier rows that together hold whenever the row does; none of them can be left out.

    Going from the top, a row is taken if it covers something that is not covered yet.  Then those that the later ones
    make superfluous are removed again, one after another.
    """
    row = rest = table.held[index]
    shadow: list[int] = []
    for earlier in range(index):
        if rest & table.held[earlier]:
            shadow.append(earlier)
            rest &= ~table.held[earlier]
        if not rest:
            break
    later = [0]
    for earlier in reversed(shadow):
        later.append(later[-1] | table.held[earlier])
    kept, before = list[int](), 0
    for place, earlier in enumerate(shadow):
        if row & ~(before | later[len(shadow) - 1 - place]):
            kept.append(earlier)
            before |= table.held[earlier]
    return kept


def overlaps(table: Table) -> Iterator[Problem]:
    """Yield a note for each two rows that both hold for some combination; at most the first `TOLD` for one row.

    Dead rows are left to `dead_rows`.  A last row without a guard means "else", so it does not count.
    """
    for later, (path, row) in enumerate(table.rows):
        rest = later == len(table.rows) - 1 and not row.guard
        if rest or not table.taken[later]:
            continue
        both = (earlier for earlier in range(later) if table.held[earlier] & table.held[later])
        for earlier in islice(both, TOLD):
            first = table.rows[earlier][1]
            shared = intersection(first.guard, row.guard)
            assert shared is not None  # both hold for something
            message = f"{table.place}: rows '{first.id}' and '{row.id}' both hold for {spelled(shared)}"
            yield Problem(code="overlap", path=path, message=f"{message}; '{first.id}' comes first")


def blocked_rows(tables: Sequence[Table], facts: Facts) -> dict[Path, tuple[str, ...]]:
    """Return the places of the rows that cannot be taken once a limit is reached, each with the rows taken instead."""
    answers = facts.answers.get(facts.limit or "", ())
    reached: Pattern = ((facts.limit, (REACHED,)),) if facts.limit is not None and REACHED in answers else ()
    blocked: dict[Path, tuple[str, ...]] = {}
    for table in tables:
        guards = [*(row.guard for _, row in table.rows), reached]
        space, possible = facts.space(guards, path=table.rows[-1][0], subject=table.place)
        at_limit = possible & space.pattern(reached)
        held = [at_limit & space.pattern(row.guard) for _, row in table.rows]
        before = [_taken_when(table, facts.limit or "", answer) for answer in answers if answer != REACHED]
        after = _taken_when(table, facts.limit or "", REACHED)
        for index, taken in enumerate(first_row_wins(held)):
            if not taken:
                blocked[table.rows[index][0]] = _instead(table, [each[index] for each in before], after)
    return blocked


def _instead(table: Table, before: Sequence[Combos], after: Sequence[Combos]) -> tuple[str, ...]:
    """Return the rows that are taken instead of a row once a limit is reached."""
    if not any(before):
        return ()
    return tuple(
        row.id for (_, row), taken in zip(table.rows, after, strict=True) if any(some & taken for some in before)
    )


def _taken_when(table: Table, limit: str, answer: str) -> tuple[Combos, ...]:
    """Return, for each row, the combinations of the other facts for which it is taken if `limit` gives `answer`."""
    held = []
    for _, row in table.rows:
        rest = tuple((name, wanted) for name, wanted in row.guard if name != limit)
        can = answer in dict(row.guard).get(limit, (answer,))
        held.append(table.possible & table.space.pattern(rest) if can else 0)
    return first_row_wins(held)
