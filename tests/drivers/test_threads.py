"""Message threads: the server keeps the conversation, and a run goes on without it when it has to."""

from __future__ import annotations

import json

import anthropic
import pytest

from fsm_runner.testing import compaction, disconnect, overloaded, refusal, reply, text, thread_error
from tests.drivers.drive import ASKED, use, words
from tests.drivers.journals import journaled

NEW = {"type": "create"}
BETA = "message-threads-2026-08-12"
CALL = use("search", q="ants")
LOST = thread_error("thread_not_found")
HI = ASKED["messages"][0]
MARK = {"cache_control": {"type": "ephemeral"}}


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


async def search(q: str) -> str:
    """Search."""
    return f"found {q}"


def threaded(drive, replies, *tools, **more):
    """A run with a thread."""
    return drive.run(replies, *(tools or (search,)), **{"thread": None, **more})


def after(number):
    """The thread as it is continued after the message of that number."""
    return {"type": "continue", "previous_message_id": f"msg_{number:04}"}


def threads(drive):
    """What each request says of its thread."""
    return [body.get("thread") for body in drive.requests]


def roles(body):
    """The roles of a request's messages."""
    return "".join(message["role"][0] for message in body["messages"])


# ── what goes over the wire ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_a_thread_is_created_and_continued(drive, stream):
    """The first request has everything, each later one what the server lacks: the tool results."""
    run = threaded(drive, [CALL, CALL, text("done")], stream=stream, system="be brief")
    last = run.until_done()

    assert [NEW, after(1), after(2)] == threads(drive)
    assert ["u", "u", "u"] == [roles(body) for body in drive.requests]
    assert ["toolu_0001", "toolu_0002"] == [
        body["messages"][0]["content"][0]["tool_use_id"] for body in drive.requests[1:]
    ]
    assert "done" == words(last)


def test_what_the_thread_has_is_left_off(drive):
    """System and tools go with the first request alone, everything else with each."""
    threaded(drive, [CALL, text("done")], system="be brief", speed="fast", metadata={"user_id": "me"}).until_done()
    first, second = drive.requests

    assert {"system", "tools"} == first.keys() - second.keys()
    assert ("fast", {"user_id": "me"}, 64) == (second["speed"], second["metadata"], second["max_tokens"])


@pytest.mark.parametrize("betas", [[], ["files-api-2025-04-14"], [BETA]])
def test_threads_beta_is_named_once_beside_the_callers(drive, betas):
    """On every request of a thread."""
    threaded(drive, [CALL, text("done")], betas=betas).until_done()

    for request in drive.model.requests:
        assert sorted({*betas, BETA}) == sorted(request.betas)


def test_a_beta_header_of_the_callers_is_kept(drive):
    """The SDK lets the header win over its parameter; the run adds to it."""
    threaded(drive, [text("done")], extra_headers={"anthropic-beta": "mine-2026-01-01"}).until_done()

    assert ("mine-2026-01-01", BETA) == drive.model.requests[0].betas


def test_without_a_thread_nothing_is_said_of_one(drive):
    """The whole history goes with every request."""
    threaded(drive, [CALL, text("done")], thread=False).until_done()

    assert [None, None] == threads(drive)
    assert ["u", "uau"] == [roles(body) for body in drive.requests]
    assert [(), ()] == [request.betas for request in drive.model.requests]


def test_helpers_are_named_as_the_sdk_names_them(drive):
    """The runner and the thread; without a thread, the runner alone."""
    threaded(drive, [text("done")]).until_done()
    named = drive.model.requests[0].headers["x-stainless-helper"]
    threaded(drive, [text("done")], thread=False).until_done()

    assert "BetaToolRunner, message-thread" == named
    assert "BetaToolRunner" == drive.model.requests[0].headers["x-stainless-helper"]


def test_a_paused_turn_goes_on_with_nothing_new(drive):
    """The server has all there is."""
    threaded(drive, [reply(text("one moment"), stop_reason="pause_turn"), text("done")]).until_done()

    assert (after(1), []) == (drive.requests[1]["thread"], drive.requests[1]["messages"])


