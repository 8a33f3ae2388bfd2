"""The digest: one hash for one request, however it was reached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fsm_runner.journal.records import Digests
from fsm_runner.loop.history import History
from tests.journal.strategies import objects

PARAMS = {"model": "m", "max_tokens": 9}


@given(parts=st.lists(st.lists(objects, max_size=2), max_size=4))
def test_a_growing_conversation_has_the_hash_of_the_whole(parts):
    """What is remembered between two requests changes no hash."""
    digests, history = Digests(), History()
    for part in parts:
        history = history.appended(*part)

        assert Digests().of(list(history), PARAMS) == digests.of(history, PARAMS)


def test_a_shorter_history_is_hashed_anew():
    """After a failure or a summary the history may be an earlier or another one."""
    digests, short = Digests(), History([{"n": 1}])
    longer = short.appended({"n": 2})
    digests.of(longer, PARAMS)

    assert Digests().of(short, PARAMS) == digests.of(short, PARAMS)
    assert digests.of(longer, PARAMS) != digests.of(short, PARAMS)


def test_whatever_is_sent_counts():
    """Messages, their order, parameters and tools."""
    one, two = {"n": 1}, {"n": 2}
    requests = [
        ([one, two], PARAMS, None),
        ([two, one], PARAMS, None),
        ([one], PARAMS, None),
        ([one, two], {**PARAMS, "max_tokens": 8}, None),
        ([one, two], PARAMS, ()),
        ([one, two], PARAMS, ({"name": "t"},)),
    ]
    digests = Digests()

    assert len(requests) == len({digests.of(*request) for request in requests})


def test_a_secret_does_not_count():
    """The reader of a journal has only the mask, and must come to the same hash."""
    assert Digests().of([], {"api_key": "a"}) == Digests().of([], {"api_key": "[masked]"})
