"""The door: what enters a run is JSON data, or is refused with its place."""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import io
import json
import math
import pickle
from collections import OrderedDict, UserString
from dataclasses import dataclass

import pydantic
import pytest
from anthropic import not_given, omit
from anthropic.types.beta import BetaMessage, BetaTextBlock
from anthropic.types.beta.parsed_beta_message import ParsedBetaTextBlock
from hypothesis import given
from hypothesis import strategies as st

from fsm_runner.adapters.anthropic.json_values import (
    DEEPEST,
    NotJson,
    copied,
    is_given,
    json_object,
    json_value,
    lasting,
    model_data,
    structure,
    well_formed,
)

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "a-model",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
PNG = b"\x89PNG\r\n\x1a\nabc\nabc\n"


class Colour(enum.StrEnum):
    """Text, and an enumeration."""

    RED = "red"


class Size(enum.IntEnum):
    """A number, and an enumeration."""

    BIG = 3


class Bare(enum.Enum):
    """An enumeration of nothing that JSON has."""

    ONE = "one"


class Point(pydantic.BaseModel):
    """A model of the caller's own."""

    x: object = 1


@dataclass
class Pair:
    """A dataclass, which the SDK does not encode either."""

    a: int = 1


def nested(levels, leaf="end"):
    """Dicts in dicts."""
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


def can_be_sent(value):
    """Whether the SDK's encoder takes it: no NaN, no type of its own, no lone surrogate."""
    return json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())


@pytest.mark.parametrize("value", ["text", "é😀", 7, 2**64, -(10**30), 1.5, True, None, {"a": [1, {"b": None}]}, []])
def test_json_data_stays_as_it_is(value):
    """Equal, and of the same types; whole numbers of any length."""
    made = json_value(value, "it")

    assert value == made
    assert type(value) is type(made)


def test_what_comes_out_is_a_copy():
    """To any depth: a later change by the caller does not reach it."""
    given = {"content": [{"type": "text", "text": "hi"}], "big": 2**70}
    made, again = json_value(given, "it"), copied(given)
    given["content"][0]["text"] = "changed"

    assert {"content": [{"type": "text", "text": "hi"}], "big": 2**70} == made == again


@pytest.mark.parametrize(
    "many", [(1, 2), iter([1, 2]), range(1, 3), (n for n in (1, 2)), {1: 0, 2: 0}.keys(), frozenset([1, 2])]
)
def test_iterables_become_lists(many):
    """Tuples, ranges, views, sets and generators, each read once."""
    assert [1, 2] == json_value(many, "it")


def test_models_become_what_was_set_in_them():
    """A field that nobody set is not sent; one that was set to null is."""
    assert {"type": "text", "text": "hi"} == json_value(BetaTextBlock(type="text", text="hi"), "it")
    assert [{"type": "text", "text": "hi", "citations": None}] == json_value(
        [BetaTextBlock(type="text", text="hi", citations=None)], "it"
    )


def test_what_was_left_out_is_left_out():
    """The SDK's two marks for it are no values."""
    assert {"a": 1} == json_value({"a": 1, "b": omit, "c": not_given}, "it")
    assert [False, False, True] == [is_given(omit), is_given(not_given), is_given(None)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, "red"),
        (Size.BIG, 3),
        ({"at": datetime.date(2026, 1, 2)}, {"at": "2026-01-02"}),
        ({"at": datetime.datetime(2026, 1, 2, 3, 4)}, {"at": "2026-01-02T03:04:00"}),
        ({1: "a", False: "b", None: "c", 1.5: "d"}, {"1": "a", "false": "b", "null": "c", "1.5": "d"}),
        (OrderedDict(a=1), {"a": 1}),
        ({"a": Point(x=datetime.date(2026, 1, 2))}, {"a": {"x": "2026-01-02"}}),
        ({"a": Point(x=[math.inf])}, {"a": {"x": [None]}}),  # pydantic's own rule
        (type("Text", (str,), {"__str__": lambda _: "no"})("yes"), "yes"),
    ],
)
def test_what_the_sdk_encodes_is_encoded(value, expected):
    """Subclasses of text and numbers, dates, keys that are no text, models: as its own encoder writes them."""
    made = json_value(value, "it")

    assert expected == made
    assert made == can_be_sent(made)
    assert type(expected) is type(made)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("half \ud83d", "half \ufffd"),
        ({"k\udcff": ["\ud800a"]}, {"k\ufffd": ["\ufffda"]}),
        ([Colour.RED, "\ud800", 2**70], ["red", "\ufffd", 2**70]),
    ],
)
def test_a_lone_surrogate_is_replaced(value, expected):
    """In text and in keys, at any depth, whoever gave it."""
    assert expected == json_value(value, "it")
    assert "a😀b\ufffd" == well_formed("a😀b\udc00")


