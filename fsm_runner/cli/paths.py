"""`fsm-runner paths`: for each row of a chart a shortest scripted conversation that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.screen import show, show_json
from fsm_runner.cli.specs import FactSpecs, facts_of

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart

MOST = 20_000

Calls: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--call", metavar="TOOL", help="A tool that the model can call. Repeatable.  [default: search]"),
]


def paths(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, or a shipped chart's name.")] = "states",
    row: Annotated[
        list[str] | None, typer.Option("--row", metavar="ID", help="Only the row of this id. Repeatable.")
    ] = None,
    fact: FactSpecs = None,
    call: Calls = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Situations that one search looks at.")] = MOST,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json"], typer.Option(help="For a person, or a program.")
    ] = "text",
) -> None:
    """Print a shortest conversation for each row of a chart.

    The search drives the real machine with a small alphabet of replies, faults, tools and acts of the caller. For a
    row that it does not take the reason is printed, and the exit code is 1.
    """
    from fsm_runner.charts import load
    from fsm_runner.exploring import explore
    from fsm_runner.exploring.path_text import as_json, as_text
    from fsm_runner.loop.tool_loop import with_built_in

    given = facts_of(fact or ())
    declared = load(chart, facts=with_built_in(given) if given else None)
    found = explore(declared, facts=given, rows=_known(declared, row), tools=tools_named(call), most=most)
    show_json(as_json(found)) if format == "json" else show(f"{as_text(found)}\n")
    if found.missing:
        raise Exit(None, FOUND)


def tools_named(tools: list[str] | None) -> tuple[str, ...]:
    """Return the names of tools that were given.

    Raises:
        Exit: the API takes no such name.
    """
    import re

    for name in tools or ():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name):
            raise Exit(f"--call '{name}': a tool's name is 1 to 128 letters, digits, _ or -")
    return tuple(dict.fromkeys(tools or ()))


def _known(chart: Chart, rows: list[str] | None) -> list[str] | None:
    from fsm_runner.engine.text import did_you_mean

    ids = [row.id for row in chart.rows]
    for row in rows or ():
        if row not in ids:
            raise Exit(f"--row '{row}': chart '{chart.name}' has no such row{did_you_mean(row, ids)}")
    return rows
