"""Compaction by the API: when it happens, what is asked, and what becomes of the history."""

from __future__ import annotations

import logging

import anthropic
import pytest

from fsm_runner import RunError
from fsm_runner.testing import compaction, disconnect, overloaded, pause_turn, reply, text
from tests.drivers.drive import ASKED, use, words
from tests.drivers.journals import journaled

HI = ASKED["messages"][0]
MORE = {"role": "user", "content": "and more"}
CALL = use("search", q="ants")
SHORT = compaction("short")
ASK = {"type": "summarize"}
NO_SUMMARY = compaction(None)


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


async def search(q: str) -> str:
    """Search."""
    return f"found {q}"


def compacting(drive, replies, *, at=1, config=None, tools=(search,), **more):
    """A run whose caller asks for a compaction at the message of that number; 0: before the start."""
    run = drive.run(replies, *tools, **more)
    for _ in range(at):
        next(run)
    run.compact_before_next_turn(*([] if config is None else [config]))
    return run


def asked(drive):
    """What each request asks of compaction."""
    return [body.get("compaction") for body in drive.requests]


def kinds(body):
    """The types of the blocks of each message of a request."""
    return [
        message["content"] if isinstance(message["content"], str) else [block["type"] for block in message["content"]]
        for message in body["messages"]
    ]


# ── when ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_it_follows_the_turn_with_its_tools(drive, stream):
    """The results are in it, and the next request goes out with what the API made of the history."""
    run = compacting(drive, [CALL, SHORT, text("done")], stream=stream)
    run.until_done()

    assert [None, ASK, None] == asked(drive)
    assert ["hi", ["tool_use"], ["tool_result"]] == kinds(drive.requests[1])
    assert [["compaction"]] == kinds(drive.requests[2])
    assert ["short"] == [block["content"] for block in drive.requests[2]["messages"][0]["content"]]


def test_its_response_is_handed_out_like_any_message(drive):
    """With its own stop reason."""
    run = compacting(drive, [CALL, SHORT, text("done")])

    assert [("compaction", "compaction"), ("end_turn", "text")] == [
        (message.stop_reason, message.content[0].type) for message in run
    ]


def test_before_the_start_it_comes_first(drive):
    """The model's first turn is the next one."""
    run = compacting(drive, [SHORT, text("done")], at=0)
    said = [message.stop_reason for message in run]

    assert ([ASK, None], ["compaction", "end_turn"]) == (asked(drive), said)
    assert ["hi"] == kinds(drive.requests[0])
    assert [["compaction"]] == kinds(drive.requests[1])


def test_it_waits_for_the_end_of_a_paused_turn(drive):
    """The server goes on with its turn first."""
    run = compacting(drive, [pause_turn(), CALL, SHORT, text("done")])
    run.until_done()

    assert [None, None, ASK, None] == asked(drive)


def test_after_the_last_turn_it_is_done_before_the_run_ends(drive):
    """The history that the caller keeps is the short one; the last message is the compaction's."""
    run = compacting(drive, [text("done"), SHORT])
    last = run.until_done()

    assert [None, ASK] == asked(drive)
    assert ["hi", ["text"]] == kinds(drive.requests[1])
    assert "compaction" == last.stop_reason
    assert ["assistant"] == [message["role"] for message in run.messages]
    assert "completed" == run.stop.reason


def test_it_is_skipped_when_the_last_turn_left_calls_unanswered(drive, caplog):
    """The API would refuse the history; the caller is told."""
    run = compacting(drive, [reply(CALL, stop_reason="max_tokens")])
    with caplog.at_level(logging.WARNING):
        run.until_done()

    assert [None] == asked(drive)
    assert ["The pending compaction was skipped"] == [record.message[:34] for record in caplog.records]


def test_with_a_history_of_the_callers_unanswered_calls_are_no_matter(drive):
    """The reply that has them is not in it."""
    run = compacting(drive, [reply(CALL, stop_reason="max_tokens"), SHORT])
    run.append_messages({"role": "assistant", "content": "so far"}, MORE)
    run.until_done()

    assert [None, ASK] == asked(drive)
    assert ["hi", "so far", "and more"] == kinds(drive.requests[1])


