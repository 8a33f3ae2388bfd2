"""The check: what must hold of a chart before anything runs.  It is proved exactly, and each failure has an example.

1. Names: every name that is used is declared or built in; every state can be reached and leads to an end.
2. Complete: in each state, some row holds for each event that can happen and each combination of answers.
3. No dead rows: no row is shadowed by those before it.  Overlaps that the order decides are notes.
4. Bounded: each cycle consumes a supply, or spends a limit and cannot go on once that is reached.
5. ``always`` rows cannot loop.
6. Rules: the rules that the chart declares hold on every path.

A wrong name hides its consequences: a row to an unknown state is reported, and not also that the state which was meant
cannot be reached.  Everything else is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fsm_runner.engine import bounds
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.check.graph import (
    Bound,
    Edge,
    always_loops,
    bound_problems,
    bounds_of,
    drawn,
    edges_of,
    graph_problems,
    leaving,
    path_to,
    reached,
    renewal_problems,
)
from fsm_runner.engine.check.names import FactCode, Path, missing_events, moments_of, name_problems
from fsm_runner.engine.check.rules import Ruled, Violation, ruled
from fsm_runner.engine.check.tables import Facts, Table, blocked_rows, dead_rows, gap, overlaps, tables_of
from fsm_runner.engine.domain import Domain, EffectT, StopT
from fsm_runner.engine.errors import ChartError, Problem
from fsm_runner.engine.fact import ContextT
from fsm_runner.engine.frozen import short_repr

UNREADABLE = frozenset({"duplicate-key", "no-answers"})
"""Problems of a chart made in Python with which nothing can be proved.  In a file, the loader refuses them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Rows that are tried together and were proved complete: immutable.

    Attributes:
        state: the state of the rows.
        event: the event that they wait for; None for ``always`` rows.
        rows: their ids, in the order in which they are tried.
        facts: the facts that decide between them, and those that restrict their answers.
        combinations: how many combinations of their answers can happen.
        rests: whether the run stays in the state if no row holds.
    """

    state: str
    event: str | None
    rows: tuple[str, ...]
    facts: tuple[str, ...]
    combinations: int
    rests: bool

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the check found: immutable.

    Attributes:
        problems: why the chart cannot run; empty when it can.
        notes: overlaps that the order decides, limits without a value, unused names.
        ways: a shortest path to each state, as ``start -begin-> inspect``.
        covered: the rows that were proved complete, and for how many combinations.
        bounds: for each row in a cycle, a shortest one through it and what bounds that.
        rules: the names of the rules that hold.
        violations: for each other rule, a shortest path that breaks it; each is a problem, too.
    """

    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    ways: tuple[tuple[str, str], ...] = ()
    covered: tuple[Covered, ...] = ()
    bounds: tuple[Bound, ...] = ()
    rules: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()

    __repr__ = short_repr

    @property
    def proofs(self) -> tuple[str, ...]:
        """What was proved, as sentences; empty when there are problems."""
        if self.problems:
            return ()
        rows = sum(len(covered.rows) for covered in self.covered)
        cases = sum(covered.combinations for covered in self.covered)
        number = len(self.bounds)
        limits = sum(1 for bound in self.bounds if not bound.consumes)
        shown = f"of the {number} shortest through a row, {limits} by a limit and {number - limits} by a supply"
        return (
            f"every name resolves, all {len(self.ways)} states can be reached, and each leads to a final state",
            f"in every state each event finds a row, in all {cases} combinations of answers",
            f"none of the {rows} rows is dead",
            f"every cycle is bounded: {shown}" if number else "rows form no cycle",
            "always rows cannot loop",
            *([f"every path keeps the rules {', '.join(self.rules)}"] if self.rules else []),
        )


def check(
    chart: Chart,
    domain: Domain[ContextT, EffectT, StopT],
    *,
    facts: Mapping[str, FactCode] | None = None,
    strict: bool = False,
) -> Verdict:
    """Prove that `chart` can run, or find everything that is wrong with it.

    Args:
        chart: the chart; nothing of it is run.
        domain: what the chart is about.
        facts: the facts by name.  The chart must then declare their answers, and combinations that they call impossible
            are left out.  None: only those that the built-in facts call impossible are.
        strict: whether overlapping rows are problems, too.
    """
    if too_large := tuple(_too_large(chart)):
        return Verdict(problems=too_large)
    vocabulary = domain.vocabulary
    problems = list(name_problems(chart, vocabulary, facts))
    if any(problem.code in UNREADABLE for problem in problems):
        return Verdict(problems=_in_order(chart, problems))
    final = {state.name for state in chart.states if state.final}
    edges = tuple(edge for edge in edges_of(chart) if edge.source not in final)
    problems += missing_events(chart, vocabulary)
    bad = _unjudged(problems)
    known = Facts(chart, domain, facts)
    readable = [state for state in chart.states if not state.final and state.name not in bad]
    tables, of_rules = list[Table](), Ruled()
    for state in readable:
        try:
            tables += tables_of(state, known)
        except ChartError as error:  # too many combinations
            problems += error.problems
            bad |= {state.name}
    for table in tables:
        problems += [*gap(table), *dead_rows(table)]
    if not {problem.code for problem in problems} & {"unknown-target", "unknown-initial"}:
        misnamed = {problem.path[1] for problem in problems if problem.path[0] == "rules"}
        problems += graph_problems(chart, edges)
        if not bad:
            try:
                blocked = blocked_rows(tables, known)
                problems += _endless(chart, known, edges, blocked, vocabulary.renewed_by)
                of_rules = ruled(chart, [each for each in chart.rules if each.name not in misnamed], tables, known)
            except ChartError as error:
                problems += error.problems
    problems += of_rules.problems
    notes = [note for table in tables for note in overlaps(table)]
    if strict:
        problems, notes = problems + notes, []
    notes += [*_unused(chart), *of_rules.notes]
    found = Verdict(problems=_in_order(chart, problems), notes=_in_order(chart, notes), violations=of_rules.violations)
    if problems:
        return found
    covered, bounds = tuple(map(_covered, tables)), bounds_of(edges, blocked)
    return replace(found, ways=_ways(chart, edges), covered=covered, bounds=bounds, rules=of_rules.proved)


