"""The timeline: records reduced one at a time, with tolerance, in memory that does not grow with the run."""

from __future__ import annotations

import pytest

from fsm_runner.journal.records import Record
from fsm_runner.journal.timeline import Timeline


def taken(*records):
    """A timeline of records given as (kind, second or None, fields)."""
    timeline = Timeline()
    for seq, (kind, second, data) in enumerate(records, 1):
        at = None if second is None else f"2026-01-01T12:00:{second:02}+00:00"
        timeline.take(Record(run="r1", seq=seq, type=kind, data=data, line=seq, at=at))
    return timeline


def row(target, id="go"):
    """The fields of a transition."""
    return {"row": id, "target": target}


CALL = {"id": "a", "effect": "call_tool", "tool": "find"}


def test_time_counts_for_the_state_that_the_run_was_in():
    """Time between a kill and what followed counts for none."""
    timeline = taken(
        ("run_started", 0, {}),
        ("transition", 1, row("request")),
        ("transition", 4, row("tools")),
        ("resumed", 30, {"state": "tools"}),
        ("transition", 32, row("done")),
    )

    assert ({"request": 3.0, "tools": 2.0}, 6.0, 26.0, 1) == (
        timeline.seconds,
        timeline.elapsed,
        timeline.idle,
        timeline.resumed,
    )


def test_an_effect_is_open_until_a_record_ends_it():
    """The record that ends it says how long it took."""
    begun = (("run_started", 0, {}), ("scheduled", 1, CALL))
    ended = taken(*begun, ("failed", 3, {"id": "a"}))

    assert ["find"] == [each.tool for each in taken(*begun).open.values()]
    assert ({}, ["a"], 2.0) == (ended.open, [each.id for each in ended.closed], ended.lasted)


@pytest.mark.parametrize("end", [("event", 2, {"event": "tool_finished", "id": "a"}), ("resumed", 2, {})])
def test_a_result_and_a_resumption_end_it_too(end):
    """What was open when the process was killed goes on no more."""
    timeline = taken(("scheduled", 1, CALL), end)

    assert ({}, ["a"]) == (timeline.open, [each.id for each in timeline.closed])


def test_a_resumed_run_is_in_the_state_that_the_record_names_and_has_not_stopped():
    """The rows before it may not have been written."""
    timeline = taken(
        ("transition", 1, row("request")), ("ended", 2, {"reason": "failed"}), ("resumed", 3, {"state": "tools"})
    )

    assert ("tools", None) == (timeline.state, timeline.stop)


def test_replies_add_their_tokens():
    """A summary counts as a compaction, not as a turn."""
    reply = {"usage": {"input_tokens": 3, "output_tokens": 5}}
    timeline = taken(
        ("scheduled", 1, {"id": "1", "effect": "send_request", "purpose": "reply"}),
        ("event", 2, {"event": "replied", "message": reply}),
        ("scheduled", 3, {"id": "2", "effect": "summarise", "purpose": "compact"}),
        ("event", 4, {"event": "summarised", "message": reply}),
    )

    assert (1, 1, 6, 10) == (
        timeline.turns,
        timeline.compactions,
        timeline.usage.input_tokens,
        timeline.usage.output_tokens,
    )


@pytest.mark.parametrize("kind", ["run_started", "event", "transition", "scheduled", "completed", "resumed", "x"])
def test_fields_that_are_missing_or_odd_end_nothing(kind):
    """A record of another version is taken as far as it goes."""
    for data in ({}, {"event": "replied", "message": "***"}, {"id": [], "effect": 7, "state": 3}):
        assert 1 == taken((kind, None, data)).records


def test_memory_does_not_grow_with_the_run():
    """Effects that ended and rows that were taken before leave nothing but counts."""
    turn = [("scheduled", 1, CALL), ("completed", 2, {"id": "a"}), ("transition", 3, row("request"))]
    timeline = taken(*turn * 100)

    assert (100, {}, ["request"], ["go"]) == (
        timeline.rows["go"],
        timeline.open,
        list(timeline.seconds),
        list(timeline.rows),
    )
