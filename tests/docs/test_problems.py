"""The page of problems is what the code and the broken charts say now."""

from __future__ import annotations

from fsm_runner.engine.check import CODES
from fsm_runner.engine.check.codes import NOTES
from tests.charts.conftest import broken_charts
from tools.problems import PAGE, examples, page


def test_the_page_is_fresh():
    """Every code with its way out, and what it looks like."""
    assert "".join(page()) == PAGE.read_text(encoding="utf-8")


def test_every_code_has_an_example():
    """Those that no small text shows, too."""
    assert set(CODES) == set(examples())


def test_notes_are_told_apart():
    """The codes of the broken charts that can run."""
    assert {chart.code for chart in broken_charts() if chart.note} == NOTES
