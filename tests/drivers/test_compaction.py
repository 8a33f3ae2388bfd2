"""Client-side compaction: when the history is replaced by a summary, what is asked for it, and what it leaves alone."""

from __future__ import annotations

import logging

import anthropic
import pytest

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.context import DEFAULT_SUMMARY_PROMPT
from fsm_runner.testing import overloaded, reply, server_tool_use, text, thinking, without_stop_reason
from tests.drivers.drive import ASKED, use, words

HI = ASKED["messages"][0]
SUMMARY = reply(text("<summary>so far</summary>"))
DONE = reply(text("done"))


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
        return f"found {q}"

    return search


def call(q="ants", tokens=100, **usage):
    """A reply with words and a call, that cost so many tokens."""
    usage = usage or {"input_tokens": tokens - 5, "output_tokens": 5}
    return reply(text("I look it up."), use("search", q=q), usage=usage)


def control(threshold=100, **more):
    """The argument that turns compaction on."""
    return {"enabled": True, "context_token_threshold": threshold, **more}


SUMMARISED = {"role": "user", "content": [{"type": "text", "text": "<summary>so far</summary>"}]}


# ── when ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("tokens", "due"), [(99, False), (100, True), (101, True)])
def test_due_from_the_threshold_upwards(drive, search, tokens, due):
    """Reaching the threshold counts."""
    script = [call(tokens=tokens), *([SUMMARY] if due else []), DONE]
    drive.run(script, search, compaction_control=control()).until_done()

    assert due is ("summarised" in drive.rows)


@pytest.mark.parametrize(
    "kind", ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
)
def test_every_kind_of_token_counts(drive, search, kind):
    """Input, output, and what is written to the cache or read from it."""
    none = {"input_tokens": 0, "output_tokens": 0}
    drive.run([call(**{**none, kind: 100}), SUMMARY, DONE], search, compaction_control=control()).until_done()

    assert "summarised" in drive.rows


def test_tokens_of_one_reply_count_not_their_sum(drive, search):
    """The last reply says how long the conversation is."""
    drive.run([call(tokens=60), call(tokens=60), DONE], search, compaction_control=control()).until_done()

    assert "summarised" not in drive.rows


@pytest.mark.parametrize("given", [None, {"enabled": False}, {"enabled": False, "context_token_threshold": 1}])
def test_never_unless_enabled(drive, search, given):
    """A threshold alone does nothing."""
    drive.run([call(tokens=10**9), DONE], search, compaction_control=given).until_done()

    assert 2 == len(drive.requests)


def test_the_default_threshold_is_a_hundred_thousand(drive, search):
    """One token below is not due."""
    drive.run(
        [call(tokens=99_999), call(tokens=100_000), SUMMARY, DONE], search, compaction_control={"enabled": True}
    ).until_done()

    assert DEFAULT_SUMMARY_PROMPT == drive.requests[2]["messages"][-1]["content"]


@pytest.mark.parametrize("last", [DONE, reply(text("cut"), stop_reason="max_tokens"), without_stop_reason(text("?"))])
def test_never_after_the_final_reply(drive, last):
    """There is no request that would use the summary."""
    final = reply(*last.blocks, stop_reason=last.stop_reason, usage={"input_tokens": 10**9})
    final = (
        final if last.stop_reason else without_stop_reason(*last.blocks, usage={**last.usage, "input_tokens": 10**9})
    )
    drive.run([final], compaction_control=control()).until_done()

    assert 1 == len(drive.requests)


def test_never_when_no_request_is_left(drive, search, ran):
    """At the iteration limit the calls run instead, so that the conversation can be taken elsewhere."""
    run = drive.run([call()], search, compaction_control=control(), max_iterations=1)
    run.until_done()

    assert ("limit", ["ants"]) == (run.stop.reason, ran)
    assert "found ants" == run.messages[-1]["content"][0]["content"]


def test_with_one_request_left(drive, search):
    """The summary is no iteration."""
    run = drive.run([call(), SUMMARY, DONE], search, compaction_control=control(), max_iterations=2)

    assert "done" == words(run.until_done())
    assert "completed" == run.stop.reason


