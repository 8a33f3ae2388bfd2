"""Call ids: a reply that no result could answer is refused before anything is done by it."""

from __future__ import annotations

import pickle

import pytest

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.call_ids import CallIds
from fsm_runner.loop.history import History
from tests.support.build import reply, result, text, use, user

HISTORY = History([user(), {"role": "assistant", "content": [use("a")]}, {"role": "user", "content": [result("a")]}])


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([use("b"), use("b")], "two of its calls have the id 'b'"),
        ([use("")], "a call of 'search' has the id '', which is none"),
        ([{"type": "tool_use", "name": "search"}], "a call of 'search' has the id None"),
        ([{**use(), "id": 7}], "a call of 'search' has the id 7"),
        ([use("b", "")], "the call with the id 'b' has the name ''"),
        ([{**use("b"), "name": ["search"]}], "the call with the id 'b' has the name"),
        ([use("a")], "a call has the id 'a', which an earlier call has"),
    ],
)
def test_a_reply_that_no_result_could_answer_is_refused(calls, said):
    """The error names the id, and holds the reply; it pickles."""
    message = reply(text(), *calls)
    with pytest.raises(ReplyError, match=said) as raised:
        CallIds().check(message, HISTORY)

    assert message == pickle.loads(pickle.dumps(raised.value)).reply


def test_ids_are_those_of_the_history_as_it_is_now():
    """A history that another took the place of no longer counts; one that has grown does."""
    ids = CallIds()
    ids.check(reply(use("b")), HISTORY)

    with pytest.raises(ReplyError):
        ids.check(reply(use("b")), HISTORY.appended({"role": "assistant", "content": [use("b")]}))
    ids.check(reply(use("a")), History([user("the gist")]))
