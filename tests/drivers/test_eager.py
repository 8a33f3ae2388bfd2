"""Tools that run while the reply streams: when they start, what holds them, and that nothing else changes."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest

import fsm_runner
from fsm_runner import RunError
from fsm_runner.testing import disconnect, malformed, overloaded, reply, text, truncated
from tests.drivers.drive import use, words
from tests.drivers.journals import journaled

CALLS = reply(text("I look."), use("search", q="a"), use("search", q="b"))
MORE = {"role": "user", "content": "and more"}


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


@pytest.fixture
def seen():
    """What happened, in order: events of the stream, and calls."""
    return []


@pytest.fixture
def search(seen):
    """A tool that takes note of its calls; it has no answer for ``bad``."""

    async def search(q: str) -> str:
        """Search."""
        seen.append(q)
        if q == "bad":
            raise anthropic.lib.tools.ToolError("no such thing")
        return f"found {q}"

    return search


def eager(drive, replies, *tools, **more):
    """A run whose tools start early."""
    return drive.run(replies, *tools, stream=True, run_tools_eagerly=True, **more)


def read(stream, seen):
    """Read a stream and take note of where its blocks end."""
    for event in stream:
        if event.type in ("content_block_stop", "message_stop"):
            seen.append(event.type)


def results(body):
    """The results that a request sends."""
    return [block["content"] for block in body["messages"][-1]["content"]]


def test_a_call_runs_once_the_model_has_moved_on_from_it(drive, seen, search):
    """The first when the second begins, the second when the reply stops for tools: before the stream ends."""
    for stream in eager(drive, [CALLS, text("done")], search):
        read(stream, seen)

    stop = "content_block_stop"
    assert [stop, stop, "a", stop, "b", "message_stop", stop, "message_stop"] == seen
    assert ["call_early", "early_done"] * 2 == [row for row in drive.rows if "early" in row]


def test_without_it_calls_run_after_the_stream(drive, seen, search):
    """The default."""
    for stream in drive.run([CALLS, text("done")], search, stream=True):
        read(stream, seen)

    ran = [each for each in seen if each != "content_block_stop"]
    assert ("message_stop", ["a", "b"]) == (ran[0], sorted(ran[1:3]))


def test_a_call_runs_once(drive, seen, search):
    """What ran early has its result, whoever asks for the response."""
    run = eager(drive, [CALLS, text("done")], search)
    read(next(run), [])
    answer = run.generate_tool_call_response()
    run.until_done()

    assert ["a", "b"] == seen
    assert answer == drive.requests[1]["messages"][-1]


def test_results_go_in_the_models_order(drive, seen, search):
    """Also where a held call runs last."""
    run = eager(drive, [reply(*(use("search", q=q) for q in "abc")), text("done")], search)
    stream = next(run)
    for event in stream:
        if event.type == "content_block_start" and event.index == 0:
            run.defer_tool_call(event.content_block.id)
    run.until_done()

    assert ["b", "c", "a"] == seen
    assert ["found a", "found b", "found c"] == results(drive.requests[1])


def test_calls_run_early_also_when_the_runner_reads_the_rest(drive, seen, search):
    """Who reads makes no difference."""
    eager(drive, [CALLS, text("done")], search).until_done()

    assert ["a", "b"] == seen
    assert ["call_early_too", "early_drained"] * 2 == [row for row in drive.rows if "early" in row]


# ── deferring ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deferred_call_waits_until_the_caller_is_done_with_the_reply(drive, seen, search):
    """Deferred by its block, before it is complete; it is listed once it is, and runs in the end."""
    run = eager(drive, [CALLS, text("done")], search)
    stream = next(run)
    listed = []
    for event in stream:
        if event.type == "content_block_start" and event.content_block.type == "tool_use":
            run.defer_tool_call(event.content_block)
        if event.type in ("content_block_stop", "message_stop"):
            listed.append([call.input for call in run.deferred_tool_calls])
    before = list(seen)
    run.until_done()

    assert [] == before
    assert [[], [{"q": "a"}], [{"q": "a"}, {"q": "b"}], [{"q": "a"}, {"q": "b"}]] == listed
    assert ["a", "b"] == sorted(seen)
    assert [] == run.deferred_tool_calls


def test_one_call_is_deferred_and_the_others_run(drive, seen, search):
    """By its id."""
    run = eager(drive, [CALLS, text("done")], search)
    for event in next(run):
        if event.type == "content_block_start" and event.index == 1:
            run.defer_tool_call(event.content_block.id)
    held = [call.id for call in run.deferred_tool_calls]
    before = list(seen)
    run.until_done()

    assert (["toolu_0001"], ["b"], ["b", "a"]) == (held, before, seen)


def test_deferring_a_call_that_has_run_does_nothing(drive, seen, search):
    """It is too late."""
    run = eager(drive, [CALLS, text("done")], search)
    read(next(run), [])
    run.defer_tool_call("toolu_0001")

    assert [] == run.deferred_tool_calls
    run.until_done()
    assert ["a", "b"] == seen


def test_without_early_calls_deferring_does_nothing(drive, seen, search):
    """All of them wait anyway, and none is listed."""
    run = drive.run([CALLS, text("done")], search, stream=True)
    read(next(run), [])
    run.defer_tool_call("toolu_0001")

    assert [] == run.deferred_tool_calls
    run.until_done()
    assert ["a", "b"] == sorted(seen)


def test_a_deferred_call_can_be_answered_by_the_caller(drive, seen, search):
    """The history is then the caller's; the call that ran keeps its result and the other runs all the same."""
    run = eager(drive, [CALLS, text("done")], search)
    stream = next(run)
    for event in stream:
        if event.type == "content_block_start" and event.index == 1:
            run.defer_tool_call(event.content_block.id)
    message = stream.get_final_message()
    denied = [
        {"type": "tool_result", "tool_use_id": f"toolu_000{number}", "content": "denied", "is_error": True}
        for number in (1, 2)
    ]
    run.append_messages(message, {"role": "user", "content": denied})
    run.until_done()

    assert ["denied", "denied"] == results(drive.requests[1])
    assert "b" == seen[0]