def test_never_once_the_run_is_closed(drive, search):
    """Closing comes first."""
    run = drive.run([call()], search, compaction_control=control())
    next(run)
    run.close()

    assert [] == list(run)


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_summary_is_asked_for_with_nothing_else(drive, search):
    """Model, messages and max_tokens: no tools, no system prompt, not the runner's header."""
    drive.run([call(), SUMMARY, DONE], search, system="be brief", compaction_control=control()).until_done()
    request = drive.model.requests[1]

    assert {"model", "messages", "max_tokens"} == request.body.keys()
    assert (ASKED["model"], ASKED["max_tokens"]) == (request.body["model"], request.body["max_tokens"])
    assert "compaction" == request.headers["X-Stainless-Helper"]


def test_the_prompt_follows_the_history_without_open_calls(drive, search):
    """The reply that crossed the threshold is in it, but for the calls that nobody answers."""
    drive.run([call(), SUMMARY, DONE], search, compaction_control=control()).until_done()

    assert [
        HI,
        {"role": "assistant", "content": [{"type": "text", "text": "I look it up."}]},
        {"role": "user", "content": DEFAULT_SUMMARY_PROMPT},
    ] == drive.requests[1]["messages"]


def test_a_reply_of_calls_alone_is_left_out(drive, search):
    """A message without content is refused; thinking that led to the calls goes with them."""
    only = reply(thinking("hm"), use("search", q="a"), usage={"input_tokens": 100})
    drive.run([only, SUMMARY, DONE], search, compaction_control=control()).until_done()

    assert [HI["content"], DEFAULT_SUMMARY_PROMPT] == [m["content"] for m in drive.requests[1]["messages"]]


def test_model_and_prompt_can_be_chosen(drive, search):
    """For the summary alone."""
    given = control(model="another-model", summary_prompt="Sum it up.")
    drive.run([call(), SUMMARY, DONE], search, compaction_control=given).until_done()

    assert [ASKED["model"], "another-model", ASKED["model"]] == [body["model"] for body in drive.requests]
    assert {"role": "user", "content": "Sum it up."} == drive.requests[1]["messages"][-1]


# ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_history_is_the_summary_alone(drive, search, ran):
    """One user message takes the place of everything; the calls of that turn do not run."""
    run = drive.run([call(), SUMMARY, DONE], search, compaction_control=control())
    items = list(run)

    assert [SUMMARISED] == drive.requests[2]["messages"]
    assert [] == ran
    assert ["tool_use", "end_turn"] == [item.stop_reason for item in items]
    assert 2 == len(run.messages)


@pytest.mark.parametrize(
    "summary",
    [
        reply(text("<summary>"), text("so far</summary>")),
        reply(thinking("hm"), text("<summary>so far</summary>")),
        reply(thinking("hm"), text(""), text("<summary>so far</summary>"), thinking("well")),
    ],
)
def test_the_summary_is_all_that_the_model_said(drive, search, summary):
    """All of its text; what it thought is left out."""
    drive.run([call(), summary, DONE], search, compaction_control=control()).until_done()

    assert [SUMMARISED] == drive.requests[2]["messages"]


def test_calls_that_the_caller_had_answered_are_in_the_summary(drive, search, ran):
    """With their results: there is nothing open to leave out."""
    run = drive.run([call(), SUMMARY, DONE], search, compaction_control=control())
    next(run)
    run.generate_tool_call_response()
    run.until_done()
    asked = drive.requests[1]["messages"]

    assert ["user", "assistant", "user", "user"] == [message["role"] for message in asked]
    assert "found ants" == asked[2]["content"][0]["content"]
    assert ["ants"] == ran


