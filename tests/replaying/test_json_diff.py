"""Comparing: each difference once, at its place."""

from __future__ import annotations

import pytest
from hypothesis import given

from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.replaying.json_diff import differences
from tests.journal.strategies import values


@pytest.mark.parametrize(
    ("recorded", "now", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ([1, 2], (1, 2), []),
        ({"a": 1}, {"a": 2}, [("/a", 1, 2)]),
        ({"a": 1}, {}, [("/a", 1, NOTHING)]),
        ({}, {"a": None}, [("/a", NOTHING, None)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("/a/1/b", 2, 3)]),
        ([1], [1, 2], [("/1", NOTHING, 2)]),
        ({"a/b": 1, "~": 2}, {"a/b": 0, "~": 0}, [("/a~1b", 1, 0), ("/~0", 2, 0)]),
        (True, 1, [("", True, 1)]),
        (0, False, [("", 0, False)]),
        ({}, [], [("", {}, [])]),
        ({"0": 1}, [1], [("", {"0": 1}, [1])]),
        ({"a": {"b": 1}}, {"a": "b"}, [("/a", {"b": 1}, "b")]),
    ],
)
def test_differences_are_told_by_pointer(recorded, now, expected):
    """As deep as both sides are of one kind."""
    assert expected == list(differences(recorded, now))


@given(value=values)
def test_a_value_does_not_differ_from_itself(value):
    """Whatever it is."""
    assert [] == list(differences(value, value))
