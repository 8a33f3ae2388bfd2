"""Whole writes: several records to the end of a file in one write, which is undone if it fails."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.text import why
from fsm_runner.journal.files import appending, check_plain
from fsm_runner.journal.lock import check_new, held
from fsm_runner.journal.tail import Tail


def append_whole(target: str | os.PathLike[str], run: str, lines: bytes) -> None:
    """Append the records of a new run to a file, all of them or none.

    A process that is killed during the write, or a power cut, may leave a part: see `forked_from` in docs/journal.md.

    Args:
        target: the file; it is made if it does not exist.
        run: the run's id.
        lines: the records, rendered.

    Raises:
        JournalError: the file cannot be written, is compressed, or holds the run already.
    """
    path = Path(target)
    new = not path.exists()
    try:
        with ExitStack() as opened:
            file = opened.enter_context(appending(path))
            if new:
                opened.callback(_remove_empty, path)
            check_plain(path)
            check_new(path, run)
            opened.callback(held(file, path, run).close)
            torn = path.is_file() and Tail(file, path).unfinished
            _write(file.fileno(), b"\n" + lines if torn else lines)
    except OSError as error:
        raise JournalError(os.fspath(target), None, f"cannot be written: {why(error)}") from error


def _write(number: int, data: bytes) -> None:
    """Write `data` to the end of a file; if that fails, cut off the part that was written."""
    before, written = os.fstat(number).st_size, 0
    try:
        while written < len(data):
            written += os.write(number, data[written:] if written else data)
    except BaseException:
        with suppress(OSError):
            if os.fstat(number).st_size == before + written:  # else another run has written behind it
                os.ftruncate(number, before)
        raise


def _remove_empty(path: Path) -> None:
    with suppress(OSError):
        if not path.stat().st_size:
            path.unlink()
