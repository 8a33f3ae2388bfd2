"""Verifying: every event of a journal through the machine again, every derived record compared.

Nothing but the journal is needed: it holds the chart and what the run knew at its start.  The runs of a file are
followed side by side, so memory does not grow with the journal.  A run that was killed conforms up to its last whole
record.  Of a run that was written without its payloads, only the control flow is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import JournalError
from fsm_runner.engine.expected import check_type, listed
from fsm_runner.journal import Record, read
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.loop.facts import Fact
from fsm_runner.replaying.edits import Edits
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.report import Divergence, ReplayReport, RunReport
from fsm_runner.replaying.verifier import RunVerifier, verifier_of
from fsm_runner.replaying.whatif import WhatIf

_LAST = frozenset({"ended", "sealed"})
"""The records after which a run may be over."""


def replay(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    chart: Chart | None = None,
    facts: Iterable[Fact] = (),
) -> ReplayReport:
    """Return whether every derived record of a journal follows from its events, and where not.

    Args:
        source: a path, ``"-"`` for standard input, or an open binary file.
        chart: a chart to replay on instead of the recorded ones; checked by whoever made it.
        facts: facts of the user's own, which the chart asks.

    Raises:
        JournalError: the file or a line of it cannot be read, or it holds no record.
        ChartError: the chart asks a fact that has no code; give it with `facts`.
    """
    check_type("chart", chart, (Chart, type(None)), "a Chart, or None")
    own = listed("facts", facts, "facts", lambda name, each: check_type(name, each, Fact, "a fact, made by @fact"))
    if not hasattr(source, "read"):
        check_type("source", source, (str, os.PathLike), "a journal's file, '-', or an open binary file")
    return Replayer(chart, own).replay(source)


class Replayer:
    """Replays files one after the other; what it compiles serves all of them."""

    def __init__(self, chart: Chart | None = None, facts: tuple[Fact, ...] = (), *, keep: int | None = None) -> None:
        """See `replay`; of the divergences of each run the first `keep` are kept, or all.

        Raises:
            ChartError: `chart` asks a fact that has no code.
        """
        self._machines = Machines("", chart, facts, keep=keep)
        self._edits = Edits()

    def replay(self, source: str | os.PathLike[str] | BinaryIO) -> ReplayReport:
        """Return the report on one journal; see `replay`."""
        reading = read(source)
        machines = self._machines.in_file(reading.source)
        runs: dict[str, RunVerifier | WhatIf | _Closed] = {}
        for record in reading:
            run = runs.get(record.run)
            if run is None:
                runs[record.run] = self._begun(record, machines)
            else:
                run.take(record)
                if record.type in _LAST and not isinstance(run, _Closed) and run.over:
                    runs[record.run] = _Closed(run, machines.source)
        if not runs:
            raise JournalError(reading.source, None, "it holds no record of fsm_runner (is it the right file?)")
        divergences = sorted((each for run in runs.values() for each in run.divergences), key=lambda each: each.line)
        return ReplayReport(
            source=reading.source,
            runs=tuple(run.report() for run in runs.values()),
            divergences=tuple(divergences),
            torn=reading.torn,
        )

    def _begun(self, first: Record, machines: Machines) -> RunVerifier | WhatIf:
        if machines.edited:
            return WhatIf(first, machines, self._edits)
        return verifier_of(first, machines)


class _Closed:
    """A run that is over: what became of it, without all that it knew, so that a log of many takes little memory."""

    def __init__(self, run: RunVerifier | WhatIf, source: str) -> None:
        self.divergences = run.divergences
        self._report = run.report()
        self._source = source

    def report(self) -> RunReport:
        return self._report

    def take(self, record: Record) -> None:
        """Nothing may follow but the seal, and of a run whose effects were not followed, what became of them."""
        loose = self._report.control_only and record.type in ("completed", "failed", "cancelled")
        if not self._report.conforms or record.type == "sealed" or loose:
            return
        self.divergences = [Divergence.of(self._source, record, "", record.type, NOTHING)]
        self._report = replace(self._report, diverges_at=record.seq, kind="value", differs=1)
