"""Recording: how a command writes the journal of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from fsm_runner.cli.quitting import Quit

KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="A key to seal the journal with, without a line's end."),
]
Synced: TypeAlias = Annotated[
    Literal["none", "effect", "record"],
    typer.Option("--sync", help="Wait for the disk: never, around each effect, or for each record."),
]


def check_file(path: Path | None, command: str, option: str) -> None:
    """Refuse ``-`` where a journal is to be written: elsewhere it is standard input, so nothing could read it.

    Raises:
        Quit: it is that.
    """
    if path == Path("-"):
        raise Quit(f"{command}: {option}: '-' is no file to write to (name one)")


def key_of(path: Path, command: str) -> bytes:
    """Return the key in the file at `path`, for messages of `command`.

    Raises:
        Quit: it cannot be read, or is empty.
    """
    try:
        key = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Quit(f"{command}: --key-file: '{path}' cannot be read: {why}") from None
    if not key:
        raise Quit(f"{command}: --key-file: '{path}' is empty")
    return key


def writing_of(command: str, key_file: Path | None, sync: str) -> dict[str, Any]:
    """Return what `Journal.open` is given for these options.

    Raises:
        Quit: the key cannot be read.
    """
    key = None if key_file is None else key_of(key_file, command)
    return {"key": key, "sync": sync}
