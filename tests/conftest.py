"""What every test run does: times no property, records the rows taken, and ends with four numbers.

Under pytest-xdist each worker sends the rows that it took and saves what it measured when it ends; the process that
leads the workers adds both up.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
from collections.abc import Generator
from contextlib import redirect_stdout
from typing import cast

import coverage
import pytest
from hypothesis import HealthCheck, settings

from fsm_runner.pytest_plugin.coverage import coverage_of
from fsm_runner.pytest_plugin.recorder import Driven, Recorder
from tests.support.charts import default_chart

pytest_plugins = ["pytester"]
RECORDER = Recorder([default_chart()])
SENT = "rows_taken"
"""Under what name a worker sends the rows that its tests took."""

# no property depends on how fast the machine is; a quick run draws few examples, CI and `make thorough` many
settings.register_profile("thorough", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "thorough" if os.environ.get("CI") else "quick"))

if "PYTEST_XDIST_WORKER" in os.environ:  # workers are measured, and not the processes that their tests begin
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_configure() -> None:
    """Watch the machine; and let Ctrl-C through to the processes that tests begin, as a shell's background does not."""
    RECORDER.watch()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Leave the machine as it was."""
    RECORDER.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a worker send what a test logged: pytest-xdist cannot send text with unpaired surrogates."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "replace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker, send the rows taken and save what was measured, for a worker ends without Python's own goodbye."""
    output = getattr(session.config, "workeroutput", None)
    if output is None:
        return
    output[SENT] = pickle.dumps(RECORDER.driven)
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.stop()
        measured.save()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add the rows that a worker took."""
    sent = getattr(node, "workeroutput", {}).get(SENT)
    for driven in cast("tuple[Driven, ...]", pickle.loads(sent) if sent else ()):
        RECORDER.add(driven)


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
        measured.save()
        with redirect_stdout(io.StringIO()):
            measured.combine()  # what the workers have measured
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