def test_asking_again_replaces_what_was_asked(drive):
    """One compaction, the last one asked for."""
    other = {"type": "summarize", "instructions": "keep names"}
    run = compacting(drive, [CALL, SHORT, text("done")])
    run.compact_before_next_turn(other)
    run.until_done()

    assert [None, other, None] == asked(drive)


def test_asking_while_it_is_under_way_does_nothing(drive):
    """The caller holds its response; another one would compact the summary."""
    run = compacting(drive, [SHORT, text("done")], at=0)
    next(run)
    run.compact_before_next_turn()
    run.until_done()

    assert [ASK, None] == asked(drive)


def test_it_can_be_asked_for_every_turn(drive):
    """Each time with what the last one left."""
    run = drive.run([CALL, SHORT, CALL, SHORT, text("done")], search)
    for message in run:
        if message.stop_reason == "tool_use":
            run.compact_before_next_turn()

    assert [None, ASK, None, ASK, None] == asked(drive)
    assert [["compaction"], ["tool_use"], ["tool_result"]] == kinds(drive.requests[3])


def test_it_is_not_an_iteration(drive):
    """A limit counts requests for a reply."""
    run = compacting(drive, [CALL, SHORT, text("done")], max_iterations=2)

    assert "done" == words(run.until_done())
    assert "completed" == run.stop.reason


def test_it_does_not_happen_when_the_limit_leaves_no_request_for_it(drive):
    """The run ends by its limit."""
    run = compacting(drive, [CALL], max_iterations=1)
    run.until_done()

    assert ([None], "limit") == (asked(drive), run.stop.reason)


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_shapes_a_reply_is_left_off(drive):
    """The API takes none of it beside `compaction`; the next request has it again."""
    shaped = {
        "stop_sequences": ["x"],
        "tool_choice": {"type": "any"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "system": "be brief",
    }
    run = compacting(drive, [CALL, SHORT, text("{}")], **shaped)
    run.until_done()
    compact, after = drive.requests[1:]

    assert {"effort": "low"} == compact["output_config"]
    assert {"stop_sequences", "tool_choice", "context_management"}.isdisjoint(compact)
    assert ("be brief", ["search"]) == (compact["system"], [tool["name"] for tool in compact["tools"]])
    assert shaped.items() <= after.items()


def test_a_choice_that_leaves_the_model_free_stays(drive):
    """It does not ask for a call."""
    run = compacting(drive, [CALL, SHORT, text("done")], tool_choice={"type": "auto"})
    run.until_done()

    assert {"type": "auto"} == drive.requests[1]["tool_choice"]


def test_an_edit_that_compacts_cannot_stand_beside_it(drive):
    """The API would refuse both together; nothing is scheduled."""
    edits = {"edits": [{"type": "compact_20260112"}]}
    run = drive.run([CALL, text("done")], search, context_management=edits)
    with pytest.raises(ValueError, match="can't be used while `context_management` has a compaction edit"):
        run.compact_before_next_turn()
    run.until_done()

    assert [None, None] == asked(drive)
    assert edits == drive.requests[0]["context_management"]


def test_nor_can_one_be_added_while_it_is_pending(drive):
    """The parameters stay as they were."""
    run = compacting(drive, [CALL, SHORT, text("done")])
    with pytest.raises(ValueError, match="compaction edit"):
        run.set_messages_params(
            lambda params: {**params, "context_management": {"edits": [{"type": "compact_20260112"}]}}
        )
    run.until_done()

    assert "context_management" not in drive.requests[2]


def test_edits_of_the_context_pass_through(drive):
    """They are the API's business, and a reply that compacted is gone on from."""
    edits = {"edits": [{"type": "compact_20260112", "pause_after_compaction": True}]}
    run = drive.run([SHORT, text("done")], search, context_management=edits)
    last = run.until_done()

    assert [edits, edits] == [body["context_management"] for body in drive.requests]
    assert ["hi", ["compaction"]] == kinds(drive.requests[1])
    assert "done" == words(last)


# ── what becomes of it ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_summary_the_history_stays(drive, caplog, stream):
    """The API may fail to make one; the run goes on with what it had, and says so."""
    run = compacting(drive, [CALL, NO_SUMMARY, text("done")], stream=stream)
    with caplog.at_level(logging.WARNING):
        last = run.until_done()

    assert ["hi", ["tool_use"], ["tool_result"]] == kinds(drive.requests[2])
    assert ["Compaction produced no summary; keeping the conversation as it is."] == [
        record.message for record in caplog.records
    ]
    assert "done" == words(last)


def test_without_a_summary_the_last_message_is_the_one_before(drive):
    """A compaction that came to nothing is no last word."""
    run = compacting(drive, [text("done"), NO_SUMMARY])

    assert "done" == words(run.until_done())
    assert ["user", "assistant"] == [message["role"] for message in run.messages]


def test_messages_that_came_after_it_was_asked_follow_it(drive):
    """While its response is handled, the history cannot be changed; before, all of it is compacted."""
    run = compacting(drive, [CALL, SHORT, text("done")])
    message = next(run)
    with pytest.raises(ValueError, match="Message params can't be changed then"):
        run.append_messages(MORE)
    with pytest.raises(ValueError, match="Message params can't be changed then"):
        run.set_messages_params(lambda params: {**params, "messages": [MORE]})
    run.set_messages_params(lambda params: {**params, "max_tokens": 32})
    run.until_done()

    assert "compaction" == message.stop_reason
    assert ([["compaction"]], 32) == (kinds(drive.requests[2]), drive.requests[2]["max_tokens"])


def test_its_response_calls_no_tools(drive):
    """There is nothing to answer."""
    run = compacting(drive, [CALL, SHORT, text("done")])
    next(run)

    assert run.generate_tool_call_response() is None
    run.until_done()


def test_its_tokens_count(drive):
    """In the run's usage, as those of every reply."""
    run = compacting(drive, [CALL, SHORT, text("done")])
    run.until_done()

    assert (30, 3) == (run.usage.input_tokens, run.usage.replies)


def test_a_failed_one_is_not_tried_again(drive):
    """As in the SDK's runner: the caller gets the error, and the run is over with its history as it was."""
    run = compacting(drive, [CALL, overloaded()])
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        next(run)

    assert "failed" == run.snapshot.state
    assert [] == list(run)
    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]


