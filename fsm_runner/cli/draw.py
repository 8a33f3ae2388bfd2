"""`fsm-runner draw`: a chart as Mermaid, DOT, SVG or PNG; alone, compared with another, or with recorded runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.output_file import Format, content_of, format_of, write
from fsm_runner.cli.screen import show

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Overlay
    from fsm_runner.engine.chart import Chart
    from fsm_runner.journal import Record

Charted: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="CHART", help="A file, a shipped chart, or -. Left out: the journal's, else states."),
]
Formatted: TypeAlias = Annotated[
    Format | None, typer.Option(help="Left out: by the suffix of the output, else mermaid.", show_default=False)
]
Levelled: TypeAlias = Annotated[Literal["states", "phases"], typer.Option(help="Every state, or the phases alone.")]
Themed: TypeAlias = Annotated[Literal["light", "dark"], typer.Option(help="For dot, svg and png.")]
Earlier: TypeAlias = Annotated[
    str | None, typer.Option("--diff", metavar="OLD", help="Show what differs from this earlier chart.")
]
Journals: TypeAlias = Annotated[
    list[str] | None, typer.Option("--journal", metavar="JOURNAL", help="Show the runs that it records. Repeatable.")
]
Chosen: TypeAlias = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="Of the journals' runs, only this one.")
]
Marked: TypeAlias = Annotated[
    bool, typer.Option("--marked", help="Leave out the states that no difference and no run marks.")
]
Written: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; left out: standard output.")
]


def draw(
    chart: Charted = None,
    format: Formatted = None,  # noqa: A002  the option's name
    level: Levelled = "states",
    theme: Themed = "light",
    diff: Earlier = None,
    journal: Journals = None,
    run: Chosen = None,
    marked: Marked = False,
    output: Written = None,
) -> None:
    """Draw a chart. Pictures (svg, png) need the extra `fsm-runner[pictures]`.

    With journals, each row says how often it was taken and each state how long the runs were there; of a single run
    the path, where it stopped, and why. A chart that does not pass the check is drawn, too, and said to be one.
    """
    from fsm_runner.charts.drawing import only_marked

    chosen = format or ("mermaid" if output is None else format_of(output, "draw", "give --format, or"))
    if chosen == "png" and output is None and sys.stdout.isatty():
        raise Exit("draw: a PNG is no text (write it to a file: -o chart.png)")
    if level == "phases" and (diff or journal):
        raise Exit("draw: --diff and --journal mark single rows (leave out --level phases)")
    declared, overlay = _drawn(chart, diff, journal or [], run)
    if marked:
        declared, overlay = only_marked(declared, overlay)
    content = content_of(declared, overlay, chosen, level=level, theme=theme)
    if output is None:
        _show(content, chosen)
    else:
        write(output, content)


def _show(content: bytes, format: Format) -> None:  # noqa: A002  as the option
    if format == "png":
        sys.stdout.buffer.write(content)
    else:
        show(content.decode("utf-8"))


def _drawn(chart: str | None, old: str | None, journals: list[str], run: str | None) -> tuple[Chart, Overlay]:
    """Return the chart to draw, and what to mark in it."""
    from fsm_runner.charts.drawing.overlay import NO_OVERLAY
    from fsm_runner.cli.specs import readable, shown_as_it_is

    if old is not None and journals:
        raise Exit("draw: --diff and --journal are two pictures (draw one after the other)")
    if run is not None and not journals:
        raise Exit("draw: --run chooses a run of a journal (give --journal)")
    if journals:
        return _with_runs(chart, journals, run)
    declared = readable(chart or "states")
    if chart is not None:
        shown_as_it_is(chart, declared)
    if old is None:
        return declared, NO_OVERLAY
    from fsm_runner.charts.diff import diff, merged

    return merged(diff(readable(old), declared))


def _with_runs(chart: str | None, journals: list[str], only: str | None) -> tuple[Chart, Overlay]:
    """Return the chart with the runs of `journals`; without a name, the chart of the first run."""
    from fsm_runner.cli.specs import readable
    from fsm_runner.inspecting.run_overlay import overlay_of_runs, runs_of

    records = [record for journal in journals for record in _records(journal)]
    runs = runs_of(record for record in records if only in (None, record.run))
    if not runs:
        known = ", ".join(dict.fromkeys(record.run for record in records))
        none = f"draw: {', '.join(journals)}: no run is recorded there (is it the right file?)"
        raise Exit(f"draw: no run '{only}' (there is: {known})" if only and known else none)
    first = next(record for record in records if record.run in runs)
    declared = readable(chart) if chart is not None else _chart_of(first)
    files = ", ".join(Path(name).name for name in journals) if len(journals) <= 3 else f"{len(journals)} journals"
    named = f"run '{first.run}' of {files}" if len(runs) == 1 else f"{len(runs)} runs of {files}"
    return declared, overlay_of_runs(declared, runs, caption=named)


def _records(journal: str) -> list[Record]:
    """Return the records of `journal`, without what pictures do not show: a journal may be large."""
    from fsm_runner.journal import Reading
    from fsm_runner.journal.reader import opened

    name, file = opened(journal)
    return [record for record in Reading(name, file) if record.type != "event"]


def _chart_of(record: Record) -> Chart:
    """Return the chart that a run was started with."""
    from fsm_runner.journal.codec import chart_from

    chart = record.data.get("chart")
    try:
        return chart_from(chart.get("data") if isinstance(chart, Mapping) else None)
    except ValueError as error:
        raise Exit(f"draw: line {record.line} of the journal tells no chart: {error} (name the chart)") from None
