"""The history: immutable, and cheap to append to."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_runner.loop.history import History
from tests.support.build import user

A, B, C = user("a"), user("b"), user("c")


def test_appending_leaves_the_shorter_history_as_it_was():
    """The longer one shares its messages, but what the shorter one shows does not grow."""
    short = History([A])
    long = short.appended(B)

    assert [A] == list(short)
    assert [A, B] == list(long)
    assert long.extends(short)
    assert not short.extends(long)


def test_two_histories_can_grow_from_one():
    """The second to append to a history does not see, nor spoil, what the first added."""
    trunk = History([A])
    left, right = trunk.appended(B), trunk.appended(C)

    assert [A, B] == list(left)
    assert [A, C] == list(right)
    assert not right.extends(left)


def test_appending_nothing_is_the_same_history():
    """Nothing is made for nothing."""
    history = History([A])

    assert history is history.appended()


def test_the_list_it_was_made_of_may_change():
    """A history keeps its own list."""
    given = [A]
    history = History(given)
    given.append(B)

    assert [A] == list(history)


@pytest.mark.parametrize("index", [-3, 2])
def test_an_index_outside_is_refused(index):
    """Messages that a longer history added are outside too."""
    history = History([A, B])
    history.appended(C)

    with pytest.raises(IndexError):
        history[index]


def test_histories_are_equal_when_their_messages_are():
    """Where they came from does not matter; a list is no history, and there is no hash."""
    trunk = History([A])

    assert History([A, B]) == trunk.appended(B)
    assert trunk.appended(B) != trunk.appended(C)
    assert trunk != trunk.appended(B)
    assert trunk != [A]
    with pytest.raises(TypeError):
        hash(trunk)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda history: pickle.loads(pickle.dumps(history))])
def test_a_history_survives_copying(again):
    """Plain data can be copied and pickled."""
    history = History([A, B])

    assert history == again(history)
    assert "History(messages=1)" == repr(again(History([A])))


@given(
    st.lists(st.integers(0, 9), max_size=6), st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=4), st.data()
)
def test_a_history_reads_like_the_tuple_of_its_messages(first, more, data):
    """Length, indexes and slices agree with those of a tuple, also when it grew from another."""
    history, model = History(map(str, first)), tuple(map(str, first))
    for each in more:
        history.appended("elsewhere")
        history, model = history.appended(*map(str, each)), (*model, *map(str, each))
    cut = data.draw(st.slices(len(model)))

    assert model == tuple(history)
    assert len(model) == len(history)
    assert model[cut] == history[cut]
    assert [model[i] for i in range(-len(model), len(model))] == [history[i] for i in range(-len(model), len(model))]
