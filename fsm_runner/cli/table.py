"""`fsm-runner table`: every row of a chart, in the order in which it is tried."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fsm_runner.cli.screen import Screen

if TYPE_CHECKING:
    from fsm_runner.core.chart import Chart


def table(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, or a shipped chart's name.")] = "states",
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "markdown"], typer.Option(help="For a terminal, or for a page.")
    ] = "text",
) -> None:
    """Print the decision table of a chart: each row, when it holds, and where it leads.

    A terminal that is too narrow for columns gets the rows state by state.
    """
    from fsm_runner.charts import load
    from fsm_runner.charts.table import table as table_of

    screen = Screen()
    declared = load(chart)
    text = table_of(declared, format=format)
    if format == "text" and screen.terminal and max(map(len, text.splitlines())) > screen.width:
        _narrow(screen, declared)
    else:
        typer.echo(text, nl=False)


def _narrow(screen: Screen, chart: Chart) -> None:
    from fsm_runner.charts.table import ALWAYS, cells

    lines = cells(chart)
    row_width, target_width = (max(len(line[column]) for line in lines) for column in (1, 4))
    for state, rows in groupby(lines, key=lambda line: line[0]):
        screen.line((state, "state"))
        for _, row, event, when, target, besides in rows:
            head = f"  {row.ljust(row_width)} → {target.ljust(target_width)}  " if row else "  "
            waits_for = "" if event == ALWAYS else event
            screen.block((head, "row"), "; ".join(filter(None, (waits_for, when, besides))), indent=len(head))
