"""A run, told: its entries, its numbers, and that both are what the machine itself would say."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from fsm_runner.inspecting import Entries, ToolUse
from fsm_runner.journal import read
from fsm_runner.loop.context import Note
from fsm_runner.loop.events import Appended, Closed, Continued, Failed, Replied
from fsm_runner.loop.tool_loop import compile
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.verifier import RunVerifier
from tests.inspecting.journals import begun, told, two_turns, written
from tests.journal.worlds import Life, small_chart, uses
from tests.replaying.goldens import FOLDERS

GOLDENS = [
    path
    for folder in FOLDERS
    for path in sorted(folder.glob("*.jsonl"))
    if b'"content":"full"' in path.read_bytes().split(b"\n")[0]
]
"""Those that replay with all that their runs knew."""


def line_of(entry):
    """What a reader sees first of an entry."""
    return entry.kind, entry.row, entry.text, entry.took


def test_each_row_is_told_with_the_event_that_it_took():
    """And a request with the turn that it is of; how long each took is what the clock says."""
    entries, _ = told(written(two_turns))

    assert [
        ("row", "begin", "caller goes on", 1.0),
        ("request", None, "a reply is requested: 1 message", None),
        ("row", "call_tools", "tool_use; 0 in, 5 out; calls find ×2", 2.0),
        ("row", "one_answered", "find: ok", 2.0),
        ("row", "one_answered", "find: ok", 4.0),
        ("row", "all_answered", "", None),
        ("request", None, "a reply is requested: 1 message", None),
        ("row", "finish", "end_turn; 0 in, 0 out", 2.0),
        ("ended", None, "completed", None),
    ] == [line_of(entry) for entry in entries]
    assert [1, 2] == [entry.turn for entry in entries if entry.kind == "request"]


def test_a_row_tells_the_answers_that_its_guard_asked_for():
    """Not those that other rows of the state ask for, which are on record as well."""
    entries, _ = told(written(two_turns))

    assert {"all_answered": {"calls": "done"}, "finish": {}} == {
        entry.row: entry.asked for entry in entries if entry.row in ("all_answered", "finish")
    }


def test_the_numbers_of_a_run_add_up():
    """Time by state is time by whom the run waited for; together they are all of it."""
    _, summary = told(written(two_turns))
    totals = summary.totals

    assert (2, 5, {"find": ToolUse(calls=2, seconds=6.0, longest=4.0)}) == (
        totals.turns,
        totals.tokens.output_tokens,
        totals.tools,
    )
    assert (2, 4.0) == (totals.requests.sent, totals.requests.seconds)
    assert totals.elapsed == sum(totals.states.values()) == sum(totals.waits.values())
    assert {"caller": 2.0, "api": 9.0, "tools": 8.0, "other": 1.0} == {k: totals.waits[k] for k in sorted(totals.waits)}
    assert ("completed", "finish", True, "hash") == (
        summary.ended.reason,
        summary.ended.row,
        summary.ended.final,
        summary.sealed,
    )


def test_what_a_killed_run_had_begun_is_under_way():
    """It has no end, and nobody can tell from the file whether it goes on."""
    _, summary = told(written(begun))

    assert (None, "call_tools", "no") == (summary.ended, summary.state, summary.sealed)
    assert [("a", "find"), ("b", "find")] == [(each.id, each.tool) for each in summary.under_way]


def test_what_was_under_way_is_lost_when_the_run_goes_on():
    """The time in which nobody ran is no time of the run."""

    def live(journal):
        life = Life(journal).tell(Continued()).perform(Replied(message=uses("a")))
        life.schedule()
        journal.resumed(life.step.snapshot)

    entries, summary = told(written(live))

    assert [("lost", "find: cut off", None), ("resumed", "goes on in 'call_tools'", 1.0)] == [
        (entry.kind, entry.text, entry.took) for entry in entries[-2:]
    ]
    assert (1, 1.0, ToolUse(lost=1), ()) == (
        summary.totals.resumed,
        summary.totals.idle,
        summary.totals.tools["find"],
        summary.under_way,
    )
    assert summary.totals.elapsed == entries[-1].offset - 1.0


def test_a_run_that_goes_on_by_another_chart_is_told_by_that_one():
    """Its rows ask other facts."""

    def live(journal):
        life = Life(journal).tell(Continued())
        journal.resumed(life.step.snapshot, compile(small_chart(name="large")))

    entries, summary = told(written(live))

    assert ("goes on in 'request' by chart 'large'", "small") == (entries[-1].text, summary.header.chart)


def test_a_note_is_told_with_its_words():
    """Or by its code, where its words were left out."""

    def live(journal):
        started = Life(journal).step
        journal.step(replace(started, notes=(Note(level="warning", code="odd", text="this is odd"),)))

    full, bare = (told(written(live, content=content))[0][-1] for content in ("full", "none"))

    assert ("note", "this is odd", True) == (full.kind, full.text, full.bad)
    assert ("note", "odd", True) == (bare.kind, bare.text, bare.bad)


def test_a_time_that_cannot_be_read_is_none():
    """A processor may write times of its own; a time without a zone is not held against one with it."""
    lines = written(two_turns).replace(b"2026-01-01T12:00:03+00:00", b"noon")
    entries, summary = told(lines.replace(b"12:00:05+00:00", b"12:00:05"))

    assert [None, None] == [entry.took for entry in entries[1:3]]
    assert "completed" == summary.ended.reason


def test_an_act_of_the_caller_is_told_at_once_and_takes_no_row():
    """Also after the last row of a run that is still going."""

    def live(journal):
        Life(journal).tell(Appended(messages=({"role": "user", "content": "quickly"},))).tell(Closed())

    entries, _ = told(written(live))

    assert ["caller appends 1 message", "caller closes the run"] == [entry.text for entry in entries]
    assert {("event", None)} == {(entry.kind, entry.row) for entry in entries}


def test_an_event_whose_row_was_never_written_is_told_in_the_end():
    """A process may be killed between the two."""
    lines = written(two_turns).splitlines(keepends=True)
    entries, _ = told(b"".join(lines[:2]))

    assert [("event", None, "caller goes on", 1.0)] == [line_of(entry) for entry in entries]


def test_a_failure_says_what_and_stands_beside_what_followed():
    """The state it led to is the row's target; its request is counted as failed."""

    def live(journal):
        life = Life(journal).tell(Continued())
        (id,) = life.schedule()
        journal.failed(id, RuntimeError("lost"))
        life.tell(Failed(error="APIConnectionError", text="lost", status=503))

    entries, summary = told(written(live))
    failed = entries[-2]

    assert ("give_up", "done", "APIConnectionError (503): lost", True) == (
        failed.row,
        failed.target,
        failed.text,
        failed.bad,
    )
    assert (1, 1, "failed") == (summary.totals.requests.sent, summary.totals.requests.failed, summary.ended.reason)


