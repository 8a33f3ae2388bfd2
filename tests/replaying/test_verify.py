"""Verifying: what follows from the events is reproduced, and whatever does not is told."""

from __future__ import annotations

import io
import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from fsm_runner.charts import load
from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.engine.errors import ChartError, JournalError
from fsm_runner.journal import Journal
from fsm_runner.journal.codec import chart_data, chart_hash
from fsm_runner.loop.context import Context, Counters, SummaryControl
from fsm_runner.loop.events import (
    ACTS,
    AnswerAsked,
    Appended,
    Closed,
    CompactionAsked,
    Continued,
    Failed,
    MovedOn,
    Opened,
    ParamsReplaced,
    Replied,
    Summarised,
    ToolFinished,
)
from fsm_runner.loop.facts import fact
from fsm_runner.loop.tool_loop import compile
from fsm_runner.replaying import replay
from fsm_runner.replaying.verify import Replayer
from tests.journal.worlds import SMALL, Clock, Life, context, recorded, result, small_chart, text, two_tools, uses

DEFAULT = compile(load("states"))


WHOLE = recorded(two_tools, clock=Clock())


def replayed(data, **options):
    """The report on `data`."""
    return replay(io.BytesIO(data), **options)


def changed(kind, nth=0, data=WHOLE, /, **fields):
    """`data` with other values in the nth record of a type."""
    lines = [json.loads(line) for line in data.splitlines()]
    [each for each in lines if each["type"] == kind][nth].update(fields)
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


def told(report):
    """Each divergence without the file's name."""
    return [str(each).partition(": ")[2] for each in report.divergences]


def test_a_run_is_reproduced_from_its_events():
    """Every row, fact and effect, without a client or a tool."""
    report = replayed(WHOLE)

    assert report.conforms, str(report)
    assert ("r1", 6, "completed") == (report.runs[0].run, report.transitions, report.runs[0].ended)


CALL = {"type": "tool_use", "id": "a", "name": "find", "input": {}}
EVENTS = (
    Appended(messages=({"role": "user", "content": "x"},)),
    ParamsReplaced(params={"model": "n", "api_key": "hush"}, messages=({"role": "user", "content": "anew"},)),
    CompactionAsked(config={"type": "x"}),
    Closed(),
    Continued(),
    AnswerAsked(),
    Replied(message=text()),
    Replied(message=uses("a", "b")),
    Replied(message={**uses("a"), "usage": {"input_tokens": 50}}),
    Replied(message=text(stop_reason="pause_turn")),
    Replied(message={}),
    Opened(),
    MovedOn(call=CALL),
    ToolFinished(id="a", result=result("a")),
    ToolFinished(id="b", result=result("b")),
    Summarised(message=text("in short")),
    Failed(error="E", text="t"),
)


