"""What if: how a recorded run is judged on an edited chart, case by case."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from msgspec import structs

from fsm_runner.engine.chart import FactUse, Limit, Row
from fsm_runner.engine.errors import JournalError
from fsm_runner.loop.context import Context, Counters
from fsm_runner.loop.events import Continued, Replied
from fsm_runner.loop.facts import fact
from fsm_runner.loop.tool_loop import compile
from fsm_runner.replaying import replay
from tests.journal.worlds import Life, context, recorded, small_chart, text, turn_of_two

START, REQUEST, CALL_TOOLS, DONE = small_chart().states
BARE = {"content": "none"}


def two_tools(journal, start=None, machine=None):
    """A run with a turn of two tools."""
    life = Life(journal, start=start) if machine is None else Life(journal, machine, start)
    turn_of_two(life)


def judged(chart, live=two_tools, facts=(), **options):
    """The report on a run, its verdict, and what is told of it, without the file's name."""
    report = replay(io.BytesIO(recorded(live, **options)), chart=chart, facts=facts)
    told = [str(each).partition(": ")[2] for each in report.divergences]
    return report.runs[0], told


def rows(state, *changed, **more):
    """`state` with other transitions."""
    return replace(state, transitions=changed, **more)


each_content = pytest.mark.parametrize("options", [{}, BARE], ids=["full", "bare"])


@each_content
def test_a_row_that_is_called_otherwise_is_counted_and_the_run_goes_on(options):
    """Under its name of today, and beside it the name of then."""
    call, *others = REQUEST.transitions
    request = rows(REQUEST, replace(call, id="use_tools"), *others)
    run, told = judged(small_chart(states=(START, request, CALL_TOOLS, DONE)), **options)

    assert ("conforms", []) == (run.verdict, told)
    assert {"begin": 1, "use_tools": 1, "one_answered": 2, "all_answered": 1, "finish": 1} == run.rows
    assert {("call_tools", "use_tools"): 1} == run.others


@each_content
def test_a_state_that_is_called_otherwise_is_known_again(options):
    """Everything of it but the name is the same."""
    tools = replace(CALL_TOOLS, name="using", transitions=tuple(
        replace(row, target="using" if row.target == "call_tools" else row.target) for row in CALL_TOOLS.transitions
    ))  # fmt: skip
    call, *others = REQUEST.transitions
    chart = small_chart(states=(START, rows(REQUEST, replace(call, target="using"), *others), tools, DONE))

    assert ("conforms", []) == (judged(chart, **options)[0].verdict, judged(chart, **options)[1])


@each_content
def test_the_same_row_with_another_target_diverges_there(options):
    """And says both ways."""
    call, *others = REQUEST.transitions
    chart = small_chart(states=(START, rows(REQUEST, replace(call, target="done"), *others), CALL_TOOLS, DONE))
    run, told = judged(chart, **options)

    assert ("diverges", 1) == (run.verdict, run.transitions)
    assert ["seq 7: row 'call_tools': /target: recorded 'call_tools'; now 'done'"] == told


@each_content
def test_a_state_that_does_something_else_diverges_on_entering_it(options):
    """Its rows may be the same: what comes of another effect is not in the journal."""
    chart = small_chart(states=(START, replace(REQUEST, effect="send_last_request"), CALL_TOOLS, DONE))
    run, told = judged(chart, **options)

    assert ("diverges", "effect") == (run.verdict, run.kind)
    assert ["seq 3: /effect: recorded 'send_request'; now 'send_last_request'"] == told


@each_content
def test_an_event_that_no_row_takes_any_more_is_where_the_run_is_stuck(options):
    """Named with what the state takes."""
    chart = small_chart(
        states=(rows(START, Row(id="x", event="answer_asked", target="request")), REQUEST, CALL_TOOLS, DONE)
    )
    run, told = judged(chart, **options)

    assert ("stuck", 0) == (run.verdict, run.transitions)
    assert told[0].startswith("seq 2: stuck: state 'start' takes")


