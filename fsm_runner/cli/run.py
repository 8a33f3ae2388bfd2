"""`fsm-runner run`: one run of a chart, shown while it happens."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from fsm_runner.cli.exits import FOUND, INTERRUPTED, Exit
from fsm_runner.cli.live import Watcher
from fsm_runner.cli.screen import Screen, logged
from fsm_runner.cli.specs import (
    FactSpecs,
    KeyFile,
    Synced,
    check_effects_given,
    check_file,
    effects_of,
    facts_of,
    limits_of,
    loaded,
    tools_of,
    writing_of,
)
from fsm_runner.loop.stop import FINE

if TYPE_CHECKING:
    from fsm_runner.drivers.aio import AsyncRunner
    from fsm_runner.journal import Journal

MODEL = "claude-sonnet-5-5"
CLIENT = "anthropic:AsyncAnthropic"
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def run(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What the model is asked.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="The model.")] = MODEL,
    max_tokens: Annotated[int, typer.Option(min=1, metavar="N", help="Tokens of a reply, at most.")] = 4096,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="The system prompt.")] = None,
    chart: Annotated[str, typer.Option(metavar="CHART", help="A file, or a shipped chart's name.")] = "states",
    tool: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME", help="An async tool, or a list of tools. Repeatable.")
    ] = None,
    fact: FactSpecs = None,
    effect: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODULE:NAME", help="An effect that the chart declares. Repeatable."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="A limit, such as iterations=20. Repeatable."),
    ] = None,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="Append the run's records to this file.")] = None,
    run_id: Annotated[
        str | None, typer.Option(metavar="ID", help="What the journal calls the run.  [default: a random id]")
    ] = None,
    key_file: KeyFile = None,
    sync: Synced = "none",
    content: Annotated[
        Literal["full", "none"], typer.Option(help="What the journal holds of texts, inputs and results.")
    ] = "full",
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show replies while they are written.")] = False,
    client: Annotated[str, typer.Option(metavar="MODULE:NAME", help="A function that makes the client.")] = CLIENT,
) -> None:
    """Ask the model, run the tools that it calls, and show each transition and message as it happens.

    The default client needs the environment variable ANTHROPIC_API_KEY.
    """
    check_file(journal, "run", "--journal")
    model_client = client_of(client)
    given: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": prompt}],
        "tools": tools_of(tool or ()),
        "facts": facts_of(fact or ()),
        "effects": effects_of(effect or ()),
        "limits": limits_of(limit or ()),
        "stream": stream,
        "run_id": run_id or uuid.uuid4().hex,
        **({} if system is None else {"system": system}),
    }
    writing = {**writing_of("run", key_file, sync), "content": content}
    if journal is None and (key_file or sync != "none" or content != "full"):
        raise Exit("run: --key-file, --sync and --content say how a journal is written (give --journal, too)")
    _run(model_client, chart, given, journal, writing)


def client_of(spec: str) -> Any:
    """Return what the function that `spec` names makes; the watcher awaits it, so it must be an async client.

    Raises:
        Exit: the default one lacks its key, or the function fails or makes something else.
    """
    if spec == CLIENT and not any(os.environ.get(key) for key in KEYS):
        raise Exit(
            "ANTHROPIC_API_KEY is not set, so there is no model to ask (set it, or try `make run` in a checkout, which "
            "needs none)"
        )
    make = loaded(spec, "--client")
    try:
        client = make()
    except Exception as error:
        raise Exit(f"--client '{spec}': {type(error).__name__}: {error}") from error
    if not hasattr(client, "__aenter__"):
        raise Exit(f"--client '{spec}': it makes a {type(client).__name__} (make an async client)")
    return client


def _run(client: Any, chart: str, given: dict[str, Any], path: Path | None, writing: dict[str, Any]) -> None:
    import anyio

    from fsm_runner.arguments import machine_of
    from fsm_runner.journal import Journal

    plan = machine_of(chart, given["facts"]).chart
    check_effects_given(plan, given["effects"])
    watcher = Watcher(Screen(), plan)
    log = None if path is None else Journal.open(path, run=given["run_id"], **writing)
    runners: list[AsyncRunner[Any]] = []
    try:
        anyio.run(_watch, client, {"chart": chart, "journal": log, **given}, watcher, runners)
    except KeyboardInterrupt:
        where = f" in state '{runners[0].snapshot.state}'" if runners else ""
        kept = "" if path is None else f"; the journal is whole up to here: {path}"
        raise Exit(f"\ninterrupted{where}{kept}", INTERRUPTED) from None
    finally:
        _close(log)
    (runner,) = runners
    watcher.ended(runner.stop, runner.usage)
    if path is not None:
        Screen().line(("journal  ", "faint"), f"{path}  (fsm-runner replay {path})")
    if runner.stop is None or runner.stop.reason not in FINE:
        raise Exit(None, FOUND)


async def _watch(client: Any, given: dict[str, Any], watcher: Watcher, runners: list[AsyncRunner[Any]]) -> None:
    """Run to the end.  A failure of an effect is shown by the watcher; any other error is raised."""
    from fsm_runner.runner import tool_runner

    with logged():
        async with client:
            try:
                runner = cast("AsyncRunner[Any]", tool_runner(client, on_step=watcher.step, **given))
            except (TypeError, ValueError) as error:
                raise Exit(str(error)) from error
            runners.append(runner)
            try:
                async for item in runner:
                    if given["stream"]:
                        await _read(item, watcher)
            except Exception:
                if runner.stop is None or runner.stop.reason != "failed":
                    raise


async def _read(stream: Any, watcher: Watcher) -> None:
    async for event in stream:
        if event.type == "text":
            watcher.streamed(event.text)
    watcher.line_ended()


def _close(log: Journal | None) -> None:
    if log is None:
        return
    log.close()
    path = Path(log.source)
    if not log.seq and path.is_file() and not path.stat().st_size:
        path.unlink()  # the run was refused before it began
