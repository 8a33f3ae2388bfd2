"""Entering a state: the hand-over, the departure, and the book-keeping."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_runner.loop import facts
from fsm_runner.loop.context import Call, Compaction, Context, Counters, RunStatus, Settings, Turn
from fsm_runner.loop.enter import entered
from fsm_runner.loop.events import Entered
from tests.support.build import LOST, PARAMS, call, context, reply, result, text, use, user
from tests.support.strategies import contexts

MORE = RunStatus(awaits="more")
CONFIG = {"type": "summarize"}
RESULTS = {"role": "user", "content": [result("a")]}
ADDITION = {"type": "tool_addition"}
HI = user()


def assistant(*blocks):
    """A reply as the history holds it."""
    return {"role": "assistant", "content": list(blocks)}


def resting(given: Context, *, final: bool = False, output: str | None = None) -> Context:
    """The context after entering a state without effect."""
    return entered(given, Entered(state="here", phase="inspect", final=final, output=output))


def performing(given: Context, effect: str, spends: str | None = None) -> Context:
    """The context after entering a state with `effect`."""
    return entered(given, Entered(state="here", phase="request", effect=effect, spends=spends))


# ── the hand-over ─────────────────────────────────────────────────────────────────────────────────────────────────


def offered(*calls: Call, stop: object = "", owned: bool = False, draft=(HI,), **more) -> Context:
    """A reply that was handed over, and a caller that asks for more."""
    turn = Turn(reply=reply(text(), *(each.block for each in calls), stop=stop), calls=calls, unread=True)
    return context(user(), turn=turn, draft=draft, owned=owned, stand=MORE, **more)


def test_a_history_left_alone_gets_the_reply():
    """The reply is read now, and there is no draft any more."""
    after = resting(offered())

    assert [user(), assistant(text())] == list(after.conversation.history)
    assert (None, False) == (after.conversation.draft, after.turn.unread)


def test_a_history_that_the_caller_appended_to_does_not_get_the_reply():
    """It is as the caller made it."""
    after = resting(offered(owned=True, draft=(user(), user("mine"))))

    assert [user(), user("mine")] == list(after.conversation.history)
    assert not after.turn.unread


def test_a_history_that_the_caller_replaced_gets_the_reply():
    """Replacing is not appending: the reply follows the new messages."""
    assert [user("new"), assistant(text())] == list(resting(offered(draft=(user("new"),))).conversation.history)


def test_results_follow_the_reply_when_its_calls_are_done():
    """Reply and results are handed over together when the caller asked for the response before."""
    after = resting(offered(call("a", status="done")))

    assert [user(), assistant(text(), use("a")), RESULTS] == list(after.conversation.history)
    assert after.turn.answered


def test_results_wait_for_the_last_call():
    """While a call is open the history ends with the reply."""
    after = resting(offered(call("a", status="done"), call("b")))

    assert [user(), assistant(text(), use("a"), use("b"))] == list(after.conversation.history)
    assert not after.turn.answered


def test_results_are_dropped_when_the_history_is_the_callers():
    """They count as answered, so that the run goes on."""
    after = resting(offered(call("a", status="done"), owned=True))

    assert [user()] == list(after.conversation.history)
    assert after.turn.answered


def test_results_are_added_once():
    """Entering the next state adds nothing."""
    once = resting(offered(call("a", status="done")))

    assert once == resting(once)


@pytest.mark.parametrize("stop", ["max_tokens", "end_turn", None])
def test_results_are_for_a_reply_that_stopped_for_them(stop):
    """A reply that was cut off gets none, though its calls may have run early."""
    history = resting(offered(call("a", status="done"), stop=stop)).conversation.history

    assert [user(), assistant(text(), use("a"))] == list(history)


def test_an_empty_reply_adds_nothing():
    """The API refuses an empty message."""
    turn = Turn(reply=reply(), unread=True)

    assert [user()] == list(resting(context(user(), turn=turn, draft=[user()], stand=MORE)).conversation.history)


@pytest.mark.parametrize("awaits", ["nothing", "answer"])
def test_nothing_is_handed_over_before_the_caller_asks_for_more(awaits):
    """Until then it may still change what it holds."""
    before = replace(offered(call("a", status="done")), stand=RunStatus(awaits=awaits))

    assert before == resting(before)


def test_nothing_is_handed_over_while_an_effect_is_under_way():
    """Where the machine waits for the driver, the caller has not got its turn."""
    before = offered(call("a", status="done"))

    assert before.conversation == performing(before, "drain_stream").conversation


@pytest.mark.parametrize(("output", "awaits"), [("message", "nothing"), ("stream", "nothing"), (None, "more")])
def test_an_output_is_what_the_caller_waited_for(output, awaits):
    """Only a row that hands something over ends the waiting."""
    assert awaits == resting(context(stand=MORE), output=output).stand.awaits


# ── a compaction by the API ───────────────────────────────────────────────────────────────────────────────────────


def compacting(response=None, *, sent: int = 1) -> Context:
    """A compaction under way, asked for one message of two, and a caller that asks for more."""
    compaction = Compaction(config=CONFIG, response=response, sent=sent, tokens=100)
    return context(user(), user("later"), compaction=compaction, stand=MORE)


def test_a_compaction_takes_the_place_of_what_it_was_asked_for():
    """Messages that came after it follow; the tokens of the last reply say nothing any more."""
    block = {"type": "compaction", "content": "short"}
    after = resting(compacting(reply(block, stop="compaction")))

    assert [assistant(block), user("later")] == list(after.conversation.history)
    assert Compaction() == after.compaction
    assert () == after.notes


@pytest.mark.parametrize("blocks", [[], [text()], [{"type": "compaction", "content": None}]])
def test_a_compaction_without_summary_keeps_the_history_and_says_so(blocks):
    """An empty compaction would lose the conversation."""
    before = compacting(reply(*blocks, stop="compaction"))
    after = resting(before)

    assert before.conversation == after.conversation
    assert Compaction(tokens=100) == after.compaction
    assert [("warning", "compaction-without-summary")] == [(note.level, note.code) for note in after.notes]


def test_a_compaction_departs_with_what_was_asked():
    """It is not pending any more, and how much it was asked for is written down; the history has no draft."""
    after = performing(context(user(), user(), compaction=Compaction(asked=CONFIG)), "compact")

    assert Compaction(config=CONFIG, sent=2) == after.compaction
    assert after.conversation.draft is None


def test_a_failed_compaction_is_over_once_the_run_rests():
    """What comes next is not its response."""
    stand = RunStatus(failure=LOST, failed_effect="compact", effect="compact", awaits="more")
    after = resting(replace(compacting(), stand=stand))

    assert (None, 0) == (after.compaction.config, after.compaction.sent)
    assert [user(), user("later")] == list(after.conversation.history)


def test_a_failed_compaction_that_is_sent_again_is_the_same():
    """Entering the state anew keeps its configuration and counts."""
    stand = RunStatus(failure=LOST, failed_effect="compact", effect="compact")
    after = performing(replace(compacting(), stand=stand), "compact")

    assert (CONFIG, 2) == (after.compaction.config, after.compaction.sent)
    assert 1 == after.counters.resends


def ended(**more) -> Context:
    """A cut reply with an open call, where the caller asked for a compaction."""
    return context(user(), reply=reply(use(), stop="max_tokens"), compaction=Compaction(asked=CONFIG), **more)


def test_a_compaction_that_could_not_go_out_is_said():
    """The run ends on a call without result, so what was asked is dropped, not in silence."""
    after = resting(ended(), final=True)

    assert after.compaction.asked is None
    assert [("warning", "compaction-skipped")] == [(note.level, note.code) for note in after.notes]
    assert "stop_reason='max_tokens'" in after.notes[0].text


@pytest.mark.parametrize(
    ("given", "final"),
    [
        (ended(), False),
        (ended(stand=RunStatus(closed=True)), True),
        (replace(ended(), turn=Turn(reply=reply(use()), calls=(call(status="done"),), answered=True)), True),
        (context(user()), True),
    ],
)
def test_nothing_is_said_when_nothing_is_dropped(given, final):
    """A run that goes on, was closed, or has nothing pending, leaves nothing undone."""
    assert given == resting(given, final=final)


@pytest.mark.parametrize(("stop", "what"), [(None, "no stop reason"), (["end_turn"], "reason ['end_turn']")])
def test_a_run_that_ends_on_an_unreadable_reply_says_so(stop, what):
    """A stop reason that is missing, new or no text is no silent end."""
    (note,) = resting(context(user(), reply=reply(text(), stop=stop)), final=True).notes

    assert ("warning", "unreadable-reply") == (note.level, note.code)
    assert what in note.text


# ── the departure ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_departs_with_a_draft_for_the_caller():
    """The draft starts as the history, and is nobody's."""
    after = performing(context(user(), owned=True), "send_request")

    assert [user()] == list(after.conversation.draft)
    assert not after.conversation.owned