def _too_large(chart: Chart) -> Iterator[Problem]:
    """Yield a problem for each bound that the size of `chart` exceeds."""
    for key, number, most in (("states", len(chart.states), bounds.STATES), ("rows", len(chart.rows), bounds.ROWS)):
        if number > most:
            message = f"chart '{chart.name}': it has {number:,} {key}, and {most:,} are the most (make several charts)"
            yield Problem(code="too-large", path=("states",), message=message)


def _unjudged(problems: Iterable[Problem]) -> frozenset[str | int]:
    """Return the states with a guard whose names are not declared, so that their rows cannot be checked."""
    guards = {"unknown-fact", "unknown-answer"}
    return frozenset(each.path[1] for each in problems if each.code in guards and each.path[0] == "states")


def _endless(
    chart: Chart,
    facts: Facts,
    edges: Sequence[Edge],
    blocked: Mapping[Path, tuple[str, ...]],
    renewed_by: Mapping[str, tuple[str, ...]],
) -> list[Problem]:
    """Return problems for loops of ``always`` rows and for cycles without a bound, each cycle once."""
    loops = list(always_loops(chart, facts))
    told = {problem.path for problem in loops}
    endless = [problem for problem in bound_problems(edges, blocked) if problem.path not in told]
    return loops + (endless or list(renewal_problems(edges, blocked, renewed_by)))


def _unused(chart: Chart) -> list[Problem]:
    """Return a note for each limit, fact and effect that nothing uses, and for each spent limit without a value."""
    spent = {row.spends for row in chart.rows}
    guards = [row.guard for row in chart.rows]
    guards += [moment.guard for rule in chart.rules for _, moment in moments_of(rule)]
    asked = {name for guard in guards for name, _ in guard}
    used = {state.effect for state in chart.states}
    notes = []
    for limit in chart.limits:
        if limit.name not in spent:
            message = f"limit '{limit.name}': no row spends it (delete it, or spend it)"
            notes.append(Problem(code="unused-limit", path=("limits", limit.name), message=message))
        elif limit.value is None:
            message = f"limit '{limit.name}': has no value, so only a run that sets one is bounded by it"
            notes.append(Problem(code="limit-is-null", path=("limits", limit.name), message=message))
    for code, noun, key, names in (
        ("unused-fact", "fact", "facts", [fact.name for fact in chart.facts if fact.name not in asked]),
        ("unused-effect", "effect", "effects", [effect.name for effect in chart.effects if effect.name not in used]),
    ):
        for name in names:
            message = f"{noun} '{name}': nothing in the chart uses it (delete it, or use it)"
            notes.append(Problem(code=code, path=(key, name), message=message))
    return notes


def _ways(chart: Chart, edges: Sequence[Edge]) -> tuple[tuple[str, str], ...]:
    """Return a shortest path to each state."""
    found = reached([chart.initial], leaving(edges))
    paths = {state.name: path_to(state.name, found) for state in chart.states}
    return tuple((name, drawn(path) if path else name) for name, path in paths.items())


def _covered(table: Table) -> Covered:
    union = 0
    for taken in table.taken:
        union |= taken
    return Covered(
        state=table.state.name,
        event=table.event,
        rows=tuple(row.id for _, row in table.rows),
        facts=tuple(name for name, _ in table.space.facts),
        combinations=table.possible.bit_count(),
        rests=bool(table.possible & ~union),
    )


def _in_order(chart: Chart, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return `problems` in the order of the file: head first, then state by state and row by row."""
    order = {state.name: index for index, state in enumerate(chart.states)}
    groups: dict[str | int, int] = {"always": 1, "transitions": 2}

    def place(problem: Problem) -> tuple[int, int, int]:
        """Return where a problem is: its state, then its row."""
        state, group, index = (*problem.path[1:4], "", "", 0)[:3]
        if problem.path[0] != "states" or not isinstance(state, str):
            return (-1, 0, 0)
        return order.get(state, -1), groups.get(group, 0), index if isinstance(index, int) else 0

    return tuple(sorted(problems, key=place))
