"""The charts: from a file to a `Chart`, with every problem at its line and column, and those that come with us."""

from __future__ import annotations

from fsm_runner.charts.loader import find_chart, load, loads

__all__ = ["find_chart", "load", "loads"]
