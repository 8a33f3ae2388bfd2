"""Parsed replies: the output format is a view of a reply, which never fails the reply."""

from __future__ import annotations

import pickle

import pydantic
import pytest
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

from fsm_runner import OutputFormatError
from fsm_runner.testing import pause_turn, refusal, reply, text, tool_use


class Ant(pydantic.BaseModel):
    """What is asked for."""

    legs: int


class Touchy(pydantic.BaseModel):
    """A type whose validator raises what pydantic does not catch."""

    legs: int

    @pydantic.field_validator("legs")
    @classmethod
    def odd(cls, value: int) -> int:
        """Raise."""
        raise LookupError(value)


async def search(query: str = "") -> str:
    """Search."""
    return "found"


@pytest.fixture(params=[False, True], ids=["message", "stream"])
def run(drive, request):
    """A runner with an output format, streaming and not."""

    def made(*replies, output_format=Ant):
        return drive.run(list(replies), search, output_format=output_format, stream=request.param)

    made.stream = request.param
    return made


def last_of(item):
    """The message of an item."""
    return item.get_final_message() if hasattr(item, "get_final_message") else item


CUT = reply(text('{"legs": '), stop_reason="max_tokens")


@pytest.mark.parametrize(
    ("played", "reason"),
    [(CUT, "max_tokens"), (refusal("I will not."), "refused"), (reply(text("{}"), stop_reason="odd"), "unreadable")],
    ids=["cut off", "refused", "unknown"],
)
def test_a_reply_that_is_no_answer_is_not_parsed(run, played, reason):
    """The stop reason tells; the reply and its tokens are there."""
    runner = run(played)
    message = runner.until_done()

    assert reason == runner.stop.reason
    assert (None, 1) == (message.parsed_output, runner.usage.replies)


def test_words_beside_a_call_are_not_parsed(run):
    """They are not the answer, also when they look like one."""
    runner = run(reply(text('Let me look: {"legs": 6}'), tool_use("search")), text('{"legs": 8}'))
    seen = [last_of(item).parsed_output for item in runner]

    assert [None, Ant(legs=8)] == seen
    assert "completed" == runner.stop.reason


def test_what_could_be_parsed_beside_a_call_is_not(run):
    """A reply with calls has no answer."""
    seen = [
        last_of(item).parsed_output for item in run(reply(text('{"legs": 6}'), tool_use("search")), text('{"legs": 8}'))
    ]

    assert [None, Ant(legs=8)] == seen


def test_a_paused_reply_is_not_parsed(run):
    """It is no answer yet."""
    seen = [last_of(item).parsed_output for item in run(pause_turn(text("Wait.")), text('{"legs": 8}'))]

    assert [None, Ant(legs=8)] == seen


@pytest.mark.parametrize("words", ["six", '{"legs": "many"}', "{}", ""])
def test_a_final_reply_of_another_form_is_an_error_that_holds_it(run, words):
    """The run itself has ended well: the reply is counted, and in the history."""
    runner = run(reply(text(words)))
    with pytest.raises(OutputFormatError, match=r"^output_format: 'Ant': the last reply is not of it: ") as wrong:
        runner.until_done()

    assert words == wrong.value.message.content[0].text
    assert wrong.value.message.parsed_output is None
    assert isinstance(wrong.value.__cause__, pydantic.ValidationError)
    assert words == runner.until_done().content[0].text
    assert ("completed", 1) == (runner.stop.reason, runner.usage.replies)
    assert ("assistant" if words else "user") == runner.messages[-1]["role"]  # blank text is no message


def test_a_validator_that_raises_anything_is_the_same(run):
    """Its exception is the cause; its text is not repeated."""
    runner = run(text('{"legs": 6}'), output_format=Touchy)
    with pytest.raises(OutputFormatError, match="'Touchy': the last reply is not of it: LookupError") as wrong:
        runner.until_done()

    assert isinstance(wrong.value.__cause__, LookupError)
    assert wrong.value.message.content[0].text == runner.until_done().content[0].text


def test_prose_before_the_answer_is_passed_over(run):
    """One text block of the form is enough."""
    message = run(reply(text("Here it is."), text('{"legs": 6}'))).until_done()

    assert Ant(legs=6) == message.parsed_output


def test_a_null_answer_is_an_answer(run):
    """None may be what the type says."""
    assert run(text("null"), output_format=Ant | None).until_done().parsed_output is None


def test_the_error_pickles():
    """With the reply that it holds."""
    error = OutputFormatError("why", ParsedBetaMessage.construct(id="m", content=[]))
    again = pickle.loads(pickle.dumps(error))

    assert ("why", "m") == (str(again), again.message.id)


def test_a_stream_shows_the_answer_when_its_block_ends(drive):
    """As the SDK's does; what is not of the form is no error there."""
    run = drive.run([text('{"legs": 6}')], output_format=Ant, stream=True)
    ends = [event for event in next(run) if event.type == "content_block_stop"]

    assert [Ant(legs=6)] == [event.content_block.parsed_output for event in ends]
