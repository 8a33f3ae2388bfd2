"""Judging: each mutant is judged in four independent ways.

    compared   its rows and those of its chart are tried for every possible combination of answers
    checked    `check` says whether it can run
    diffed     `diff` says what differs; it must name exactly the combinations found by comparing
    tested     each decision of the tests' runs is made again with its rows

A mutant survives if it differs, passes the check, and no test notices it.  Each survivor needs a reason: a claim for
every combination for which it differs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fsm_runner.charts.diff import diff
from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.engine.chart import Chart, Row
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.tool_loop import check
from tests.charts.shipped.ways import every_world
from tests.charts.shipped.worlds import played
from tests.replaying.goldens import FOLDERS
from tools.mutation.claims import CLAIMS
from tools.mutation.decisions import Decision, asking_all, decided, recorded, rows_of, taken
from tools.mutation.mutants import Mutant

IMPOSSIBLE = tuple(dict(pattern) for fact in FACTS.values() for pattern in fact.impossible)
"""The answers that the facts' code declares impossible together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A mutant, and what noticed it: immutable.

    Attributes:
        mutant: the mutant.
        differs: whether, for some combination, it takes another row than its chart, or the same row to another state.
        codes: the codes of the problems that `check` found, each once.
        diffed: whether `diff` names exactly the combinations for which it differs.
        tested: whether a run of the tests would take another row.
        reasons: if it survives, the claims that no run gives such answers; None for combinations without a claim.
        same: if it does not differ, why not.
    """

    mutant: Mutant
    differs: bool
    codes: tuple[str, ...]
    diffed: bool
    tested: bool
    reasons: tuple[str | None, ...] = ()
    same: str = ""

    @property
    def survives(self) -> bool:
        """Whether it differs and neither the check nor a test notices it."""
        return self.differs and not self.codes and not self.tested

    @property
    def unexplained(self) -> bool:
        """Whether something is wrong: `diff` names other combinations, or it survives without a reason."""
        return not self.diffed or None in self.reasons


class Judge:
    """Judges the mutants of one chart."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.chart = load(shipped_charts()[name])
        self._met: dict[tuple[str, str | None], list[dict[str, str]]] = {}
        for each in dict.fromkeys(met(self.chart)):
            self._met.setdefault((each.state, each.event), []).append(dict(each.answers))

    def judged(self, mutant: Mutant) -> Judged:
        """Judge one mutant."""
        row = next(row for row in self.chart.rows if row.id == mutant.row)
        old = rows_of(self.chart.state(mutant.state), row.event)
        new = rows_of(mutant.chart.state(mutant.state), row.event)
        here = list(points(self.chart, asked(*old, *new)))
        differs = [point for point in here if way(old, point) != way(new, point)]
        codes = tuple(dict.fromkeys(problem.code for problem in check(mutant.chart, facts=FACTS).problems))
        met_here = self._met.get((mutant.state, row.event), [])
        tested = any(way(old, answers) != way(new, answers) for answers in met_here)
        survives = differs and not codes and not tested
        return Judged(
            mutant=mutant,
            differs=bool(differs),
            codes=codes,
            diffed=self._diffed(mutant, row.event, here, differs),
            tested=tested,
            reasons=tuple(dict.fromkeys(self._reason(mutant, row, p) for p in differs)) if survives else (),
            same="" if differs else why_same(old, new, row, here),
        )

    def _diffed(
        self, mutant: Mutant, event: str | None, here: Iterable[dict[str, str]], differs: list[dict[str, str]]
    ) -> bool:
        routes = diff(self.chart, mutant.chart, facts=FACTS).routes
        if any((route.state, route.event) != (mutant.state, event) for route in routes):
            return False
        patterns = [pattern for route in routes for pattern in route.patterns]
        told = [p for p in here if any(all(p[fact] in answers for fact, answers in each) for each in patterns)]
        return told == differs

    def _reason(self, mutant: Mutant, row: Row, point: Mapping[str, str]) -> str | None:
        covering = (claim.why for claim in CLAIMS if claim.covers(self.name, mutant.state, row.event, point))
        return next(covering, None)


def met(chart: Chart) -> Iterator[Decision]:
    """Yield every decision of the tests' runs of `chart`: the worlds, the moments and the golden journals."""
    machine = asking_all(chart)
    for world in every_world().values():
        yield from decided(machine, played(machine, world))
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.jsonl")):
            yield from decided(machine, recorded(machine, chart, path))


def way(rows: Sequence[Row], answers: Mapping[str, str]) -> tuple[str | None, ...]:
    """Return the id of the row that is taken, and everything that a run can notice of it; empty if none is."""
    row = taken(rows, answers)
    return () if row is None else (row.id, row.target, row.output, row.spends)


def asked(*rows: Row) -> frozenset[str]:
    """Return the facts that `rows` ask."""
    return frozenset(name for row in rows for name, _ in row.guard)


def points(chart: Chart, names: frozenset[str]) -> Iterator[dict[str, str]]:
    """Yield every possible combination of the answers of some facts."""
    linked = {name for pattern in IMPOSSIBLE for name in pattern if not names.isdisjoint(pattern)}
    facts = {fact.name: fact.answers for fact in chart.facts if fact.name in names | linked}
    for answers in itertools.product(*facts.values()):
        point = dict(zip(facts, answers, strict=True))
        if not any(all(point.get(name) in wanted for name, wanted in pattern.items()) for pattern in IMPOSSIBLE):
            yield point


def why_same(old: tuple[Row, ...], new: tuple[Row, ...], row: Row, here: list[dict[str, str]]) -> str:
    """Return why a mutant takes the same rows as its chart everywhere."""
    now = next(each for each in new if each.id == row.id)
    if now == row:  # it changed places with the next
        after = old[old.index(row) + 1]
        both = [p for p in here if taken([row], p) and taken([after], p)]
        return (
            f"where both rows hold, {firsts(old, both)} is tried first" if both else "the two rows never hold at once"
        )
    other = [p for p in here if bool(taken([row], p)) != bool(taken([now], p))]
    return (
        f"for these answers {firsts(old, other)} is tried first" if other else "these answers are impossible together"
    )


def firsts(rows: tuple[Row, ...], here: list[dict[str, str]]) -> str:
    """Return the ids of the rows that are taken."""
    ids = dict.fromkeys(f"`{row.id}`" for p in here if (row := taken(rows, p)))
    *most, last = ids
    return f"{', '.join(most)} or {last}" if most else last
