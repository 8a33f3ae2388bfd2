"""Iterating a run: what is handed out, in which order, and why it ends."""

from __future__ import annotations

import itertools
import logging

import pytest
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

from fsm_runner import RunError
from fsm_runner.loop.context import Usage
from fsm_runner.loop.stop import REASONS
from fsm_runner.testing import pause_turn, refusal, reply, text, tool_use, without_stop_reason
from tests.drivers.drive import ASKED, use, words

HI = ASKED["messages"][0]


async def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


def calls(number):
    """Replies that each call the tool, and a last one that does not."""
    return [*(tool_use("add", {"a": each, "b": 1}) for each in range(number)), text("done")]


def test_hands_out_each_message_in_order(drive):
    """Every reply is handed out, as the SDK's own message, with its request's id."""
    items = list(drive.run(calls(2), add))

    assert ["tool_use", "tool_use", "end_turn"] == [item.stop_reason for item in items]
    assert {ParsedBetaMessage} == {type(item) for item in items}
    assert ["req_0001", "req_0002", "req_0003"] == [item._request_id for item in items]


def test_the_next_request_brings_the_reply_and_the_results(drive):
    """The whole history goes with every request."""
    list(drive.run(calls(1), add))

    assert [HI] == drive.requests[0]["messages"]
    assert [
        HI,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_0001", "name": "add", "input": {"a": 0, "b": 1}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_0001", "content": "1"}]},
    ] == drive.requests[1]["messages"]


def test_an_ended_run_stays_ended(drive):
    """Asking an ended run for more sends nothing and gives nothing, however often."""
    run = drive.run([text("done")])
    list(run)

    assert [None, None] == [next(run, None), next(run, None)]
    assert [] == list(run)
    assert "completed" == run.stop.reason


def test_until_done_returns_the_last_message(drive):
    """It runs the tools on its way, and can be asked again."""
    run = drive.run(calls(2), add)
    last = run.until_done()

    assert "done" == words(last)
    assert last is run.until_done()


def test_until_done_goes_on_after_a_break(drive):
    """Leaving the loop leaves the run where it is."""
    run = drive.run(calls(2), add)
    for _ in run:
        break

    assert "done" == words(run.until_done())
    assert 3 == len(drive.requests)


def test_iterating_goes_on_after_a_break(drive):
    """A second loop gets the messages that the first did not."""
    run = drive.run(calls(2), add)
    first = [item.stop_reason for item in itertools.islice(run, 1)]

    assert ["tool_use", "tool_use", "end_turn"] == first + [item.stop_reason for item in run]


def test_next_and_loops_share_one_run(drive):
    """`next` takes one message, and a loop the rest."""
    run = drive.run(calls(1), add)

    assert "tool_use" == next(run).stop_reason
    assert ["end_turn"] == [item.stop_reason for item in run]


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limit", [{"max_iterations": 0}, {"limits": {"iterations": 0}}])
def test_no_request_is_sent_at_a_limit_of_zero(drive, limit):
    """There is no message then, and `until_done` says so."""
    run = drive.run([], add, **limit)

    with pytest.raises(RunError, match="before its first message") as raised:
        run.until_done()
    assert "limit" == raised.value.reason
    assert ("limit", "stop_limit", "iterations: 0") == (run.stop.reason, run.stop.row, run.stop.detail)


@pytest.mark.parametrize(("limit", "reason"), [(1, "limit"), (2, "limit"), (3, "completed"), (4, "completed")])
def test_as_many_requests_as_the_limit_allows(drive, limit, reason):
    """The limit itself is allowed; a run that ends by then has not met it."""
    run = drive.run(calls(2)[:limit], add, max_iterations=limit)
    items = list(run)

    assert min(limit, 3) == len(items)
    assert reason == run.stop.reason


def test_tools_of_the_last_allowed_reply_run(drive):
    """At the limit every call has its result, so the conversation can be taken elsewhere."""
    run = drive.run(calls(1)[:1], add, max_iterations=1)
    last = run.until_done()

    assert "tool_use" == last.stop_reason
    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]
    assert "1" == run.messages[-1]["content"][0]["content"]


# ── why it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

ENDS = {
    "end_turn": (text("well"), "completed", "finish"),
    "stop_sequence": (reply(text("well"), stop_reason="stop_sequence"), "completed", "finish"),
    "max_tokens": (reply(text("we"), stop_reason="max_tokens"), "max_tokens", "finish"),
    "model_context_window_exceeded": (
        reply(text("we"), stop_reason="model_context_window_exceeded"), "context_window_exceeded", "finish",
    ),
    "refusal": (refusal("I"), "refused", "finish"),
    "tool_use": (reply(text("well"), stop_reason="tool_use"), "no_tool_call", "finish"),
    "unknown": (reply(text("well"), stop_reason="brand_new"), "unreadable", "unreadable"),
    "missing": (without_stop_reason(text("well")), "unreadable", "unreadable"),
}  # fmt: skip
ELSEWHERE = {"limit", "closed", "failed", "stopped"}
"""Reasons that no reply gives; other scenarios end so."""


