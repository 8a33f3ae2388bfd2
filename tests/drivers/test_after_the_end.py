"""After the end, and after `close()`: what the SDK's runner takes without an error, and what it answers then."""

from __future__ import annotations

import httpx2
import pytest

from fsm_runner.replaying import replay
from fsm_runner.testing import disconnect, reply, text, tool_use
from tests.drivers.drive import use, words

CALL = tool_use("search", {"q": "ants"})
MORE = {"role": "user", "content": "more"}


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


def act(run):
    """Do all that a caller can do between turns."""
    run.append_messages(MORE)
    run.set_messages_params(lambda params: {**params, "max_tokens": 7})
    run.add_tools({"name": "later", "input_schema": {"type": "object"}})
    run.remove_tools("later")
    run.compact_before_next_turn()


@pytest.mark.parametrize("journaled", [False, True])
def test_acts_after_the_end_are_taken_and_the_run_does_not_go_on(drive, tmp_path, journaled):
    """The history keeps what was added; the journal ended with the run, and replays."""
    path = tmp_path / "run.jsonl"
    run = drive.run([text("done")], journal=path if journaled else None)
    run.until_done()
    stop, before = run.stop, path.read_bytes() if journaled else None
    act(run)

    assert ([], "done") == (list(run), words(run.until_done()))
    assert (stop, MORE, 1) == (run.stop, run.messages[-1], len(drive.requests))
    if journaled:
        assert before == path.read_bytes()
        assert replay(path).conforms


@pytest.mark.parametrize("stream", [False, True])
def test_acts_after_closing_in_the_loop_are_taken(drive, search, ran, stream):
    """A program that was moved over does not break there."""
    run = drive.run([CALL], search, stream=stream)
    for item in run:
        if stream:
            item.get_final_message()
        run.close()
        act(run)

    assert ("closed", [], MORE) == (run.stop.reason, ran, run.messages[-1])


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"stream": True, "run_tools_eagerly": True}])
def test_calls_that_closing_left_open_are_answered_when_asked_for(drive, search, ran, options):
    """None means that there are no calls; the tools run once, and the run has ended as before."""
    run = drive.run([reply(use("search", q="ants"), use("search", q="bees"))], search, **options)
    item = next(run)
    if options:
        item.get_final_message()
    run.close()
    stop = run.stop
    first = run.generate_tool_call_response()

    assert ["found", "found"] == [block["content"] for block in first["content"]]
    assert first is run.generate_tool_call_response()
    assert ["ants", "bees"] == sorted(ran)
    assert (stop, "done", []) == (run.stop, run.snapshot.state, list(run))
    assert first["content"] == run.messages[-1]["content"]


def test_a_reply_that_was_cut_off_is_answered_after_the_end(drive, search, ran):
    """As the SDK does, which does not ask for the stop reason there."""
    run = drive.run([reply(use("search", q="ants"), stop_reason="max_tokens")], search)
    last = run.until_done()
    response = run.generate_tool_call_response()
    run.append_messages(last, response)

    assert ["found"] == [block["content"] for block in response["content"]]
    assert (["ants"], "max_tokens") == (ran, run.stop.reason)
    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]


def test_no_call_is_none_after_the_end(drive):
    """There is nothing to answer."""
    run = drive.run([text("done")])
    run.until_done()

    assert None is run.generate_tool_call_response()


def test_a_stream_that_is_read_on_after_closing_is_closed(drive, search):
    """The error is the transport's own, as with the SDK's runner, and the run has ended as it had."""
    run = drive.run([reply(text("a long story " * 200), use("search", q="ants"))], search, stream=True)
    stream = next(run)
    next(iter(stream))
    run.close()
    with pytest.raises((httpx2.StreamClosed, httpx2.ReadError)):
        stream.get_final_message()

    assert ("done", "closed") == (run.snapshot.state, run.stop.reason)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("pieces", [0, 2])
def test_there_is_no_response_to_a_stream_that_was_closed_before_its_end(drive, search, eager, pieces):
    """Least of all the one to the turn before it."""
    run = drive.run([CALL, CALL], search, stream=True, run_tools_eagerly=eager)
    next(run).get_final_message()
    stream = next(run)
    for _ in range(pieces):
        next(stream)
    run.close()

    assert None is run.generate_tool_call_response()
    assert ("done", "closed") == (run.snapshot.state, run.stop.reason)


@pytest.mark.parametrize("eager", [False, True])
def test_there_is_no_response_to_a_stream_that_was_lost(drive, search, ran, eager):
    """Least of all the one to the turn before it."""
    lost = disconnect(reply(text("I look."), use("search", q="bees")), after=5)
    run = drive.run([CALL, lost, text("done")], search, stream=True, run_tools_eagerly=eager)
    next(run).get_final_message()
    stream = next(run)
    with pytest.raises(httpx2.RemoteProtocolError):
        stream.get_final_message()

    assert None is run.generate_tool_call_response()
    assert (["ants"], "done") == (ran, words(run.until_done()))
