"""The thread: what the server holds, what a request says of it, and what a failure makes of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fsm_runner.loop.context import Compaction, RunStatus, Settings, Thread
from fsm_runner.loop.events import Failed
from fsm_runner.loop.history import History
from fsm_runner.loop.thread import (
    CREATE_ONLY,
    LOST,
    REPLAYED_AFTER,
    UNSUPPORTED,
    after_failure,
    departing,
    fields_now,
    is_recorded,
    is_threading,
    moved,
    refused_fields,
    replied,
    request_parts,
)
from tests.support.build import PARAMS, context, reply, text, user

MODES = ("off", "new", "created", "continue", "unthreaded")
HELD = Thread(mode="continue", previous="msg_1", created_with={"system": "be brief"}, held=2)
BRIEF = {**PARAMS, "system": "be brief"}
SAID = {"role": "assistant", "content": [text()]}
MARKED = {"type": "text", "text": "well", "cache_control": {"type": "ephemeral"}}


def threaded(thread=HELD, *messages, params=BRIEF, tools=None, **more):
    """A context with a thread."""
    made = context(*messages, settings=Settings(params=params, tools=tools), **more)
    return replace(made, thread=thread)


def failed(code=None):
    """A failure, as the API says it."""
    return Failed(error="BadRequestError", text="no", status=400, code=code)


@pytest.mark.parametrize(("mode", "expected"), [*zip(MODES, [False, True, True, True, False], strict=True)])
def test_requests_speak_of_a_thread_while_there_is_one(mode, expected):
    """Neither without one from the start, nor once it was given up."""
    assert expected == is_threading(Thread(mode=mode))


# ── what cannot change ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("params", "tools", "expected"),
    [
        (BRIEF, None, ()),
        ({**BRIEF, "max_tokens": 1}, None, ()),
        ({**BRIEF, "system": "be long"}, None, ("system",)),
        (PARAMS, None, ("system",)),
        (BRIEF, ({"name": "a"},), ("tools",)),
        (PARAMS, ({"name": "a"},), CREATE_ONLY),
        (BRIEF, (), ("tools",)),
    ],
)
def test_a_field_that_differs_from_the_threads_own_is_refused(params, tools, expected):
    """One that is gone differs, too; any other parameter may change."""
    assert expected == refused_fields(threaded(params=params, tools=tools))


@pytest.mark.parametrize("mode", ["off", "new", "created", "unthreaded"])
def test_nothing_is_refused_while_no_thread_is_continued(mode):
    """What goes out next can say anything."""
    assert () == refused_fields(threaded(replace(HELD, mode=mode), params=PARAMS, tools=({"name": "a"},)))


def test_the_fields_of_a_thread_are_those_that_were_sent():
    """What was left off is not there; an empty list of tools is."""
    assert {} == fields_now(Settings(params=PARAMS))
    assert {"system": "be brief", "tools": []} == fields_now(Settings(params=BRIEF, tools=()))


# ── a request goes out ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("off", "off"),
        ("new", "created"),
        ("created", "created"),
        ("continue", "continue"),
        ("unthreaded", "unthreaded"),
    ],
)
def test_a_request_creates_the_thread_that_is_to_be(mode, expected):
    """One that may have been created before its reply was lost is created anew."""
    before = Thread(mode=mode)
    after = departing(threaded(before, params=BRIEF), compacting=False, again=False)

    assert expected == after.mode
    assert {"system": "be brief"} == after.created_with if expected == "created" else before is after


@pytest.mark.parametrize("mode", MODES)
def test_a_compaction_goes_out_beside_the_thread(mode):
    """Which stays as it is; where requests speak of no thread, neither does the compaction."""
    before = Thread(mode=mode)
    after = departing(threaded(before), compacting=True, again=False)

    assert replace(before, beside=is_threading(before)) == after


@pytest.mark.parametrize("beside", [True, False])
def test_a_compaction_that_is_sent_again_keeps_what_was_learnt(beside):
    """The server may have refused the thread for it."""
    before = replace(HELD, beside=beside)

    assert before is departing(threaded(before), compacting=True, again=True)


def test_a_request_that_continues_sends_what_came_after():
    """And says from where; the thread has the rest."""
    made = threaded(HELD, user("a"), SAID, user("b"))

    assert ((user("b"),), {"type": "continue", "previous_message_id": "msg_1"}, True) == request_parts(
        made, compacting=False
    )


@pytest.mark.parametrize(
    ("mode", "said"), [("off", None), ("created", {"type": "create"}), ("unthreaded", None), ("new", None)]
)
def test_any_other_request_sends_everything(mode, said):
    """The same history, whatever is said of a thread."""
    made = threaded(Thread(mode=mode), user("a"), SAID, user("b"))
    messages, thread, held = request_parts(made, compacting=False)

    assert ([user("a"), SAID, user("b")], said, False) == (list(messages), thread, held)


@pytest.mark.parametrize(("beside", "said"), [(True, {"type": "create"}), (False, None)])
def test_a_compaction_sends_everything(beside, said):
    """As the beginning of a thread of its own, where there are threads."""
    made = threaded(replace(HELD, beside=beside), user("a"), SAID, user("b"))
    messages, thread, held = request_parts(made, compacting=True)

    assert (3, said, False) == (len(messages), thread, held)


def test_what_the_server_has_seen_goes_again_without_its_cache_markers():
    """In text, results and tools; what is a call's input stays as it is, and so does what is new."""
    call = {"type": "tool_use", "id": "a", "name": "n", "input": {"cache_control": "mine"}}
    nested = {"type": "tool_result", "tool_use_id": "a", "content": [MARKED], "cache_control": {"type": "ephemeral"}}
    messages = (
        {"role": "user", "content": [MARKED]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [nested]},
    )
    made = threaded(Thread(mode="created", held=3), *messages, {"role": "user", "content": [MARKED]})
    sent, _, _ = request_parts(made, compacting=False)

    assert [
        {"role": "user", "content": [text()]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [text()]}]},
        {"role": "user", "content": [MARKED]},
    ] == list(sent)
    assert MARKED in messages[0]["content"]