# ── calls that do not run early ─────────────────────────────────────────────────────────────────────────────────────


def test_a_call_without_a_tool_is_answered_after_the_stream(drive, seen, search):
    """It is reported then, at the caller's line."""
    run = eager(drive, [reply(use("other"), use("search", q="a")), text("done")], search)
    read(next(run), [])
    before = list(seen)
    with pytest.warns(UserWarning, match="Tool 'other' not found"):
        run.until_done()

    assert ["a"] == before
    assert ["Error: Tool 'other' not found", "found a"] == results(drive.requests[1])


def test_a_call_that_the_reply_was_cut_off_in_does_not_run(drive, seen, search):
    """The last block of a reply that reached its tokens is complete in form only."""
    run = eager(drive, [reply(use("search", q="a"), use("search", q="b"), stop_reason="max_tokens")], search)
    last = run.until_done()

    assert ["a"] == seen
    assert "max_tokens" == last.stop_reason


def test_a_failing_call_is_a_result_like_any_other(drive, seen, search):
    """The others run, and the model is told."""
    eager(drive, [reply(use("search", q="bad"), use("search", q="b")), text("done")], search).until_done()
    first, second = drive.requests[1]["messages"][-1]["content"]

    assert ["bad", "b"] == seen
    assert ("no such thing", True, "found b") == (first["content"], first["is_error"], second["content"])


# ── a tool that acts on its run ─────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_that_closes_the_run_while_the_reply_streams_ends_it(drive):
    """The stream is read on by the caller; no request follows."""
    run = None

    async def stop() -> str:
        """Stop."""
        await drive.inner(run, "close")
        return "stopped"

    run = eager(drive, [reply(use("stop"), text("and more"))], stop)
    stream = next(run)
    said = "".join(stream.text_stream)

    assert "and more" == said
    assert [] == list(run)
    assert ("closed", 1) == (run.stop.reason, len(drive.requests))


