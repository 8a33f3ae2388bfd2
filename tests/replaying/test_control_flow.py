"""Control flow: runs without payloads replay by the recorded answers, and it is said that only that was done."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from msgspec import structs

from fsm_runner.engine.chart import Row
from fsm_runner.engine.errors import JournalError
from fsm_runner.loop.events import Continued, Replied
from fsm_runner.replaying import replay
from tests.journal.worlds import Life, recorded, small_chart, text, two_tools

OPTIONS = ({"content": "none"}, {"redact": {"/event/message/content/*/text": "***"}})
each_option = pytest.mark.parametrize("options", OPTIONS)


def changed(data, kind, nth=0, **fields):
    """`data` with other values in the nth record of a type."""
    lines = [json.loads(line) for line in data.splitlines()]
    [each for each in lines if each["type"] == kind][nth].update(fields)
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


def told(data, **options):
    """Each divergence without the file's name."""
    return [str(each).partition(": ")[2] for each in replay(io.BytesIO(data), **options).divergences]


@each_option
def test_a_run_without_payloads_replays_and_says_how(options):
    """Every row is reproduced from the recorded answers; nobody claims more."""
    report = replay(io.BytesIO(recorded(two_tools, **options)))

    assert (
        "<journal>: 1 run, 6 transitions: every row reproduced\n"
        "  run 'r1': 6 transitions, ended: completed (control flow only: the journal lacks payloads)"
    ) == str(report)


def test_a_run_in_full_is_compared_as_a_whole():
    """Nothing is said of control flow."""
    report = replay(io.BytesIO(recorded(two_tools)))

    assert (True, False) == (report.conforms, report.runs[0].control_only)
    assert "every record reproduced" in str(report)


@each_option
@pytest.mark.parametrize(
    ("kind", "nth", "fields", "expected"),
    [
        ("transition", 1, {"row": "finish"}, "seq 8: recorded row 'finish' (turn=wants_tools, limit=free); now 'call_"),
        ("transition", 1, {"facts": {"turn": "finished", "limit": "free"}}, "seq 8: recorded row 'call_tools'"),
        ("transition", 1, {"facts": {}}, "seq 8: /facts/turn: recorded nothing; now 'an answer, for a row asks it'"),
        ("transition", 1, {"target": "done"}, "seq 8: /target: recorded 'done'; now 'call_tools'"),
        ("transition", 1, {"source": "start"}, "seq 8: /source: recorded 'start'; now 'request'"),
        ("transition", 1, {"event": None}, "seq 8: /event: recorded None; now 'replied'"),
        ("event", 2, {"event": "opened"}, "seq 7: /event: recorded 'opened'; now \"state 'request' takes: replied"),
        ("event", 2, {"event": ["opened"]}, "seq 7: /event: recorded ['opened']; now \"state 'request' takes: replied"),
    ],
)
def test_what_does_not_follow_from_the_answers_is_told(options, kind, nth, fields, expected):
    """And nothing after it: that follows from it."""
    (found,) = told(changed(recorded(two_tools, **options), kind, nth, **fields))

    assert found.startswith(expected)


@each_option
def test_a_row_that_was_left_out_is_told(options):
    """An event that no row took."""
    lines = [json.loads(line) for line in recorded(two_tools, **options).splitlines()]
    kept = [each for each in lines if each.get("row") != "begin"]
    data = b"".join(json.dumps({**each, "seq": seq}).encode() + b"\n" for seq, each in enumerate(kept, start=1))

    assert ["seq 6: recorded 'replied'; now \"a row for 'continued' first\""] == told(data)


@each_option
def test_another_chart_tells_where_the_run_would_have_gone(options):
    """As far as the recorded answers say; the fact that they lack is named."""
    start, request, *rest = small_chart().states
    rows = request.transitions

    def edited(row):
        return small_chart(states=(start, replace(request, transitions=(row, *rows)), *rest))

    data = recorded(two_tools, **options)
    sooner = Row(id="sooner", event="replied", guard=(("turn", ("wants_tools",)),), target="done")
    asks = Row(id="asks", event="replied", guard=(("turn", ("wants_tools",)), ("calls", ("open",))), target="done")

    assert [
        "seq 8: recorded row 'call_tools' (turn=wants_tools, limit=free); now 'sooner' (turn=wants_tools, limit=free)"
    ] == told(data, chart=edited(sooner))
    assert ["seq 8: cannot be told: state 'request' asks 'calls', which the journal does not hold"] == told(
        data, chart=edited(asks)
    )


@each_option
def test_a_run_that_goes_on_is_followed_from_where_it_was(options):
    """A killed process may have left off between an event and its row."""

    def resumed(state, lost):
        def live(journal):
            life = Life(journal).tell(Continued())
            if lost:
                journal.event(Replied(message=text()))
            journal.resumed(structs.replace(life.step.snapshot, state=state))

        return recorded(live, **options)

    assert [] == told(resumed("request", lost=False)) == told(resumed("done", lost=True))
    assert ["seq 4: /state: recorded 'start'; now 'request'"] == told(resumed("start", lost=False))
    assert ["seq 5: /state: recorded 'nowhere'; now 'request'"] == told(resumed("nowhere", lost=True))


@each_option
def test_a_chart_that_is_not_its_own_is_an_error(options):
    """Its hash is checked as of any other run."""
    with pytest.raises(JournalError, match="the chart is not the one that its hash was taken of"):
        replay(io.BytesIO(changed(recorded(two_tools, **options), "run_started", chart={"name": "x"})))
