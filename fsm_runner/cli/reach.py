"""`fsm-runner reach`: a way to a state, or the proof that there is none."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.paths import MOST, Calls, tools_named
from fsm_runner.cli.screen import show, show_json
from fsm_runner.cli.specs import FactSpecs, facts_of


def reach(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, a shipped chart's name, or -.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="The state.")],
    fact: FactSpecs = None,
    call: Calls = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Situations that the search looks at.")] = MOST,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json"], typer.Option(help="For a person, or a program.")
    ] = "text",
) -> None:
    """Show how a run can come to a state: the rows, their answers, and a conversation; or prove that it cannot.

    Exits with 0 when the state can be reached, with 1 when not. The chart need not pass the check; without that there
    is no conversation.
    """
    from fsm_runner.cli.specs import readable
    from fsm_runner.engine.text import did_you_mean
    from fsm_runner.exploring import reach as way_to
    from fsm_runner.exploring.path_text import reached_as_json, reached_as_text
    from fsm_runner.loop.tool_loop import check, with_built_in

    given = facts_of(fact or ())
    facts = with_built_in(given) if given else None
    declared = readable(chart, facts=facts)
    states = [each.name for each in declared.states]
    if state not in states:
        raise Exit(f"chart '{declared.name}' has no state '{state}'{did_you_mean(state, states)}")
    runs = not check(declared, facts=facts).problems
    found = way_to(declared, state, facts=given, tools=tools_named(call), runs=runs, most=most)
    show_json(reached_as_json(found)) if format == "json" else show(f"{reached_as_text(found)}\n")
    if found.reach.path is None:
        raise Exit(None, FOUND)
