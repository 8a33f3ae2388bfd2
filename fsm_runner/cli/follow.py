"""Following: a journal that is still written, read as it grows, until its run has ended."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.journals import Shows
from fsm_runner.cli.screen import say
from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.text import why
from fsm_runner.inspecting import Entries
from fsm_runner.journal import Reading
from fsm_runner.journal.files import is_compressed

if TYPE_CHECKING:
    from typing_extensions import Buffer


PAUSE = 0.2
"""Seconds between two looks at a file that does not grow."""

QUIET = 5
"""Looks without a new record after which a run that stopped, but may be asked for more, counts as ended."""


class Growing(io.RawIOBase):
    """A file that is read as it grows, until `idle` says that it is enough."""

    def __init__(self, file: BinaryIO, idle: Callable[[], bool]) -> None:
        """Read `file` from where it is."""
        self._file = file
        self._idle = idle

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what was written; wait for more until `idle` says that it is enough.

        Raises:
            Exit: the file became shorter.
        """
        view = memoryview(buffer)
        while not (piece := self._file.read(len(view))):
            if os.fstat(self._file.fileno()).st_size < self._file.tell():
                raise Exit(f"{self._file.name}: it became shorter while it was followed (show it again)", FOUND)
            if self._idle():
                return 0
        view[: len(piece)] = piece
        return len(piece)


class Follower:
    """Shows one run while it is written: mutable."""

    def __init__(self, name: str, to: Shows, run: str | None, pause: Callable[[], None]) -> None:
        """Take the journal's name, and the run's id; None: the one whose record comes first."""
        self._name = name
        self._to = to
        self._run = run
        self._pause = pause
        self._telling: Entries | None = None
        self._quiet = 0

    def follow(self, reading: Reading) -> None:
        """Show the run's records as they come, and what they add up to once it has ended or the wait is over."""
        try:
            for record in reading:
                if self._run not in (None, record.run):
                    continue
                self._quiet = 0
                if self._telling is None:
                    self._run, self._telling = record.run, Entries(self._name, record)
                    declared = self._telling.declared
                    self._to.begin(self._telling.header, declared.states, declared.rows)
                    continue
                for entry in self._telling.take(record, reading.line):
                    self._to.entry(entry)
                if record.type == "ended" and self._over():
                    break
        finally:
            if self._telling is not None:
                for entry in self._telling.rest():
                    self._to.entry(entry)
                self._to.end(self._telling.summary())

    def idle(self) -> bool:
        """Wait a while, unless the run has ended."""
        sys.stdout.flush()
        if self._over() or (self._quiet >= QUIET and self._stopped()):
            return True
        self._pause()
        self._quiet += 1
        return False

    def _over(self) -> bool:
        ended = self._telling.summary().ended if self._telling else None
        return ended is not None and ended.final

    def _stopped(self) -> bool:
        """Whether the run has stopped, but may still go on."""
        summary = self._telling.summary() if self._telling else None
        return summary is not None and (summary.ended is not None or summary.sealed != "no")


def follow(
    name: str,
    to: Shows,
    run: str | None,
    pause: Callable[[], None] = lambda: time.sleep(PAUSE),
) -> None:
    """Show a run of the journal `name` while it is written.

    Args:
        name: a file, which need not be there yet, or ``-``.
        to: what shows it.
        run: the run's id; None: of the runs that are there, the one written to last, else the first to come.
        pause: waits a little.

    Raises:
        JournalError: the file or a line of it cannot be read.
        Exit: the file became shorter.
    """
    if name == "-":
        Follower("<stdin>", to, run, pause).follow(Reading("<stdin>", sys.stdin.buffer))
        return
    path = Path(name)
    try:
        if not path.exists():
            say(f"{name}: it is not there yet; waiting for it", err=True)
        while not path.exists():
            pause()
        follower = Follower(name, to, run or _written_last(name), pause)
        grows = not is_compressed(path)
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise JournalError(name, None, f"cannot be read: {why(error)}") from error
    with file, io.BufferedReader(Growing(file, follower.idle) if grows else file) as lines:
        follower.follow(Reading(name, lines))


def _written_last(name: str) -> str | None:
    run = None
    for record in Reading(name):
        run = record.run
    return run
