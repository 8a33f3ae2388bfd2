"""The hand-over: the history as another run can begin with it."""

from __future__ import annotations

from hypothesis import given

from fsm_runner.loop.context import Turn
from fsm_runner.loop.enter import handed_on
from fsm_runner.loop.messages import blocks_of
from fsm_runner.loop.tool_loop import compile
from fsm_runner.testing import ScriptedModel
from fsm_runner.testing import text as said
from tests.support.build import call, context, reply, result, text, use, user
from tests.support.charts import default_chart
from tests.support.walks import walks

MACHINE = compile(default_chart())
TWO = {"role": "assistant", "content": [use("a"), use("b")]}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def results_in(message):
    """The ids that a message answers, and whether as an error."""
    return [(block["tool_use_id"], bool(block.get("is_error"))) for block in blocks_of(message)]


def test_calls_that_ran_keep_their_results():
    """The others are said not to have run, or not to have ended."""
    calls = [call("a", status="done"), call("b", status="running")]
    messages = handed_on(context(user(), TWO, turn=Turn(reply=reply(use("a"), use("b")), calls=tuple(calls))))

    assert [user(), TWO] == messages[:2]
    assert [("a", False), ("b", True)] == results_in(messages[2])
    assert result("a") == messages[2]["content"][0]
    assert "No result: the tool had begun when the run was left." == messages[2]["content"][1]["content"]


def test_a_reply_that_was_cut_off_says_why_its_call_did_not_run():
    """The model can then call again."""
    cut = reply(text(), use("a"), stop="max_tokens")
    messages = handed_on(context(user(), {"role": "assistant", "content": cut["content"]}, reply=cut))

    assert (
        "Not run: the reply ended with the stop reason 'max_tokens', not for tools."
        == (messages[-1]["content"][0]["content"])
    )


def test_what_follows_a_call_stays_behind_its_result():
    """The API takes results first; those that are there are not made again."""
    messages = handed_on(context(user(), TWO, {"role": "user", "content": [result("a")]}, user("more")))

    assert [[("b", True)], [("a", False)]] == [results_in(message) for message in messages[2:4]]
    assert user("more") == messages[4]


def test_a_message_does_not_end_in_thinking():
    """A reply that was cut off in it is left out, or ends before."""
    conversation = context(user(), {"role": "assistant", "content": [THOUGHT]}, user())
    other = context(user(), {"role": "assistant", "content": [text(), THOUGHT]})

    assert [user(), user()] == handed_on(conversation)
    assert [user(), {"role": "assistant", "content": [text()]}] == handed_on(other)


@given(walks(MACHINE, acts=False))
def test_a_new_run_can_begin_with_the_messages_of_any_moment(walk):
    """Whatever has happened, the API takes them, with one more message of the user's where the last is a reply."""
    model = ScriptedModel(lambda request: said("well"))
    client = model.sync_client()
    for stride in walk:
        messages = handed_on(stride.step.snapshot.context)
        messages += [user("go on")] if messages[-1]["role"] == "assistant" else []
        client.beta.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=messages)