# ── a reply comes ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["created", "continue"])
def test_a_reply_is_where_the_next_request_continues_from(mode):
    """By its id."""
    after = replied(Thread(mode=mode, previous="msg_1"), reply(text(), id="msg_2"))

    assert ("continue", "msg_2") == (after.mode, after.previous)


@pytest.mark.parametrize("mode", ["off", "unthreaded", "new"])
def test_without_a_thread_a_reply_changes_nothing(mode):
    """There is nothing to go on from."""
    before = Thread(mode=mode)

    assert before is replied(before, reply(text(), id="msg_2"))


@pytest.mark.parametrize(("mode", "expected"), [("created", "created"), ("continue", "new")])
def test_a_refused_turn_is_not_part_of_a_thread(mode, expected):
    """What follows it starts a new one; one that was only just created is created again."""
    assert expected == replied(Thread(mode=mode, previous="msg_1"), reply(text(), stop="refusal", id="msg_2")).mode


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"iterations": [{"type": "message"}, {"type": "fallback_message"}]}, "new"),
        ({"iterations": [{"type": "message"}]}, "continue"),
        ({"iterations": None}, "continue"),
        ({"iterations": ["odd"]}, "continue"),
        ({}, "continue"),
        (None, "continue"),
    ],
)
def test_a_reply_by_a_fallback_model_is_not_part_of_a_thread(usage, expected):
    """The API says who answered, if it says so at all."""
    assert expected == replied(HELD, {**reply(text(), id="msg_2"), "usage": usage}).mode


@pytest.mark.parametrize(
    ("thread", "stop", "expected"),
    [
        ("off", "refusal", True),
        ("continue", "refusal", False),
        ("unthreaded", "refusal", False),
        ("new", "end_turn", True),
    ],
)
def test_a_refused_turn_is_recorded_without_a_thread_only(thread, stop, expected):
    """One that was given up is still a run with a thread."""
    assert expected == is_recorded(Thread(mode=thread), reply(text(), stop=stop))


@pytest.mark.parametrize(("before", "expected"), [("created", True), ("continue", False)])
def test_a_thread_replaces_a_lost_one_until_its_second_reply(before, expected):
    """Lost again before that, it may be one that the server cannot store."""
    assert expected == replied(Thread(mode=before, replaces_lost=True), reply(text(), id="msg_2")).replaces_lost


# ── a request fails ─────────────────────────────────────────────────────────────────────────────────────────────────


def after(thread, code, *, compacting=False, streaming=False):
    """The thread after a failure."""
    made = replace(threaded(thread), stand=RunStatus(effect="send_request"))
    if compacting:
        made = replace(made, compaction=Compaction(config={}))
    return after_failure(made, failed(code), compacting=compacting, streaming=streaming)