def test_an_event_for_which_no_row_holds_is_where_the_run_is_stuck():
    """The check would refuse such a chart; who replays on it all the same is told."""
    call, _, give_up = REQUEST.transitions
    run, told = judged(small_chart(states=(START, rows(REQUEST, call, give_up), CALL_TOOLS, DONE)))

    assert "stuck" == run.verdict
    assert "no row holds for event 'replied'" in told[0]


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def limited(value):
    """The small chart with another limit."""
    return small_chart(limits=(Limit(name="iterations", value=value),))


def test_a_limit_that_the_run_did_not_set_is_the_edited_charts():
    """The run had 2 of the chart; with 0 it is reached before the first reply."""
    run, told = judged(limited(0))

    assert ("diverges", 7) == (run.verdict, run.diverges_at)
    assert ["seq 7: recorded row 'call_tools' (turn=wants_tools, limit=free); "
            "now 'finish' (turn=wants_tools, limit=reached)"] == told  # fmt: skip


def test_a_limit_that_the_run_has_set_stays():
    """It was 5, where the chart said 2."""
    start = structs.replace(context(), counters=Counters(limits={"iterations": 5}))

    assert "conforms" == judged(limited(0), lambda journal: two_tools(journal, start))[0].verdict


def test_a_run_is_stuck_that_has_set_a_limit_which_the_chart_lacks():
    """Begun on that chart, it would have been refused."""
    start = structs.replace(context(), counters=Counters(limits={"iterations": 5}))
    tools = replace(CALL_TOOLS, always=(replace(CALL_TOOLS.always[0], spends=None),))
    chart = small_chart(limits=(), states=(START, REQUEST, tools, DONE))
    run, told = judged(chart, lambda journal: two_tools(journal, start))

    assert ("stuck", 1) == (run.verdict, run.diverges_at)
    assert ["seq 1: stuck: chart 'small' has no limit 'iterations', which the run has set"] == told


def test_without_payloads_a_recorded_answer_about_another_limit_does_not_count():
    """With the other limit, it might be another."""
    run, told = judged(limited(3), **BARE)

    assert ("unknown", ("limit",)) == (run.verdict, run.lacks)
    assert ["seq 7: cannot be told: state 'request' asks 'limit', which the journal does not hold"] == told


# ── facts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@fact(answers=("long", "short"))
def length(context: Context) -> str:
    """Whether it goes on already for a while."""
    return "long" if context.counters.spent else "short"


def asking(*request):
    """The small chart that asks `length`, too."""
    uses_ = (*small_chart().facts, FactUse(name="length", answers=length.answers))
    return small_chart(facts=uses_, states=(START, rows(REQUEST, *request), CALL_TOOLS, DONE))


SOONER = Row(id="sooner", event="replied", guard=(("length", ("long",)),), target="done")
AS_BEFORE = replace(
    REQUEST.transitions[0],
    id="tools_of_long",
    guard=(("turn", ("wants_tools",)), ("length", ("long",)), ("limit", ("free",))),
)


def test_a_new_fact_is_asked_again_of_the_payloads():
    """And the report says that journals do not hold it."""
    run, told = judged(asking(SOONER, *REQUEST.transitions), facts=[length])

    assert ("diverges", ("length",)) == (run.verdict, run.lacks)
    assert ["seq 20: recorded row 'finish'; now 'sooner' (length=long)"] == told


def test_without_payloads_a_new_fact_cannot_be_told():
    """Never guessed."""
    run, told = judged(asking(SOONER, *REQUEST.transitions), facts=[length], **BARE)

    assert ("unknown", ("length",)) == (run.verdict, run.lacks)
    assert ["seq 7: cannot be told: state 'request' asks 'length', which the journal does not hold"] == told