@given(choices=st.lists(st.integers(0, 10**6), max_size=30), stream=st.booleans())
@settings(max_examples=80)
def test_whatever_a_run_lives_through_it_replays(choices, stream):
    """Any legal walk over the default chart, with what a driver would record."""

    def walk(journal):
        start = context()
        of = structs.replace(start.settings, stream=stream, summary=SummaryControl(threshold=50), eager=True)
        life = Life(journal, DEFAULT, structs.replace(start, settings=of))
        life.tell(Continued()).schedule()
        for choice in choices:
            if life.step.final:
                return
            takes = life.machine.takes(life.step.snapshot)
            legal = [event for event in EVENTS if isinstance(event, ACTS) or event.name in takes]
            life.tell(legal[choice % len(legal)]).schedule()

    data = recorded(walk)
    report = replayed(data)

    assert report.conforms, str(report)
    assert data.count(b'"type":"transition"') == report.transitions


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            changed("transition", 1, facts={"turn": "finished", "limit": "free"}),
            ["seq 8: /facts/turn: recorded 'finished'; now 'wants_tools'"],
        ),
        (
            changed("transition", 1, row="finish", facts={"turn": "finished", "limit": "free"}),
            ["seq 8: recorded row 'finish' (turn=finished); now 'call_tools' (turn=wants_tools)"],
        ),
        (changed("transition", 1, target="done"), ["seq 8: /target: recorded 'done'; now 'call_tools'"]),
        (changed("ended", final=False), ["seq 22: /final: recorded False; now True"]),
        (changed("ended", usage={}), ["seq 22: /usage/input_tokens: recorded nothing; now 0"]),
        (changed("scheduled", tools=0), ["seq 5: /tools: recorded 0; now None"]),
        (changed("scheduled", 1, id="c"), ["seq 9: /effect: recorded 'call_tool'; now nothing"]),
        (changed("scheduled", effect="summarise"), ["seq 5: /effect: recorded 'summarise'; now nothing"]),
        (changed("completed", 1, id="c"), ["seq 11: /id: recorded 'c'; now nothing"]),
        (changed("event", 1, event="appended", messages=[]), ["seq 4: recorded 'transition'; now nothing"]),
        (
            changed("event", 1, event="opened"),
            ["seq 3: /event: recorded 'opened'; now \"state 'start' takes no event 'opened'; it takes: continued\""],
        ),
        (
            changed("event", 0, event="closed"),
            ["seq 5: /messages: recorded 2; now 1", "seq 5: /sha256: recorded "],
        ),
        (changed("event", 3, id="z"), ["seq 17: recorded 'transition'; now nothing"]),
    ],
)
def test_what_does_not_follow_is_told(data, expected):
    """By record, pointer, what was recorded and what it is now."""
    lines = told(replayed(data))

    assert lines
    for line, start in zip(lines, expected, strict=False):
        assert line.startswith(start)


def test_every_divergence_is_told_while_the_rows_agree():
    """Not only the first."""
    data = changed("transition", 1, changed("ended", 0, reason="limit"), output="message")

    assert [
        "seq 8: /output: recorded 'message'; now None",
        "seq 22: /reason: recorded 'limit'; now 'completed'",
    ] == told(replayed(data))


def test_after_another_row_a_run_is_compared_no_more():
    """What follows answers questions that were not asked."""
    report = replayed(changed("transition", 1, changed("ended", 0, reason="limit"), row="finish"))

    assert 1 == len(report.divergences)
    assert 8 == report.runs[0].diverges_at


def test_what_a_users_processors_added_is_no_divergence():
    """Records may hold more than they must."""
    assert replayed(changed("transition", 1, host="h", level="info")).conforms


@pytest.mark.parametrize(
    ("replies", "event", "effect"),
    [
        ((), Replied(message=text()), "send_request"),
        ((Replied(message={**uses("a"), "usage": {"input_tokens": 50}}),), Summarised(message=text()), "summarise"),
        ((Replied(message=uses("a")),), ToolFinished(id="a", result=result("a")), "call_tool"),
    ],
)
def test_an_input_before_its_effect_was_scheduled_is_told(replies, event, effect):
    """Write-ahead is part of what replay proves."""

    def unrecorded(journal):
        start = context()
        of = structs.replace(start.settings, summary=SummaryControl(threshold=50))
        life = Life(journal, DEFAULT, structs.replace(start, settings=of)).tell(Continued())
        for reply in replies:
            life.perform(reply).tell(Continued())
        life.tell(event)

    (line,) = told(replayed(recorded(unrecorded)))

    assert line.endswith(f"recorded '{event.name}'; now \"'{effect}' is to be scheduled first\"")


def test_a_chart_that_is_not_the_hashed_one_is_refused():
    """A chart that was changed inside of the journal is not the one that ran."""
    first = json.loads(WHOLE.splitlines()[0])["chart"]

    with pytest.raises(JournalError, match="<journal>:1: the chart is not the one that its hash was taken of"):
        replayed(changed("run_started", chart={**first, "sha256": "0" * 64}))


def test_a_chart_that_cannot_run_is_refused():
    """Also with a hash that fits: what replays is checked as what runs is."""
    broken = json.loads(json.dumps(dict(chart_data(small_chart(initial="nowhere"))[0])))
    chart = {"name": "small", "sha256": chart_hash(broken), "data": broken}

    with pytest.raises(ChartError, match="nowhere"):
        replayed(changed("run_started", chart=chart))


