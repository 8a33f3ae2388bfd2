"""The runs of the shipped charts go the ways that are kept."""

from __future__ import annotations

import pytest

from fsm_runner.charts.loader import shipped_charts
from tests.charts.shipped.moments import moments
from tests.charts.shipped.ways import FOLDER, written
from tests.charts.shipped.worlds import worlds


@pytest.mark.parametrize("name", shipped_charts())
def test_every_run_goes_the_way_that_is_kept(name):
    """Row by row, to the state in which it ends; `python -m tests.charts.shipped.ways` writes the files."""
    kept = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")

    assert kept.splitlines() == written(name).splitlines()


def test_no_file_is_left_of_a_chart_that_is_not_shipped():
    """One for each."""
    assert sorted(shipped_charts()) == sorted(path.stem for path in FOLDER.iterdir())


def test_no_moment_is_called_like_a_world():
    """One would hide the other."""
    assert set() == worlds().keys() & moments().keys()
