"""Parts: a cheap `replace` and a cheap way to make one, which do what `dataclasses` does."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given

from fsm_runner.engine import machine
from fsm_runner.engine.fastcopy import maker, replace
from fsm_runner.loop import context, effects, events
from fsm_runner.loop.context import Call, Turn, Usage
from fsm_runner.loop.effects import CallTool, SendRequest
from fsm_runner.loop.tool_loop import Snapshot, Step
from tests.support.strategies import contexts


@given(contexts(), contexts())
def test_a_part_is_replaced_as_dataclasses_would(one, other):
    """Any part by any other, and the context it was taken from stays as it was."""
    for field in dataclasses.fields(one):
        changes = {field.name: getattr(other, field.name)}
        kept = dataclasses.replace(one)

        assert dataclasses.replace(one, **changes) == replace(one, **changes)
        assert kept == one


def test_nothing_changed_is_an_equal_copy():
    """A part is a value."""
    turn = Turn(unread=True)

    assert turn == replace(turn)
    assert turn is not replace(turn)


def test_a_change_of_no_field_is_refused():
    """And the fields that there are, are named."""
    with pytest.raises(TypeError, match=r"Turn: no field 'red' .it has: reply, calls, arriving, unread"):
        replace(Turn(), red=True)


GIVEN = {Step: {"transitions": (), "snapshot": Snapshot(state="request", context="context")}}
"""The fields that a class reads for its text; the others are their own names."""
MADE = [Call, CallTool, SendRequest, Snapshot, Step, Turn, Usage]


@pytest.mark.parametrize("cls", MADE)
def test_a_part_that_was_made_fast_is_as_any_other(cls):
    """Equal, with the same text, hash and type; it can be copied and pickled, and not be changed."""
    given = {field.name: field.name for field in dataclasses.fields(cls)} | GIVEN.get(cls, {})
    expected, made = cls(**given), maker(cls)(**given)

    for each in (made, replace(made), copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert expected == each
        assert (cls, repr(expected), hash(expected)) == (type(each), repr(each), hash(each))
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(each, next(iter(given)), None)


@pytest.mark.parametrize("cls", MADE)
def test_what_makes_a_part_knows_its_defaults(cls):
    """Left out, a keyword is what the class says; what has no default is asked for."""
    fields = dataclasses.fields(cls)
    needed = {field.name: field.name for field in fields if field.default is dataclasses.MISSING}

    assert cls(**needed) == maker(cls)(**needed)
    if needed:
        with pytest.raises(TypeError, match=next(iter(needed))):
            maker(cls)()


def test_no_part_does_more_than_keep_its_fields():
    """Neither way calls an initialiser, so what one does beside would be left out."""
    parts = [each for module in (context, effects, events, machine) for each in vars(module).values()]

    assert [] == [cls for cls in parts if dataclasses.is_dataclass(cls) and hasattr(cls, "__post_init__")]
