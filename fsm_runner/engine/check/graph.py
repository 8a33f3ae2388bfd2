"""The check of the graph: every state can be reached, every run can end, and no cycle goes on for ever.

Rows are edges.  A walk that never ends stays, from some step on, inside one strongly connected component.  So each
proof removes the rows that cannot be taken for ever, and looks for a cycle in what is left:

- rows that consume a supply: it is finite, so an endless walk would use it up;
- rows that spend a limit: without them a walk may be endless and spend nothing, which is `unbounded-cycle`;
- rows that cannot be taken when a limit is reached: without them a walk may spend and still be endless, which
  is `limit-ignored`.

If neither has a cycle, every endless walk would spend a limit, reach it, and then have no row to take.  A supply that
the cycle itself renews does not bound it: that is `renewed-supply`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.engine.chart import Chart, Row
from fsm_runner.engine.check.combinations import Combos, Space, spelled
from fsm_runner.engine.check.names import Path, rows_with_paths
from fsm_runner.engine.check.tables import Facts
from fsm_runner.engine.errors import Problem
from fsm_runner.engine.frozen import short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A row between two states, with its place in the chart: immutable."""

    source: str
    row: Row
    path: Path

    @property
    def target(self) -> str:
        return self.row.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Why a cycle ends: immutable.

    Attributes:
        cycle: the states and rows of a cycle, as ``a -row-> b -row-> a``.
        rows: the ids of its rows.
        spends: the limits that its rows spend.
        leaves: its rows that cannot be taken once a limit is reached.
        instead: the rows that are then taken instead, which lead out of the cycle.
        consumes: the supplies that its rows consume.
    """

    cycle: str
    rows: tuple[str, ...]
    spends: tuple[str, ...]
    leaves: tuple[str, ...]
    instead: tuple[str, ...]
    consumes: tuple[str, ...]

    __repr__ = short_repr


def edges_of(chart: Chart) -> tuple[Edge, ...]:
    """Return the rows of `chart` as edges, in file order."""
    return tuple(
        Edge(source=state.name, row=row, path=path) for state in chart.states for path, row in rows_with_paths(state)
    )


def drawn(cycle: Sequence[Edge]) -> str:
    """Return a path of edges as ``a -row-> b -row-> a``."""
    return cycle[0].source + "".join(f" -{edge.row.id}-> {edge.target}" for edge in cycle)


Ways: TypeAlias = Mapping[str, Sequence[Edge]]
"""The edges that leave each state, or those that lead to it."""


def leaving(edges: Iterable[Edge]) -> Ways:
    """Return for each state the edges that leave it."""
    ways: dict[str, list[Edge]] = {}
    for edge in edges:
        ways.setdefault(edge.source, []).append(edge)
    return ways


def entering(edges: Iterable[Edge]) -> Ways:
    """Return for each state the edges that lead to it."""
    ways: dict[str, list[Edge]] = {}
    for edge in edges:
        ways.setdefault(edge.target, []).append(edge)
    return ways


def reached(
    starts: Iterable[str], ways: Ways, *, backwards: bool = False, until: str | None = None
) -> dict[str, Edge | None]:
    """Return the states that `ways` lead to from any of `starts`, nearest first, each with the edge it was reached by.

    Args:
        starts: where to begin.
        ways: the edges that leave each state; with `backwards` those that lead to it.
        backwards: whether edges are followed from their target to their source.
        until: the state at which the search stops; None: it finds all.
    """
    found: dict[str, Edge | None] = dict.fromkeys(starts)
    waiting = deque(found)
    while waiting and until not in found:
        for edge in ways.get(waiting.popleft(), ()):
            ahead = edge.source if backwards else edge.target
            if ahead not in found:
                found[ahead] = edge
                waiting.append(ahead)
    return found


def path_to(state: str, found: dict[str, Edge | None]) -> tuple[Edge, ...]:
    """Return the shortest path to `state` in what `reached` found."""
    path: list[Edge] = []
    while (edge := found[state]) is not None:
        path.append(edge)
        state = edge.source
    return tuple(reversed(path))


def components(edges: Sequence[Edge]) -> dict[str, int]:
    """Return the strongly connected component of each state that `edges` touch, as a number; later ones come first.

    Source: Tarjan's algorithm, each edge once, on a stack of its own."""
    ways, number = leaving(edges), 0
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    found: dict[str, int] = {}
    for start in ways:
        if start in index:
            continue
        path = [(start, iter(ways[start]))]
        index[start] = low[start] = len(index)
        open_states = [start]
        while path:
            state, rest = path[-1]
            for edge in rest:
                if edge.target not in index:
                    index[edge.target] = low[edge.target] = len(index)
                    open_states.append(edge.target)
                    path.append((edge.target, iter(ways.get(edge.target, ()))))
                    break
                if edge.target not in found:
                    low[state] = min(low[state], index[edge.target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[state])
                if low[state] == index[state]:
                    while state not in found:
                        found[open_states.pop()] = number
                    number += 1
    return found


def cyclic_parts(edges: Sequence[Edge]) -> list[tuple[Edge, ...]]:
    """Return the edges of each strongly connected component that has a cycle, in file order."""
    part_of = components(edges)
    parts: dict[int, list[Edge]] = {}
    for edge in edges:
        if part_of[edge.source] == part_of[edge.target]:
            parts.setdefault(part_of[edge.source], []).append(edge)
    return [tuple(part) for part in parts.values()]


def shortest_cycle(part: Sequence[Edge], through: Iterable[Edge] | None = None) -> tuple[Edge, ...]:
    """Return a shortest cycle of a cyclic part, begun with its first edge in file order.

    Args:
        part: its edges.
        through: edges of which the cycle begins with one; None: any.
    """
    ways = leaving(part)
    return min((cycle_through(edge, ways) for edge in (part if through is None else through)), key=len)


def cycle_through(edge: Edge, ways: Ways) -> tuple[Edge, ...]:
    """Return a shortest cycle that takes `edge`, by the edges that leave each state of its part."""
    return (edge, *path_to(edge.source, reached([edge.target], ways, until=edge.source)))


def graph_problems(chart: Chart, edges: Sequence[Edge]) -> Iterator[Problem]:
    """Yield a problem for each state that no run reaches, and for each way into a part from which no run can end."""
    forwards, backwards = leaving(edges), entering(edges)
    found = reached([chart.initial], forwards)
    for state in chart.states:
        if state.name not in found:
            message = f"state '{state.name}': no rows lead here from '{chart.initial}' (lead one here, or delete it)"
            yield Problem(code="unreachable-state", path=("states", state.name), message=message)
    finals = [state.name for state in chart.states if state.final]
    if not finals:
        message = f"chart '{chart.name}': no state is final, so no run can end (mark one with final: true)"
        yield Problem(code="no-final-state", path=("states",), message=message)
        return
    ending, part_of = reached(finals, backwards, backwards=True), components(edges)
    onward = {part_of[edge.source] for edge in edges if part_of[edge.source] != part_of[edge.target]}
    told: set[str] = set()
    for state in chart.states:
        if state.name in ending or state.name in told:
            continue
        if part_of.get(state.name) in onward:
            continue  # it leads into such a part, and is not in it
        ahead = reached([state.name], forwards)
        told.update(ahead)
        if state.rows:
            only = ", ".join(f"'{name}'" for name in ahead)
            message = f"state '{state.name}': no final state can be reached from here, only {only} (lead a row out)"
            yield Problem(code="dead-end", path=("states", state.name), message=message)
        else:
            message = f"state '{state.name}': nothing leaves it, and it is not final (add rows, or final: true)"
            yield Problem(code="no-way-out", path=("states", state.name), message=message)


def bound_problems(edges: Sequence[Edge], blocked: Mapping[Path, tuple[str, ...]]) -> Iterator[Problem]:
    """Yield a problem for each part of the graph in which a run can go round for ever.

    Args:
        edges: all rows.
        blocked: the places of the rows that cannot be taken once a limit is reached, with the rows taken instead.
    """
    lasting = [edge for edge in edges if edge.row.consumes is None]
    for part in cyclic_parts([edge for edge in lasting if edge.row.spends is None]):
        cycle = shortest_cycle(part)
        message = (
            f"state '{cycle[0].source}': the cycle {drawn(cycle)} never ends "
            "(let one of its rows spend a limit, or consume a supply)"
        )
        yield Problem(code="unbounded-cycle", path=cycle[0].path, message=message)
    for part in cyclic_parts([edge for edge in lasting if edge.path not in blocked]):
        spending = [edge for edge in part if edge.row.spends is not None]
        if spending:
            cycle = shortest_cycle(part, spending)
            message = (
                f"state '{cycle[0].source}': the cycle {drawn(cycle)} spends '{cycle[0].row.spends}' and goes on when "
                "it is reached (guard one of its rows with limit: free, or put a row with limit: reached before it)"
            )
            yield Problem(code="limit-ignored", path=cycle[0].path, message=message)


def renewal_problems(
    edges: Sequence[Edge], blocked: Mapping[Path, tuple[str, ...]], renewed_by: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Yield a problem for each part of the graph that is bounded only by a supply which the part itself renews.

    Args:
        edges, blocked: as `bound_problems` takes them.
        renewed_by: by supply, the events that renew it.
    """
    told: set[tuple[str, ...]] = set()
    unspent = [edge for edge in edges if edge.row.spends is None]
    unblocked = [edge for edge in edges if edge.path not in blocked]
    for part in (*_renewing(unspent, renewed_by), *_renewing(unblocked, renewed_by)):
        bringing = {event for edge in part for event in renewed_by.get(edge.row.consumes or "", ())}
        renewals = [edge for edge in part if edge.row.event in bringing]
        if not renewals:  # all of it consumes nothing: `bound_problems` has said so
            continue
        cycle = shortest_cycle(part, renewals)
        if (rows := tuple(edge.row.id for edge in cycle)) not in told:
            told.add(rows)
            message = (
                f"state '{cycle[0].source}': the cycle {drawn(cycle)} renews what it consumes at '{cycle[0].row.id}' "
                "(let one of its rows spend a limit)"
            )
            yield Problem(code="renewed-supply", path=cycle[0].path, message=message)


def bounds_of(edges: Sequence[Edge], blocked: Mapping[Path, tuple[str, ...]]) -> tuple[Bound, ...]:
    """Return what bounds the cycles: for each row in a cycle the shortest one through it, each cycle once."""
    bounds: dict[frozenset[str], Bound] = {}
    for part in cyclic_parts(edges):
        ways = leaving(part)
        for edge in part:
            cycle = cycle_through(edge, ways)
            rows = [step.row for step in cycle]
            bound = Bound(
                cycle=drawn(cycle),
                rows=tuple(row.id for row in rows),
                spends=tuple(dict.fromkeys(row.spends for row in rows if row.spends is not None)),
                leaves=tuple(step.row.id for step in cycle if step.path in blocked),
                instead=tuple(dict.fromkeys(id for step in cycle for id in blocked.get(step.path, ()))),
                consumes=tuple(dict.fromkeys(row.consumes for row in rows if row.consumes is not None)),
            )
            bounds.setdefault(frozenset(bound.rows), bound)
    return tuple(bounds.values())


def _renewing(edges: Sequence[Edge], renewed_by: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Edge, ...]]:
    """Yield the parts in which a walk can be endless because supplies are renewed."""
    for part in cyclic_parts(edges):
        events = {edge.row.event for edge in part}
        lasting = [
            edge
            for edge in part
            if edge.row.consumes is None or not events.isdisjoint(renewed_by.get(edge.row.consumes, ()))
        ]
        if len(lasting) == len(part):
            yield part
        else:
            yield from _renewing(lasting, renewed_by)


def always_loops(chart: Chart, facts: Facts) -> Iterator[Problem]:
    """Yield a problem for each loop of ``always`` rows for one combination of answers.

    The combination decides which ``always`` row of a state is taken.  So there is a loop exactly if a row can still be
    taken after as many steps as there are states.
    """
    states = {state.name: state for state in chart.states}
    edges = [
        Edge(source=state.name, row=row, path=path)
        for state in chart.states
        if not state.final
        for path, row in rows_with_paths(state)
        if row.event is None
    ]
    for part in cyclic_parts(edges):
        names = tuple(dict.fromkeys(edge.source for edge in part))
        guards = [row.guard for name in names for row in states[name].always]
        space, possible = facts.space(guards, path=part[0].path, subject=f"state '{names[0]}'")
        taken: dict[Path, Combos] = {}
        for name in names:
            rest = possible
            for path, row in rows_with_paths(states[name]):
                if row.event is not None:
                    break  # other rows come after the always rows
                holds = space.pattern(row.guard)
                taken[path] = rest & holds
                rest &= ~holds
        going = dict.fromkeys(names, possible)
        for _ in names:
            after = dict.fromkeys(names, 0)
            for edge in part:
                goes = taken[edge.path] & going[edge.target]
                after[edge.source] = after[edge.source] | goes
            if after == going:
                break
            going = after
        start = next((name for name in names if going[name]), None)
        if start is not None:
            yield _loop(start, part, (space, possible), (taken, going[start]))


def _loop(
    start: str, part: Sequence[Edge], within: tuple[Space, Combos], known: tuple[Mapping[Path, Combos], Combos]
) -> Problem:
    """Return the problem of a loop: walk from `start`, for one combination that loops, until a state comes again."""
    (space, possible), (taken, looping) = within, known
    here = space.pattern(tuple((name, (answer,)) for name, answer in space.first(looping).items()))
    walk: list[Edge] = []
    state = start
    while state not in [edge.source for edge in walk]:
        walk.append(next(e for e in part if e.source == state and taken[e.path] & here))
        state = walk[-1].target
    cycle = walk[[edge.source for edge in walk].index(state) :]
    first = min(range(len(cycle)), key=lambda index: part.index(cycle[index]))
    cycle = cycle[first:] + cycle[:first]
    always = possible
    for edge in cycle:
        always &= taken[edge.path]
    witness = spelled(space.witness(always, possible & ~always))
    message = f"state '{cycle[0].source}': always rows loop {drawn(cycle)} for {witness} (guard one of them)"
    return Problem(code="always-loop", path=cycle[0].path, message=message)
