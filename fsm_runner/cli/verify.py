"""`fsm-runner verify`: whether journals are what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.screen import say
from fsm_runner.cli.specs import key_of


def verify(
    journals: Annotated[list[str], typer.Argument(metavar="JOURNAL", help="Journals; - is standard input.")],
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key that the runs were sealed with, without a line's end.")
    ] = None,
    unsealed: Annotated[
        bool, typer.Option("--unsealed", help="Take runs without a seal, too: they go on, or were killed.")
    ] = False,
) -> None:
    """Verify that no record of a journal was changed, left out or cut off.

    Exits with 1 when one was, and names the first.  With a key, an end that was forged is seen, too.
    """
    from fsm_runner.journal import verify as verified

    key = None if key_file is None else key_of(key_file, "verify")
    intact = True
    for journal in journals:
        verification = verified(journal, key, unsealed=unsealed)
        for line in verification.lines():
            say(line)
        intact = intact and verification.intact
    if not intact:
        raise Exit(None, FOUND)
