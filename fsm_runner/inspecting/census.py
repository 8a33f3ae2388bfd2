"""The census: which runs a file holds, each as a summary, in one reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsm_runner.engine.errors import JournalError
from fsm_runner.inspecting.data import Summary
from fsm_runner.inspecting.telling import Telling
from fsm_runner.journal import Reading, Torn


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run of a file: immutable.

    Attributes:
        summary: what it adds up to.
        last: where its last record stands, counted from 1.
    """

    summary: Summary
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The runs of a file: immutable.

    Attributes:
        runs: by id, in the order in which they begin.
        mixed: whether records of one run stand between those of another.
        torn: the lines that were not written to their end.
        problem: why it could not be read to its end; None when it could.
    """

    runs: Mapping[str, Found]
    mixed: bool
    torn: tuple[Torn, ...]
    problem: JournalError | None


def census(reading: Reading) -> Census:
    """Return which runs `reading` holds, up to the first line that cannot be read.

    Raises:
        JournalError: the file as a whole cannot be read.
    """
    tellings: dict[str, Telling] = {}
    last: dict[str, int] = {}
    current, mixed, problem = None, False, None
    try:
        for record in reading:
            if record.run not in tellings:
                tellings[record.run] = Telling(reading.source, record)
            else:
                tellings[record.run].take(record, reading.line)
                mixed = mixed or record.run != current
            current = record.run
            last[record.run] = record.line
    except JournalError as error:
        if error.line is None:
            raise
        problem = error
    runs = {run: Found(summary=telling.summary(), last=last[run]) for run, telling in tellings.items()}
    return Census(runs=runs, mixed=mixed, torn=reading.torn, problem=problem)
