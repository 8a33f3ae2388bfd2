"""The codec: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import structs

from fsm_runner.journal.codec import (
    chart_data,
    chart_from,
    chart_hash,
    context_data,
    context_from,
    event_data,
    event_from,
)
from fsm_runner.journal.masking import MASK
from fsm_runner.journal.render import parse, render
from fsm_runner.loop.context import Context, Settings
from fsm_runner.loop.events import EVENT_TYPES, ParamsReplaced, Replied, Reported, ToolFinished
from tests.journal.strategies import contexts, events
from tests.journal.worlds import SMALL, small_chart


def through_bytes(data):
    """What a reader has of what a writer wrote."""
    return parse(render(data))


@given(event=events)
def test_an_event_is_read_as_it_was_written(event):
    """Events are the truth of a journal: nothing of them is lost."""
    word, data = event_data(event)

    assert event == event_from(word, through_bytes(data))


@given(context=contexts)
@settings(max_examples=40)
def test_a_context_is_read_as_it_was_written(context):
    """A run can be begun again from its first record."""
    assert context == context_from(through_bytes(context_data(context)))


def test_every_type_of_event_is_generated():
    """A type that the strategies forget would be proved of nothing."""
    seen = set()

    @settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))
    @given(event=events)
    def look(event):
        seen.add(type(event))

    look()

    assert set(EVENT_TYPES) == seen


def test_a_chart_is_read_as_it_was_written():
    """Replay runs on the recorded chart, not on a likeness."""
    data, _ = chart_data(SMALL.chart)

    assert SMALL.chart == chart_from(through_bytes(dict(data)))


def test_the_hash_of_a_chart_is_that_of_what_is_written():
    """Who has the data can tell whether the hash belongs to it, whatever the order of the keys."""
    data, sha256 = chart_data(SMALL.chart)
    read = through_bytes(dict(data))

    assert sha256 == chart_hash(dict(reversed(read.items())))
    assert 64 == len(sha256)


def test_charts_that_differ_have_different_hashes():
    """One row's target is enough."""
    assert chart_data(small_chart())[1] != chart_data(small_chart(name="other"))[1]


def test_fields_at_their_default_do_not_count_in_the_hash():
    """A field that a later version adds leaves the hashes of old charts alone."""
    data, _ = chart_data(SMALL.chart)

    assert {"name": "done", "phase": "done", "final": True} == data["states"][-1]
    assert "effects" not in data


def test_an_event_of_the_users_own_is_known_by_its_field():
    """Its name may be any word, even that of a built-in event."""
    word, data = event_data(Reported(name="failed"))

    assert "reported" == word
    assert Reported(name="failed") == event_from(word, data | {"results": []})


@pytest.mark.parametrize(
    ("word", "data", "message"),
    [
        ("exploded", {}, "event 'exploded' is not known"),
        (None, {}, "event None is not known"),
        ("replied", {}, "field 'message' is missing"),
        ("replied", {"message": []}, "field 'message' is not an object"),
        ("tool_finished", {"id": 1, "result": {}}, "field 'id' is not text"),
        ("appended", {"messages": {}}, "field 'messages' is not a list"),
        ("appended", {"messages": [1]}, "field 'messages' is not a list of objects"),
        ("failed", {"error": "E", "text": "", "status": "500"}, "field 'status' is not a whole number"),
    ],
)
def test_what_is_no_event_is_refused_by_name(word, data, message):
    """The field at fault is named; the reader adds the line."""
    with pytest.raises(ValueError, match=message):
        event_from(word, data)


def test_fields_that_a_processor_added_do_not_matter():
    """An input is its own fields."""
    assert Replied(message={}) == event_from("replied", {"message": {}, "host": "a"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "field 'context': object contains unknown field `extra`"),
        ({"turn": {"reply": 3}}, "field 'context.turn.reply'"),
        ({"conversation": {"history": [1]}}, "field 'context.conversation.history': expected a list of objects"),
        ({"conversation": {"history": "x"}}, "field 'context.conversation.history'"),
    ],
)
def test_what_is_no_context_is_refused_by_name(change, message):
    """A start record that was changed by hand does not become another run."""
    with pytest.raises(ValueError, match=message):
        context_from({**context_data(Context()), **change})


@pytest.mark.parametrize("data", [None, [], {"name": "x"}, {"name": "x", "initial": "a", "states": [], "more": 1}])
def test_what_is_no_chart_is_refused(data):
    """Not by a traceback from inside."""
    with pytest.raises(ValueError, match="field 'chart"):
        chart_from(data)


def test_secrets_in_parameters_are_masked():
    """At the start and when the caller replaces them."""
    params = {"model": "m", "mcp_servers": [{"url": "u", "authorization_token": "hush"}]}
    written = {"model": "m", "mcp_servers": [{"url": "u", "authorization_token": MASK}]}

    assert written == context_data(structs.replace(Context(), settings=Settings(params=params)))["settings"]["params"]
    assert written == event_data(ParamsReplaced(params=params))[1]["params"]


def test_payloads_are_written_as_they_are():
    """The journal holds the API's objects, not copies of them in another shape."""
    block = {"type": "tool_result", "content": [{"type": "text", "text": "x"}]}

    assert block is event_data(ToolFinished(id="a", result=block))[1]["result"]