def test_an_edited_chart_says_where_it_sends_a_run_elsewhere():
    """Yesterday's run tests tomorrow's chart."""
    request = small_chart().states[1]
    rows = tuple(row for row in request.transitions if row.id != "call_tools")
    edited = small_chart(
        states=(small_chart().states[0], replace(request, transitions=rows), *small_chart().states[2:])
    )

    report = replayed(WHOLE, chart=edited)

    assert ["seq 8: recorded row 'call_tools' (turn=wants_tools, limit=free); now 'finish'"] == told(report)
    assert ("call_tools", "finish") == (report.divergences[0].recorded, report.divergences[0].now)
    assert {"turn": "wants_tools", "limit": "free"} == report.divergences[0].recorded_facts


def test_an_edited_chart_that_decides_the_same_conforms():
    """Its hash may be another; that is what it is for."""
    assert replayed(WHOLE, chart=small_chart(name="renamed")).conforms


def test_an_edited_chart_may_ask_more_and_decide_the_same():
    """What the journal has no answer to is no divergence, as long as the rows are the same."""
    start, request, *rest = small_chart().states
    event = request.transitions[0].event
    stop = Row(id="stop_closed", event=event, guard=(("closed", ("true",)),), target="done")
    states = (start, replace(request, transitions=(stop, *request.transitions)), *rest)
    facts = (*small_chart().facts, FactUse(name="closed", answers=("true", "false")))

    assert [] == told(replayed(WHOLE, chart=small_chart(states=states, facts=facts)))


def test_an_edited_chart_may_refuse_an_event():
    """A run that is stuck says in which state."""
    start = replace(small_chart().states[0], transitions=(Row(id="x", event="answer_asked", target="request"),))

    report = replayed(WHOLE, chart=small_chart(states=(start, *small_chart().states[1:])))

    assert "state 'start' takes no event 'continued'; it takes: answer_asked" == report.divergences[0].now


def test_facts_of_the_users_own_are_given():
    """A journal holds no code."""

    @fact(answers=("long", "short"))
    def length(context: Context) -> str:
        """Whether there is much to say."""
        return "long" if len(context.conversation.history) > 2 else "short"

    start = State(
        name="start",
        phase="request",
        transitions=(
            Row(id="begin", event="continued", guard=(("length", ("short",)),), target="request"),
            Row(id="no", event="continued", target="done"),
        ),
    )
    uses_ = (*small_chart().facts, FactUse(name="length", answers=("long", "short")))
    chart: Chart = small_chart(facts=uses_, states=(start, *small_chart().states[1:]))
    data = recorded(lambda journal: two_tools(journal, compile(chart, [length])))

    assert replayed(data, facts=[length]).conforms
    with pytest.raises(ChartError, match="fact 'length': it is not built in"):
        replayed(data)


def test_interleaved_runs_are_followed_side_by_side():
    """One file, several runs, one of them wrong."""
    other = recorded(two_tools, run="r2").splitlines(keepends=True)
    wrong = changed("transition", 1, target="done").splitlines(keepends=True)
    mixed = b"".join(a + b for a, b in zip(wrong, other, strict=True))

    assert [("r1", False), ("r2", True)] == [(run.run, run.conforms) for run in replayed(mixed).runs]


ENDED = recorded(lambda journal: Life(journal).tell(Continued()).perform(Replied(message=text())))


@pytest.mark.parametrize("more", [{"type": "event", "event": "closed"}, {"type": "completed", "id": "request-1"}])
def test_what_follows_the_end_of_a_run_is_told(more):
    """Nothing can; only the first is told, for the rest follows from it."""
    last = json.loads(ENDED.splitlines()[-1])["seq"]
    lines = [json.dumps({"v": 1, "run": "r1", "seq": last + number, **more}).encode() + b"\n" for number in (1, 2)]
    report = replayed(ENDED + b"".join(lines))

    assert [f"seq {last + 1}: recorded '{more['type']}'; now nothing"] == told(report)
    assert (last + 1, "diverges") == (report.runs[0].diverges_at, report.runs[0].verdict)