def test_the_callers_messages_are_never_changed(drive, search):
    """Neither the list nor what is in it."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    drive.run([call(), SUMMARY, DONE], search, messages=messages, compaction_control=control()).until_done()

    assert [{"role": "user", "content": [{"type": "text", "text": "hi"}]}] == messages


def test_tokens_of_the_summary_are_in_the_usage(drive, search):
    """They cost as much as any."""
    run = drive.run([call(tokens=100), SUMMARY, DONE], search, compaction_control=control())
    run.until_done()

    assert (100 + 15 + 15, 3) == (run.usage.total_tokens, run.usage.replies)


def test_a_long_run_is_summarised_again(drive, search):
    """Each time the threshold is reached after a reply that stayed below it."""
    script = [call(tokens=100), SUMMARY, call(tokens=50), call(tokens=100), SUMMARY, DONE]
    drive.run(script, search, compaction_control=control()).until_done()

    assert 2 == drive.rows.count("summarised")


def test_replies_that_stream_are_summarised_too(drive, search):
    """The summary itself is not streamed, and not handed out."""
    run = drive.run([call(), SUMMARY, DONE], search, stream=True, compaction_control=control())
    streams = list(run)

    assert 2 == len(streams)
    assert "stream" not in drive.requests[1]
    assert [SUMMARISED] == drive.requests[2]["messages"]


def test_a_paused_turn_is_not_cut(drive):
    """The server is to go on with it, so it must see it."""
    paused = reply(server_tool_use("web_search", {"query": "a"}), stop_reason="pause_turn", usage={"input_tokens": 100})
    drive.run([paused, DONE], compaction_control=control()).until_done()

    assert ["user", "assistant"] == [message["role"] for message in drive.requests[1]["messages"]]


# ── when it goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "summary",
    [
        reply(use("search", q="a")),
        reply(stop_reason="end_turn"),
        reply(text("")),
        reply(text(" \n")),
        reply(thinking("hm")),
        reply(text("The gist is th"), stop_reason="max_tokens"),
        reply(text("I would rather not."), stop_reason="refusal"),
        reply(text("The gist"), stop_reason="a_new_reason"),
    ],
)
def test_a_summary_that_is_none_leaves_the_history(drive, search, ran, summary):
    """The run fails, the tokens count, and going on asks for another summary."""
    run = drive.run([call(), summary, SUMMARY, DONE], search, compaction_control=control())
    next(run)
    with pytest.raises(ReplyError, match=r"the summary cannot be used: .*; the history stays as it was"):
        next(run)

    assert ("failed", "failed") == (run.snapshot.state, run.stop.reason)
    assert 2 == run.usage.replies
    assert [HI, "assistant"] == [run.messages[0], run.messages[1]["role"]]
    assert "done" == words(run.until_done())
    assert ([SUMMARISED], []) == (drive.requests[3]["messages"], ran)


def test_a_failed_request_for_a_summary_leaves_the_history(drive, search):
    """It reaches the caller as it is, and can be tried again."""
    run = drive.run([call(), overloaded(), SUMMARY, DONE], search, compaction_control=control())
    next(run)
    with pytest.raises(anthropic.APIStatusError):
        next(run)

    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]
    assert "done" == words(run.until_done())
    assert drive.requests[1]["messages"] == drive.requests[2]["messages"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "'enabled': field required"),
        ({"enabled": "yes"}, "'enabled'"),
        ({"enabled": True, "context_token_threshold": 0}, "'context_token_threshold'.*greater than 0"),
        ({"enabled": True, "context_token_threshold": 1.5}, "'context_token_threshold'"),
        ({"enabled": True, "context_token_threshold": True}, "'context_token_threshold'"),
        ({"enabled": True, "summary_prompt": ""}, "'summary_prompt'"),
        ({"enabled": True, "model": ""}, "'model'"),
        ({"enabled": True, "treshold": 5}, "'treshold'.*it takes: enabled, context_token_threshold"),
    ],
)
def test_a_bad_control_is_refused_before_any_request(drive, given, said):
    """The message names the key."""
    with pytest.raises(ValueError, match=f"^compaction_control: {said}"):
        drive.run([], compaction_control=given)

    assert [] == drive.requests


def test_a_threshold_that_a_summary_cannot_get_under_is_said_once(drive, search, ran, caplog):
    """The run goes on with its tools instead of summarising for ever."""
    script = [call("a"), SUMMARY, call("b"), call("c"), DONE]
    with caplog.at_level(logging.WARNING, logger="fsm_runner"):
        drive.run(script, search, compaction_control=control()).until_done()

    assert 1 == drive.rows.count("summarised")
    assert ["b", "c"] == ran
    assert [True] == ["Raise the threshold" in record.getMessage() for record in caplog.records]


def test_a_futile_threshold_is_tried_again_once_a_reply_stayed_below(drive, search):
    """What was futile then need not be so now."""
    script = [call(), SUMMARY, call(), call(tokens=50), call(), SUMMARY, DONE]
    drive.run(script, search, compaction_control=control()).until_done()

    assert 2 == drive.rows.count("summarised")