def test_appended_messages_go_with_the_results_left_out(drive):
    """The caller gave the reply back, so the server holds it; what follows it is sent."""
    run = threaded(drive, [CALL, text("done")])
    message = next(run)
    answer = run.generate_tool_call_response()
    run.append_messages(message, answer, {"role": "user", "content": "hurry"})
    run.until_done()

    assert after(1) == drive.requests[1]["thread"]
    assert [answer, {"role": "user", "content": "hurry"}] == drive.requests[1]["messages"]


def test_another_history_is_another_thread(drive):
    """What the server holds is not what the caller wants: everything goes out again, system and tools too."""
    run = threaded(drive, [CALL, text("done")], system="be brief")
    next(run)
    run.append_messages({"role": "assistant", "content": "no search"}, {"role": "user", "content": "go on"})
    run.until_done()

    assert [NEW, NEW] == threads(drive)
    assert [HI, "no search", "go on"] == [drive.requests[1]["messages"][0]] + [
        message["content"] for message in drive.requests[1]["messages"][1:]
    ]
    assert {"system", "tools"} <= drive.requests[1].keys()


def test_a_replaced_history_is_another_thread(drive):
    """By set_messages_params, before the run goes on."""
    run = threaded(drive, [CALL, text("done")])
    next(run)
    run.set_messages_params(lambda params: {**params, "messages": [{"role": "user", "content": "instead"}]})
    run.until_done()

    assert [NEW, NEW] == threads(drive)
    assert "uau" == roles(drive.requests[1])
    assert "instead" == drive.requests[1]["messages"][0]["content"]


# ── system and tools cannot change ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ask_first", [False, True])
def test_a_changed_system_is_refused_before_any_tool_runs(drive, ask_first):
    """The error names the field; undoing the change, the run goes on where it was."""
    ran = []

    async def search(q: str) -> str:
        """Search."""
        ran.append(q)
        return "found"

    run = threaded(drive, [CALL, text("done")], search, system="be brief")
    next(run)
    run.set_messages_params(lambda params: {**params, "system": "be long"})
    with pytest.raises(anthropic.AnthropicError, match="Cannot change `system` on a thread"):
        next(run)
    state = run.snapshot.state
    if ask_first:  # going on without undoing it is refused again
        with pytest.raises(anthropic.AnthropicError, match="Cannot change `system`"):
            next(run)
    before = list(ran)
    run.set_messages_params(lambda params: {**params, "system": "be brief"})

    assert ("failed", []) == (state, before)
    assert "done" == words(run.until_done())
    assert [NEW, after(1)] == threads(drive)
    assert ["ants"] == ran


def test_a_change_after_a_failure_is_refused_and_not_tried_for_ever(drive):
    """The failure that the caller knows of is one thing; what it then changed, another."""
    run = threaded(drive, [CALL, overloaded(), text("done")], system="be brief")
    next(run)
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        next(run)
    run.set_messages_params(lambda params: {**params, "system": "be long"})
    with pytest.raises(anthropic.AnthropicError, match="Cannot change `system` on a thread"):
        next(run)
    run.set_messages_params(lambda params: {**params, "system": "be brief"})

    assert "done" == words(run.until_done())


def test_changed_tools_are_refused_with_the_way_out(drive):
    """Tools are added and removed by methods of their own."""
    run = threaded(drive, [CALL, text("done")])
    next(run)
    tools = drive.requests[0]["tools"]
    run.set_messages_params(lambda params: {**params, "tools": []})
    with pytest.raises(anthropic.AnthropicError, match="`tools` on a thread") as raised:
        next(run)
    run.set_messages_params(lambda params: {**params, "tools": tools})

    assert "use add_tools() and remove_tools()" in str(raised.value)
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        assert "done" == words(run.until_done())


def test_a_change_before_the_first_request_is_none(drive):
    """There is no thread yet that could have something else."""
    run = threaded(drive, [text("done")], system="be brief")
    run.set_messages_params(lambda params: {**params, "system": "be long"})
    run.until_done()

    assert "be long" == drive.requests[0]["system"]


def test_other_parameters_can_change(drive):
    """The API takes them with every request."""
    run = threaded(drive, [CALL, text("done")])
    next(run)
    run.set_messages_params(lambda params: {**params, "max_tokens": 32})
    run.until_done()

    assert ([NEW, after(1)], 32) == (threads(drive), drive.requests[1]["max_tokens"])


