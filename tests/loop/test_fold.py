"""The fold: what a run knows after each event."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given

from fsm_runner.loop.context import Compaction, Counters, RunStatus, Settings, Turn, Usage
from fsm_runner.loop.events import (
    AnswerAsked,
    Appended,
    CallDeferred,
    Closed,
    CompactionAsked,
    Continued,
    Failed,
    MovedOn,
    Opened,
    ParamsReplaced,
    Replied,
    Reported,
    ResultsEdited,
    Summarised,
    ToolFinished,
    ToolsChanged,
)
from fsm_runner.loop.fold import fold
from tests.support.build import LOST, PARAMS, call, context, reply, result, text, use, user
from tests.support.strategies import contexts, messages

FAILED = RunStatus(failure=LOST, failed_effect="send_request")


def test_a_reply_is_the_new_turn():
    """Its calls wait, in order, and it is not part of the history yet."""
    after = fold(context(user(), reply=reply(use("old"))), Replied(message=reply(use("a"), use("b"))))

    assert Turn(reply=reply(use("a"), use("b")), calls=(call("a"), call("b")), unread=True) == after.turn
    assert [user()] == list(after.conversation.history)


def test_a_reply_adds_its_tokens_to_those_of_the_run():
    """The run's usage is a sum, the compaction's tokens are of the last reply alone."""
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 8}
    before = context(counters=Counters(usage=Usage(input_tokens=10, replies=1)))
    after = fold(fold(before, Replied(message={"usage": usage})), Replied(message={"usage": usage}))

    assert 15 == after.compaction.tokens
    assert 40 == after.counters.usage.total_tokens
    assert (12, 4, 8, 16, 3) == (
        after.counters.usage.input_tokens, after.counters.usage.output_tokens,
        after.counters.usage.cache_creation_input_tokens, after.counters.usage.cache_read_input_tokens,
        after.counters.usage.replies,
    )  # fmt: skip


def test_a_reply_is_what_its_request_was_spent_for():
    """Nothing is at stake any more, and the next request starts to count its resends anew."""
    after = fold(
        context(counters=Counters(spent={"iterations": 1}, staked="iterations", resends=2)), Replied(message={})
    )

    assert Counters(spent={"iterations": 1}, usage=Usage(replies=1)) == after.counters


@pytest.mark.parametrize(
    "event",
    [
        Replied(message={}),
        Opened(),
        ToolFinished(id="a", result=result()),
        Summarised(message={}),
        Reported(name="approved"),
    ],
)
def test_a_success_ends_the_failure(event):
    """What failed before is over once something succeeded."""
    after = fold(context(stand=FAILED), event)

    assert (None, None) == (after.stand.failure, after.stand.failed_effect)


def test_a_call_keeps_what_happened_to_it_while_the_reply_streamed():
    """Early results and deferrals outlive the stream; the calls' blocks are those of the whole reply."""
    arriving = (call("a", status="done"), call("b", held=True))
    after = fold(context(turn=Turn(arriving=arriving)), Replied(message=reply(use("a"), use("b"), use("c"))))

    assert (call("a", status="done"), call("b", held=True), call("c")) == after.turn.calls
    assert () == after.turn.arriving


@pytest.mark.parametrize(
    ("tokens", "fresh", "expected"), [(99, True, False), (100, True, True), (100, False, False), (99, False, False)]
)
def test_a_reply_below_the_threshold_makes_the_next_summary_worth_while(tokens, fresh, expected):
    """One reply below it is enough."""
    before = context(threshold=100, compaction=Compaction(fresh=fresh))

    assert expected == fold(before, Replied(message=reply(tokens=tokens))).compaction.fresh


def test_a_threshold_that_a_summary_cannot_get_under_is_said_once():
    """The first reply after a summary says so; the next ones only follow from it."""
    first = fold(context(threshold=100, compaction=Compaction(fresh=True)), Replied(message=reply(tokens=100)))
    second = fold(context(threshold=100, compaction=first.compaction), Replied(message=reply(tokens=100)))

    assert ["compaction-futile"] == [note.code for note in first.notes]
    assert () == second.notes


def test_a_container_of_the_reply_goes_into_the_next_request():
    """Server tools are bound to it."""
    after = fold(context(), Replied(message=reply(container={"id": "c1"})))

    assert {**PARAMS, "container": "c1"} == after.settings.params


def test_the_response_to_a_compaction_is_no_turn():
    """The turn before it stays the last one, and so do its tokens."""
    before = context(reply=reply(text()), compaction=Compaction(config={"type": "summarize"}, tokens=9))
    after = fold(before, Replied(message=reply(tokens=5)))

    assert before.turn == after.turn
    assert (reply(tokens=5), 9) == (after.compaction.response, after.compaction.tokens)
    assert 5 == after.counters.usage.total_tokens


