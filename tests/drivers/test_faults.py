"""Faults: a run that meets one ends in `failed`, the caller gets the exception, and going on tries again."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest

from fsm_runner import RunError
from fsm_runner.adapters.anthropic.streams import StreamTruncated
from fsm_runner.testing import (
    disconnect,
    error,
    malformed,
    overloaded,
    rate_limited,
    reply,
    server_error,
    stall,
    text,
    tool_use,
    truncated,
)
from fsm_runner.testing.transport import events
from tests.drivers.drive import use, words

WORDS = text("a reply of a few words, long enough for pieces")
CALLS = reply(text("I look it up, and then I tell."), use("search", q="ants and other animals"))

MESSAGE = {"content": CALLS.blocks, "stop_reason": "tool_use", "usage": {"output_tokens": 5}}
ALL_BUT_THE_LAST = len(list(events(MESSAGE))) - 1
"""Of the events that stream `CALLS`: the stop reason is told, and ``message_stop`` is missing."""

BEFORE = {
    "429": (rate_limited(retry_after=0), anthropic.RateLimitError),
    "500": (server_error(retry_after=0), anthropic.InternalServerError),
    "529": (overloaded(retry_after=0), anthropic.InternalServerError),
    "413": (error(413, "request_too_large", message="too large"), anthropic.APIStatusError),
    "disconnect": (disconnect(), anthropic.APIConnectionError),
    "stall": (stall(), anthropic.APITimeoutError),
}
"""Faults before any answer."""

WITHIN = {
    "disconnect": (disconnect(WORDS), httpx2.RemoteProtocolError),
    "stall": (stall(WORDS), httpx2.ReadTimeout),
    "malformed": (malformed(WORDS), json.JSONDecodeError),
    "truncated": (truncated(WORDS), StreamTruncated),
    "truncated before its start": (truncated(WORDS, after=0), StreamTruncated),
    "truncated before its end": (truncated(CALLS, after=ALL_BUT_THE_LAST), StreamTruncated),
    "overloaded": (overloaded(WORDS), anthropic.APIStatusError),
    "server error": (server_error(WORDS), anthropic.APIStatusError),
}
"""Faults within a stream."""


@pytest.fixture
def ran():
    """What the tool `search` was asked, in order."""
    return []


@pytest.fixture
def search(ran):
    """A tool that takes note of its calls."""

    async def search(q: str) -> str:
        """Search."""
        ran.append(q)
        return "found"

    return search


def assert_failed(run, error):
    """The run rests where it can be seen and gone on from."""
    assert ("failed", "failed") == (run.snapshot.state, run.stop.reason)
    assert type(error).__name__ == run.snapshot.context.stand.failure.error
    assert run.stop.detail.startswith(f"{type(error).__name__}: ")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", BEFORE)
def test_a_request_that_fails(drive, fault, stream):
    """The exception is the SDK's; asking for more sends the request again."""
    entry, kind = BEFORE[fault]
    run = drive.run([entry, text("done")], stream=stream)
    with pytest.raises(kind) as raised:
        next(run)

    assert_failed(run, raised.value)
    assert "done" == words(run.until_done())
    assert drive.requests[0] == drive.requests[1]
    assert "completed" == run.stop.reason


@pytest.mark.parametrize("fault", sorted(BEFORE.keys() - {"413"}))
def test_what_the_sdk_retries_is_not_seen(drive, fault):
    """The client's own retries come first, and the run knows nothing of them."""
    run = drive.run([BEFORE[fault][0], text("done")], max_retries=1)

    assert "done" == words(run.until_done())
    assert 2 == len(drive.requests)
    assert "request_failed" not in drive.rows


@pytest.mark.parametrize("fault", WITHIN)
def test_a_stream_that_breaks(drive, fault, ran, search):
    """Whoever reads it gets the exception; nothing that arrived is a result."""
    entry, kind = WITHIN[fault]
    run = drive.run([entry, text("done")], search, stream=True)
    stream = next(run)
    with pytest.raises(kind) as raised:
        list(stream)

    assert_failed(run, raised.value)
    assert ([], 0, 1) == (ran, run.usage.replies, len(run.messages))
    assert "done" == words(run.until_done())
    assert drive.requests[0] == drive.requests[1]


