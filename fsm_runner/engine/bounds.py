"""Bounds: how large a chart may be, so that its check ends within seconds.

They are far above what a person can read: the default chart has 13 states, 46 rows and 480 combinations.  A larger
chart is refused.  A program that needs more raises the bound before it loads the chart:

    fsm_runner.engine.bounds.ROWS = 20_000
"""

from __future__ import annotations

__all__ = ["COMBINATIONS", "ROWS", "STATES"]

STATES = 1_000
"""The most states of a chart."""

ROWS = 4_000
"""The most rows of a chart."""

COMBINATIONS = 1 << 20
"""The most combinations of answers that one table may depend on; a set of so many takes 128 KiB."""
