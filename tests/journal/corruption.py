"""Corruption: a journal with one byte changed, or cut off, in every way there is; run as a script, all of them.

    python -m tests.journal.corruption [records]

Why it is enough to look at a changed line and the two that follow.  Verifying goes line by line, and all that it keeps
of a line are the run, the number, the hash and what the seal is worth.  So of all that stands before the changed line
it keeps the same, and a flaw that was found is never taken back by what comes later.  Each change is therefore verified
in the place where it is, after what was found of the lines before it, which are verified once.

Why a change is seen.  ``prev`` is the SHA-256 of the exact bytes of the line before, so a changed byte within a line
changes the hash that the next must carry; and the seal of the last line is an HMAC over all of it that comes before the
seal.  What neither covers are the bytes of the seal itself and the ends of lines: they are what the script and the
tests try in all 255 other values.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Verification, read, verify
from fsm_runner.loop.events import Appended, Continued, Replied
from tests.journal.worlds import Life, recorded, text

KEY = b"k" * 32

NEAR = 3
"""Lines that are looked at: the changed one, that which is joined to it when its end is changed, and one more."""


def long(records):
    """Something that makes a run of so many records."""

    def live(journal):
        life = Life(journal)
        for number in range(records - 8):
            life.tell(Appended(messages=({"role": "user", "content": f"é{number}"},)))
        life.tell(Continued()).perform(Replied(message=text()))

    return live


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a journal, with what was found of all before it: immutable.

    Attributes:
        lines: this line and the ones after it that matter, with their ends.
        before: what was found of the lines before it; None at the first.
        last: whether `lines` reach to the journal's end.
    """

    lines: tuple[bytes, ...]
    before: Verification | None
    last: bool

    def is_found(self, data: bytes) -> bool:
        """Whether verifying finds a flaw in `data`, which stands in place of the lines; and reading does not crash.

        Raises:
            JournalError: reading says that something is wrong, and not in which line.
        """
        after = {} if self.before is None else {run.run: run.records for run in self.before.runs}
        try:
            for _ in read(io.BytesIO(data), after=after):
                pass
        except JournalError as error:
            if error.line is None:
                raise
        try:
            return not verify(io.BytesIO(data), KEY, unsealed=not self.last, since=self.before).intact
        except JournalError as error:
            return error.line is None and "no record" in error.problem

    def changed(self, at: int, value: int) -> bytes:
        """The lines with another byte `at` a place of the first."""
        data = b"".join(self.lines)
        return data[:at] + bytes([value]) + data[at + 1 :]


def places(data: bytes) -> Iterator[Place]:
    """Yield each line of a journal as a place."""
    lines = data.splitlines(keepends=True)
    before = None
    for number, line in enumerate(lines):
        yield Place(lines=tuple(lines[number : number + NEAR]), before=before, last=number + NEAR >= len(lines))
        before = verify(io.BytesIO(line), KEY, unsealed=True, since=before)


def bytes_of(place: Place, values: Iterable[int] = range(256)) -> Iterator[tuple[int, int]]:
    """Yield each place of the first line with each of `values` that does not stand there."""
    for at, there in enumerate(place.lines[0]):
        for value in values:
            if value != there:
                yield at, value


@dataclass
class Count:
    """What was tried: mutable."""

    tried: int = 0
    missed: list[object] = field(default_factory=list)

    def take(self, found: bool, about: object) -> None:
        """Count one."""
        self.tried += 1
        if not found:
            self.missed.append(about)


def cuts(data: bytes) -> Count:
    """Cut a journal off after every number of bytes."""
    count = Count()
    for place in places(data):
        for size in range(len(place.lines[0])):
            if place.before is None or size:  # cut between two lines, it ends with the one before
                cut = Place(lines=(place.lines[0],), before=place.before, last=True)
                count.take(cut.is_found(place.lines[0][:size]), (place.lines[0], size))
            else:
                count.take(not verify(io.BytesIO(), KEY, since=place.before).intact, (place.lines[0], 0))
    return count


def main(records: int) -> int:
    """Try all, and print what was found; return 1 when something was missed."""
    data, began = recorded(long(records), key=KEY), time.perf_counter()
    cut, changed = cuts(data), Count()
    for number, place in enumerate(places(data), start=1):
        for at, value in bytes_of(place):
            changed.take(place.is_found(place.changed(at, value)), (number, at, value))
        print(f"\rline {number} of {records}", end="", flush=True)
    print(f"\r{records} records, {len(data):,} bytes, {time.perf_counter() - began:,.0f} s")
    for name, count in (("truncations", cut), ("changed bytes", changed)):
        print(f"{name}: {count.tried:,} tried, {count.tried - len(count.missed):,} found, missed: {count.missed[:5]}")
    return int(bool(cut.missed or changed.missed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
