"""Journals as arguments of a command: files that can be read more than once, and the runs in them."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import IO, TYPE_CHECKING, Protocol

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.screen import shortened
from fsm_runner.inspecting import Census, Entries, Entry, Header, Summary, census
from fsm_runner.journal import Reading

if TYPE_CHECKING:
    from typing_extensions import Buffer

SHOWN = 10
"""How many runs a message names."""


class Shows(Protocol):
    """Whatever shows runs, one after another."""

    def begin(self, header: Header, states: Iterable[str], rows: Iterable[str]) -> None:
        """Show how a run began."""

    def entry(self, entry: Entry) -> None:
        """Show one thing that happened."""

    def end(self, summary: Summary) -> None:
        """Show the summary of a run."""


class OpenedJournal(Protocol):
    """Begins to read a journal, from its start."""

    def __call__(self, *, run: str | None = None) -> Reading:
        """Return the records of `run`; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A journal: immutable.

    Attributes:
        name: as it was given.
        opened: begins to read it, as often as it is asked; one run of it, or all.
        census: the runs that it holds.
    """

    name: str
    opened: OpenedJournal
    census: Census

    @property
    def runs(self) -> Mapping[str, Summary]:
        """Each run as a summary, by id."""
        return {run: found.summary for run, found in self.census.runs.items()}


def source_of(name: str) -> Source:
    """Return the journal that `name` names; ``-`` is standard input, of which a copy is kept on disk.

    Raises:
        JournalError: it cannot be opened.
        Exit: it holds no run.
    """
    opened = _copied() if name == "-" else partial(Reading, name)
    found = census(opened())
    if found.problem is not None and not found.runs:
        raise found.problem
    if not found.runs:
        raise Exit(f"{'<stdin>' if name == '-' else name}: it holds no run (is it the right file?)")
    return Source(name=name, opened=opened, census=found)


def _copied() -> OpenedJournal:
    file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as what opens it
    shutil.copyfileobj(sys.stdin.buffer, file)

    def opened(*, run: str | None = None) -> Reading:
        return Reading("<stdin>", io.BufferedReader(_FromStart(file)), run=run)

    weakref.finalize(opened, file.close)
    return opened


class _FromStart(io.RawIOBase):
    """A file, read from its start whatever else reads it meanwhile."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        self._file.seek(self._place)
        piece = self._file.read(len(view))
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


def play(source: Source, to: Shows, only: str | None = None) -> None:
    """Show the runs of `source`, or only one; where runs are mixed, each as its last record is reached.

    Raises:
        JournalError: a line cannot be read; what stands before it was shown.
    """
    chosen = {run: found for run, found in source.census.runs.items() if only in (None, run)}
    live = not source.census.mixed or only is not None
    tellings: dict[str, Entries] = {}
    held: dict[str, list[Entry]] = {}
    until = max((found.last for found in chosen.values()), default=0)
    reading = source.opened()
    for record in reading:
        run = record.run
        if record.line > until:
            return
        if run not in chosen:
            continue
        if run not in tellings:
            tellings[run], held[run] = Entries(reading.source, record), []
            entries: tuple[Entry, ...] = ()
            if live:
                to.begin(tellings[run].header, *_names(chosen[run].summary))
        else:
            entries = tellings[run].take(record, reading.line)
        last = record.line == chosen[run].last
        held[run] += (*entries, *(tellings[run].rest() if last else ()))
        if not live and last:
            to.begin(tellings[run].header, *_names(chosen[run].summary))
        if live or last:
            for entry in held[run]:
                to.entry(entry)
            held[run].clear()
        if last:
            to.end(tellings.pop(run).summary())


def _names(summary: Summary) -> tuple[Iterable[str], Iterable[str]]:
    totals = summary.totals
    return {*totals.states, *totals.visits}, totals.rows


def run_in(sources: Iterable[Source], run: str) -> None:
    """Check that one of `sources` holds `run`.

    Raises:
        Exit: none does.
    """
    known = [id for source in sources for id in source.census.runs]
    if run in known:
        return
    near = get_close_matches(run, known, n=1)
    hint = f"did you mean '{shortened(near[0], 100)}'?" if near else f"there is: {run_names(known)}"
    raise Exit(f"--run '{run}': there is no such run ({hint})")


def run_names(runs: Iterable[str]) -> str:
    """Return the first of `runs` and how many more there are."""
    known = [f"'{shortened(run, 100)}'" for run in runs]
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more