@pytest.mark.parametrize("fault", WITHIN)
def test_a_stream_that_breaks_while_the_runner_reads_it(drive, fault, ran, search):
    """`until_done` raises, and returns no half message."""
    entry, kind = WITHIN[fault]
    run = drive.run([entry, text("done")], search, stream=True)
    with pytest.raises(kind) as raised:
        run.until_done()

    assert_failed(run, raised.value)
    assert set() == drive.transport.open
    assert "done" == words(run.until_done())
    assert [] == ran


@pytest.mark.parametrize("fault", WITHIN)
def test_a_stream_that_breaks_while_its_calls_are_asked_for(drive, fault, ran, search):
    """No response is made of half a message."""
    entry, kind = WITHIN[fault]
    run = drive.run([entry, text("done")], search, stream=True)
    next(run)
    with pytest.raises(kind) as raised:
        run.generate_tool_call_response()

    assert_failed(run, raised.value)
    assert run.generate_tool_call_response() is None
    assert "done" == words(run.until_done())
    assert [] == ran


@pytest.mark.parametrize("entry", [disconnect(WORDS), stall(WORDS)])
def test_an_answer_that_breaks_off(drive, entry):
    """Half of a JSON answer is no answer either."""
    run = drive.run([entry, text("done")])
    with pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)) as raised:
        next(run)

    assert_failed(run, raised.value)
    assert "done" == words(run.until_done())


def test_an_answer_that_is_cut_short(drive):
    """JSON that ends in the middle."""
    run = drive.run([truncated(WORDS), text("done")])
    with pytest.raises((anthropic.APIError, json.JSONDecodeError)) as raised:
        next(run)

    assert_failed(run, raised.value)
    assert "done" == words(run.until_done())


def test_a_fault_after_tools_does_not_run_them_again(drive, search, ran):
    """Their results are part of the history, and go with the second try."""
    run = drive.run([CALLS, overloaded(), text("done")], search)
    next(run)
    with pytest.raises(anthropic.InternalServerError):
        next(run)
    last = run.until_done()

    assert "done" == words(last)
    assert ["ants and other animals"] == ran
    assert drive.requests[1] == drive.requests[2]


def test_until_done_does_not_return_the_message_before_a_fault(drive, search):
    """A call that was answered and never read on is not the end."""
    run = drive.run([CALLS, overloaded()], search)
    with pytest.raises(anthropic.InternalServerError):
        run.until_done()

    assert "failed" == run.stop.reason


def test_a_failed_request_is_no_iteration(drive, search):
    """The limit counts requests that were answered."""
    run = drive.run(
        [overloaded(), tool_use("search", {"q": "a"}), overloaded(), text("done")], search, max_iterations=2
    )
    for _ in range(2):
        with pytest.raises(anthropic.InternalServerError):
            run.until_done()

    assert "done" == words(run.until_done())


def test_a_failed_run_can_be_closed(drive):
    """There is nothing to try again then."""
    run = drive.run([overloaded()])
    with pytest.raises(anthropic.InternalServerError):
        next(run)
    run.close()

    assert [] == list(run)
    assert ("done", "stop_closed") == (run.snapshot.state, run.stop.row)
    with pytest.raises(RunError):
        run.until_done()


def test_messages_can_be_appended_to_a_failed_run(drive):
    """They go with the next try."""
    run = drive.run([overloaded(), text("done")])
    with pytest.raises(anthropic.InternalServerError):
        next(run)
    run.append_messages({"role": "user", "content": "once more"})
    run.until_done()

    assert ["hi", "once more"] == [message["content"] for message in drive.requests[1]["messages"]]


def test_a_request_that_the_api_refuses_is_the_callers_to_mend(drive):
    """The 400 says what is wrong, and new parameters mend it."""
    run = drive.run([text("done")], messages=[{"role": "user", "content": ""}])
    with pytest.raises(anthropic.BadRequestError, match="non-empty content"):
        next(run)
    drive.model.refused.clear()
    run.set_messages_params(lambda params: {**params, "messages": [{"role": "user", "content": "hi"}]})

    assert "done" == words(run.until_done())
