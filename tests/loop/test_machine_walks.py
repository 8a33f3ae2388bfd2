"""The machine, on any walk: what holds whatever caller and driver do."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.engine.errors import IllegalEvent
from fsm_runner.loop import events as ev
from fsm_runner.loop.effects import CallTool, SendRequest, Summarise
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.messages import blocks_of
from fsm_runner.loop.stop import REASONS
from fsm_runner.loop.tool_loop import Snapshot, compile
from tests.support.build import LOST, PARAMS, context, reply, result, use, user
from tests.support.charts import default_chart
from tests.support.strategies import contexts
from tests.support.walks import HISTORY_ACTS, walks

MACHINE = compile(default_chart())
STATES = {state.name: state for state in MACHINE.chart.states}
EVENTS: tuple[ev.Event, ...] = (
    ev.Replied(message=reply(use())), ev.Opened(), ev.MovedOn(call=use()), ev.ToolFinished(id="a", result=result()),
    ev.Summarised(message=reply()), LOST, ev.Reported(name="approved"), ev.Continued(), ev.AnswerAsked(),
    ev.Appended(messages=(user(),)), ev.ParamsReplaced(params=PARAMS), ev.ResultsEdited(results=()),
    ev.ToolsChanged(blocks=()), ev.CompactionAsked(config={}), ev.CallDeferred(id="a"), ev.Closed(),
)  # fmt: skip


@given(walks(MACHINE))
def test_the_rows_taken_lead_from_state_to_state(walk):
    """Each transition starts where the one before ended; the last ends where the run is; there are few of them."""
    for stride in walk:
        at = stride.before.state
        for transition in stride.step.transitions:
            row = next(row for row in MACHINE.chart.rows if row.id == transition.row)

            assert (at, row.target, row.event) == (transition.source, transition.target, transition.event)
            at = transition.target
        assert at == stride.step.snapshot.state
        assert len(stride.step.transitions) <= len(STATES)
        assert [stride.event.name] == [t.event for t in stride.step.transitions[:1]] or isinstance(
            stride.event, ev.ACTS
        )


@given(walks(MACHINE))
def test_the_facts_of_a_transition_are_those_that_its_guard_asks_for(walk):
    """The first row whose guard the recorded answers meet is the one that was taken."""
    for stride in walk:
        for transition in stride.step.transitions:
            rows = [row for row in STATES[transition.source].rows if row.event == transition.event]
            holding = [row.id for row in rows if all(transition.facts[name] in answers for name, answers in row.guard)]

            assert transition.row == holding[0]


@given(walks(MACHINE))
def test_a_run_rests_where_something_can_happen(walk):
    """A state that is not final waits for a driver or for the caller; a final one for nobody, and says why it ended."""
    for stride in walk:
        step, state = stride.step, STATES[stride.step.snapshot.state]

        assert state.final == step.final
        assert step.final != bool(MACHINE.takes(step.snapshot))
        assert step.effects == () or state.effect is not None
        if not isinstance(stride.event, ev.ACTS):
            assert (step.snapshot.stop is not None) == (state.phase in ("done", "failed"))
        assert step.snapshot.stop is None or step.snapshot.stop.reason in REASONS


@given(walks(MACHINE))
def test_answers_stay_within_what_the_facts_declare(walk):
    """No context of a run has an unknown answer or an impossible combination."""
    for stride in walk:
        answers = {name: each(stride.step.snapshot.context) for name, each in FACTS.items()}

        assert all(answers[name] in each.answers for name, each in FACTS.items())
        for pattern in (pattern for each in FACTS.values() for pattern in each.impossible):
            assert not all(answers[name] in excluded for name, excluded in pattern)


@given(walks(MACHINE))
def test_no_limit_is_ever_overspent(walk):
    """As many requests for a reply go out and succeed as the limit allows, and none is counted below zero."""
    for stride in walk:
        counters = stride.step.snapshot.context.counters
        most = counters.limits["iterations"]

        assert 0 <= counters.spent.get("iterations", 0)
        assert most is None or counters.spent.get("iterations", 0) <= most


@given(walks(MACHINE))
def test_a_draft_is_there_while_a_reply_is_under_way(walk):
    """Where nothing is under way, what the caller does goes to the history itself."""
    for stride in walk:
        conversation = stride.step.snapshot.context.conversation
        state = stride.step.snapshot.state

        if state in ("start", "failed", "call_tools", "summarise", "compact"):
            assert conversation.draft is None
        if state == "request" and not isinstance(stride.event, ev.ACTS):
            assert conversation.draft == conversation.history


@given(walks(MACHINE, acts=False))
def test_what_is_sent_answers_every_call(walk):
    """The caller's history aside, the message after one with tool calls holds their results, all, in order."""
    for stride in walk:
        for effect in stride.step.effects:
            if isinstance(effect, (SendRequest, Summarise)):
                sent = [*effect.messages, user()]
                for message, following in pairwise(sent):
                    called = [block["id"] for block in blocks_of(message) if block.get("type") == "tool_use"]
                    answered = [b["tool_use_id"] for b in blocks_of(following) if b.get("type") == "tool_result"]

                    assert called == answered


