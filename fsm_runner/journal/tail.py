"""The tail: the end of a journal's file, checked before each write; and the half lines that killed processes leave."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from fsm_runner.journal.chain import LAST

_BLOCK = 65_536
_HINT = "(rename it to rotate it; its messages can begin another run: runner.messages)"


class Tail:
    """The place where this journal's file ended after its last write: mutable.

    Attributes:
        unfinished: how many bytes of an unfinished line are at the end of the file, as far as is known.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Look at `file`, which is `path`, open for reading and appending."""
        self._number = file.fileno()
        self._path = path
        self._last = self._read(LAST, self._place())
        self.unfinished = self._unfinished(self._place())

    def wrote(self, line: bytes) -> None:
        """Remember that `line` was written; only its last bytes are needed."""
        self._last = line[1 - LAST :] + b"\n"
        self.unfinished = 0

    def problem(self) -> str:
        """Check the file; return what happened to it, or an empty text if all is well.

        Raises:
            OSError: it cannot be read.
        """
        about, place = os.fstat(self._number), self._place()
        if not about.st_nlink:
            return f"it was deleted while the run went on {_HINT}"
        if about.st_size == place:
            return ""
        if about.st_size < place:
            return f"it was truncated while the run went on {_HINT}"
        if self._read(len(self._last), place) != self._last:
            return f"it was overwritten while the run went on {_HINT}"
        self.unfinished = self._unfinished(about.st_size)
        return ""

    def _unfinished(self, size: int) -> int:
        """Return how many of the file's `size` bytes follow its last whole line."""
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
        """Return where the last line that was written ends; before the first, where the file ended when opened."""
        return os.lseek(self._number, 0, os.SEEK_CUR)

    def _read(self, size: int, end: int) -> bytes:
        """Return the last bytes before `end`, at most `size`."""
        start = max(0, end - size)
        if hasattr(os, "pread"):
            return os.pread(self._number, end - start, start)
        with self._path.open("rb") as file:  # on Windows, where an open file cannot be renamed
            file.seek(start)
            return file.read(end - start)


OURS = re.compile(rb'\{"v":\d+,"run":')
"""The first bytes of a record, as the writer makes them."""

MOST_STARTS = 1_000
"""At most so many places in one line are tried as the beginning of a record; only a forged line has more."""

_HEAD = b'{"v":1,"run":'
_SHORTS = b"(?:" + b"|".join(re.escape(_HEAD[:size]) for size in range(len(_HEAD) - 1, 0, -1)) + b")"
_SHORT = re.compile(_SHORTS + b"+")
_BEHIND = re.compile(_SHORTS + b"*(?:" + OURS.pattern + b"|$)")
"""What may follow a whole record on its line: remains of others, and perhaps the beginning of one more."""
_LONGEST_SIGN = len(b"\\u00e9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """A line that was not written to its end: immutable.

    Attributes:
        line: its line in the file, counted from 1.
        size: how many bytes of it there are.
    """

    line: int
    size: int


class Piece(NamedTuple):
    """A part of a line: immutable.

    Attributes:
        body: its bytes, without the line's end.
        whole: whether it is a whole record; else a killed process left it unfinished.
    """

    body: bytes
    whole: bool


def pieces(line: bytes, continues: Callable[[bytes], bool]) -> list[Piece] | None:
    """Return the parts of a line that is not JSON; None if the line is damaged rather than torn.

    Args:
        line: its bytes, without its end.
        continues: whether a piece of JSON is the next record of its run.
    """
    found: list[Piece] = []
    starts = [at.start() for at in OURS.finditer(line, 1)][:MOST_STARTS]
    begin = 0
    while begin < len(line):
        wrong = begin + _wrong_at(line[begin:])
        if _is_json(line[begin:wrong]):
            rest = line[wrong:]
            if not continues(line[begin:wrong]) or not _BEHIND.match(rest):
                return None
            found.append(Piece(line[begin:wrong], whole=True))
            begin = wrong
            continue
        end = _end_of_torn(line, begin, wrong, [at for at in starts if begin < at], continues)
        if end is None:
            return None
        found.append(Piece(line[begin:end], whole=False))
        begin = end
    return found


def is_short(piece: bytes) -> bool:
    """Whether `piece` may be the first bytes of one or more records: too few to tell that they are ours."""
    return _SHORT.fullmatch(piece) is not None


def _end_of_torn(
    line: bytes, begin: int, wrong: int, starts: list[int], continues: Callable[[bytes], bool]
) -> int | None:
    """Return where the torn piece at `begin` ends, in a line that stops being JSON at `wrong`; None if damaged."""
    ends = [len(line)]
    for at in starts:
        if at > wrong + _LONGEST_SIGN + len(_HEAD):
            break
        whole = line[at : at + _wrong_at(line[at:])]
        if not _is_json(whole):
            ends.insert(0 if wrong < len(line) else 1, at)
        elif continues(whole) and _is_torn(line[begin:at]):
            return at
    return next((at for at in ends if _is_torn(line[begin:at])), None)


def _is_torn(piece: bytes) -> bool:
    """Whether `piece` is a record that only lacks its end; the first bytes of others may follow."""
    end = len(piece)
    while end and not _lacks_its_end(piece[:end]):
        end = piece.rfind(b"{", 0, end)
        if end < 0 or not is_short(piece[end:]):
            return False
    return True


def _lacks_its_end(piece: bytes) -> bool:
    return _wrong_at(piece) == len(piece) and not _is_json(piece)


def _is_json(piece: bytes) -> bool:
    try:
        orjson.loads(piece)
    except orjson.JSONDecodeError:
        return False
    return True


def _wrong_at(piece: bytes) -> int:
    """Return where `piece` stops being one JSON value; its size if it is one, or only lacks its end."""
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        if error.end < len(piece):
            return error.start
        text = piece[: error.start].decode()  # the cut is inside a character
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return len(piece) if error.pos >= len(text) else len(text[: error.pos].encode())
    return len(piece)
