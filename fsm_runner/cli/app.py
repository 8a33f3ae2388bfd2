"""The app: every command, in the order in which `--help` lists them.

A command is the function that its module is named after.  Only the one that was asked for is imported and built: all of
them together would take longer than most do their work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated

import typer

from fsm_runner.cli.exits import CODES, guarded

EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in CODES.items())

COMMANDS: Mapping[str, str] = {
    "run": "Run the loop and watch it go through its states.",
    "init": "Write a chart to start from.",
    "check": "Prove that a chart can run, or say why not.",
    "table": "Print a chart's decision table.",
    "draw": "Draw a chart.",
    "diff": "Show what an edit of a chart changes.",
    "export": "Write a chart in the language of another tool.",
    "paths": "Print a shortest conversation for each row.",
    "reach": "Show how a run comes to a state, or prove that none does.",
    "schema": "Print the JSON Schema of charts.",
    "resume": "Go on with a run that was cut off.",
    "fork": "Begin a new run from a point of another.",
    "show": "Show what happened in recorded runs.",
    "compare": "Show where two recorded runs differ.",
    "replay": "Replay journals and compare every record.",
    "verify": "Verify that no record of a journal was changed.",
}
"""By name: what it does, in one line."""


def app_of(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with the commands called `names`."""
    app = typer.Typer(
        help="Claude's tool loop as a chart that you can read, check, draw, run and replay.",
        rich_markup_mode=None,  # rich would take longer to import than everything else that --help needs
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=EXIT_CODES)(options)
    for name in names:
        command = getattr(import_module(f"fsm_runner.cli.{name}"), name)
        app.command(name, short_help=COMMANDS[name], epilog=EXIT_CODES)(guarded(command))
    return app


def app_for(arguments: Iterable[str]) -> typer.Typer:
    """Return the program with the command that `arguments` ask for; all of them, if that is no command."""
    asked = next((each for each in arguments if not each.startswith("-")), "")
    return app_of([asked] if asked in COMMANDS else COMMANDS)


def _version(asked: bool) -> None:
    if asked:
        from fsm_runner.cli.screen import say
        from fsm_runner.version import VERSION

        say(f"fsm-runner {VERSION}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