@pytest.mark.parametrize("effect", ["send_request", "compact"])
@pytest.mark.parametrize("last", [None, reply(stop="compaction")])
def test_changes_of_tools_go_out_with_the_next_request(effect, last):
    """One system message tells the model of all of them, once."""
    settings = Settings(params=PARAMS, changes=(ADDITION, ADDITION))
    after = performing(context(user(), reply=last, settings=settings), effect)

    assert [user(), {"role": "system", "content": [ADDITION, ADDITION]}] == list(after.conversation.history)
    assert () == after.settings.changes


def test_changes_of_tools_are_held_back_over_a_paused_turn():
    """A paused turn goes back as it is, so that the server goes on with it."""
    settings = Settings(params=PARAMS, changes=(ADDITION,))
    after = performing(context(user(), reply=reply(stop="pause_turn"), settings=settings), "send_request")

    assert [user()] == list(after.conversation.history)
    assert (ADDITION,) == after.settings.changes


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_spends_a_limit_stakes_it():
    """One is spent, and given back should the request fail."""
    after = performing(context(spent={"iterations": 1}), "send_request", spends="iterations")

    assert ({"iterations": 2}, "iterations") == (after.counters.spent, after.counters.staked)


def test_a_failed_request_gives_back_what_it_spent():
    """Once the run rests; the next attempt spends it again."""
    counters = Counters(spent={"iterations": 2}, staked="iterations", resends=2)
    after = resting(context(counters=counters, stand=RunStatus(failure=LOST, effect="send_request")))

    assert Counters(spent={"iterations": 1}, resends=2) == after.counters


