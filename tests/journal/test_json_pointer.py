"""Pointers: places in JSON data."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given

from fsm_runner.journal.json_pointer import NOTHING, below, differences, inside, steps_of
from tests.journal.strategies import values


@pytest.mark.parametrize(
    ("key", "expected"), [("b", "/a/b"), ("0", "/a/0"), ("x/y", "/a/x~1y"), ("x~y", "/a/x~0y"), ("~1", "/a/~01")]
)
def test_a_key_with_a_slash_or_a_tilde_is_escaped(key, expected):
    """So a pointer leads to one place only."""
    assert expected == below("/a", key)


@pytest.mark.parametrize("key", ["b", "0", "x/y", "x~y", "~1", "", "~0/~1"])
def test_a_pointer_leads_back_to_its_keys(key):
    """Whatever a key is called."""
    assert ["a", key] == steps_of(below(below("", "a"), key))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ([1, 2], {"0": 1, "1": 2}),
        ((1, 2), {"0": 1, "1": 2}),
        ({}, {}),
        ("ab", None),
        (1, None),
        (None, None),
    ],
)
def test_objects_and_lists_hold_values_and_nothing_else_does(value, expected):
    """Text is one value, not a list of letters."""
    assert expected == inside(value)


def test_nothing_stays_itself_in_another_process():
    """Reports come from workers, and who reads one asks whether a side is `NOTHING`."""
    assert NOTHING is pickle.loads(pickle.dumps(NOTHING))


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
