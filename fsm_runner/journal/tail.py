"""The tail: the end of a journal's file, looked at before each input and effect is written.

Other runs may have written to the file meanwhile, and been killed within a line.  Other programs may have truncated
it, as logrotate's ``copytruncate`` and the shell's ``>`` do, or deleted it: then what this run has written is gone, and
what is still to be written could never be read.  A file that was renamed holds all of it, and takes the rest.

A look is one question to the operating system, as long as nobody else writes to the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from fsm_runner.journal.chain import LAST

_BLOCK = 65_536
_WAY_OUT = "(rename it to rotate it; its messages can begin another run: runner.messages)"


class Tail:
    """Where this journal's file ended when it was last written to: mutable.

    Attributes:
        unfinished: how many bytes at the end of the file a killed process left of a line, as far as is known.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Look at `file`, which is `path`, open to be read and written at its end."""
        self._number = file.fileno()
        self._path = path
        self._last = self._read(LAST, self._place())
        self.unfinished = self._unfinished(self._place())

    def wrote(self, line: bytes) -> None:
        """Remember that `line` was written; its end is enough."""
        self._last = line[1 - LAST :] + b"\n"
        self.unfinished = 0

    def problem(self) -> str:
        """Look at the file; return what became of it, and nothing when all is well.

        Raises:
            OSError: it cannot be read.
        """
        about, place = os.fstat(self._number), self._place()
        if not about.st_nlink:
            return f"it was deleted while the run went on {_WAY_OUT}"
        if about.st_size == place:
            return ""
        if about.st_size < place:
            return f"it was truncated while the run went on {_WAY_OUT}"
        if self._read(len(self._last), place) != self._last:
            return f"it was overwritten while the run went on {_WAY_OUT}"
        self.unfinished = self._unfinished(about.st_size)
        return ""

    def _unfinished(self, size: int) -> int:
        """How many of the file's `size` bytes follow the end of its last whole line."""
        block, start = 1, size
        while start:
            read = self._read(block, start)
            start -= len(read)
            end = read.rfind(b"\n")
            if end >= 0 or not read:
                return size - (start + end + 1)
            block = _BLOCK
        return size

    def _place(self) -> int:
        """Where the last line that was written to the file ends; at first, where the file did."""
        return os.lseek(self._number, 0, os.SEEK_CUR)

    def _read(self, size: int, end: int) -> bytes:
        """The last bytes before `end`, `size` at most."""
        start = max(0, end - size)
        if hasattr(os, "pread"):
            return os.pread(self._number, end - start, start)
        with self._path.open("rb") as file:  # on Windows, where nobody can rename what is open
            file.seek(start)
            return file.read(end - start)
