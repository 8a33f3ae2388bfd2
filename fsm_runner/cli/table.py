"""`fsm-runner table`: every row of a chart, in the order in which it is tried."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fsm_runner.cli.screen import Screen, show
from fsm_runner.cli.specs import FactSpecs, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, a shipped chart's name, or -.")] = "states",
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "markdown", "html"], typer.Option(help="For a terminal, a pull request, or a browser.")
    ] = "text",
    fact: FactSpecs = None,
) -> None:
    """Print the decision table of a chart: each row, when it holds, and where it leads.

    "effectively" is when a row is the one taken, after the rows above it; empty where its guard says so itself. A
    terminal that is too narrow for columns gets the rows state by state. A chart that does not pass the check is shown,
    too, and said to be one.
    """
    from fsm_runner.charts.row_table import cells
    from fsm_runner.charts.row_table import table as table_of
    from fsm_runner.cli.specs import readable, shown_as_it_is
    from fsm_runner.loop.tool_loop import with_built_in

    screen = Screen()
    given = facts_of(fact or ())
    facts = with_built_in(given) if given else None
    declared = readable(chart, facts=facts)
    shown_as_it_is(chart, declared, facts=facts)
    text = table_of(declared, format=format, facts=facts)
    if format == "text" and screen.terminal and max(map(len, text.splitlines())) > screen.width:
        _narrow(screen, cells(declared, facts=facts))
    else:
        show(text)


def _narrow(screen: Screen, lines: Sequence[tuple[str, ...]]) -> None:
    row_width, target_width = (max(len(line[column]) for line in lines) for column in (1, 4))
    for state, rows in groupby(lines, key=lambda line: line[0]):
        screen.line((state, "state"))
        for row in rows:
            _narrow_row(screen, row, row_width, target_width)


def _narrow_row(screen: Screen, cells: tuple[str, ...], row_width: int, target_width: int) -> None:
    from fsm_runner.charts.row_table import ALWAYS

    _, row, event, when, target, besides, effectively = cells
    head = f"  {row.ljust(row_width)} → {target.ljust(target_width)}  " if row else "  "
    waits_for = "" if event == ALWAYS else event
    screen.block((head, "row"), "; ".join(filter(None, (waits_for, when, besides))), indent=len(head))
    for number, pattern in enumerate(filter(None, effectively.split("\n"))):
        screen.block((" " * len(head), "faint"), f"{'or' if number else 'effectively'} {pattern}", indent=len(head) + 2)
