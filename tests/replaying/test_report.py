"""The report: it reads well, and it counts what it says."""

from __future__ import annotations

from fsm_runner.journal import Torn
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.replaying import Divergence, ReplayReport, RunReport


def divergence(**changed):
    """A divergence of a value."""
    said = {"source": "run.jsonl", "line": 7, "run": "b", "seq": 4, "pointer": "/reason", "recorded": "limit"}
    return Divergence(**{**said, "now": "completed", "recorded_facts": {}, "facts": {}, **changed})


def test_a_row_is_told_with_the_answers_that_differ():
    """They are why."""
    facts = {"recorded_facts": {"turn": "none", "compaction": "due"}, "facts": {"turn": "none", "compaction": "none"}}
    told = divergence(pointer="/row", recorded="summarise", now="ask", **facts)

    assert "run.jsonl:7: seq 4: recorded row 'summarise' (compaction=due); now 'ask' (compaction=none)" == str(told)


def test_a_row_that_the_same_answers_lead_elsewhere_is_told_with_all_of_them():
    """Then the chart is why."""
    told = divergence(pointer="/row", recorded="a", now="b", recorded_facts={"x": "1"}, facts={"x": "1"})

    assert "run.jsonl:7: seq 4: recorded row 'a' (x=1); now 'b' (x=1)" == str(told)


def test_a_value_and_a_missing_record_are_told_by_their_place():
    """A pointer where there is one."""
    assert "run.jsonl:7: seq 4: /reason: recorded 'limit'; now 'completed'" == str(divergence())
    assert "run.jsonl:7: seq 4: recorded 'note'; now nothing" == str(
        divergence(pointer="", recorded="note", now=NOTHING)
    )


def test_a_long_value_is_cut():
    """A line stays a line."""
    assert len(str(divergence(recorded="x" * 10_000))) < 300


def test_a_report_reads_from_the_whole_to_the_parts():
    """The verdict first, then each run, then each divergence, then what was left out."""
    runs = (
        RunReport(run="a", transitions=9, ended="completed", diverges_at=None),
        RunReport(run="c", transitions=1, ended=None, diverges_at=None),
    )
    good = ReplayReport(source="run.jsonl", runs=runs, divergences=(), torn=(Torn(line=12, size=1),))
    bad_run = RunReport(run="b", transitions=2, ended=None, diverges_at=4)
    bad = ReplayReport(source="run.jsonl", runs=(*runs, bad_run), divergences=(divergence(),))

    assert (True, 10) == (good.conforms, good.transitions)
    assert [
        "run.jsonl: 2 runs, 10 transitions: every record reproduced",
        "  run 'a': 9 transitions, ended: completed",
        "  run 'c': 1 transition, it has not ended",
        "run.jsonl:12: the line was not written to its end (1 byte); left out",
    ] == str(good).splitlines()
    assert not bad.conforms
    assert ["run.jsonl: 1 of 3 runs diverges", "  run 'b': diverges at seq 4; 2 transitions reproduced"] == [
        str(bad).splitlines()[index] for index in (0, 3)
    ]
    assert str(divergence()) == str(bad).splitlines()[-1]
