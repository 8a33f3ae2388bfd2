"""Streaming: the SDK's stream is handed out, whoever reads it, and the loop goes on from the whole reply."""

from __future__ import annotations

import anthropic
import httpx2
import pydantic
import pytest

from fsm_runner import RunError
from fsm_runner.testing import reply, text, tool_use
from tests.drivers.drive import use, words

STREAMS = (anthropic.lib.streaming.BetaAsyncMessageStream, anthropic.lib.streaming.BetaMessageStream)
CALL = reply(text("I look it up."), use("search", q="ants"))


class Ant(pydantic.BaseModel):
    """An ant."""

    legs: int


async def search(q: str) -> str:
    """Search."""
    return f"found {q}"


def test_hands_out_the_sdks_stream(drive):
    """Its text, its events and its final message are there."""
    run = drive.run([CALL, text("done, and well done")], search, stream=True)
    first = next(run)

    assert isinstance(getattr(first, "target", first), STREAMS)
    assert "I look it up." == "".join(first.text_stream)
    second = next(run)
    assert "done, and well done" == words(second.get_final_message())
    assert [] == list(run)
    assert "completed" == run.stop.reason


def test_asks_for_a_stream(drive):
    """In the body and in the headers that the SDK's streams send."""
    drive.run([text("done")], stream=True).until_done()
    headers = drive.model.requests[0].headers

    assert drive.requests[0]["stream"] is True
    assert ("stream", "beta.messages", "BetaToolRunner") == (
        headers["x-stainless-helper-method"],
        headers["x-stainless-stream-helper"],
        headers["x-stainless-helper"],
    )


@pytest.mark.parametrize("events", [0, 1, 5, 100])
def test_the_rest_is_read_when_the_caller_goes_on(drive, events):
    """However much of a stream the caller read, the whole reply is in the history."""
    run = drive.run([CALL, text("done")], search, stream=True)
    for stream in run:
        for _ in zip(range(events), stream, strict=False):
            pass

    assert ["user", "assistant", "user"] == [message["role"] for message in drive.requests[1]["messages"]]
    assert "I look it up." == words(drive.requests[1]["messages"][1])
    assert "found ants" == drive.requests[1]["messages"][2]["content"][0]["content"]


def test_until_done_returns_the_last_message(drive):
    """The message, and not its stream."""
    assert "done" == words(drive.run([CALL, text("done")], search, stream=True).until_done())


def test_until_done_goes_on_after_a_break_in_a_stream(drive):
    """The stream that was left is read to its end."""
    run = drive.run([CALL, text("done")], search, stream=True)
    for stream in run:
        next(stream)
        break

    assert "done" == words(run.until_done())
    assert "I look it up." == words(drive.requests[1]["messages"][1])


def test_the_response_reads_the_stream_first(drive):
    """A call is answered once it is complete, and only once."""
    run = drive.run([CALL, text("done")], search, stream=True)
    next(next(run))
    answer = run.generate_tool_call_response()
    run.until_done()

    assert "found ants" == answer["content"][0]["content"]
    assert answer == drive.requests[1]["messages"][-1]


def test_messages_appended_in_a_stream_take_the_replys_place(drive):
    """As with a message that the caller holds."""
    run = drive.run([CALL, text("done")], search, stream=True)
    next(run)
    run.append_messages({"role": "assistant", "content": "no"}, {"role": "user", "content": "yes"})
    run.until_done()

    assert ["hi", "no", "yes"] == [message["content"] for message in drive.requests[1]["messages"]]


def test_text_is_parsed_into_the_output_format(drive):
    """The SDK's stream does it, and the last message has it."""
    last = drive.run([text('{"legs": 6}')], stream=True, output_format=Ant).until_done()

    assert Ant(legs=6) == last.parsed_output
    assert "json_schema" == drive.requests[0]["output_config"]["format"]["type"]


def test_responses_are_closed_one_by_one(drive):
    """While the caller reads one stream, the others are closed."""
    run = drive.run([CALL, CALL, text("done")], search, stream=True)
    seen = [len(drive.transport.open) for _ in run]

    assert [1, 1, 1] == seen
    assert set() == drive.transport.open


def test_tokens_of_streams_add_up(drive):
    """A stream says them in its last events."""
    run = drive.run([tool_use("search", {"q": "a"}), text("done")], search, stream=True)
    run.until_done()

    assert (20, 10, 2) == (run.usage.input_tokens, run.usage.output_tokens, run.usage.replies)


def test_a_stream_that_the_caller_closed_is_no_reply(drive):
    """What was not read cannot be known: the run fails, and going on asks again."""
    run = drive.run([CALL, text("done")], search, stream=True)
    stream = next(run)
    next(stream)
    stream.close()
    with pytest.raises(httpx2.ReadError):
        next(run)
    state = run.snapshot.state

    assert "failed" == state
    assert "done" == words(run.until_done())
    assert 1 == len(drive.requests[1]["messages"])


def test_a_run_closed_in_its_first_stream_has_no_last_message(drive):
    """Half a message is none."""
    run = drive.run([text("done")], stream=True)
    next(run)
    run.close()

    with pytest.raises(RunError, match="before its first message"):
        run.until_done()
