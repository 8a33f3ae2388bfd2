"""`fsm-runner replay`: recorded runs through the machine again, offline; on their own charts, or on an edited one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from fsm_runner.cli.exits import FINE, Exit
from fsm_runner.cli.output_file import content_of, format_of, write
from fsm_runner.cli.screen import console, escaped, say, show
from fsm_runner.cli.specs import FactSpecs, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsm_runner.cli.replay_findings import Findings
    from fsm_runner.engine.chart import Chart
    from fsm_runner.loop.facts import Fact


Format: TypeAlias = Literal["text", "json", "markdown"]
SUFFIXES: Mapping[str, Format] = {".txt": "text", ".json": "json", ".md": "markdown"}
"""The format of a report by the suffix of its file."""

Named: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="JOURNAL", help="Journals, or folders of them; - is standard input.")
]
Edited: TypeAlias = Annotated[
    str | None, typer.Option(metavar="CHART", help="Another chart: would the runs have gone the same way?")
]
Formatted: TypeAlias = Annotated[Format, typer.Option(help="For a person, a program, or a pull request.")]
Written: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write it there, too: .txt, .json or .md. Repeatable."),
]
Drawn: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Draw the other chart with what the runs do on it. Repeatable."),
]
Themed: TypeAlias = Annotated[Literal["light", "dark"], typer.Option(help="For dot, svg and png.")]
Marked: TypeAlias = Annotated[bool, typer.Option("--marked", help="Draw only the states that some run marks.")]
Kept: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="Divergences told of each run; all are counted.")
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Processes; left out: as many as cores, or one for little work."),
]


def replay(
    journals: Named,
    chart: Edited = None,
    fact: FactSpecs = None,
    format: Formatted = "text",  # noqa: A002  the option's name
    output: Written = None,
    draw: Drawn = None,
    theme: Themed = "light",
    marked: Marked = False,
    keep: Kept = 20,
    workers: Workers = None,
) -> None:
    """Replay journals offline and compare every record, without a client, a model or tools.

    With --chart, say of each run whether it goes the same way on that chart, where it diverges or is stuck, or that
    it cannot be told, because the journal does not hold a fact that the chart asks.

    Exits with 1 when a run does not conform, and with 2 when a journal cannot be opened; the others are replayed.
    """
    from fsm_runner.cli.replay_findings import Findings
    from fsm_runner.replaying.batch import journals_in, replay_many

    _check_suffixes(output or (), draw or (), edited=chart is not None)
    facts = partial(facts_of, tuple(fact or ()))
    edited = None if chart is None else _edited(chart, facts())
    sources = journals_in(journals)
    formats = {format, *map(_reported_as, output or ())}
    findings = Findings(edited, chart or "", alone=len(sources) == 1, whole="json" in formats)
    replayed = replay_many(sources, chart=edited, facts=facts, keep=keep, workers=workers)
    with _progress(len(sources)) as advance, closing(replayed) as each:
        for source, found in each:
            findings.take(source, found)
            advance()
    _tell(findings, format)
    for path in output or ():
        write(path, findings.told(_reported_as(path)).encode(errors="replace"))
    for path in draw or ():
        _draw(path, findings, theme=theme, marked=marked)
    if findings.code != FINE:
        raise Exit(None, findings.code)


def _edited(chart: str, given: tuple[Fact, ...]) -> Chart:
    from fsm_runner.charts import load
    from fsm_runner.loop.tool_loop import with_built_in

    return load(chart, facts=with_built_in(given))


def _tell(findings: Findings, format: Format) -> None:  # noqa: A002  as the option
    for problem in findings.problems:
        say(problem, err=True)
    if findings.totals.files or format == "json":
        show(escaped(findings.told(format)) if format == "json" else findings.told(format))


def _check_suffixes(outputs: Iterable[Path], pictures: Iterable[Path], *, edited: bool) -> None:
    """Check the names of the output files before anything is replayed."""
    for path in outputs:
        _reported_as(path)
    for path in pictures:
        if not edited:
            raise Exit(
                "replay: --draw shows the runs on another chart (give --chart, or see fsm-runner draw --journal)"
            )
        format_of(path, "replay")


def _reported_as(path: Path) -> Format:
    if path.suffix not in SUFFIXES:
        raise Exit(f"replay: '{path}': the suffix tells no format (choose one of: {', '.join(SUFFIXES)})")
    return SUFFIXES[path.suffix]


@contextmanager
def _progress(files: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar for more than one file on a terminal, and yield the function that advances it by one."""
    if files < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn()
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=files)
        yield partial(bar.advance, task)


def _draw(path: Path, findings: Findings, *, theme: Literal["light", "dark"], marked: bool) -> None:
    from fsm_runner.charts.drawing import only_marked
    from fsm_runner.replaying.replay_picture import overlay_of_totals

    assert findings.chart is not None  # `_check_suffixes` has seen to it
    drawn = findings.chart, overlay_of_totals(findings.chart, findings.totals)
    chart, overlay = only_marked(*drawn) if marked else drawn
    write(path, content_of(chart, overlay, format_of(path, "replay"), theme=theme))
