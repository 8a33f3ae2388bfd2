"""`fsm-runner diff`: what an edit of a chart changes for the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.screen import show, show_json
from fsm_runner.cli.specs import FactSpecs, facts_of

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier chart: a file, a shipped chart, or -.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later chart.")],
    fact: FactSpecs = None,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json", "markdown"], typer.Option(help="For a person, a program, or a pull request.")
    ] = "text",
) -> None:
    """Compare two charts: for which answers of the facts a run now goes elsewhere, and what else was edited.

    Exits with 1 when any run can differ; with 0 when only names, comments, or an order without effect do. Neither
    chart has to pass the check; - is standard input. To see the difference: fsm-runner draw NEW --diff OLD.
    """
    from fsm_runner.charts.diff import Names, as_json, as_markdown, as_text
    from fsm_runner.charts.diff import diff as difference_of
    from fsm_runner.loop.tool_loop import with_built_in

    given = facts_of(fact or ())
    facts = with_built_in(given) if given else None
    found = difference_of(_readable(old), _readable(new), facts=facts)
    names = Names(old=old, new=new)
    match format:
        case "json":
            show_json(as_json(found, names))
        case "markdown":
            show(as_markdown(found, names))
        case "text":
            show(as_text(found, names))
    if found.matters:
        raise Exit(None, FOUND)


def _readable(name: str) -> Chart:
    """Return the chart that `name` names; ``-`` is standard input.

    Raises:
        Exit: it cannot be compared; exit code 1 is kept for what differs.
    """
    from fsm_runner.cli.specs import readable
    from fsm_runner.engine.errors import ChartError

    try:
        return readable(name)
    except ChartError as error:
        raise Exit(str(error)) from error
