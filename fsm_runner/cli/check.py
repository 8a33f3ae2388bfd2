"""`fsm-runner check`: checks a chart, and prints its problems with their places, or what was proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fsm_runner.cli.exits import WRONG, Exit, code_of
from fsm_runner.cli.screen import say, show, show_json
from fsm_runner.cli.specs import FactSpecs, facts_of


def check(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, a shipped chart's name, or -.")] = "states",
    fact: FactSpecs = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse guards that overlap, too.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print the proofs one by one, and every note.")] = False,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json", "github"], typer.Option(help="For a person, a program, or GitHub's annotations.")
    ] = "text",
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="FILE", help="Draw the path that breaks a rule, the first that fails."),
    ] = None,
) -> None:
    """Check a chart before anything runs: names, completeness, dead rows, bounds, loops, and its own rules.

    Facts of your own are taken at the chart's word unless --fact gives their code. Problems exit with 1.
    """
    from fsm_runner.cli.check_text import Checked, as_github, as_json, as_text
    from fsm_runner.engine.errors import ChartError

    checked = Checked.of(chart, facts_of(fact or ()), strict=strict)
    refused = ChartError(checked.source, checked.verdict.problems)
    if format == "text" and code_of(refused) == WRONG:
        raise refused
    match format:
        case "json":
            show_json(as_json(checked))
        case "github":
            show(f"{as_github(checked, every=explain)}\n")
        case "text":
            as_text(checked, explain=explain)
    if draw is not None and checked.chart is not None and checked.verdict.violations:
        from fsm_runner.cli.check_text import drawn

        drawn(checked.chart, checked.verdict.violations[0], draw)
        say(f"wrote {draw}", err=True)
    if checked.verdict.problems:
        raise Exit(None, code_of(refused))