def test_one_that_breaks_off_in_its_stream_is_a_failed_one(drive):
    """Half a summary is none."""
    run = compacting(drive, [CALL, disconnect(SHORT)], stream=True)
    with pytest.raises(Exception, match="peer closed connection"):
        run.until_done()

    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]
    assert [] == list(run)


def test_a_closed_run_compacts_no_more(drive):
    """It ends before its next request."""
    run = compacting(drive, [CALL])
    run.close()

    assert ([None], "closed") == (asked(drive), run.stop.reason)


def test_a_run_closed_before_its_start_has_no_last_message(drive):
    """Whatever was asked for."""
    run = compacting(drive, [], at=0)
    run.close()

    with pytest.raises(RunError, match="before its first message"):
        run.until_done()


# ── beside the client's own ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_caller_asked_for_comes_before_what_is_due(drive):
    """One of them is enough: the API's, and the client does not summarise its result."""
    big = reply(CALL, usage={"input_tokens": 500})
    control = {"enabled": True, "context_token_threshold": 100}
    run = compacting(drive, [big, SHORT, text("done")], compaction_control=control)
    run.until_done()

    assert [None, ASK, None] == asked(drive)
    assert "summarise" not in drive.rows


def test_without_being_asked_the_client_summarises(drive):
    """The control case of the one before."""
    big = reply(CALL, usage={"input_tokens": 500})
    control = {"enabled": True, "context_token_threshold": 100}
    drive.run([big, text("summary"), text("done")], search, compaction_control=control).until_done()

    assert [None, None, None] == asked(drive)
    assert "summarise" in drive.rows


@pytest.mark.parametrize("stream", [False, True])
def test_a_compaction_without_summary_is_the_last_word_only_while_it_is_at_hand(drive, stream):
    """Once the run has gone on from it, the message before it is the last one again, read or not."""
    run = compacting(drive, [text("hello"), NO_SUMMARY], stream=stream)
    next(run)

    assert "end_turn" == run.until_done().stop_reason


def test_a_run_closed_at_a_compaction_without_summary_ends_on_it(drive):
    """It is what the caller was handed last."""
    run = compacting(drive, [text("hello"), NO_SUMMARY])
    next(run)
    run.close()

    assert "compaction" == run.until_done().stop_reason
