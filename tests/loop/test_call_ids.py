"""Call ids: a reply that no result could answer is refused before anything is done by it."""

from __future__ import annotations

import pickle

import pytest

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.messages import check_calls
from tests.support.build import reply, text, use


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([use("b"), use("b")], "two of its calls have the id 'b'"),
        ([use("")], "a call of 'search' has the id ''"),
        ([{"type": "tool_use", "name": "search"}], "a call of 'search' has the id None"),
        ([{**use(), "id": 7}], "a call of 'search' has the id 7"),
        ([use("b", "")], "the call with the id 'b' has the name ''"),
        ([{**use("b"), "name": ["search"]}], "the call with the id 'b' has the name"),
    ],
)
def test_a_reply_that_no_result_could_answer_is_refused(calls, said):
    """The error names the id, and holds the reply; it pickles."""
    message = reply(text(), *calls)
    with pytest.raises(ReplyError, match=said) as raised:
        check_calls(message)

    assert message == pickle.loads(pickle.dumps(raised.value)).reply
