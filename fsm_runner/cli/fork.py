"""`fsm-runner fork`: a new run that shares the records of another up to some number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.screen import say
from fsm_runner.cli.specs import FactSpecs, check_file, facts_of


def fork(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal of the run.")],
    at: Annotated[int, typer.Option(min=1, metavar="N", help="The number of the last record that they share.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The new run's journal.  [default: beside the old one]"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter, such as max_tokens=4096. Repeatable."),
    ] = None,
    chart: Annotated[str | None, typer.Option(metavar="CHART", help="A chart by which it goes on.")] = None,
    fact: FactSpecs = None,
    run_id: Annotated[str | None, typer.Option(metavar="ID", help="Which run, where there are several.")] = None,
) -> None:
    """Begin a new run from a point of another; resume it to go on."""
    from fsm_runner.charts import load
    from fsm_runner.forking import default_target
    from fsm_runner.forking import fork as forked
    from fsm_runner.loop.tool_loop import with_built_in

    check_file(output, "fork", "--output")
    facts = facts_of(fact or ())
    edited = None if chart is None else load(chart, facts=with_built_in(facts))
    into = output or default_target(journal, at)
    which = into.is_file() and into.stat().st_size
    given: dict[str, Any] = {"params": params_of(set_ or []), "chart": edited, "facts": facts}
    try:
        run = forked(journal, at=at, into=into, run_id=run_id, **given)
    except TypeError as error:
        raise Exit(str(error)) from error
    shared = "1 record" if at == 1 else f"{at} records"
    say(f"{into}: run '{run}' shares {shared} (fsm-runner resume {into}{f' --run-id {run}' if which else ''})")


def params_of(specs: list[str]) -> dict[str, Any]:
    """Return the parameters that `specs` give as ``name=value``, the value as JSON or else as text.

    Raises:
        Exit: one is not written so.
    """
    params: dict[str, Any] = {}
    for spec in specs:
        name, equals, value = spec.partition("=")
        if not equals or not name:
            raise Exit(f"--set '{spec}': write it as name=value, such as --set max_tokens=4096")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params
