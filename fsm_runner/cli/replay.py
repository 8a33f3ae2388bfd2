"""`fsm-runner replay`: recorded runs through the machine again, offline."""

from __future__ import annotations

from typing import Annotated

import typer

from fsm_runner.cli.quitting import FOUND, Quit
from fsm_runner.cli.specs import facts_of


def replay(
    journals: Annotated[list[str], typer.Argument(metavar="JOURNAL", help="Journals; - is standard input.")],
    chart: Annotated[
        str | None,
        typer.Option(metavar="CHART", help="Another chart: would the runs have gone the same way?"),
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME", help="A fact that the chart asks. Repeatable.")
    ] = None,
) -> None:
    """Replay journals offline and compare every record, without a client, a model or tools.

    Exits with 1 when a record no longer agrees, and names each.
    """
    from fsm_runner.charts import load
    from fsm_runner.core.facts import FACTS
    from fsm_runner.replaying import replay as replayed

    facts = facts_of(fact or ())
    known = {**FACTS, **{each.name: each for each in facts}}
    edited = None if chart is None else load(chart, facts=known)
    conforms = True
    for journal in journals:
        report = replayed(journal, chart=edited, facts=facts)
        typer.echo(str(report))
        conforms = conforms and report.conforms
    if not conforms:
        raise Quit(None, FOUND)