@pytest.mark.parametrize("end", ENDS)
def test_the_stop_says_why(drive, end):
    """Each stop reason of the API ends the run with a reason of ours, and names the row."""
    said, reason, row = ENDS[end]
    run = drive.run([said])
    items = list(run)

    assert 1 == len(items)
    assert (reason, row, "false") == (run.stop.reason, run.stop.row, run.stop.facts["closed"])
    assert "done" == run.snapshot.state


def test_every_reason_has_a_scenario():
    """A reason that nothing leads to would be a word without meaning."""
    assert set(REASONS) == {reason for _, reason, _ in ENDS.values()} | ELSEWHERE


@pytest.mark.parametrize(
    ("said", "detail", "warning"),
    [
        (ENDS["unknown"][0], "stop reason 'brand_new'", "a reply with the unknown stop reason 'brand_new'"),
        (ENDS["missing"][0], "the reply has no stop reason", "a reply with no stop reason"),
    ],
)
def test_an_unreadable_reply_never_ends_in_silence(drive, caplog, said, detail, warning):
    """The reply is handed out, the reason says what was there, and a warning is logged."""
    with caplog.at_level(logging.WARNING, logger="fsm_runner"):
        run = drive.run([said])
        last = run.until_done()

    assert "well" == words(last)
    assert detail == run.stop.detail
    assert [True] == [warning in record.getMessage() for record in caplog.records]


def test_calls_of_an_unreadable_reply_do_not_run(drive):
    """Nobody knows what a reply without stop reason means, so nothing is done for it."""
    ran = []

    async def note() -> str:
        """Take note."""
        ran.append(1)
        return "noted"

    run = drive.run([without_stop_reason(use("note"))], note)
    run.until_done()

    assert [] == ran
    assert "unreadable" == run.stop.reason


# ── pauses, containers, tokens ──────────────────────────────────────────────────────────────────────────────────────


def test_a_paused_turn_is_sent_back_as_it_is(drive):
    """The server goes on from the reply that it paused."""
    items = list(drive.run([pause_turn(), text("done")]))

    assert ["pause_turn", "end_turn"] == [item.stop_reason for item in items]
    assert ["user", "assistant"] == [message["role"] for message in drive.requests[1]["messages"]]
    assert "server_tool_use" == drive.requests[1]["messages"][1]["content"][0]["type"]


def test_a_paused_turn_without_content_is_not_sent_back(drive):
    """The API refuses a message without content; the request goes out as it was."""
    list(drive.run([reply(stop_reason="pause_turn"), text("done")]))

    assert [HI] == drive.requests[1]["messages"]


BOX = {"id": "box_1", "expires_at": "2030-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, "box_1"),
        ("mine", "mine"),
        ({"skills": []}, {"skills": [], "id": "box_1"}),
        ({"id": "mine", "skills": []}, {"id": "mine", "skills": []}),
    ],
)
def test_a_container_is_used_again(drive, given, sent):
    """The reply's container goes with the next request, unless the caller named one."""
    arguments = {} if given is None else {"container": given}
    list(drive.run([reply(use("add", a=1, b=2), container=BOX), text("done")], add, **arguments))

    assert given == drive.requests[0].get("container")
    assert sent == drive.requests[1]["container"]


def test_usage_adds_up(drive):
    """The tokens of every reply, each kind by itself."""
    first = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 8}
    run = drive.run([reply(use("add", a=1, b=2), usage=first), reply(text("done"), usage=first)], add)

    assert Usage() == run.usage
    run.until_done()
    assert (2, 4, 8, 16, 2) == (
        run.usage.input_tokens,
        run.usage.output_tokens,
        run.usage.cache_creation_input_tokens,
        run.usage.cache_read_input_tokens,
        run.usage.replies,
    )
    assert 30 == run.usage.total_tokens


# ── what can be read meanwhile ──────────────────────────────────────────────────────────────────────────────────────


def test_a_run_can_be_read_at_any_time(drive):
    """Before, during and after; the message that the caller holds is not part of the history yet."""
    run = drive.run(calls(1), add)
    before = (run.snapshot.state, run.stop, len(run.messages))
    next(run)
    during = (run.snapshot.state, run.stop, len(run.messages))
    run.until_done()

    assert ("start", None, 1) == before
    assert ("offered", None, 1) == during
    assert ("done", "completed", 4) == (run.snapshot.state, run.stop.reason, len(run.messages))


def test_an_earlier_snapshot_never_changes(drive):
    """What was read stays as it was read."""
    run = drive.run(calls(1), add)
    next(run)
    held = run.snapshot
    history = list(held.context.conversation.history)
    run.until_done()

    assert "offered" == held.state
    assert history == list(held.context.conversation.history)


def test_each_step_is_told(drive):
    """The listener hears each event with the rows it took, the start first."""
    run = drive.run(calls(1), add)
    run.until_done()

    assert [
        (None, []),
        ("continued", ["begin", "ask"]),
        ("replied", ["replied"]),
        ("continued", ["go_on", "call_tools"]),
        ("tool_finished", ["one_answered", "all_answered", "ask"]),
        ("replied", ["replied"]),
        ("continued", ["go_on", "finish"]),
    ] == drive.steps