# ── a thread that is lost ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("code", ["thread_not_found", "thread_already_continued", "thread_continue_in_flight"])
def test_a_lost_thread_is_replaced(drive, code, stream):
    """Everything goes out again under a new one, by itself, and the run goes on in that."""
    run = threaded(drive, [CALL, thread_error(code), CALL, text("done")], stream=stream, system="be brief")
    last = run.until_done()

    assert [NEW, after(1), NEW, after(2)] == threads(drive)
    assert ["u", "u", "uau", "u"] == [roles(body) for body in drive.requests]
    assert {"system", "tools"} <= drive.requests[2].keys()
    assert "done" == words(last)
    assert 1 == drive.rows.count("resend")


def test_what_goes_out_again_has_lost_its_cache_markers(drive):
    """Each was set for the request that sent it first; those of new messages stay."""
    messages = [{"role": "user", "content": [{**text("hi"), **MARK}]}]

    async def search(q: str):
        """Search."""
        return [{**text(q), **MARK}]

    threaded(drive, [CALL, LOST, text("done")], search, messages=messages).until_done()
    first, _, again = drive.requests

    assert MARK.items() <= first["messages"][0]["content"][0].items()
    assert [text("hi")] == again["messages"][0]["content"]
    assert [{**text("ants"), **MARK}] == again["messages"][-1]["content"][0]["content"]


def test_a_thread_that_is_lost_again_at_once_is_given_up(drive):
    """The server may not be able to keep it: from then on the whole history goes, without a thread."""
    threaded(drive, [CALL, LOST, CALL, LOST, CALL, text("done")]).until_done()

    assert [NEW, after(1), NEW, after(2), None, None] == threads(drive)
    assert ["u", "u", "uau", "u", "uauau", "uauauau"] == [roles(body) for body in drive.requests]
    assert {"tools"} <= drive.requests[-1].keys()


def test_a_thread_that_lasted_a_turn_may_be_lost_again(drive):
    """A turn in between shows that the server can keep it."""
    threaded(drive, [CALL, LOST, CALL, CALL, LOST, text("done")]).until_done()

    assert [NEW, after(1), NEW, after(2), after(3), NEW] == threads(drive)


@pytest.mark.parametrize("at_once", [True, False])
def test_where_threads_are_not_supported_the_run_goes_without(drive, at_once):
    """Whether the server says so at the start or later, and for the rest of the run."""
    unsupported = thread_error("thread_unsupported_request", "inference_hooks")
    script = [unsupported, CALL, text("done")] if at_once else [CALL, unsupported, text("done")]
    run = threaded(drive, script, system="be brief")
    last = run.until_done()

    assert ([NEW, None, None] if at_once else [NEW, after(1), None]) == threads(drive)
    assert {"system", "tools"} <= drive.requests[-1].keys()
    assert "uau" == roles(drive.requests[-1])
    assert "done" == words(last)


def test_a_request_goes_out_again_at_most_twice(drive):
    """A server that says the same every time is an error in the end, and the run can be gone on from."""
    again = thread_error("thread_continue_in_flight")
    unsupported = thread_error("thread_unsupported_request")
    run = threaded(drive, [CALL, again, unsupported, unsupported, text("done")])
    next(run)
    with pytest.raises(anthropic.BadRequestError):
        next(run)

    assert "failed" == run.snapshot.state
    assert "done" == words(run.until_done())
    assert [NEW, after(1), NEW, None, None] == threads(drive)


def test_any_other_error_leaves_the_thread_as_it_is(drive):
    """Iterating again continues it."""
    run = threaded(drive, [CALL, overloaded(), text("done")])
    next(run)
    with pytest.raises(anthropic.APIStatusError):
        next(run)
    run.until_done()

    assert [NEW, after(1), after(1)] == threads(drive)