def test_a_call_arrives_when_the_model_moved_on_from_it():
    """The last to arrive is the last of them."""
    after = fold(fold(context(), MovedOn(call=use("a"))), MovedOn(call=use("b")))

    assert (call("a"), call("b")) == after.turn.arriving


def test_a_new_stream_has_no_calls_yet():
    """What arrived in the stream before is gone."""
    assert () == fold(context(turn=Turn(arriving=(call(),))), Opened()).turn.arriving


def test_a_result_belongs_to_the_call_of_its_id():
    """Whether the reply is complete or still streaming; results of unknown calls change nothing."""
    before = context(turn=Turn(calls=(call("a"), call("b")), arriving=(call("a", held=True),)))
    after = fold(before, ToolFinished(id="a", result=result("a")))

    assert (call("a", status="done"), call("b")) == after.turn.calls
    assert (call("a", status="done"),) == after.turn.arriving
    assert before.turn == fold(before, ToolFinished(id="x", result=result("x"))).turn


def test_a_deferred_call_is_held_unless_it_has_started():
    """A call that runs can't be held back."""
    before = context(turn=Turn(arriving=(call("a"), call("b", status="running"))))
    after = fold(fold(before, CallDeferred(id="a")), CallDeferred(id="b"))

    assert (call("a", held=True), call("b", status="running")) == after.turn.arriving


def test_a_call_can_be_deferred_before_it_arrives():
    """The caller may see it in the stream earlier than the machine is told; it arrives once, held."""
    after = fold(fold(context(), CallDeferred(id="a")), MovedOn(call=use("a")))

    assert (call("a", held=True),) == after.turn.arriving


def test_a_summary_is_all_that_remains_of_the_history():
    """A user message with its text, no turn, and no tokens to compare with the threshold."""
    message = {"content": [{"type": "thinking"}, text("the gist"), text("more")], "usage": {"input_tokens": 7}}
    after = fold(context(user(), user(), reply=reply(use()), tokens=100), Summarised(message=message))

    assert [{"role": "user", "content": [text("the gistmore")]}] == list(after.conversation.history)
    assert (Turn(), Compaction(tokens=0, fresh=True)) == (after.turn, after.compaction)
    assert 7 == after.counters.usage.total_tokens


def test_a_failure_keeps_what_the_caller_did_to_the_draft():
    """The draft becomes the history; with it goes the question of whose it is."""
    after = fold(context(user(), draft=[user(), user("more")], owned=True), LOST)

    assert [user(), user("more")] == list(after.conversation.history)
    assert (None, False) == (after.conversation.draft, after.conversation.owned)


def test_a_failure_lets_what_had_begun_begin_anew():
    """Running calls wait again, those done stay done, and what arrived so far is forgotten."""
    calls = (call("a", status="running"), call("b", status="done"))
    before = context(turn=Turn(calls=calls, arriving=(call("c"),)), stand=RunStatus(effect="call_tools"))
    after = fold(before, LOST)

    assert (call("a"), call("b", status="done")) == after.turn.calls
    assert () == after.turn.arriving
    assert (LOST, "call_tools") == (after.stand.failure, after.stand.failed_effect)


def test_a_compaction_that_fails_in_mid_stream_failed_as_a_compaction():
    """It is the compaction that is not tried again, however its response was read."""
    before = context(stand=RunStatus(effect="lend_stream"), compaction=Compaction(config={"type": "summarize"}))

    assert "compact" == fold(before, LOST).stand.failed_effect


def test_an_effect_of_ones_own_can_give_data_and_results():
    """The data is kept by the event's name, and results answer calls without a tool."""
    before = context(reply=reply(use("a"), use("b")))
    after = fold(before, Reported(name="refused", data={"by": "ann"}, results=(result("a", error=True),)))

    assert {"refused": {"by": "ann"}} == after.reports
    assert (call("a", status="done", error=True), call("b")) == after.turn.calls
    assert before.reports == {}


@pytest.mark.parametrize(("event", "awaits"), [(Continued(), "more"), (AnswerAsked(), "answer")])
def test_what_the_caller_asks_for_is_what_it_awaits(event, awaits):
    """An ask folds to nothing else."""
    assert RunStatus(awaits=awaits) == fold(context(), event).stand


def test_messages_appended_between_replies_follow_the_history():
    """No reply is under way, so nobody else adds to it."""
    after = fold(context(user("a")), Appended(messages=(user("b"), user("c"))))

    assert [user("a"), user("b"), user("c")] == list(after.conversation.history)
    assert not after.conversation.owned


UNREAD = Turn(reply=reply(use()), calls=(call(status="done"),), unread=True)


def test_messages_appended_to_a_reply_make_the_history_the_callers():
    """They go to the draft, and calls that have run will run again."""
    after = fold(context(user(), turn=UNREAD, draft=[user()]), Appended(messages=(user("b"),)))

    assert [user()] == list(after.conversation.history)
    assert [user(), user("b")] == list(after.conversation.draft)
    assert after.conversation.owned
    assert (call(),) == after.turn.calls


