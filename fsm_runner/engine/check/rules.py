"""The check of rules: what must hold on every path, by a search over everything that can happen.

A place of the search is a state, together with whether the rule binds there.  From a place, a row can be taken if it is
the first to hold for some combination of answers.  The search takes it that facts may answer differently at each
decision.  So it sees every run that there can be, and perhaps paths that the facts never allow: a rule that passes is
proved, and one that fails is shown by a shortest path, with the answers that each of its rows needs.

`precedes` and `never` work in the same way.  One moment frees, one is forbidden while the rule binds, and one binds:

             binds at the start     binds      frees     forbidden
precedes     yes                    since      first     then
never        unless it has `after`  after      until     enter

Within one transition the order is: it frees, the forbidden moment is judged, it binds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar, assert_never

from fsm_runner.engine.chart import AlwaysReaches, Chart, Moment, Never, Pattern, Precedes, Row, Rule
from fsm_runner.engine.check.combinations import spelled
from fsm_runner.engine.check.tables import Facts, Table, first_row_wins
from fsm_runner.engine.errors import Problem
from fsm_runner.engine.frozen import short_repr

_Place = TypeVar("_Place")
"""Where a search is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A transition of a path: immutable.

    Attributes:
        source: the state that it leaves.
        event: what happened there; None on entering it.
        row: the id of the row.
        facts: answers for which the row is taken and breaks the rule in this way; as few as possible.
        target: the state that it enters.
    """

    source: str
    event: str | None
    row: str
    facts: Pattern
    target: str

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that does not hold, with a shortest path that breaks it: immutable.

    Attributes:
        rule: its name.
        path: from the start to where the rule is broken; empty when that is at the start.
    """

    rule: str
    path: tuple[Taken, ...]

    __repr__ = short_repr

    @property
    def rows(self) -> tuple[str, ...]:
        """The ids of the path's rows, for a drawing to mark."""
        return tuple(taken.row for taken in self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What was found about a chart's rules: immutable.

    Attributes:
        problems: one for each rule that does not hold.
        notes: one for each rule that holds only because what it is about never happens.
        violations: paths that break rules, in the order of `problems`.
        proved: the names of the rules that hold.
    """

    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    violations: tuple[Violation, ...] = ()
    proved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """A transition, and what it means for a rule: whether it frees, is forbidden, and binds."""

    taken: Taken
    frees: bool
    forbidden: bool
    binds: bool


def ruled(chart: Chart, rules: Sequence[Rule], tables: Sequence[Table], facts: Facts) -> Ruled:
    """Check each of `rules`; the names in them must exist.

    Args:
        chart: says where runs start.
        rules: the rules to check.
        tables: the tables of its states.
        facts: what the facts can answer.
    """
    problems, notes, violations, proved = [], [], [], []
    by_state: dict[str, list[Table]] = {}
    for table in tables:
        by_state.setdefault(table.state.name, []).append(table)
    for rule in rules:
        if isinstance(rule, AlwaysReaches):
            violation, idle = _unreached(chart, rule, by_state, facts), False
        else:
            violation, idle = _broken(chart, rule, by_state, facts)
        if violation is not None:
            problems.append(_problem(rule, violation))
            violations.append(violation)
            continue
        proved.append(rule.name)
        if idle:
            message = f"rule '{rule.name}': it holds, for what it speaks of never happens (correct it, or delete it)"
            notes.append(Problem(code="idle-rule", path=("rules", rule.name), message=message))
    return Ruled(problems=tuple(problems), notes=tuple(notes), violations=tuple(violations), proved=tuple(proved))


def told(path: Sequence[Taken], start: str) -> str:
    """Return a path as ``start -begin-> inspect``; `start` alone when it is empty."""
    return start + "".join(f" -{taken.row}-> {taken.target}" for taken in path)


def _problem(rule: Rule, violation: Violation) -> Problem:
    path = violation.path
    way = told(path, path[0].source) if path else "at the start"
    match rule:
        case Precedes():
            since = "" if rule.since is None else f" since {_spelled(rule.since)}"
            code, what = "rule-precedes", f"{_spelled(rule.then)} comes without {_spelled(rule.first)} before it{since}"
        case Never():
            after = "" if rule.after is None else f" after {_spelled(rule.after)}"
            code, what = "rule-never", f"{_spelled(rule.enter)} comes{after}"
        case AlwaysReaches():
            here = f"'{path[-1].target}'" if path else "the start"
            code, what = "rule-always-reaches", f"no rows lead from {here} to {_either(rule.states)}"
        case _:
            assert_never(rule)
    message = f"rule '{rule.name}': {what}: {way} (change a row on this path, or the rule)"
    return Problem(code=code, path=("rules", rule.name), message=message)


def _spelled(moment: Moment) -> str:
    """Return a moment as ``'done'`` or ``row 'ask' with turn=finished``."""
    states, rows = _either(moment.states), _either(moment.rows)
    named = " by ".join(filter(None, (states, f"row {rows}" if rows else "")))
    return " with ".join(filter(None, (named, spelled(moment.guard) if moment.guard else "")))


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def _broken(
    chart: Chart, rule: Precedes | Never, tables: Mapping[str, list[Table]], facts: Facts
) -> tuple[Violation | None, bool]:
    """Return a shortest path that breaks `rule`, or None; and whether what it is about never happens."""
    moments: tuple[Moment | None, Moment, Moment | None]
    if isinstance(rule, Precedes):
        bound, moments = True, (rule.first, rule.then, rule.since)
    else:
        bound, moments = rule.after is None, (rule.until, rule.enter, rule.after)
    frees, forbidden, binds = (_at_start(chart, moment) for moment in moments)
    bound = bound and not frees
    if bound and forbidden:
        return Violation(rule=rule.name, path=()), False
    met = forbidden if isinstance(rule, Precedes) else binds or rule.after is None
    start = (chart.initial, bound or binds)
    came: dict[tuple[str, bool], tuple[tuple[str, bool], Taken] | None] = {start: None}
    hops: dict[str, list[_Hop]] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        state, bound = here
        if state not in hops:
            hops[state] = [hop for table in tables.get(state, ()) for hop in _hops(table, rule, moments, facts)]
        for hop in hops[state]:
            met |= hop.forbidden if isinstance(rule, Precedes) else hop.binds
            still = bound and not hop.frees
            if still and hop.forbidden:
                return Violation(rule=rule.name, path=(*_path(here, came), hop.taken)), False
            after = (hop.taken.target, still or hop.binds)
            if after not in came:
                came[after] = here, hop.taken
                waiting.append(after)
    return None, not met


def _unreached(chart: Chart, rule: AlwaysReaches, tables: Mapping[str, list[Table]], facts: Facts) -> Violation | None:
    """Return a shortest path to a state from which no rows lead to one of the rule's, or None."""
    hops = [
        hop.taken for some in tables.values() for table in some for hop in _hops(table, rule, (None, None, None), facts)
    ]
    onward: dict[str, list[Taken]] = {}
    back: dict[str, list[str]] = {}
    for hop in hops:
        onward.setdefault(hop.source, []).append(hop)
        back.setdefault(hop.target, []).append(hop.source)
    ending, look = set(rule.states), list(rule.states)
    while look:
        more = [state for state in back.get(look.pop(), ()) if state not in ending]
        ending.update(more)
        look += more
    came: dict[str, tuple[str, Taken] | None] = {chart.initial: None}
    waiting = deque([chart.initial])
    while waiting:
        here = waiting.popleft()
        if here not in ending:
            return Violation(rule=rule.name, path=_path(here, came))
        for hop in onward.get(here, ()):
            if hop.target not in came:
                came[hop.target] = here, hop
                waiting.append(hop.target)
    return None


def _path(place: _Place, came: Mapping[_Place, tuple[_Place, Taken] | None]) -> tuple[Taken, ...]:
    """Return the path to `place`; `came` has, for each place, the one before it."""
    path: list[Taken] = []
    while (step := came[place]) is not None:
        place, taken = step
        path.append(taken)
    return tuple(reversed(path))


def _at_start(chart: Chart, moment: Moment | None) -> bool:
    """Whether the start, which enters the initial state by no row, is `moment`."""
    return moment is not None and not moment.rows and not moment.guard and chart.initial in moment.states


def _hops(table: Table, rule: Rule, moments: Sequence[Moment | None], facts: Facts) -> Iterator[_Hop]:
    """Yield the transitions by the rows of `table`, each once for everything that it can mean for the rule."""
    guards = [moment.guard for moment in moments if moment is not None]
    guards += [row.guard for _, row in table.rows]
    space, possible = facts.space(guards, path=("rules", rule.name), subject=f"rule '{rule.name}', {table.place}")
    held = [possible & space.pattern(row.guard) for _, row in table.rows]
    for (_, row), taken in zip(table.rows, first_row_wins(held), strict=True):
        read = [space.pattern(m.guard) if m is not None and _names(m, row) else 0 for m in moments]
        for signs in product(*((True, False) if within else (False,) for within in read)):
            some = taken
            for sign, within in zip(signs, read, strict=True):
                some &= within if sign else ~within
            if some:
                answers = space.witness(some, possible & ~some)
                hop = Taken(source=table.state.name, event=table.event, row=row.id, facts=answers, target=row.target)
                yield _Hop(taken=hop, frees=signs[0], forbidden=signs[1], binds=signs[2])


def _names(moment: Moment, row: Row) -> bool:
    """Whether `row` is of `moment`, apart from its answers."""
    return (not moment.states or row.target in moment.states) and (not moment.rows or row.id in moment.rows)