def test_without_a_clock_nothing_is_said_of_time():
    """Rather than that it took none."""
    entries, summary = told(written(two_turns, clock=None))

    assert {None} == {entry.offset for entry in entries} | {entry.took for entry in entries}
    assert (None, {}, None) == (summary.totals.elapsed, summary.totals.states, summary.totals.tools["find"].seconds)


def test_a_clock_that_went_back_takes_no_time_away():
    """Clocks are set; a span is never less than none."""
    data = written(two_turns).replace(b"12:00:05", b"11:00:05")
    entries, summary = told(data)

    assert min(entry.took for entry in entries if entry.took is not None) >= 0
    assert summary.totals.elapsed >= 0


@pytest.mark.parametrize("content", ["full", "none"])
def test_journals_without_payloads_tell_the_same(content):
    """What decides the way of a run is in all of them."""
    expected, _ = told(written(two_turns))
    entries, summary = told(written(two_turns, content=content))

    assert expected == entries
    assert content == summary.header.content


@pytest.mark.parametrize("damage", ["chart", "context", "facts", "row", "event", "message", "result", "effect", "torn"])
def test_a_field_that_is_not_what_it_should_be_ends_nothing(damage):
    """A journal of another version, or one that a processor changed, is told as far as it goes."""
    records = [json.loads(line) for line in written(two_turns).splitlines()]
    for instead in (None, 7, "x", [], [3], {"x": 1}):
        lines = [json.dumps({**each, **({damage: instead} if damage in each else {})}) for each in records]
        entries, summary = told("\n".join(lines).encode())

        assert (len(records), True) == (summary.totals.records, len(entries) > 0)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_what_is_added_up_is_what_the_machine_counted(path):
    """Tokens, limits spent and the state those of the replayed run."""
    reading = read(path)
    machines = Machines(reading.source, None, ())
    pairs = {}
    for record in reading:
        if record.run in pairs:
            telling, run = pairs[record.run]
            telling.take(record, reading.line)
            run.take(record)
        else:
            pairs[record.run] = Entries(reading.source, record), RunVerifier(record, machines)

    for telling, run in pairs.values():
        counters, summary = run.snapshot.context.counters, telling.summary()

        assert counters.usage == summary.totals.tokens
        assert {k: v for k, v in counters.spent.items() if v} == {k: v for k, v in summary.totals.spent.items() if v}
        assert (run.snapshot.state, counters.limits) == (summary.state, summary.header.limits)