@pytest.mark.parametrize(
    ("value", "place", "problem"),
    [
        ({"a": [{"b": decimal.Decimal("1.5")}]}, "it.a[0].b", "Decimal is no JSON"),
        ([1, b"bytes"], "it[1]", "bytes is no JSON"),
        ({"a": bytearray(b"x")}, "it.a", "bytearray is no JSON"),
        ({"a": object()}, "it.a", "object is no JSON"),
        ({"a": Pair()}, "it.a", "Pair is no JSON"),
        ({"a": Bare.ONE}, "it.a", "Bare is no JSON"),
        ({"a": UserString("x")}, "it.a", "UserString is no JSON"),
        ({"a": datetime.time(1)}, "it.a", "time is no JSON"),
        ({"a": [math.nan]}, "it.a[0]", "nan is no JSON"),
        ({"a": -math.inf}, "it.a", "-inf is no JSON"),
        ({"a": 10**5000}, "it.a", "a whole number of more than 4,200 digits cannot be sent"),
        ({(1, 2): 1}, "it.<tuple>", "a key of type tuple is no JSON"),
        ({"a": Point(x=object())}, "it.a.x", "object is no JSON"),
        ({"a": io.BytesIO(PNG)}, "it.a", "BytesIO is no JSON"),
        ({"k" * 900: b""}, f"it.{'k' * 60}", "bytes is no JSON"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value, place, problem):
    """The error says where it is, of what type, and what to give instead."""
    with pytest.raises(NotJson) as refused:
        json_value(value, "it")

    assert place == refused.value.where
    assert str(refused.value).startswith(f"{place}: {problem}")
    assert str(refused.value) == str(pickle.loads(pickle.dumps(refused.value)))


@pytest.mark.parametrize("levels", [250, 254, 255, 300, DEEPEST])
def test_what_nests_deep_is_held_up_to_a_limit(levels):
    """At the limit counts; also beside what only the walk reads."""
    assert nested(levels) == json_value(nested(levels), "it")
    assert nested(levels, "\ufffd") == json_value(nested(levels, "\ud800"), "it")
    assert nested(levels) == copied(nested(levels))


@pytest.mark.parametrize("levels", [DEEPEST + 1, 400, 10_000])
def test_what_nests_deeper_is_refused_and_the_limit_said(levels):
    """Never a bare RecursionError; the same for what holds itself."""
    circle: list[object] = []
    circle.append({"a": circle})

    for value in (nested(levels), circle, nested(levels, b"x")):
        with pytest.raises(NotJson, match=f"^it: it nests deeper than {DEEPEST} levels, or holds itself"):
            json_value(value, "it")


def test_what_the_model_said_is_mended():
    """Numbers that JSON does not have become null; the rest is as it was said."""
    said = {"a": [math.nan, math.inf, 1.5, 10**5000], "b\ud800": "\udfff"}

    assert {"a": [None, None, 1.5, None], "b\ufffd": "\ufffd"} == json_value(said, "the reply", mend=True)


@pytest.mark.parametrize("file", ["path", "bytes", "text", "open"])
def test_a_file_is_sent_in_base64_where_the_api_takes_it(file, tmp_path):
    """A path, or what is open, read from where it stands."""
    path = tmp_path / "ant.png"
    path.write_bytes(PNG)
    with path.open("rb") as opened:
        data = {"path": path, "bytes": io.BytesIO(PNG), "text": io.StringIO("ant"), "open": opened}[file]
        made = json_value([{"type": "base64", "media_type": "image/png", "data": data}], "it")

    expected = base64.b64encode(b"ant" if file == "text" else PNG).decode()

    assert [{"type": "base64", "media_type": "image/png", "data": expected}] == made


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"type": "text", "data": io.BytesIO(PNG)}, "it.data: BytesIO is no JSON"),
        ({"type": "base64", "data": PNG}, "it.data: bytes is no JSON"),
        (
            {"type": "base64", "data": type("Where", (), {"__fspath__": lambda _: "ant.png"})()},
            "it.data: Where cannot be read",
        ),
    ],
)
def test_a_file_elsewhere_is_refused(value, problem):
    """As in the SDK: nothing is read that the API does not take as a file."""
    with pytest.raises(NotJson, match=problem):
        json_value(value, "it")


