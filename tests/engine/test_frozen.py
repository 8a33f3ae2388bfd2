"""Frozen data: structs that are values, and what is known of their fields."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field

import pytest
from msgspec import structs

from fsm_runner.engine import domain, machine, rows
from fsm_runner.engine.frozen import NONE, Frozen, fields_of, is_frozen, short_repr
from fsm_runner.loop import context, effects, events, stop
from fsm_runner.loop.context import Call, Context, Turn, Usage

PARTS = {
    each
    for module in (context, domain, effects, events, machine, rows, stop)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Frozen) and each is not Frozen
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """A dataclass like those that are not hot."""

    name: str
    answers: tuple[str, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    code: object = field(default=None, repr=False)


@pytest.mark.parametrize("part", [Turn(unread=True), Context(), Call(id="a", name="f", block={}), Usage(replies=2)])
def test_a_part_is_a_value(part):
    """It is equal to its copies, and cannot be changed."""
    for each in (structs.replace(part), copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert (type(part), part) == (type(each), each)
        with pytest.raises(AttributeError, match="immutable"):
            setattr(each, fields_of(type(part))[0].name, None)


def test_a_change_of_no_field_is_refused():
    """By its name."""
    with pytest.raises(TypeError, match="'red'"):
        structs.replace(Turn(), red=True)


@pytest.mark.parametrize("cls", sorted(PARTS, key=lambda cls: cls.__qualname__))
def test_every_part_of_a_run_is_frozen_by_keyword(cls):
    """What a class forgets to say of itself would hold for its fields alone."""
    config = cls.__struct_config__

    assert (True, True) == (config.frozen, config.forbid_unknown_fields)
    with pytest.raises(TypeError):
        cls("a positional argument")


def test_the_fields_of_both_kinds_are_told_in_the_same_way():
    """A struct and a dataclass: names, defaults, and what is made anew."""
    told = [(each.name, each.default, each.made, each.told) for each in fields_of(Cold)]

    assert [
        ("name", NONE, None, True),
        ("answers", (), None, True),
        ("seen", NONE, dict, True),
        ("code", None, None, False),
    ] == told
    assert [("id", NONE), ("name", NONE), ("block", NONE), ("toolset", None)] == [
        (each.name, each.default) for each in fields_of(Call)[:4]
    ]
    assert {"reports": dict} == {each.name: each.made for each in fields_of(Context) if each.made is dict}


def test_only_values_are_frozen_data():
    """A class is none, and neither is a dict."""
    assert [True, True, False, False, False] == [is_frozen(each) for each in (Turn(), Cold(name="a"), Turn, Cold, {})]


def test_a_short_repr_leaves_out_defaults_and_what_is_not_told():
    """And what is made anew for each is a default, too."""
    assert "Cold(name='a')" == short_repr(Cold(name="a", code=len))
    assert "Cold(name='a', seen={'b': 1})" == short_repr(Cold(name="a", seen={"b": 1}))
