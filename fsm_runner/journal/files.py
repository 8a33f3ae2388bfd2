"""Files: opened to append to, and written through to the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, cast

from fsm_runner.engine.errors import JournalError

Sync: TypeAlias = Literal["none", "effect", "record"]
"""When a record is on disk.

none: when the operating system decides.  effect: before an effect begins, and after its outcome is reported.
record: before the run goes on.
"""

OUTCOMES = frozenset({"replied", "summarised", "tool_finished", "failed", "reported"})
"""The events that report the outcome of an effect."""

GZIP = b"\x1f\x8b"
"""The first bytes of a compressed file."""

_EFFECTS = frozenset({"scheduled", "ended", "sealed"})


def is_due(sync: Sync, kind: str, event: object) -> bool:
    """Whether `sync` waits for the disk after a record of type `kind`; `event` is the name, if it is an event."""
    return sync == "record" or (sync == "effect" and (kind in _EFFECTS or (kind == "event" and event in OUTCOMES)))


def number_of(file: BinaryIO, source: str) -> int:
    """Return the file descriptor on which to wait for the disk.

    Raises:
        JournalError: it is not a file on a disk.
    """
    try:
        return file.fileno()
    except OSError as error:
        raise JournalError(source, None, "it is not on a disk (leave sync at 'none')") from error


def appending(path: Path, sync: Sync = "none") -> BinaryIO:
    """Open `path` to append to it; unless `sync` is ``none``, a new file's name is on disk too.

    Raises:
        OSError: it cannot be opened.
    """
    new = not path.exists()
    opener = _readable if new or path.is_file() else None
    file = cast("BinaryIO", open(path, "ab", opener=opener))  # noqa: SIM115  the caller closes it
    try:
        if new and sync != "none":
            _sync_folder(path.parent)
    except BaseException:
        file.close()
        raise
    return file


def _readable(path: str, flags: int) -> int:
    """Open a file so that it can be read too; a pipe cannot."""
    return os.open(path, flags & ~os.O_WRONLY | os.O_RDWR, 0o666)


def check_plain(path: Path) -> None:
    """Refuse a compressed file: lines after its end could not be read.

    Raises:
        JournalError: `path` is compressed.
        OSError: it cannot be read.
    """
    if is_compressed(path):
        hint = f"unpack it first: gunzip {path}"
        raise JournalError(str(path), None, f"it is compressed, so nothing can be added to it ({hint})")


def is_compressed(path: Path) -> bool:
    """Whether `path` is a compressed file.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
