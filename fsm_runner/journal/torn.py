"""Torn: what a killed process left of a record.

A torn piece is known by its end: it is JSON as far as it goes, and something is missing.  A line that is wrong anywhere
else is damaged, which is another thing.

A process that writes to the same file may have written its record right behind the piece, on the same line:

    {"v":1,"run":"a","seq":7,"type":"eve{"v":1,"run":"b","seq":4,"type":"completed",...}

Where a record may begin is seen by how the writer begins each.  No text inside a record looks so, for JSON escapes the
quotes in it.  An object inside a record may, so the reader takes what it finds only for what comes next in its run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

OURS = re.compile(rb'\{"v":\d+,"run":')
"""How the writer begins a record."""

MOST_STARTS = 1_000
"""Places in one line where a record may begin that are looked at, at most: there are more only in a forged line."""

_HEAD = b'{"v":1,"run":'
_SHORTS = b"(?:" + b"|".join(re.escape(_HEAD[:size]) for size in range(len(_HEAD) - 1, 0, -1)) + b")"
_SHORT = re.compile(_SHORTS + b"+")
_BEHIND = re.compile(_SHORTS + b"*(?:" + OURS.pattern + b"|$)")
"""What may stand behind a whole record: what is left of others, and perhaps the beginning of one more."""
_LONGEST_SIGN = len(b"\\u00e9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """A line that was not written to its end: immutable.

    Attributes:
        line: where it stands in the file, counted from 1.
        size: how many bytes of it there are.
    """

    line: int
    size: int


class Piece(NamedTuple):
    """A part of a line: immutable.

    Attributes:
        body: its bytes, without the line's end.
        whole: whether it is a record; else a killed process left it.
    """

    body: bytes
    whole: bool


def pieces(line: bytes, continues: Callable[[bytes], bool]) -> list[Piece] | None:
    """Return the parts of a line that is not JSON; None when it is damaged, not torn.

    Args:
        line: its bytes, without its end.
        continues: whether JSON is the record that comes next in its run.
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
    """Whether a killed process may have left `piece` of a record, or several: so little that it looks like nobody's."""
    return _SHORT.fullmatch(piece) is not None


def _end_of_torn(
    line: bytes, begin: int, wrong: int, starts: list[int], continues: Callable[[bytes], bool]
) -> int | None:
    """Where the torn piece at `begin` ends, in a line that stops to be JSON at `wrong`; None when it is damaged."""
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
    """Whether `piece` is a record that only lacks its end, which may be followed by the first bytes of others."""
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
    """Where `piece` stops to be one JSON value: its size, when it is one, or only lacks the rest."""
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        if error.end < len(piece):
            return error.start
        text = piece[: error.start].decode()  # cut within a letter
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return len(piece) if error.pos >= len(text) else len(text[: error.pos].encode())
    return len(piece)
