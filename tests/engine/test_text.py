"""Counting: a number with its noun."""

from __future__ import annotations

import pytest

from fsm_runner.engine.text import clipped, counted


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (999, "999 runs"), (1_200, "1,200 runs")]
)
def test_a_noun_is_singular_for_one_alone_and_thousands_are_parted(number, expected):
    """None is many, as in English."""
    assert expected == counted(number, "run")


def test_a_text_is_clipped_beyond_its_bound():
    """At the bound it is whole."""
    assert ("abc", "ab…") == (clipped("abc", 3), clipped("abcd", 3))
