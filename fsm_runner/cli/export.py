"""`fsm-runner export`: a chart in the language of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fsm_runner.cli.screen import say, show


def export(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, a shipped chart's name, or -.")] = "states",
    to: Annotated[
        Literal["transitions", "xstate", "promela"],
        typer.Option(help="pytransitions' keywords, an XState v5 machine (both JSON), or a model for SPIN."),
    ] = "xstate",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here; else it is printed.")
    ] = None,
) -> None:
    """Write a chart in the language of another tool: pytransitions, XState and Stately's editor, or SPIN.

    The chart must pass the check. The tool answers the facts itself: see docs/how-to/exporting.md.
    """
    from fsm_runner.charts.export import markup, promela, xstate
    from fsm_runner.cli.exits import Exit
    from fsm_runner.cli.output_file import write
    from fsm_runner.cli.specs import readable
    from fsm_runner.engine.text import json_text
    from fsm_runner.loop.tool_loop import TOOL_LOOP, check

    declared = readable(chart)
    if problems := check(declared).problems:
        raise Exit(f"{chart}: it does not pass the check: {problems[0].message} (fsm-runner check tells more)")
    if to == "promela":
        text = promela(declared, TOOL_LOOP.vocabulary, TOOL_LOOP.impossible)
    else:
        text = json_text(markup(declared) if to == "transitions" else xstate(declared)) + "\n"
    if output is None:
        show(text)
    else:
        write(output, text)
        say(f"wrote {output}")
