"""The plugin: watches from the session's beginning, and reports, draws and judges at its end."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from fsm_runner.charts import load
from fsm_runner.engine.check.names import name_problems
from fsm_runner.engine.errors import ChartError, FsmRunnerError
from fsm_runner.engine.text import counted, why
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.pytest_plugin import ALL, OPTION, coverage_report, percent
from fsm_runner.pytest_plugin.coverage import ChartCoverage, coverage_of, share
from fsm_runner.pytest_plugin.recorder import Driven, Recorder

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import ThemeName
    from fsm_runner.engine.chart import Chart

SENT = "fsm_coverage"
"""Under what name a worker sends what it drove."""

TONES: Mapping[coverage_report.Tone, Mapping[str, bool]] = {"plain": {}, "good": {"green": True}, "bad": {"red": True}}
"""How pytest shows each tone of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done with the coverage: immutable.

    Attributes:
        fail_under: the percentage of rows below which the session fails; None: it does not.
        diagrams: the pictures to draw.
        theme: their theme.
        json: the file to write as JSON; None: none.
    """

    fail_under: float | None
    diagrams: tuple[Path, ...]
    theme: ThemeName
    json: Path | None

    @classmethod
    def of(cls, config: pytest.Config) -> Wanted:
        """Return what the options and the configuration file say.

        Raises:
            UsageError: nothing is recorded, a diagram cannot be drawn, or what is declared is no percentage.
        """
        if config.getoption("fsm_coverage") is None:
            raise pytest.UsageError(f"{OPTION}-...: nothing is recorded to report on (add {OPTION})")
        here = config.invocation_params.dir
        diagrams = tuple(here / name for name in config.getoption("fsm_coverage_diagram") or ())
        for path in diagrams:
            if problem := coverage_report.picture_problem(path):
                raise pytest.UsageError(f"{OPTION}-diagram: '{path.name}': {problem}")
        written = config.getoption("fsm_coverage_json")
        return cls(
            fail_under=_fail_under(config),
            diagrams=diagrams,
            theme=config.getoption("fsm_coverage_theme"),
            json=None if written is None else here / written,
        )


class Coverage:
    """The hooks of a session with coverage."""

    def __init__(self, config: pytest.Config, wanted: Wanted, charts: dict[str, Chart], *, others: bool) -> None:
        self.config = config
        self.wanted = wanted
        self.names = charts
        self.recorder = Recorder(charts.values(), others=others)
        self.charts: tuple[ChartCoverage, ...] = ()
        self.problems: list[str] = []
        self.tests = 0

    @classmethod
    def begin(cls, config: pytest.Config) -> None:
        """Watch from now on.

        Raises:
            UsageError: an option or the configuration file cannot be followed.
        """
        wanted = Wanted.of(config)
        if config.getoption("collectonly"):
            return
        names, others = _asked(config)
        coverage = cls(config, wanted, {name: _chart(config, name) for name in names}, others=others)
        config.pluginmanager.register(coverage, "fsm_runner coverage")
        coverage.recorder.watch()

    def pytest_unconfigure(self) -> None:
        """Leave the machine as it was."""
        self.recorder.stop()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests that ran, here or in a worker."""
        self.tests += report.when == "call"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add what a worker of pytest-xdist drove."""
        sent = getattr(node, "workeroutput", {}).get(SENT)
        if sent is None:
            self.problems.append("a worker ended early, so what its tests drove is not counted")
            return
        for driven in cast("tuple[Driven, ...]", pickle.loads(sent)):
            self.recorder.add(driven)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what was driven, or write it and judge it."""
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[SENT] = pickle.dumps(self.recorder.driven)
            return
        self.charts = tuple(self._covered())
        driven_by = counted(self.tests, "test")
        try:
            for path in self.wanted.diagrams:
                coverage_report.write_picture(path, self.charts, theme=self.wanted.theme, driven_by=driven_by)
            if self.wanted.json is not None:
                coverage_report.write_json(self.wanted.json, self.charts)
        except OSError as error:
            self.problems.append(f"{error.filename}: cannot be written: {why(error)}")
        except FsmRunnerError as error:
            self.problems.append(str(error))
        if self.problems or self._failed:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was driven."""
        terminalreporter.section("coverage of charts")
        for text, tone in coverage_report.lines(self.charts, verbosity=self.config.getoption("verbose")):
            terminalreporter.line(text, **TONES[tone])
        for problem in self.problems:
            terminalreporter.line(f"coverage of charts: {problem}", red=True)
        if self._failed:
            under = f"{self.wanted.fail_under:g} %"
            share = coverage_report.share_text(self.charts)
            text = f"coverage of charts: {share} of the rows were taken, fewer than {under}"
            terminalreporter.line(text, red=True, bold=True)

    @property
    def _failed(self) -> bool:
        return self.wanted.fail_under is not None and share(self.charts) < self.wanted.fail_under

    def _covered(self) -> Iterator[ChartCoverage]:
        asked = {id(chart): name for name, chart in self.names.items()}
        used: Counter[str] = Counter()
        for driven in self.recorder.driven:
            name = driven.chart.name
            used[name] += 1
            numbered = name if used[name] == 1 else f"{name}-{used[name]}"
            yield coverage_of(driven, name=numbered, asked=asked.get(id(driven.chart)))


def _asked(config: pytest.Config) -> tuple[tuple[str, ...], bool]:
    """Return the charts that were asked for, and whether all others count, too."""
    names: list[str] = config.getoption("fsm_coverage")
    declared: list[str] = config.getini("fsm_coverage_charts")
    if ALL not in names:
        return tuple(dict.fromkeys(names)), False
    return tuple(dict.fromkeys([*filter(None, names), *declared])), not declared


def _chart(config: pytest.Config, name: str) -> Chart:
    """Return the chart called `name`: a file, seen from here or from the configuration file, or a shipped chart."""
    root = config.rootpath / name
    try:
        path = root if root.is_file() and not Path(name).is_file() else name
        chart = load(path, verify=False)
        if any(name_problems(chart, VOCABULARY)):
            load(path)
    except ChartError as error:
        raise pytest.UsageError(f"{OPTION}: {error}") from error
    return chart


def _fail_under(config: pytest.Config) -> float | None:
    given: float | None = config.getoption("fsm_coverage_fail_under")
    declared = config.getini("fsm_coverage_fail_under")
    if given is not None or not declared:
        return given
    try:
        return percent(declared)
    except ValueError:
        problem = f"fsm_coverage_fail_under: '{declared}' is no percentage (from 0 to 100)"
        raise pytest.UsageError(problem) from None
