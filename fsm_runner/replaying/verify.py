"""Verifying: every event of a journal through the machine again, every derived record compared.

Nothing but the journal is needed: it holds the chart and what the run knew at its start.  The runs of a file are
followed side by side, so memory does not grow with the journal.  A run that was killed conforms up to its last whole
record.  Of a run that was written without its payloads, only the control flow is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import BinaryIO

from fsm_runner.core.chart import Chart
from fsm_runner.core.errors import JournalError
from fsm_runner.core.facts import Fact
from fsm_runner.journal import read
from fsm_runner.replaying.control import ControlRun, lacks_payloads
from fsm_runner.replaying.follow import Machines, Run
from fsm_runner.replaying.report import ReplayReport


def replay(
    source: str | os.PathLike[str] | BinaryIO, *, chart: Chart | None = None, facts: Iterable[Fact] = ()
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
    reading = read(source)
    machines = Machines(reading.source, chart, tuple(facts))
    runs: dict[str, Run | ControlRun] = {}
    for record in reading:
        run = runs.get(record.run)
        if run is None:
            made = ControlRun if lacks_payloads(record) else Run
            runs[record.run] = made(record, machines)
        else:
            run.take(record)
    if not runs:
        raise JournalError(reading.source, None, "it holds no record of fsm_runner (is it the right file?)")
    divergences = sorted((each for run in runs.values() for each in run.divergences), key=lambda each: each.line)
    return ReplayReport(
        source=reading.source,
        runs=tuple(run.report() for run in runs.values()),
        divergences=tuple(divergences),
        torn=reading.torn,
    )
