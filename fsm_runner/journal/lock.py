"""The lock: one writer of a run at a time."""

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
"""Where the locked bytes begin: no file is as long, and as many again are there for the ids."""

_LAYOUTS = {"linux": "hhqqi", "darwin": "qqihh"}
"""The C structure `flock` by platform: its five numbers, of which the owner's is 0.  Source: fcntl(2)."""

_RANDOM = re.compile("[0-9a-f]{32}")
_BLOCK = 1 << 20


class RunLock:
    """A run's place at the end of a file: mutable, for another may take it.

    Attributes:
        file: what holds it, for as long as that is open.
        lost: whether another journal of this process has it now.
    """

    def __init__(self, file: BinaryIO, place: int | None) -> None:
        """RunLock it with `file`; `place`: the byte that is to be locked, if any."""
        self.file = file
        self.lost = False
        self._place = place
        self._process = os.getpid()

    def is_taken(self) -> bool:
        """Take it; return whether nobody else has it."""
        return self._place is None or _locked(self.file.fileno(), self._place)

    def close(self) -> None:
        """Let go, and close the file.

        A process forked meanwhile has a copy of it, which would go on holding; and one that ends must not let go.

        Raises:
            OSError: what is left to write cannot be written.
        """
        if self._place is not None and self._process == os.getpid() and not self.file.closed:
            _locked(self.file.fileno(), self._place, free=True)
        self.file.close()

    def lose(self) -> None:
        """Let go for another."""
        self.lost = True
        self.close()

    def leave(self) -> None:
        """Close this process's copy of the file, which another process holds; write nothing that is not written yet."""
        getattr(self.file, "raw", self.file).close()


_holds: WeakValueDictionary[tuple[int, int, str], RunLock] = WeakValueDictionary()
_one_at_a_time = threading.Lock()


def _leave_to_the_parent() -> None:
    """In a forked process: only the process that opened a journal writes it, and holds its run."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()  # another thread may have had it, which is not here
    for hold in [*_holds.values()]:
        hold.leave()
    _holds.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)


def held(file: BinaryIO, path: Path, run: str) -> RunLock:
    """RunLock `run` in `file`, which is `path`, open to be written; what is no file in a folder is everyone's.

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
    """Return the hash of the last record of `run` in the file at `path`; None when it has none.

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
    """Refuse to begin a run in a file that holds one of that id: nobody could read either.

    A random id is taken for new without a look, so that a log of many runs is not searched for each.

    Raises:
        JournalError: the file holds it.
        OSError: the file cannot be read.
    """
    if _RANDOM.fullmatch(run) or not path.is_file() or not _mentions(path, b'"run":%s,"seq":1,' % render(run)):
        return
    try:
        holds = any(record.run == run for record in Reading(str(path)))
    except JournalError:  # of a damaged file no more can be told
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
    """Lock the byte at `place`, or free it; return whether nobody else has it."""
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
