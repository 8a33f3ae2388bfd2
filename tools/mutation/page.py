"""The page: how many mutants of each chart were noticed by what, and a list of those that were not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from fsm_runner.charts.loader import shipped_charts
from tests.charts.shipped.ways import every_world
from tools.mutation.judging import Judge, Judged
from tools.mutation.mutants import KINDS, mutants

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "mutation.md"

HEAD = """# Mutation of the shipped charts

If you make a small mistake in a chart, will anything notice it? To measure that, a program makes each possible small
mistake in each row of each shipped chart, one at a time. A chart with one mistake is called a mutant. For example,
*`finish` narrowed: awaits=more* is the default chart with one answer added to the guard of the row `finish`: it also
requires `awaits: more`.

| fault | what happens to the row |
|---|---|
| removed | it is deleted |
| retargeted | it leads to another state; each other state is tried |
| widened | its guard allows one more answer, or asks one fact less |
| narrowed | its guard allows one answer less, or asks one more fact, for one answer |
| swapped | it changes places with the next row that is tried with it |

Each mutant is judged in four independent ways:

- It is **compared** with its chart: the rows of both are tried for every combination of answers that is possible. If
  the same rows are taken, the mutant changes nothing.
- **`fsm-runner diff`** must name exactly the combinations that were found by comparing.
- **`fsm-runner check`** may refuse it, before anything runs.
- **The tests** notice it if one of their runs would take another row. There are {runs} scripted worlds, which are
  played on each chart (`tests/charts/shipped`), and the golden journals.

{said}

`python -m tools.mutation` writes this page; it takes three minutes.

## Who notices what

The columns after "change something" count only those mutants. "Nobody" means neither the check nor a test.

| chart | fault | mutants | change nothing | change something | `diff` | `check` | tests | check or test | nobody |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""

SAID = """\
**Of {mutants} mutants, {changed} change something, and `diff` names what changes in {diffed}. The check alone refuses
{refused}. Of the other {passed}, the tests notice {tested}; {left} are left.** These differ only for answers that no
run gives there. Each is listed [below](#left-answers-that-no-run-gives) with the reason. Tests try to refute the
reasons with generated runs."""

CODES = """
## What the check reports

A mutant counts once for each [code](problems.md) of its problems.

| code | {kinds} |
|---|{lines}
"""

LEFT = """
## Left: answers that no run gives

The check assumes that each fact may give any answer at each decision, except for combinations that the facts' code
declares impossible. Real runs have fewer possibilities. These mutants differ from their chart only for answers that
no run gives there.

| mutant | charts | why no run gives such answers |
|---|---|---|
"""

SAME = """
## The same: mutants that change nothing

For every combination of answers, these mutants take the same row as their chart.

| mutant | charts | why nothing changes |
|---|---|---|
"""


def judged(name: str) -> list[Judged]:
    """Return all mutants of a chart, judged."""
    judge = Judge(name)
    return [judge.judged(mutant) for mutant in mutants(judge.chart)]


def page(found: dict[str, list[Judged]], runs: int) -> Iterator[str]:
    """Yield the page, part by part; `found`: all mutants by the name of their chart."""
    every = [each for some in found.values() for each in some]
    changed = [each for each in every if each.differs]
    passed = [each for each in changed if not each.codes]
    said = SAID.format(
        mutants=f"{len(every):,}",
        changed=f"{len(changed):,}",
        diffed="all of these" if all(each.diffed for each in every) else f"{sum(each.diffed for each in changed):,}",
        refused=f"{len(changed) - len(passed):,} ({1 - len(passed) / len(changed):.0%})",
        tested=f"{sum(each.tested for each in passed):,}",
        passed=f"{len(passed):,}",
        left=f"{sum(each.survives for each in every):,}",
    )
    yield HEAD.format(runs=runs, said=said)
    for name, some in found.items():
        for kind in KINDS:
            yield counted(name, kind, [each for each in some if each.mutant.kind == kind])
        yield counted(name, "**all**", some)
    yield CODES.format(kinds=" | ".join(KINDS), lines="--:|" * len(KINDS))
    yield from codes(every)
    yield LEFT
    yield from listed(found, lambda each: each.survives, lambda each: "; ".join(map(str, each.reasons)))
    yield SAME
    yield from listed(found, lambda each: not each.differs, lambda each: each.same)


def counted(name: str, kind: str, some: Sequence[Judged]) -> str:
    """Return the row of the first table for some mutants of a chart."""
    changed = [each for each in some if each.differs]
    numbers = (
        len(some),
        len(some) - len(changed),
        len(changed),
        sum(each.diffed for each in changed),
        sum(bool(each.codes) for each in changed),
        sum(each.tested for each in changed),
        sum(bool(each.codes) or each.tested for each in changed),
        sum(each.survives for each in changed),
    )
    return f"| `{name}` | {kind} | " + " | ".join(map(str, numbers)) + " |\n"


def codes(every: Iterable[Judged]) -> Iterator[str]:
    """Yield how often the check reported each code, the most frequent first."""
    told = Counter((code, each.mutant.kind) for each in every for code in each.codes)
    sums = Counter[str]()
    for (code, _), number in told.items():
        sums[code] += number
    for code, _ in sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"| `{code}` | " + " | ".join(str(told[code, kind]) for kind in KINDS) + " |\n"


def listed(
    found: dict[str, list[Judged]], chosen: Callable[[Judged], bool], why: Callable[[Judged], str]
) -> Iterator[str]:
    """Yield a line for each chosen mutant; one that is the same in several charts has one line."""
    charts: dict[tuple[str, str], list[str]] = {}
    for name, some in found.items():
        for each in filter(chosen, some):
            charts.setdefault((each.mutant.name, why(each)), []).append(name)
    for (mutant, reason), names in charts.items():
        row, _, fault = mutant.partition(" ")
        yield f"| `{row}` {fault} | {told_charts(names, list(found))} | {reason} |\n"


def told_charts(names: list[str], every: list[str]) -> str:
    """Return the charts' names in a few words."""
    others = [name for name in every if name not in names]
    if len(others) < min(2, len(every) - 1):
        return "all" + "".join(f" but `{name}`" for name in others)
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: list[str]) -> int:
    """Write the page, compare it, or print it for some charts; return 1 when it differs or a mutant is unexplained."""
    names = [argument for argument in arguments if argument != "--check"]
    if unknown := [name for name in names if name not in shipped_charts()]:
        print(f"'{unknown[0]}' is not shipped (choose from: {', '.join(shipped_charts())})", file=sys.stderr)
        return 2
    found = {name: judged(name) for name in names or shipped_charts()}
    text = "".join(page(found, len(every_world())))
    unexplained = [f"{name}: {each.mutant.name}" for name, some in found.items() for each in some if each.unexplained]
    for each in unexplained:
        print(f"{each}: it survives without a reason, or diff names other combinations", file=sys.stderr)
    if names:
        print(text)
    elif "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)}: out of date (run python -m tools.mutation)", file=sys.stderr)
        return 1
    return int(bool(unexplained))
