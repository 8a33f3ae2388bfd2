"""What every test run does: times no property, records the rows taken, and ends with four numbers."""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stdout

import coverage
import pytest
from hypothesis import HealthCheck, settings

from fsm_runner.pytest_plugin.coverage import coverage_of
from fsm_runner.pytest_plugin.recorder import Recorder
from tests.support.charts import default_chart

pytest_plugins = ["pytester"]
RECORDER = Recorder([default_chart()])

# how fast the machine is, no property depends on
settings.register_profile("untimed", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Watch the machine; and let Ctrl-C through to the processes that tests begin, as a shell's background does not."""
    RECORDER.watch()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Leave the machine as it was."""
    RECORDER.stop()


def transitions() -> str:
    """Return how many rows of the default chart were taken, with those that were not."""
    (covered,) = map(coverage_of, RECORDER.driven)
    missed = ", ".join(sorted(each.row.id for each in covered.rows if not each.times))
    counts = f"{covered.taken} / {len(covered.rows)}"
    return f"{counts}  (not taken: {missed})" if missed else counts


def branches() -> str:
    """Return the share of branches taken so far, or ``not measured`` without coverage."""
    measured = coverage.Coverage.current()
    if measured is None:
        return "not measured (make test measures it)"
    measured.stop()
    report = io.StringIO()
    try:
        with redirect_stdout(report):
            measured.json_report(outfile="-")
    except coverage.exceptions.NoDataError:
        return "nothing to measure"
    totals = json.loads(report.getvalue())["totals"]
    taken, declared = totals["covered_branches"], totals["num_branches"]
    return f"{taken} / {declared}  ({taken / declared:.1%})" if declared else "no branches"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the four numbers."""
    passed = terminalreporter.stats.get("passed", [])
    skipped = terminalreporter.stats.get("skipped", [])
    ran, left = (sum("example" in report.keywords for report in reports) for reports in (passed, skipped))
    terminalreporter.section("four numbers")
    terminalreporter.line(f"tests                         {len(passed)} passed")
    terminalreporter.line(f"branch coverage               {branches()}")
    terminalreporter.line(f"transitions taken / declared  {transitions()}")
    terminalreporter.line(f"documentation examples run    {ran} / {ran + left}")
