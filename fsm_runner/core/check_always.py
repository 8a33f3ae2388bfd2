"""The check of loops: ``always`` rows never lead back to where they began.

They are tried one after another without an event, so under one combination of answers they must come to rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fsm_runner.core.chart import Chart
from fsm_runner.core.check_graph import Edge, cyclic_parts, drawn
from fsm_runner.core.check_names import Path, rows_with_paths
from fsm_runner.core.check_rows import Facts
from fsm_runner.core.cover import Combos, Space, spelled
from fsm_runner.core.errors import Problem


def always_loops(chart: Chart, facts: Facts) -> Iterator[Problem]:
    """Yield a problem for each loop of ``always`` rows under one combination.

    Where a state has them, the rows taken are a function of the combination: so the walk loops exactly for the
    combinations that still have a row to take after as many steps as there are states.
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
                    break  # transitions stand after all always rows
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
    """Walk from `start` under one of the combinations that loop until a state comes again, and tell that cycle."""
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
