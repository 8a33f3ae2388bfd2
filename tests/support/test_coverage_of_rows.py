"""The count of rows taken."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fsm_runner.core.chart import Chart, Row, State
from tests.support.coverage_of_rows import Recorder


def chart_of(*rows: str) -> Chart:
    """A chart with one state that has `rows`."""
    return Chart(
        name="small",
        initial="here",
        states=(State(name="here", phase="done", always=tuple(Row(id=row, target="here") for row in rows)),),
    )


@dataclass
class Taken:
    """A transition."""

    row: str


@dataclass
class Step:
    """A step of one transition."""

    transitions: list[Taken]


@dataclass
class Machine:
    """A machine that takes the row it is told."""

    chart: Chart = field(default_factory=lambda: chart_of("first", "second"))

    def start(self, row: str) -> Step:
        """Take `row`."""
        return Step([Taken(row)])

    def step(self, snapshot: None, row: str) -> Step:
        """Take `row`."""
        return Step([Taken(row)])


@pytest.fixture
def recorder(monkeypatch):
    """A recorder that watches `Machine`."""
    recorder = Recorder()
    recorder.watch(Machine, chart_of("first", "second"), monkeypatch)
    return recorder


def test_nothing_is_claimed_before_anything_is_watched():
    """Without a chart there is no number, rather than a good one."""
    assert "not recorded" == Recorder().summary()


def test_rows_that_nothing_took_are_named(recorder):
    """A row counts once, however often it is taken, and the others are listed."""
    machine = Machine()
    machine.start("first")
    machine.step(None, "first")

    assert "1 / 2  (not taken: second)" == recorder.summary()


def test_both_ways_to_step_count(recorder):
    """A machine's start takes rows as well as its steps do, and both still return what they did."""
    machine = Machine()

    assert Step([Taken("first")]) == machine.start("first")
    assert Step([Taken("second")]) == machine.step(None, "second")
    assert "2 / 2" == recorder.summary()


def test_another_chart_does_not_count(recorder):
    """A test's own little chart proves nothing about the watched one, even where ids agree."""
    Machine(chart_of("first")).start("first")

    assert set() == recorder.taken
