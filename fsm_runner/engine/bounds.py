"""Bounds: how large a chart may be, so that a check ends in seconds.

Each is far from any chart that a person reads: the default one has 13 states, 46 rows and 480 combinations.  A larger
chart is refused with the number and the bound.  A program that needs more sets it before a chart is checked:

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