def test_without_payloads_a_new_fact_decides_nothing_where_every_answer_leads_the_same_way():
    """It holds or not: the tools are called."""
    run, told = judged(asking(AS_BEFORE, *REQUEST.transitions), facts=[length], **BARE)

    assert ("conforms", []) == (run.verdict, told)


def test_without_payloads_an_answer_of_another_version_does_not_count():
    """The same name, another question."""

    def live(journal):
        two_tools(
            journal, machine=compile(asking(SOONER, *REQUEST.transitions), [replace(length, ask=lambda _: "short")])
        )

    chart = asking(SOONER, *REQUEST.transitions)

    assert "conforms" == judged(chart, live, [length], **BARE)[0].verdict
    assert "unknown" == judged(chart, live, [replace(length, version=2)], **BARE)[0].verdict


def resting(**changed):
    """The verdict, without payloads, when `call_tools` has one more row on entering."""
    done = CALL_TOOLS.always[0]
    tools = replace(CALL_TOOLS, always=(replace(done, id="more", **changed), done))
    return judged(small_chart(states=(START, REQUEST, tools, DONE)), **BARE)[0].verdict


def test_without_payloads_a_state_rests_only_as_far_as_that_follows():
    """A new row on entering: no record says what its facts would have answered where the run rested."""
    done = CALL_TOOLS.always[0].guard

    assert "conforms" == resting()
    assert "conforms" == resting(guard=(*done, ("turn", ("answered",))))
    assert "unknown" == resting(guard=(("turn", ("wants_tools",)),))
    assert "diverges" == resting(guard=())


def test_without_payloads_a_row_that_spends_otherwise_leaves_the_limit_untold():
    """It leads the same way, but who knows what is left then."""
    assert "unknown" == resting(spends=None)


def test_with_payloads_a_row_that_is_taken_where_the_run_rested_is_told():
    """From none to that row."""
    done = CALL_TOOLS.always[0]
    leave = Row(id="leave", guard=(("turn", ("wants_tools",)),), target="done")
    tools = replace(CALL_TOOLS, always=(leave, done))
    run, told = judged(small_chart(states=(START, REQUEST, tools, DONE)))

    assert "diverges" == run.verdict
    assert ["seq 8: recorded row nothing; now 'leave'"] == told


def test_a_run_that_was_resumed_on_another_chart_is_judged_by_that_from_there():
    """What the edit changes is seen beside the chart that the run had."""

    def live(journal):
        life = Life(journal).tell(Continued())
        life.schedule()
        journal.resumed(life.step.snapshot, compile(asking(*REQUEST.transitions), [length]))
        life.step = life.machine.resume(life.step.snapshot)
        life.perform(Replied(message=text()))

    run, told = judged(asking(*REQUEST.transitions), live, [length])

    assert ("conforms", [], ()) == (run.verdict, told, run.lacks)


@each_content
def test_a_recorded_chart_that_is_not_the_hashed_one_is_refused(options):
    """What an edit changes is only known beside the chart that ran."""
    data = recorded(two_tools, **options).replace(b'"name":"small","initial"', b'"name":"other","initial"', 1)

    with pytest.raises(JournalError, match="<journal>:1: the chart is not the one that its hash was taken of"):
        replay(io.BytesIO(data), chart=small_chart())


def test_an_end_for_another_reason_diverges_on_an_edited_chart_too():
    """By which row it came does not matter, what it says does."""
    data = recorded(two_tools)
    other = replay(io.BytesIO(data.replace(b'"reason":"completed"', b'"reason":"closed"')), chart=small_chart())
    same = replay(
        io.BytesIO(data.replace(b'"reason":"completed","row":"finish"', b'"reason":"completed","row":"x"')),
        chart=small_chart(),
    )

    assert ["diverges", "conforms"] == [report.runs[0].verdict for report in (other, same)]
    assert ("value", "/reason") == (other.divergences[0].kind, other.divergences[0].pointer)
