"""Counting: a number with its noun."""

from __future__ import annotations

import pytest

from fsm_runner.engine.text import clipped, counted, duration


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (999, "999 runs"), (1_200, "1,200 runs")]
)
def test_a_noun_is_singular_for_one_alone_and_thousands_are_parted(number, expected):
    """None is many, as in English."""
    assert expected == counted(number, "run")


def test_a_text_is_clipped_beyond_its_bound():
    """At the bound it is whole."""
    assert ("abc", "ab…") == (clipped("abc", 3), clipped("abcd", 3))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 ms"), (0.12, "120 ms"), (0.9996, "1.0 s"), (8.14, "8.1 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s"),
        (3599.7, "1 h 0 min"), (3780, "1 h 3 min"),
    ],
)  # fmt: skip
def test_spans_of_time_are_short(seconds, expected):
    """Two units at most, and no unit overflows by rounding."""
    assert expected == duration(seconds)
