"""The lock: only one process at a time writes a run."""

from __future__ import annotations

import os
import re
import stat
import struct
import sys
import threading
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal.reader import Reading
from fsm_runner.journal.render import render

_FIRST = 1 << 62
"""Where the bytes to lock begin, far behind any file's end; there are as many again, one for each hash of an id."""

_LAYOUTS = {"linux": "hhqqi", "darwin": "qqihh"}
"""The C structure `flock` by platform: five numbers, of which the owner's is 0.  Source: fcntl(2)."""

_RANDOM = re.compile("[0-9a-f]{32}")
_BLOCK = 1 << 20


class RunLock:
    """The lock on one run in one file: mutable, since another journal of this process may take it over.

    Attributes:
        file: the open file that holds the lock.
        lost: whether another journal of this process has taken it over.
    """

    def __init__(self, file: BinaryIO, place: int | None) -> None:
        """Lock with `file`; `place`: the byte to lock, if any."""
        self.file = file
        self.lost = False
        self._place = place
        self._process = os.getpid()

    def is_taken(self) -> bool:
        """Try to take the lock; return whether it was free."""
        return self._place is None or _locked(self.file.fileno(), self._place)

    def close(self) -> None:
        """Release the lock and close the file.

        A process forked meanwhile has a copy of the file, which would keep the lock; a fork that ends must not free it.

        Raises:
            OSError: buffered bytes cannot be written.
        """
        if self._place is not None and self._process == os.getpid() and not self.file.closed:
            _locked(self.file.fileno(), self._place, free=True)
        self.file.close()

    def lose(self) -> None:
        """Give the lock up to another journal."""
        self.lost = True
        self.close()

    def leave(self) -> None:
        """Close this process's copy of the file, which another process owns, without writing what is buffered."""
        getattr(self.file, "raw", self.file).close()


_holds: WeakValueDictionary[tuple[int, int, str], RunLock] = WeakValueDictionary()
_one_at_a_time = threading.Lock()


def _leave_to_the_parent() -> None:
    """Run in a forked process: a journal is written, and its run locked, only by the process that opened it."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()  # a thread that held the old one does not exist here
    for hold in [*_holds.values()]:
        hold.leave()
    _holds.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)


def held(file: BinaryIO, path: Path, run: str) -> RunLock:
    """Lock `run` in `file`, which is `path`, open for writing.  What is not a file in a folder is not locked.

    Raises:
        JournalError: another process holds it.
    """
    about = os.fstat(file.fileno())
    if not stat.S_ISREG(about.st_mode) or not about.st_nlink:
        return RunLock(file, None)
    hold = RunLock(file, _place(run))
    with _one_at_a_time:
        key = about.st_dev, about.st_ino, run
        before = _holds.get(key)
        if before is not None:
            before.lose()
        if not hold.is_taken():
            hint = "wait for it to end, or stop it"
            raise JournalError(str(path), None, f"run '{run}' is being written by another process ({hint})")
        _holds[key] = hold
    return hold


def head_of(path: Path, run: str, last: int) -> str | None:
    """Return the hash of the last record of `run` in the file at `path`; None if there is no record.

    Raises:
        JournalError: its number is not `last`; or the file cannot be opened, or a line of it cannot be read.
    """
    if not path.is_file():
        return None
    reading = Reading(str(path), run=run)
    found = 0
    try:
        found = sum(1 for _ in reading)
    except JournalError as error:
        if error.line is not None:
            raise
    if found not in (0, last):
        hint = "somebody else went on with it: resume it again"
        raise JournalError(str(path), None, f"run '{run}': its last record is {found}, not {last} ({hint})")
    return reading.heads.get(run)


def check_new(path: Path, run: str) -> None:
    """Refuse to begin a run in a file that already holds a run with its id: neither could be read.

    A random id counts as new without a look, so that a log of many runs is not searched for each new run.

    Raises:
        JournalError: the file holds such a run.
        OSError: the file cannot be read.
    """
    if _RANDOM.fullmatch(run) or not path.is_file() or not _mentions(path, b'"run":%s,"seq":1,' % render(run)):
        return
    try:
        holds = any(record.run == run for record in Reading(str(path)))
    except JournalError:  # the file is damaged further on, so nothing more can be found out
        return
    if holds:
        hint = "give the new one an id of its own, or resume the old one"
        raise JournalError(str(path), None, f"it holds a run '{run}' already ({hint})")


def _mentions(path: Path, wanted: bytes) -> bool:
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            seen = rest + block
            if wanted in seen:
                return True
            rest = seen[-len(wanted) :]
    return False


def _place(run: str) -> int:
    return _FIRST + int.from_bytes(sha256(run.encode("utf-8", "surrogatepass")).digest()[:7])


def _locked(number: int, place: int, *, free: bool = False) -> bool:
    """Lock the byte at `place`, or free it; return whether it was not locked by another process."""
    if sys.platform == "win32":
        return True
    import fcntl

    command, layout = getattr(fcntl, "F_OFD_SETLK", None), _LAYOUTS.get(sys.platform)
    if command is None or layout is None:
        return True
    kind = fcntl.F_UNLCK if free else fcntl.F_WRLCK
    numbers = {"h": (kind, os.SEEK_SET), "q": (place, 1), "i": (0,)}
    wanted = [each for letter in dict.fromkeys(layout) for each in numbers[letter]]
    try:
        fcntl.fcntl(number, command, struct.pack(layout, *wanted))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