@pytest.mark.parametrize("code", sorted(REPLAYED_AFTER))
def test_a_thread_that_cannot_be_continued_is_replaced(code):
    """The request can go out again by itself; that the last one was lost is remembered."""
    thread, again = after(HELD, code)

    assert ("new", code == LOST, True) == (thread.mode, thread.replaces_lost, again)


@pytest.mark.parametrize("code", sorted({*REPLAYED_AFTER, UNSUPPORTED}))
def test_what_was_lost_while_it_streamed_goes_out_again_when_the_caller_asks(code):
    """The thread changes all the same."""
    thread, again = after(HELD, code, streaming=True)

    assert (after(HELD, code)[0], False) == (thread, again)


def test_a_replacement_that_is_lost_as_well_is_given_up():
    """The server may not be able to keep it."""
    thread, again = after(replace(HELD, replaces_lost=True), LOST)

    assert ("unthreaded", True) == (thread.mode, again)


@pytest.mark.parametrize("code", sorted(REPLAYED_AFTER))
@pytest.mark.parametrize("mode", ["off", "new", "created", "unthreaded"])
def test_what_is_not_continued_cannot_be_lost(mode, code):
    """The error is one like any other."""
    before = Thread(mode=mode)

    assert (before, False) == after(before, code)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("off", ("off", False)),
        ("created", ("unthreaded", True)),
        ("continue", ("unthreaded", True)),
        ("unthreaded", ("unthreaded", False)),
    ],
)
def test_where_threads_are_not_supported_the_run_goes_on_without(mode, expected):
    """Said of a run without one, it cannot be helped by that."""
    thread, again = after(Thread(mode=mode), UNSUPPORTED)

    assert expected == (thread.mode, again)


@pytest.mark.parametrize("code", [None, "thread_fingerprint_mismatch"])
def test_any_other_failure_leaves_the_thread_as_it_is(code):
    """What the caller does next decides."""
    assert (HELD, False) == after(HELD, code)


@pytest.mark.parametrize(("mode", "expected"), [("continue", "new"), ("created", "created"), ("off", "off")])
def test_a_stream_that_breaks_off_ends_the_thread(mode, expected):
    """Whether the server recorded its reply is not known; the caller asks again, not the run."""
    thread, again = after(Thread(mode=mode, replaces_lost=True), None, streaming=True)

    assert (expected, False) == (thread.mode, again)


@pytest.mark.parametrize(
    ("beside", "code", "expected"),
    [
        (True, UNSUPPORTED, (False, True)),
        (False, UNSUPPORTED, (False, False)),
        (True, LOST, (True, False)),
        (True, None, (True, False)),
    ],
)
def test_a_compaction_that_cannot_have_a_thread_goes_without(beside, code, expected):
    """Once; the run's own thread is not touched."""
    thread, again = after(replace(HELD, beside=beside), code, compacting=True)

    assert (*expected, "continue") == (thread.beside, again, thread.mode)


# ── the history changes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_history_that_goes_on_from_what_is_held_goes_on_in_the_thread():
    """Whether it grew from it or only begins alike."""
    held = History((user("a"), SAID))

    assert HELD is moved(HELD, held, held.appended(user("b")))
    assert HELD is moved(HELD, held, History((user("a"), SAID, user("b"))))
    assert 2 == moved(replace(HELD, held=1), held, held.appended(user("b"))).held


@pytest.mark.parametrize("history", [(), (user("a"),), (user("b"), SAID), (SAID, user("a"))])
def test_any_other_history_starts_a_new_thread(history):
    """A shorter one, too: the server cannot forget."""
    thread = moved(replace(HELD, replaces_lost=True), History((user("a"), SAID)), History(history))

    assert ("new", 0, False) == (thread.mode, thread.held, thread.replaces_lost)


@pytest.mark.parametrize("mode", ["off", "unthreaded"])
def test_without_a_thread_another_history_starts_none(mode):
    """Without one nothing is held; where requests cannot be threaded, what the server was shown is forgotten."""
    held = {"off": 0, "unthreaded": 1}[mode]
    thread = moved(Thread(mode=mode, held=held), History((user("a"),)), History((user("b"),)))

    assert (mode, 0) == (thread.mode, thread.held)
