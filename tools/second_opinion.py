"""The second opinion: SPIN judges the charts that our own check judges, and the verdicts are compared.

    python -m tools.second_opinion [MUTANTS]

For every shipped chart, and for so many of its mutants (default 40, spread over all of them), SPIN judges each claim
and says which rows no run takes.  Where it refutes one, our machine takes the steps of its trail again, answer by
answer.  Exits with 1 where they disagree.

Needs `spin` and a C compiler: on Debian, `apt-get install spin gcc`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsm_runner.charts.export import BOUNDED, COMPLETE, claim_of, promela
from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.engine.chart import AlwaysReaches, Chart
from fsm_runner.engine.rows import ALWAYS, Stepper
from fsm_runner.loop.tool_loop import TOOL_LOOP, check
from tools.mutation.mutants import mutants

GAPS = frozenset({"incomplete", "missing-event"})
ENDLESS = frozenset({"unbounded-cycle", "limit-ignored", "renewed-supply"})
HIDING = frozenset({"dead-row", "impossible-row", "always-loop"})
"""Faults after which the rest is judged on rows that no run takes: we may then refuse more than SPIN does, not less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What SPIN says of a chart: immutable.

    Attributes:
        refuted: the claims that it refutes, each with the lines that its trail printed.
        dead: the ids of rows that no run takes; None where a claim's refutation ended the search.
    """

    refuted: dict[str, tuple[str, ...]]
    dead: frozenset[str] | None


def claims(chart: Chart) -> tuple[str, ...]:
    """Return the claims of the model of `chart`."""
    return (COMPLETE, BOUNDED, *(claim_of(each.name) for each in chart.rules if not isinstance(each, AlwaysReaches)))


def asked(chart: Chart, folder: Path) -> Opinion:
    """Put each claim about `chart` to SPIN.

    Raises:
        subprocess.CalledProcessError: SPIN or the compiler refuses the model.
    """
    model = promela(chart, TOOL_LOOP.vocabulary, TOOL_LOOP.impossible)
    (folder / "chart.pml").write_text(model, encoding="utf-8")
    _ran(folder, "spin", "-a", "-o3", "chart.pml")  # without merging, each statement that is never run is told
    _ran(folder, "cc", "-w", "-o", "pan", "pan.c")
    refuted: dict[str, tuple[str, ...]] = {}
    dead: frozenset[str] | None = None
    for claim in claims(chart):
        said = _ran(folder, "./pan", "-a", "-E", "-N", claim)
        if "errors: 0" not in said:
            trail = _ran(folder, "spin", "-t", "-T", "chart.pml")
            refuted[claim] = tuple(line[2:] for line in trail.splitlines() if line.startswith("@ "))
        elif claim == COMPLETE:
            unreached = said.partition("unreached in proctype chart")[2].partition("unreached in claim")[0]
            ids = [row.id for row in chart.rows]
            dead = frozenset(ids[int(number) - 1] for number in re.findall(r'"row = (\d+)"', unreached))
    return Opinion(refuted=refuted, dead=dead)


def _ran(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def disagreements(chart: Chart, opinion: Opinion) -> Iterator[str]:
    """Yield where SPIN and our check disagree about `chart`, a sentence each."""
    verdict = check(chart)
    codes = {problem.code for problem in verdict.problems}
    ours = {COMPLETE: bool(codes & GAPS), BOUNDED: bool(codes & ENDLESS)}
    ours |= {claim_of(name): False for name in verdict.rules}
    ours |= {claim_of(each.rule): True for each in verdict.violations}
    more = bool(codes & HIDING)
    for claim in claims(chart):
        spin = claim in opinion.refuted
        if spin != ours.get(claim, spin) and (spin or not more):
            yield f"{claim}: SPIN {'refutes' if spin else 'proves'} it, and our check says {sorted(codes) or 'yes'}"
    if opinion.dead is not None:
        ids = {
            ("states", state.name, key, index): row.id
            for state in chart.states
            for key, rows in (("always", state.always), ("transitions", state.transitions))
            for index, row in enumerate(rows)
        }
        never = {ids[each.path[:4]] for each in verdict.problems if each.code in {"dead-row", "impossible-row"}}
        if never - opinion.dead or (opinion.dead and not never and "unreachable-state" not in codes):
            yield f"dead rows: SPIN never takes {sorted(opinion.dead)}, and our check says {sorted(never)}"
    stepper = Stepper.of(chart)
    for claim, trail in opinion.refuted.items():
        for line in trail:
            if (taken := _taken_again(stepper, chart, line)) is not None:
                yield f"{claim}: its trail takes {line}, and our machine takes {taken}"


def _taken_again(stepper: Stepper, chart: Chart, line: str) -> str | None:
    """Take a step of a trail by the rows of our machine; None when they take the same row."""
    state, id, *answers = line.split()
    row = next(each for each in chart.rows if each.id == id)
    names = {fact.name: fact.answers for fact in chart.facts}
    given = {name: names[name][int(number) - 1] for name, _, number in (each.partition("=") for each in answers)}
    branch = stepper.take(state, row.event or ALWAYS, given)
    return None if branch is not None and branch.row.id == id else str(branch and branch.row.id)


def spread(some: Sequence[Chart], number: int) -> Sequence[Chart]:
    """Return `number` of `some`, evenly spread."""
    return [some[len(some) * at // number] for at in range(min(number, len(some)))] if number else []


def main(number: int) -> int:
    """Compare all; return the exit code."""
    charts = claims_put = refuted = steps = wrong = 0
    with tempfile.TemporaryDirectory() as name:
        for path in shipped_charts().values():
            chart = load(path)
            for each in [chart, *spread([mutant.chart for mutant in mutants(chart)], number)]:
                opinion = asked(each, Path(name))
                charts, claims_put = charts + 1, claims_put + len(claims(each))
                refuted += len(opinion.refuted)
                steps += sum(map(len, opinion.refuted.values()))
                for said in disagreements(each, opinion):
                    wrong += 1
                    print(f"{chart.name}: {said}", flush=True)
    print(
        f"{charts} charts, {claims_put} claims, {refuted} refuted, {steps} steps of trails taken again: "
        f"{wrong} disagreements"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