def test_a_log_of_many_runs_takes_no_more_memory_than_one_of_few():
    """What a run knew is gone once it is over."""
    replayer = Replayer()

    def peak(runs):
        data = b"".join(ENDED.replace(b'"r1"', f'"r{run}"'.encode()) for run in range(runs))
        file = io.BytesIO(data)
        tracemalloc.start()
        try:
            assert replayer.replay(file).conforms
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    few, many = peak(10), peak(200)

    assert many - few < 190 * 4_000


def test_a_run_that_was_cut_off_and_resumed_replays():
    """Between an event and what follows from it, and with an effect in flight."""
    kept = io.BytesIO()
    with Journal.open(kept, run="r1", clock=None) as journal:
        life = Life(journal).tell(Continued()).perform(Replied(message=uses("a", "b")))
        life.schedule()
        life.step = SMALL.step(life.step.snapshot, ToolFinished(id="a", result=result("a")))
        journal.event(ToolFinished(id="a", result=result("a")))
    with Journal.open(kept, run="r1", clock=None, after=journal.seq) as life.journal:
        life.journal.resumed(life.step.snapshot)
        life.step = SMALL.resume(life.step.snapshot)
        life.perform(ToolFinished(id="b", result=result("b"))).perform(Replied(message=text()))

    report = replayed(kept.getvalue())

    assert report.conforms, str(report)
    assert "completed" == report.runs[0].ended
    assert ["seq 11: /state: recorded 'done'; now 'call_tools'"] == told(
        replayed(changed("resumed", 0, kept.getvalue(), state="done"))
    )


def cancelled(life):
    """The caller's task was cancelled, and it asks for more."""
    life.journal.cancelled("request-1")


def taken_up(life):
    """The process was killed, and another one takes the run up."""
    life.journal.resumed(life.step.snapshot)


@pytest.mark.parametrize("cut_off", [cancelled, taken_up])
def test_what_is_performed_again_takes_along_what_the_caller_did_in_between(cut_off):
    """The request goes out with the parameters as they are then."""

    def live(journal):
        life = Life(journal)
        life.tell(Continued()).schedule()
        cut_off(life)
        life.tell(ParamsReplaced(params={"model": "other", "max_tokens": 7}))
        life.step = life.machine.resume(life.step.snapshot)
        life.perform(Replied(message=text()))

    report = replayed(recorded(live))

    assert report.conforms, str(report)


def test_a_limit_of_the_run_counts_not_the_charts():
    """What the run knew at its start is in its first record."""

    def limited(journal):
        life = Life(journal, start=structs.replace(context(), counters=Counters(limits={"iterations": 0})))
        life.tell(Continued()).perform(Replied(message=uses("a")))

    report = replayed(recorded(limited))

    assert report.conforms, str(report)
    assert "limit" == report.runs[0].ended


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "<journal>: it holds no record of fsm_runner (is it the right file?)"),
        (b"hello\n", "<journal>: it holds no record of fsm_runner (is it the right file?)"),
        (
            changed("event", 0, messages=3),
            "<journal>:2: field 'messages' is not a list (restore the line from a copy)",
        ),
        (
            changed("run_started", context={"x": 1}),
            "<journal>:1: field 'context': object contains unknown field `x` (restore the line from a copy)",
        ),
        (
            changed("run_started", type="note"),
            "<journal>:1: the first record of run 'r1' is 'note', not 'run_started' (restore the line from a copy)",
        ),
    ],
)
def test_what_cannot_be_replayed_is_a_journal_error(data, message):
    """Never a success over nothing, never a traceback from inside."""
    with pytest.raises(JournalError) as raised:
        replayed(data)

    assert message == str(raised.value)


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
@settings(max_examples=200)
def test_a_changed_byte_raises_nothing_but_a_journal_error(at, byte):
    """Wherever it is, in the chart too."""
    with suppress(JournalError):
        replayed(WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])