def test_a_stream_that_broke_off_starts_a_new_thread(drive):
    """Nobody knows whether the server recorded that reply."""
    run = threaded(drive, [CALL, disconnect(text("half of it")), text("done")], stream=True)
    next(run)
    with pytest.raises(Exception, match="peer closed connection"):
        run.until_done()
    run.until_done()

    assert [NEW, after(1), NEW] == threads(drive)
    assert "uau" == roles(drive.requests[2])


# ── replies that are not part of the thread ─────────────────────────────────────────────────────────────────────────


def test_a_refused_turn_is_not_recorded(drive):
    """With a thread it is part of neither copy of the conversation; the run ends on it."""
    run = threaded(drive, [CALL, refusal("no")])
    last = run.until_done()

    assert ("refusal", "no") == (last.stop_reason, words(last))
    assert ["user", "assistant", "user"] == [message["role"] for message in run.messages]


def test_without_a_thread_a_refused_turn_is_recorded(drive):
    """As the SDK's runner does."""
    run = threaded(drive, [CALL, refusal("no")], thread=False)
    run.until_done()

    assert ["user", "assistant", "user", "assistant"] == [message["role"] for message in run.messages]


def test_after_a_reply_by_a_fallback_model_a_new_thread_begins(drive):
    """It is in the conversation, but not in the thread."""
    fallback = reply(CALL, usage={"iterations": [{"type": "fallback_message"}]})
    threaded(drive, [fallback, CALL, text("done")]).until_done()

    assert [NEW, NEW, after(2)] == threads(drive)
    assert ["u", "uau", "u"] == [roles(body) for body in drive.requests]


# ── compaction ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_compaction_goes_out_beside_the_thread(drive):
    """With the whole history, as the beginning of the thread that the run then goes on in."""
    run = threaded(drive, [CALL, compaction("short"), CALL, text("done")])
    next(run)
    run.compact_before_next_turn()
    run.until_done()

    assert [NEW, NEW, NEW, after(3)] == threads(drive)
    assert ["u", "uau", "a", "u"] == [roles(body) for body in drive.requests]
    assert {"type": "summarize"} == drive.requests[1]["compaction"]
    assert ["compaction"] == [block["type"] for block in drive.requests[2]["messages"][0]["content"]]
    assert ["assistant", "assistant", "user", "assistant"] == [message["role"] for message in run.messages]


def test_a_compaction_that_cannot_have_a_thread_goes_without(drive):
    """It is sent again, and the run has no thread from then on."""
    run = threaded(drive, [CALL, thread_error("thread_unsupported_request"), compaction("short"), text("done")])
    next(run)
    run.compact_before_next_turn()
    run.until_done()

    assert [NEW, NEW, None, None] == threads(drive)


def test_a_summary_by_the_client_starts_a_new_thread(drive):
    """What the server holds is no longer the conversation."""
    big = reply(CALL, usage={"input_tokens": 100})
    control = {"enabled": True, "context_token_threshold": 100}
    threaded(drive, [big, text("summary"), text("done")], compaction_control=control).until_done()

    assert [NEW, None, NEW] == threads(drive)
    assert "u" == roles(drive.requests[2])


# ── the whole conversation stays here ───────────────────────────────────────────────────────────────────────────────


def test_the_whole_conversation_is_known_with_a_thread_as_without(drive):
    """`messages` is the same in both, and so are the events in the journal."""
    script = [CALL, CALL, text("done")]
    known = []
    for thread in (None, False):
        run = threaded(drive, script, thread=thread)
        run.until_done()
        known.append(run.messages)

    assert known[0] == known[1]
    assert 5 <= len(known[0])


def test_a_journal_tells_the_whole_conversation(drive, tmp_path):
    """Replay never asks the server: what it has lost, the journal has."""
    run = threaded(drive, [CALL, LOST, text("done")], run_id="told")
    run.until_done()
    told = [json.loads(line) for line in (tmp_path / "run-0.jsonl").read_text(encoding="utf-8").splitlines()]
    events = [record for record in told if record["type"] == "event"]

    assert run.messages[1]["content"] == events[1]["message"]["content"]
    assert run.messages[2]["content"][0] == next(each["result"] for each in events if each["event"] == "tool_finished")
    assert "thread_not_found" == next(each["code"] for each in events if each["event"] == "failed")
    assert run.messages[3]["content"] == events[-2]["message"]["content"]
