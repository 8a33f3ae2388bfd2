"""`fsm-runner resume`: a run that was cut off goes on, shown while it happens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsm_runner.cli.exits import FOUND, INTERRUPTED, Exit
from fsm_runner.cli.fork import params_of
from fsm_runner.cli.live import Watcher
from fsm_runner.cli.run import CLIENT, client_of
from fsm_runner.cli.screen import Screen, logged
from fsm_runner.cli.specs import (
    FactSpecs,
    KeyFile,
    Synced,
    check_effects_given,
    effects_of,
    facts_of,
    tools_of,
    writing_of,
)
from fsm_runner.loop.stop import FINE

if TYPE_CHECKING:
    from fsm_runner.drivers.aio import AsyncRunner


def resume(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal of the run.")],
    tool: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME", help="An async tool, or a list of tools. Repeatable.")
    ] = None,
    fact: FactSpecs = None,
    effect: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODULE:NAME", help="An effect that the chart declares. Repeatable."),
    ] = None,
    chart: Annotated[
        str | None, typer.Option(metavar="CHART", help="A chart to go on by.  [default: the one in the journal]")
    ] = None,
    idempotent: Annotated[
        list[str] | None, typer.Option(metavar="TOOL", help="A tool whose calls may run twice. Repeatable.")
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Stop where the outcome of a call is unknown, instead of telling the model.")
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Go on although a chart, a fact or a tool differs where it does no harm.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter, such as max_tokens=4096. Repeatable."),
    ] = None,
    run_id: Annotated[str | None, typer.Option(metavar="ID", help="Which run, where there are several.")] = None,
    key_file: KeyFile = None,
    sync: Synced = "none",
    client: Annotated[str, typer.Option(metavar="MODULE:NAME", help="A function that makes the client.")] = CLIENT,
) -> None:
    """Go on with a run that was cut off, from its journal and in it.

    Tools that have completed never run again.  The default client needs the environment variable ANTHROPIC_API_KEY.
    """
    given: dict[str, Any] = {
        "tools": tools_of(tool or ()),
        "facts": facts_of(fact or ()),
        "effects": effects_of(effect or ()),
        "chart": chart,
        "idempotent": idempotent or (),
        "on_unknown": "ask" if ask else "tell",
        "migrate": migrate,
        "params": params_of(set_ or []),
        "run_id": run_id,
        "journal": writing_of("resume", key_file, sync),
    }
    _resume(journal, client_of(client), given)


def _resume(journal: Path, client: Any, given: dict[str, Any]) -> None:
    import anyio

    runners: list[AsyncRunner[Any, Any]] = []
    try:
        anyio.run(_watch, journal, client, given, runners)
    except KeyboardInterrupt:
        where = f" in state '{runners[0].snapshot.state}'" if runners else ""
        raise Exit(f"\ninterrupted{where}; the journal is whole up to here: {journal}", INTERRUPTED) from None
    (runner,) = runners
    if runner.stop is None or runner.stop.reason not in FINE:
        raise Exit(None, FOUND)


async def _watch(journal: Path, client: Any, given: dict[str, Any], runners: list[AsyncRunner[Any, Any]]) -> None:
    """Go on to the end.  A failure of an effect is shown by the watcher; any other error is raised."""
    from fsm_runner.arguments import machine_of
    from fsm_runner.replaying.resume_point import resume_point_of

    point = resume_point_of(journal, run_id=given["run_id"], facts=given["facts"])
    chart = point.machine.chart if given["chart"] is None else machine_of(given["chart"], given["facts"]).chart
    check_effects_given(chart, given["effects"])
    watcher = Watcher(Screen(), chart)
    watcher.recall([*point.snapshot.context.conversation.history, *filter(None, [point.reply])])
    with logged():
        async with client:
            runner = await _through(journal, client, given, watcher, runners)
    watcher.ended(runner.stop, runner.usage)


async def _through(
    journal: Path, client: Any, given: dict[str, Any], watcher: Watcher, runners: list[AsyncRunner[Any, Any]]
) -> AsyncRunner[Any, Any]:
    from fsm_runner.resumption import resume as resumed

    try:
        runner: AsyncRunner[Any, Any] = resumed(journal, client, on_step=watcher.step, **given)
    except (TypeError, ValueError) as error:
        raise Exit(str(error)) from error
    runners.append(runner)
    try:
        async for item in runner:
            if runner.snapshot.context.settings.stream:
                await item.until_done()
    except Exception:
        if runner.stop is None or runner.stop.reason != "failed":
            raise
    return runner
