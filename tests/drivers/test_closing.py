"""Closing a run: it ends before its next request, whenever it is told to."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from fsm_runner import RunError
from fsm_runner.testing import reply, text, tool_use
from tests.drivers.drive import use, words

CALL = tool_use("search", {"q": "ants"})


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


def closed(run):
    """Whether the run has ended because it was closed."""
    return ("done", "closed") == (run.snapshot.state, run.stop.reason)


def test_before_the_start(drive):
    """Nothing is sent, and there is no message to return."""
    run = drive.run([])
    run.close()

    with pytest.raises(RunError, match=r"before its first message \(reason: closed\)") as raised:
        run.until_done()
    assert "closed" == raised.value.reason
    assert closed(run)


def test_while_the_caller_holds_a_message(drive, search, ran):
    """Its calls do not run; the message is still the last one."""
    run = drive.run([CALL], search)
    message = next(run)
    run.close()

    assert [] == list(run)
    assert message is run.until_done()
    assert ([], True) == (ran, closed(run))


def test_in_a_loop(drive, search):
    """The loop ends by itself."""
    run = drive.run([CALL, CALL], search)
    seen = 0
    for _ in run:
        seen += 1
        if seen == 2:
            run.close()

    assert (2, True) == (seen, closed(run))


def test_after_the_calls_were_answered(drive, search, ran):
    """The results stay in the history, for whoever takes it over."""
    run = drive.run([CALL], search)
    next(run)
    run.generate_tool_call_response()
    run.close()

    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]
    assert closed(run)


def test_from_a_tool(drive):
    """The tool and its siblings end as usual; no request follows."""
    run = None

    async def leave() -> str:
        """Close the run."""
        await drive.inner(run, "close")
        return "left"

    run = drive.run([reply(use("leave"), use("leave"))], leave)
    last = run.until_done()

    assert "tool_use" == last.stop_reason
    assert ["left", "left"] == [block["content"] for block in run.messages[-1]["content"]]
    assert closed(run)


@pytest.mark.parametrize("events", [0, 3])
def test_in_a_stream(drive, search, ran, events):
    """The response is closed at once, read or not; half a message is nobody's last word."""
    run = drive.run([CALL], search, stream=True)
    stream = next(run)
    for _ in zip(range(events), stream, strict=False):
        pass
    assert 1 == len(drive.transport.open)
    run.close()

    assert set() == drive.transport.open
    assert [] == list(run)
    with pytest.raises(RunError, match="reason: closed"):
        run.until_done()
    assert ([], True) == (ran, closed(run))


def test_after_a_stream_was_read(drive, search, ran):
    """What was read to its end is the last message."""
    run = drive.run([CALL], search, stream=True)
    message = next(run).get_final_message()
    run.close()

    assert message.content == run.until_done().content
    assert ([], True) == (ran, closed(run))


def test_after_the_end(drive):
    """A run that has ended keeps its reason."""
    run = drive.run([text("done")])
    run.until_done()
    run.close()

    assert "completed" == run.stop.reason


def test_twice(drive):
    """The second time has no effect."""
    run = drive.run([text("done")])
    next(run)
    run.close()
    run.close()

    assert "done" == words(run.until_done())
    assert closed(run)


def test_a_journal_of_the_runs_own_is_closed_at_its_end(drive, tmp_path):
    """Whether the run ends by itself or is closed; a journal that was given stays open for its owner."""
    path = tmp_path / "run.jsonl"
    run = drive.run([text("done")], journal=path)
    next(run)

    assert path in open_files()

    run.until_done()

    assert path not in open_files()


def test_a_journal_of_a_closed_run_is_closed(drive, tmp_path):
    """There is nothing more to come."""
    path = tmp_path / "run.jsonl"
    run = drive.run([text("done")], journal=path)
    next(run)
    run.close()

    assert path not in open_files()


def open_files():
    """The files that this process has open."""
    return {Path(each.path) for each in psutil.Process().open_files()}
