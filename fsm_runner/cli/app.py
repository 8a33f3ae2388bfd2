"""The app: every command, in the order in which `--help` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from fsm_runner.cli.check import check
from fsm_runner.cli.diff import diff
from fsm_runner.cli.draw import draw
from fsm_runner.cli.fork import fork
from fsm_runner.cli.init import init
from fsm_runner.cli.quitting import CODES, guarded
from fsm_runner.cli.replay import replay
from fsm_runner.cli.resume import resume
from fsm_runner.cli.run import run
from fsm_runner.cli.schema import schema
from fsm_runner.cli.table import table
from fsm_runner.cli.verify import verify

EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in CODES.items())

app = typer.Typer(
    help="Claude's tool loop as a chart that you can read, check, draw, run and replay.",
    rich_markup_mode=None,  # rich would take longer to import than everything else that --help needs
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: Mapping[Callable[..., None], str] = {
    run: "Run the loop and watch it go through its states.",
    init: "Write a chart to start from.",
    check: "Prove that a chart can run, or say why not.",
    table: "Print a chart's decision table.",
    draw: "Draw a chart.",
    diff: "Show what an edit of a chart changes.",
    schema: "Print the JSON Schema of charts.",
    resume: "Go on with a run that was cut off.",
    fork: "Begin a new run from a point of another.",
    replay: "Replay journals and compare every record.",
    verify: "Verify that no record of a journal was changed.",
}
for command, summary in COMMANDS.items():
    app.command(short_help=summary, epilog=EXIT_CODES)(guarded(command))


def _version(asked: bool) -> None:
    if asked:
        from fsm_runner import __version__

        typer.echo(f"fsm-runner {__version__}")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