def test_a_tool_that_appends_while_the_reply_streams_makes_the_history_the_callers(drive):
    """The reply and its results are left out, as when the caller appends; the tool runs once."""
    run, ran = None, []

    async def note() -> str:
        """Note."""
        ran.append(1)
        target = getattr(run, "target", run)
        target.append_messages({"role": "assistant", "content": "noted"}, MORE)
        return "kept"

    run = eager(drive, [reply(use("note"), use("note")), text("done")], note)
    run.until_done()

    assert ["hi", "noted", "and more", "noted", "and more"] == [
        message["content"] for message in drive.requests[1]["messages"]
    ]
    assert [1, 1] == ran


def test_messages_appended_after_calls_ran_early_do_not_run_them_again(drive, seen, search):
    """They ran for this reply, and it is the same one."""
    run = eager(drive, [CALLS, text("done")], search)
    read(next(run), [])
    run.append_messages({"role": "assistant", "content": "never mind"}, MORE)
    run.until_done()

    assert ["a", "b"] == seen
    assert ["hi", "never mind", "and more"] == [message["content"] for message in drive.requests[1]["messages"]]


# ── streams that do not end well ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("broken", [disconnect, truncated, malformed, overloaded])
def test_a_stream_that_breaks_off_after_a_call_ran_is_asked_for_again(drive, seen, search, broken):
    """The run has failed; the reply that comes instead has calls of its own, which run."""
    run = eager(drive, [broken(CALLS, after=16), CALLS, text("done")], search)
    with pytest.raises((httpx2.RemoteProtocolError, RunError, json.JSONDecodeError, anthropic.APIStatusError)):
        read(next(run), [])
    state, before = run.snapshot.state, list(seen)
    run.until_done()

    assert ("failed", ["a"]) == (state, before)
    assert ["a", "a", "b"] == seen
    assert 1 == len(drive.requests[1]["messages"])
    assert ["found a", "found b"] == results(drive.requests[2])


def test_a_stream_that_the_caller_leaves_and_closes_has_no_calls_left_running(drive, seen, search):
    """Half a reply is none: it is asked for again."""
    run = eager(drive, [CALLS, text("done")], search)
    stream = next(run)
    for event in stream:
        if event.type == "content_block_stop" and event.index == 1:
            break
    stream.close()
    with pytest.raises(httpx2.ReadError):
        next(run)

    assert "done" == words(run.until_done())
    assert 1 == len(drive.requests[1]["messages"])


def test_closing_the_run_within_a_stream_ends_it(drive, seen, search):
    """Nothing more runs."""
    run = eager(drive, [CALLS], search)
    for event in next(run):
        if event.type == "content_block_stop" and event.index == 1:
            break
    run.close()

    assert ([], "closed", []) == (list(run), run.stop.reason, seen)


# ── on record ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_that_a_call_is_complete_and_that_it_ran_are_on_record(drive, search, tmp_path):
    """Each as an event, before the reply's own; the effect as early."""
    eager(drive, [CALLS, text("done")], search).until_done()
    told = [json.loads(line) for line in (tmp_path / "run-0.jsonl").read_text(encoding="utf-8").splitlines()]
    events = [record["event"] for record in told if record["type"] == "event"]

    assert ["moved_on", "tool_finished", "moved_on", "tool_finished", "replied"] == events[
        events.index("opened") + 2 :
    ][:5]
    assert fsm_runner.replay(tmp_path / "run-0.jsonl").conforms


def test_early_calls_need_a_stream(drive, search):
    """There is nothing to be early in."""
    with pytest.raises(ValueError, match="mutually exclusive"):
        drive.run([], search, run_tools_eagerly=True)
