"""Rendering: any value becomes one line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fsm_runner.journal.render import DEEPEST, LONGEST, STAND_IN, canonical, iso_time, parse, render
from fsm_runner.loop.history import History
from tests.journal import strategies


class Model(BaseModel):
    """A pydantic model, as a caller may put one into a payload."""

    size: int = 1


class Broken:
    """An object that cannot even say what it is."""

    def __repr__(self):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        return 1


@dataclass
class Plain:
    """A dataclass, which orjson would write without a word."""

    x: int = 1


class Colour(Enum):
    """An enumeration."""

    RED = "red"


def marked(kind, value):
    """A stand-in."""
    return {STAND_IN: kind, "value": value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"hi", marked("bytes", "aGk=")),
        (bytearray(b"hi"), marked("bytearray", "aGk=")),
        (datetime(2026, 1, 2, tzinfo=UTC), marked("datetime", "2026-01-02T00:00:00+00:00")),
        (Model(), marked("Model", {"size": 1})),
        (Plain(), marked("Plain", "Plain(x=1)")),
        (2**70, 2**70),
        ([10**5000], [marked("int", hex(10**5000))]),
        (1e300, 1e300),
        ("a\ud800", marked("str", "a\\ud800")),
        (1 + 2j, marked("complex", "(1+2j)")),
        (Broken(), marked("Broken", "<Broken>")),
        (frozenset({"b", "a"}), ["a", "b"]),
        (History([{"a": 1}]), [{"a": 1}]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({1: 2}, {"1": 2}),
        ({"k\udcff": 1}, {"k\\udcff": 1}),
        (Colour.RED, "red"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (float("nan"), None),
    ],
)
@pytest.mark.parametrize("beside", ["nothing", "\udfff"])
def test_what_json_cannot_hold_is_written_as_a_stand_in(value, expected, beside):
    """It names its type and keeps what can be kept, also beside what orjson refuses as a whole."""
    line = render({"it": value, "beside": beside})

    assert expected == parse(line)["it"]


def test_a_value_inside_of_itself_ends():
    """A circle is written once around."""
    circle = {"name": "c"}
    circle["again"] = [circle, circle]

    stop = marked("dict", "nested too deep")

    assert {"name": "c", "again": [stop, stop]} == parse(render(circle))


def test_deep_nesting_ends():
    """What nests deeper than any reply is cut off there."""
    deep = []
    for _ in range(3_000):
        deep = [deep]

    assert DEEPEST == render(deep).count(b"[")


@pytest.mark.parametrize("levels", [250, 254, 255, 300, 340])
def test_what_may_enter_a_run_is_held_however_deep(levels):
    """JSON holds it, and so does the journal; also where it lies in a record."""
    deep: object = "end"
    for _ in range(levels):
        deep = {"a": deep}
    record = {"context": {"settings": {"params": deep}}}

    assert record == parse(render(record)) == parse(canonical(record))


@pytest.mark.parametrize(
    "line", [b'{"a": 1234567890123456789012, "b": NaN}', b"[" * 3000 + b"1" * 20, b"1" * 20 + b" x"]
)
def test_what_is_not_json_is_refused_beside_long_numbers_too(line):
    """By the same error."""
    with pytest.raises(ValueError, match=r"not JSON|nests too deep|Extra data"):
        parse(line)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(min_value=-(2**90), max_value=2**90)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_json_is_read_as_it_was_written(value):
    """Whole numbers of any length, to the last digit; the types stay, too."""
    assert repr(value) == repr(parse(render(value)))
    assert canonical(value) == canonical(parse(canonical(value)))


def test_a_long_repr_is_cut():
    """An object of the user's own does not fill the journal."""
    assert LONGEST == len(parse(render([range(0), type("X", (), {"__repr__": lambda _: "x" * 9_999})()]))[1]["value"])


def test_a_line_is_one_line():
    """Whatever the text holds."""
    assert b"\n" not in render({"a": "x\ny\r\n\u2028"})


def test_canonical_bytes_do_not_depend_on_the_order_of_keys():
    """Equal data, equal bytes."""
    assert canonical({"b": 1, "a": {"d": 1, "c": 2}}) == canonical({"a": {"c": 2, "d": 1}, "b": 1})


@given(
    value=st.recursive(strategies.leaves | st.binary() | st.integers(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_canonical_bytes_are_those_of_what_is_written(value):
    """What is hashed is what a reader of the line could hash."""
    assert canonical(parse(render(value))) == canonical(value)


def test_plain_data_is_written_as_orjson_has_it():
    """What can be written costs nothing extra."""
    assert orjson.dumps({"a": [1, "x", None, True, 1.5]}) == render({"a": [1, "x", None, True, 1.5]})


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_time_is_written_as_isoformat_has_it(moment):
    """The shorter way leads to the same text."""
    assert moment.isoformat() == iso_time(moment)