@pytest.mark.parametrize(
    ("staked", "failure"), [("iterations", None), (None, LOST)], ids=["no failure", "nothing at stake"]
)
def test_nothing_is_given_back_otherwise(staked, failure):
    """A reply that arrived was worth its request, whatever fails later."""
    counters = Counters(spent={"iterations": 2}, staked=staked)

    assert (
        counters
        == resting(context(counters=counters, stand=RunStatus(failure=failure, effect="send_request"))).counters
    )


@pytest.mark.parametrize(("effect", "expected"), [("send_request", 2), (None, 0)])
def test_only_a_request_that_goes_out_again_by_itself_counts_as_resent(effect, expected):
    """A retry that the caller asked for starts from a state at rest, and counts from zero."""
    before = context(counters=Counters(resends=1), stand=RunStatus(failure=LOST, effect=effect))

    assert expected == performing(before, "send_request").counters.resends


# ── calls that start ──────────────────────────────────────────────────────────────────────────────────────────────


def started(*calls: Call) -> Context:
    """The context after entering the state that calls tools."""
    return performing(context(reply=reply(use()), calls=calls), "call_tools")


def test_all_waiting_calls_start_together():
    """A call that the caller deferred starts as well: the caller is done with the reply."""
    after = started(call("a"), call("b", status="done"), call("c", held=True))

    assert ("a", "c") == after.turn.starting
    assert ["running", "done", "running"] == [each.status for each in after.turn.calls]


def test_members_of_a_toolset_start_one_at_a_time():
    """Of each toolset the first; tools do not wait for them."""
    calls = [call("a", "read", "files"), call("b", "write", "files"), call("c", "go", "browser"), call("d")]

    assert ("a", "c", "d") == started(*calls).turn.starting


def test_a_member_waits_for_the_one_that_runs():
    """The next member starts once the one before it is done."""
    running, done = call("a", "read", "files", "running"), call("a", "read", "files", "done")
    waiting = call("b", "write", "files")

    assert () == started(running, waiting).turn.starting
    assert ("b",) == started(done, waiting).turn.starting


def test_a_call_starts_once():
    """Entering the state again starts nothing that runs."""
    after = performing(started(call("a")), "call_tools")

    assert ((), ["running"]) == (after.turn.starting, [each.status for each in after.turn.calls])


def test_only_the_last_call_to_arrive_starts_early():
    """Those before it were held back or are done."""
    turn = Turn(arriving=(call("a", held=True), call("b")))
    after = performing(context(turn=turn), "call_early")

    assert ("b",) == after.turn.starting
    assert ["waiting", "running"] == [each.status for each in after.turn.arriving]


# ── always ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    contexts(),
    st.sampled_from([None, "send_request", "compact", "call_tools", "call_early", "lend_stream", "my_effect"]),
    st.booleans(),
    st.sampled_from([None, "message"]),
    st.sampled_from([None, "iterations"]),
)
def test_any_context_can_enter_any_state_and_stays_as_it_was(given, effect, final, output, spends):
    """Entering makes a new context, the same each time, that knows the effect it is in."""
    kept = copy.deepcopy(given)
    entry = Entered(state="here", phase="x", effect=effect, final=final, output=output, spends=spends)
    after = entered(given, entry)

    assert kept == given
    assert after == entered(kept, entry)
    assert effect == after.stand.effect


def test_the_response_to_a_compaction_has_no_calls_to_run():
    """Asking for its tool response runs none of the reply before it, whose calls were left alone."""
    before = context(
        user(),
        reply=reply(use("a"), stop="end_turn"),
        compaction=Compaction(config={"type": "summarize"}, response=reply({"type": "compaction", "content": "short"})),
    )

    assert () == entered(before, Entered(state="answering", phase="call_tools", effect="call_tools")).turn.starting
    assert "done" == facts.calls(before)


@pytest.mark.parametrize(("stop", "told"), [("end_turn", False), ("tool_use", True)])
def test_tool_changes_wait_for_a_request_that_goes_on(stop, told):
    """A compaction after the last reply takes none along: no request will follow it."""
    change = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "search"}}
    before = context(
        user(),
        reply=reply(use("a"), stop=stop),
        settings=Settings(params=PARAMS, changes=(change,)),
        compaction=Compaction(asked={"type": "summarize"}),
    )
    after = entered(before, Entered(state="compact", phase="compact", effect="compact"))

    assert told == (after.conversation.history[-1].get("role") == "system")
    assert told == (after.settings.changes == ())