def test_a_file_that_is_not_there_is_its_own_error(tmp_path):
    """The operating system's, at the call."""
    with pytest.raises(FileNotFoundError):
        json_value({"type": "base64", "data": tmp_path / "none.png"}, "it")


@pytest.mark.parametrize("wrong", ["text", 1, ["a"], None])
def test_an_object_is_asked_for(wrong):
    """The error says what it should have been, and what came."""
    with pytest.raises(NotJson, match=f"^it: a dict, got {type(wrong).__name__}$"):
        json_object(wrong, "it", "a dict")


def test_what_can_be_read_again_stays_the_callers():
    """It may edit it in place; what can be read once is read now."""
    system = [{"type": "text", "text": "a"}]

    assert system is lasting(system, "system")
    assert [{"type": "text", "text": "a"}] == lasting(iter(system), "system")
    assert {"a": [1, 2]} == lasting({"a": map(abs, (1, -2))}, "system")


def test_the_structure_shows_every_edit_in_place():
    """Containers are copied, values are as they are."""
    values = {"a": [object(), math.nan], "b": (1, {"c": 2})}
    before = structure(values)

    assert before == structure(values)
    values["b"][1]["c"] = 3

    assert before != structure(values)


def test_a_reply_is_data_as_the_api_sent_it():
    """Null where it said null, nothing where it said nothing, and fields that the SDK does not know."""
    sent = {**MESSAGE, "brand_new": {"a": 1}}

    assert sent == model_data(BetaMessage.construct(**sent))


def test_what_the_sdk_parsed_is_not_data():
    """The API takes no such field."""
    block = ParsedBetaTextBlock.construct(type="text", text="{}", parsed_output={"legs": 6})
    message = BetaMessage.construct(**{**MESSAGE, "content": [block]})

    assert [{"type": "text", "text": "{}"}] == model_data(message)["content"]


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**80),
    st.floats(),
    st.text(st.characters(codec=None)),
    st.sampled_from([Colour.RED, Size.BIG, Bare.ONE, b"x", decimal.Decimal(1), datetime.date(2026, 1, 1), Pair()]),
)
KEYS = st.one_of(st.text(st.characters(codec=None)), st.integers(), st.booleans(), st.none())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner), st.dictionaries(KEYS, inner), st.builds(lambda x: Point(x=x), inner)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_whatever_enters_can_be_sent_or_is_refused(value, mend):
    """There is no third way, and what has entered enters again as it is."""
    try:
        made = json_value(value, "it", mend=mend)
    except NotJson:
        return

    assert made == can_be_sent(made) == json_value(made, "again") == copied(made)
