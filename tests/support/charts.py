"""The default chart, as the tests load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fsm_runner.charts import load
from fsm_runner.engine.chart import Chart

FILE = Path(__file__).parents[2] / "states.yaml"


@cache
def default_chart() -> Chart:
    """The chart of ``states.yaml``."""
    return load(FILE)
