"""Parts: a cheap `replace` that does what that of `dataclasses` does."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from fsm_runner.core.context import Turn
from fsm_runner.core.parts import replace
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
