"""What `check` found, printed: for a person as a good compiler does, as JSON, for GitHub; and a broken rule drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fsm_runner.charts.loader import examine, find_chart, parse
from fsm_runner.cli.output_file import content_of, format_of, write
from fsm_runner.cli.screen import Part, Screen, cleaned
from fsm_runner.cli.specs import STDIN, given
from fsm_runner.engine.check import Verdict
from fsm_runner.engine.check.combinations import spelled
from fsm_runner.engine.errors import ChartError, InternalError
from fsm_runner.engine.text import counted, json_text
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import with_built_in

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Overlay
    from fsm_runner.charts.drawing.overlay import Tone
    from fsm_runner.engine.chart import Chart
    from fsm_runner.engine.check import Bound, FactCode
    from fsm_runner.engine.check.rules import Taken, Violation
    from fsm_runner.engine.errors import Problem


LONGEST = 110
"""Characters of a source line that are shown around its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A chart's file and what was found: immutable.

    Attributes:
        source: the file as messages name it.
        lines: its text.
        chart: what it says; None when too much is wrong for that.
        verdict: what was found.
    """

    source: str
    lines: tuple[str, ...]
    chart: Chart | None
    verdict: Verdict

    @classmethod
    def of(cls, name: str, facts: Iterable[Fact], *, strict: bool) -> Self:
        """Check the chart called `name`.  A file that cannot be read is a problem like any other."""
        try:
            source, text = given(name)
        except ChartError as error:
            return cls(source=error.source, lines=(), chart=None, verdict=Verdict(problems=error.problems))
        known: dict[str, FactCode] = {**with_built_in(facts)}
        parsed = parse(text).chart
        for use in () if parsed is None else parsed.facts:
            known.setdefault(use.name, Fact(name=use.name, answers=use.answers, ask=_at_its_word))
        chart, verdict = examine(text, facts=known, strict=strict)
        source = source if name == STDIN else _shown(find_chart(name))
        return cls(source=source, lines=tuple(text.splitlines()), chart=chart, verdict=verdict)


def as_text(checked: Checked, *, explain: bool) -> None:
    """Print problems with their source lines; without any, what was proved and what a reader should know."""
    screen = Screen()
    problems = checked.verdict.problems
    for problem in problems:
        _problem(screen, checked, problem)
    if problems:
        screen.line((f"{cleaned(checked.source)}: {counted(len(problems), 'problem')}", "bad"))
        return
    _proved(screen, checked)
    if explain:
        _explained(screen, checked.verdict)
    _notes(screen, checked, every=explain)


def as_json(checked: Checked) -> str:
    """Return all that is known as one JSON object."""
    verdict = checked.verdict
    return json_text(
        {
            "source": checked.source,
            "chart": None if checked.chart is None else checked.chart.name,
            "ok": not verdict.problems,
            "problems": verdict.problems,
            "notes": verdict.notes,
            "proofs": verdict.proofs,
            "ways": dict(verdict.ways),
            "covered": verdict.covered,
            "bounds": verdict.bounds,
            "rules": verdict.rules,
            "violations": [
                {"rule": each.rule, "path": [{**asdict(taken), "facts": dict(taken.facts)} for taken in each.path]}
                for each in verdict.violations
            ],
        }
    )


def as_github(checked: Checked, *, every: bool) -> str:
    """Return each problem as an error and each note as a notice of GitHub's workflow commands.

    Unless `every` note is asked for, overlaps that the order decides are left out: GitHub shows ten notices of a step.

    Source: "Workflow commands for GitHub Actions", which asks for ``%``, line ends, ``:`` and ``,`` to be escaped.
    """
    verdict = checked.verdict
    found = [("error", each) for each in verdict.problems] + [("notice", each) for each in _worth(verdict, every=every)]
    if not found:
        return f"{checked.source}: nothing to say"
    return "\n".join(
        f"::{kind} file={_property(checked.source)},line={each.line or 1},col={each.column or 1},"
        f"title={_property(each.code)}::{_data(each.message)}"
        for kind, each in found
    )


# ── problems ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _problem(screen: Screen, checked: Checked, problem: Problem) -> None:
    screen.line(cleaned(problem.located(checked.source)), (f"  [{problem.code}]", "faint"))
    if problem.line is None or not 1 <= problem.line <= len(checked.lines):
        return
    number = str(problem.line)
    line, column = _around(checked.lines[problem.line - 1], problem.column or 1)
    screen.line((f"  {number} │ ", "faint"), line)
    screen.line((f"  {' ' * len(number)} │ ", "faint"), " " * (column - 1), ("^", "bad"))
    for violation in checked.verdict.violations:
        if problem.path == ("rules", violation.rule) and problem.code.startswith("rule-"):
            _path(screen, violation.path)


def _path(screen: Screen, path: Sequence[Taken]) -> None:
    """Print the transitions of a path, each with what happened and the answers that let its row be taken."""
    columns = [max((len(word) for word in words), default=0) for words in zip(*map(_words, path), strict=True)]
    for taken in path:
        source, row, target = (word.ljust(width) for word, width in zip(_words(taken), columns, strict=True))
        why = ", ".join(filter(None, (taken.event, spelled(taken.facts) if taken.facts else "")))
        end: Part = (f"  {why}" if why else "", "faint")
        screen.line("    ", (source, "state"), "  ", (row, "row"), (" → ", "faint"), (target, "state"), end)


def _words(taken: Taken) -> tuple[str, str, str]:
    return taken.source, taken.row, taken.target


def _around(line: str, column: int) -> tuple[str, int]:
    """The part of a source line that holds `column`, and the column in it."""
    start = max(0, column - 1 - LONGEST // 2) if len(line) > LONGEST else 0
    shown = cleaned(line[start : start + LONGEST])
    return ("…" + shown[1:] if start else shown), column - start


# ── proofs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _proved(screen: Screen, checked: Checked) -> None:
    name = "" if checked.chart is None else f"chart '{checked.chart.name}' "
    screen.line(f"{cleaned(checked.source)}: {name}", ("can run", "good"), "; proved:")
    for proof in checked.verdict.proofs:
        screen.block("  - ", proof, indent=4)


def _explained(screen: Screen, verdict: Verdict) -> None:
    screen.line()
    screen.line("how each state is reached, by a shortest way:")
    for name, way in verdict.ways:
        screen.block((f"  {name}: ", "state"), way, indent=4)
    screen.line()
    screen.line("which rows answer, and over how many combinations of facts:")
    for covered in verdict.covered:
        event = "on entering" if covered.event is None else f"'{covered.event}'"
        cases = ""
        if covered.facts:
            cases = f" ({counted(covered.combinations, 'combination')} of {', '.join(covered.facts)})"
        rests = "; else it waits" if covered.rests else ""
        screen.block((f"  {covered.state}, {event}: ", "state"), f"{', '.join(covered.rows)}{cases}{rests}", indent=4)
    screen.line()
    screen.line("why each cycle ends, by a shortest one through each row:")
    for bound in verdict.bounds:
        screen.block("  ", bound.cycle, indent=2)
        for reason in _reasons(bound):
            screen.block("    ", reason, indent=4)


def _reasons(bound: Bound) -> Iterator[str]:
    if bound.spends:
        leaves, instead = (", ".join(f"'{row}'" for row in rows) for rows in (bound.leaves, bound.instead))
        reached = ""
        if leaves:
            then = f"{instead} leaves it in place of {leaves}" if instead else f"{leaves} cannot be taken"
            reached = f"; once it is reached, {then}"
        yield f"spends limit {', '.join(bound.spends)}{reached}"
    for supply in bound.consumes:
        yield f"consumes '{supply}'" + (f": {VOCABULARY.supplies[supply]}" if supply in VOCABULARY.supplies else "")


def _notes(screen: Screen, checked: Checked, *, every: bool) -> None:
    overlaps = sum(note.code == "overlap" for note in checked.verdict.notes)
    shown = _worth(checked.verdict, every=every)
    if shown or overlaps:
        screen.line()
        screen.line("to know:")
    for note in shown:
        screen.block("  ", note.located(checked.source), indent=4)
    if overlaps and not every:
        pairs = f"{counted(overlaps, 'pair')} of rows can both hold, and the upper one is taken"
        screen.block("  ", f"{pairs} (--explain lists them, --strict refuses them)", indent=4)


def _worth(verdict: Verdict, *, every: bool) -> list[Problem]:
    """The notes that are worth showing: there are many overlaps, and most are on purpose."""
    return [note for note in verdict.notes if every or note.code != "overlap"]


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _at_its_word(_: object) -> str:
    """A stand-in for a fact whose code was not given; the check never calls it."""
    raise InternalError("the check asked a fact that has no code")


def _shown(path: Path) -> str:
    """The path to show: relative, if it is below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def drawn(chart: Chart, violation: Violation, output: Path) -> None:
    """Draw `chart` with the path of `violation` into a file, in the format that its suffix tells.

    Raises:
        Exit: the suffix tells no format, or the file cannot be written.
    """
    overlay = overlay_of_path(chart, violation.path, f"rule {violation.rule}: a shortest path that breaks it")
    write(output, content_of(chart, overlay, format_of(output, "check", "use")))


def overlay_of_path(chart: Chart, path: Sequence[Taken], caption: str) -> Overlay:
    """Return the marks of a path on `chart`: its rows with the numbers of their steps; all else is faint."""
    from fsm_runner.charts.drawing import Mark, Overlay

    steps: dict[str, list[str]] = {}
    for number, taken in enumerate(path, start=1):
        steps.setdefault(taken.row, []).append(str(number))
    rows = {row.id: Mark(tone="faint") for row in chart.rows}
    rows |= {
        row: Mark(tone="strong", note=f"step {', '.join(numbers)}", weight=2, line=True)
        for row, numbers in steps.items()
    }
    way = (chart.initial, *(taken.target for taken in path))
    states = {state.name: Mark(tone="strong" if state.name in way else "faint") for state in chart.states}
    states[way[-1]] = Mark(tone="missed", note="here")
    key: tuple[tuple[Tone, str], ...] = (("strong", "on the path"), ("missed", "where it breaks the rule"))
    return Overlay(rows=rows, states=states, caption=caption, key=key, focus=True)