@given(walks(MACHINE, acts=False))
def test_a_call_starts_once_unless_it_failed(walk):
    """No tool runs twice for one call, in whatever order its siblings end."""
    started: set[str] = set()
    for stride in walk:
        if isinstance(stride.event, ev.Failed):
            started.clear()
        for effect in stride.step.effects:
            if isinstance(effect, CallTool):
                assert effect.id not in started
                started.add(effect.id)


def in_order(effects):
    """Effects without the order in which they were started."""
    return sorted(effects, key=repr)


@given(walks(MACHINE))
def test_going_on_after_a_cut_starts_what_was_in_flight(walk):
    """`resume` gives the effects that were started and have not reported: in most states those of the last step."""
    in_flight: list = []
    for stride in walk:
        step = stride.step
        if isinstance(stride.event, ev.ACTS):
            if isinstance(stride.event, HISTORY_ACTS):
                return
            continue
        if isinstance(stride.event, ev.ToolFinished):
            in_flight = [effect for effect in in_flight if effect.id != stride.event.id]
        else:
            in_flight = []
        in_flight += step.effects
        again = MACHINE.resume(step.snapshot)

        assert in_order(in_flight) == in_order(again.effects)
        assert ((), step.snapshot, step.final) == (again.transitions, again.snapshot, again.final)


@given(walks(MACHINE))
def test_a_step_is_a_function_of_snapshot_and_event(walk):
    """The same snapshot and event make an equal step, also from a copy, and after the run went on elsewhere."""
    for stride in walk:
        assert stride.step == MACHINE.step(stride.before, stride.event)
        assert stride.step == compile(default_chart()).step(copy.deepcopy(stride.before), stride.event)


@given(walks(MACHINE))
def test_the_old_snapshot_does_not_change(walk):
    """Not even through the list of messages that histories share."""
    kept = [copy.deepcopy(stride.before) for stride in walk]
    for stride in walk:
        MACHINE.step(stride.before, stride.event)
        MACHINE.step(stride.step.snapshot, ev.Closed()) if not stride.step.final else None

    assert kept == [stride.before for stride in walk]
    for stride, copied in zip(walk, kept, strict=True):
        assert list(copied.context.conversation.history) == list(stride.before.context.conversation.history)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", STATES)
def test_every_state_takes_or_refuses_every_event(state, event):
    """Each cell of the table is a step or an IllegalEvent that says what the state takes; never silence.

    An act only folds, also in a final state, which stays final."""
    at = Snapshot(state=state, context=context(user(), reply=reply(use())))
    kept = copy.deepcopy(at)

    if isinstance(event, ev.ACTS):
        step = MACHINE.step(at, event)

        assert ((), (), state) == (step.transitions, step.effects, step.snapshot.state)
        assert STATES[state].final == step.final
    elif event.name in STATES[state].events:
        assert MACHINE.step(at, event).transitions
    else:
        with pytest.raises(IllegalEvent) as caught:
            MACHINE.step(at, event)
        assert (state, event.name, STATES[state].events) == (caught.value.state, caught.value.event, caught.value.takes)
    assert kept == at


@given(st.sampled_from(list(STATES)), st.sampled_from(EVENTS), contexts())
@settings(max_examples=400)
def test_no_context_leaves_an_event_without_an_answer(state, event, given):
    """Also a context to which no run leads: a row holds, or the event is illegal there, and nothing loops."""
    at = Snapshot(state=state, context=given)
    kept = copy.deepcopy(at)
    try:
        step = MACHINE.step(at, event)
    except IllegalEvent:
        step = None

    assert (step is None) == (not isinstance(event, ev.ACTS) and event.name not in STATES[state].events)
    assert kept == at


def test_every_kind_of_event_is_in_the_table():
    """A new event must be tried in every state."""
    assert set(ev.EVENT_TYPES) == {type(event) for event in EVENTS}