def test_calls_that_ran_while_the_reply_streamed_do_not_run_again():
    """Eager runs keep their results when the caller appends."""
    eager = context(user(), turn=UNREAD, draft=[user()], settings=Settings(eager=True))

    assert (call(status="done"),) == fold(eager, Appended(messages=(user("b"),))).turn.calls


def test_calls_that_are_running_are_not_started_a_second_time():
    """Appending while the tool response is being made leaves its calls as they are."""
    turn = Turn(reply=reply(use()), calls=(call("a", status="done"), call("b", status="running")), unread=True)

    assert turn == fold(context(user(), turn=turn, draft=[user()]), Appended(messages=(user("b"),))).turn


def test_parameters_are_replaced_as_a_whole():
    """What is left out is gone, tools too, but for the container; messages that are not given stay."""
    settings = Settings(params=PARAMS, tools=({"name": "t"},), runnable=frozenset({"t"}), toolsets=frozenset({"files"}))
    before = context(user(), reply=reply(container={"id": "c1"}), settings=settings)
    after = fold(before, ParamsReplaced(params={"model": "other"}))

    assert Settings(params={"model": "other", "container": "c1"}) == after.settings
    assert before.conversation == after.conversation


def test_replaced_tools_say_what_can_run():
    """Definitions, names and toolsets change together."""
    tools = ({"name": "read"},)
    event = ParamsReplaced(params=PARAMS, tools=tools, runnable=("read",), toolsets=("files",))
    after = fold(context(), event).settings

    assert (tools, frozenset({"read"}), frozenset({"files"})) == (after.tools, after.runnable, after.toolsets)


def test_edited_results_take_the_place_of_those_that_were_there():
    """Those of calls that are not named stay."""
    edited = {**result("a"), "content": "edited"}
    turn = Turn(reply=reply(use("a"), use("b")), calls=(call("a", status="done"), call("b", status="done")))
    after = fold(context(turn=turn), ResultsEdited(results=(edited,)))

    assert [edited, result("b")] == [each.result for each in after.turn.calls]


def test_replaced_messages_are_the_history_or_the_draft():
    """While a reply is under way they are the draft, and the reply will still follow them."""
    replaced = ParamsReplaced(params=PARAMS, messages=(user("new"),))
    between = fold(context(user()), replaced).conversation
    during = fold(context(user(), draft=[user()]), replaced).conversation

    assert ([user("new")], None) == (list(between.history), between.draft)
    assert ([user()], [user("new")], False) == (list(during.history), list(during.draft), during.owned)


def test_changed_tools_run_at_once_and_the_model_is_told_later():
    """Changes add up until a request takes them along."""
    added = ToolsChanged(blocks=({"type": "tool_addition"},), added=("read",))
    removed = ToolsChanged(blocks=({"type": "tool_removal"},), removed=("search",))
    after = fold(fold(context(), added), removed)

    assert frozenset({"read"}) == after.settings.runnable
    assert ({"type": "tool_addition"}, {"type": "tool_removal"}) == after.settings.changes


def test_a_compaction_asked_for_again_replaces_the_first():
    """One is pending at most."""
    after = fold(fold(context(), CompactionAsked(config={"n": 1})), CompactionAsked(config={"n": 2}))

    assert {"n": 2} == after.compaction.asked


def test_closing_is_remembered():
    """Closing twice is closing once."""
    once = fold(context(), Closed())

    assert once.stand.closed
    assert once == fold(once, Closed())


EVENTS = [
    Opened(),
    MovedOn(call=use()),
    MovedOn(call={}),
    ToolFinished(id="a", result=result()),
    Failed(error="E", text="t"),
    Reported(name="x", results=({},)),
    Continued(),
    AnswerAsked(),
    Appended(messages=(user("b"),)),
    ParamsReplaced(params={}, messages=(user("b"),), tools=()),
    ToolsChanged(blocks=({},), removed=("search",)),
    ResultsEdited(results=(result("a"), {})),
    CompactionAsked(config={}),
    CallDeferred(id="a"),
    Closed(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@given(before=contexts())
def test_a_fold_takes_any_context_and_leaves_it_as_it_was(event, before):
    """Whatever came before, an event makes a new context, the same each time, and the old one stays."""
    kept = copy.deepcopy(before)
    after = fold(before, event)

    assert kept == before
    assert after == fold(kept, event)


@given(before=contexts(), message=messages)
def test_a_malformed_reply_is_folded_like_any_other(before, message):
    """Fields of the wrong type read as absent; that is for a state to decide on, not a traceback."""
    for event in (Replied(message=message), Summarised(message=message)):
        after = fold(before, event)

        assert before.counters.usage.replies + 1 == after.counters.usage.replies
