"""Telling: totals read well as text and Markdown, hold in JSON, and show on a picture."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fsm_runner.charts.diff import Way
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Torn
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.replaying import Divergence, ReplayReport, RunReport
from fsm_runner.replaying.replay_picture import overlay_of_totals
from fsm_runner.replaying.replay_text import MOST, as_json, as_markdown, as_text, headline, journal_data
from fsm_runner.replaying.totals import Totals
from tests.journal.worlds import small_chart

CHART = small_chart()
ROWS = {row.id: row for row in CHART.rows}


def divergence(run, **changed):
    """A divergence of a run."""
    said = {"source": "a.jsonl", "line": 7, "run": run, "seq": 5, "pointer": "/row", "recorded": "call_tools"}
    rest = {"now": "finish", "recorded_facts": {"turn": "wants_tools"}, "facts": {"turn": "wants_tools"}}
    return Divergence(**{**said, **rest, "state": "request", **changed})


TURNED = divergence(
    "b",
    kind="row",
    event="replied",
    was=Way(row=ROWS["call_tools"]),
    goes=Way(row=replace(ROWS["finish"], output=None)),
)
STUCK = divergence("c", kind="stuck", pointer="/event", recorded="opened", now="state 'request' takes none", facts={})
UNTOLD = divergence("d", kind="unknown", pointer="/facts/budget", recorded=NOTHING, now="budget", state="call_tools")
EFFECT = divergence("e", kind="effect", pointer="/effect", recorded="send_request", now="reflect")


def report(*divergences, lacks=(), **more):
    """A journal of one run that conforms, and one for each divergence."""
    good = RunReport(run="a", transitions=3, ended="completed", diverges_at=None, rows={"begin": 1, "finish": 2})
    bad = [
        replace(good, run=each.run, diverges_at=each.seq, kind=each.kind, differs=1, rows={"begin": 1}, lacks=lacks)
        for each in divergences
    ]
    return ReplayReport(source="a.jsonl", runs=(good, *bad), divergences=divergences, **more)


def totals(*reports):
    """The sum of `reports`."""
    found = Totals()
    for each in reports:
        found.add(each)
    return found


ALL = totals(report(TURNED, STUCK, UNTOLD, EFFECT))


def test_the_headline_tells_what_there_is_and_how_many():
    """One run conforms, two conform; what is not there is not told."""
    two = totals(report(), report())
    two.unread = 1

    assert "1 run: 1 conforms" == headline(totals(report()))
    assert "2 runs of 2 files: 2 conform, 1 file cannot be replayed" == headline(two)
    assert "5 runs: 1 conforms, 2 diverge, 1 is stuck, 1 cannot be told" == headline(ALL)


def test_text_tells_each_change_with_its_place_its_facts_and_both_ways():
    """In the words of `fsm-runner diff`."""
    text = as_text(ALL, CHART, "edited.yaml")

    assert text.startswith("edited.yaml: 5 runs: 1 conforms, 2 diverge, 1 is stuck, 1 cannot be told\n")
    assert (
        "\nstate 'request', at 'replied': 1 run diverges\n"
        "  turn = wants_tools\n"
        "      was call_tools, by row 'call_tools'\n"
        "      now done, by row 'finish'\n"
        "  at a.jsonl:7 (run 'b', seq 5)\n"
    ) in text
    assert "\nstate 'request': 1 run is stuck\n  state 'request' takes none\n" in text
    assert "\nstate 'call_tools': 1 run cannot be told\n  asks 'budget', which the journal does not hold\n" in text
    assert "\nstate 'request': 1 run diverges\n  does 'reflect', where it did 'send_request'\n" in text
    assert "\nrows taken\n  5× begin\n  2× finish\n" in text
    assert "\nrows that no run takes, as far as it can be told\n  call_tools, give_up," in text


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ((), "1 run: 1 cannot be told for lack of it"),
        (("budget",), "1 run: 1 cannot be told for lack of it"),
    ],
)
def test_a_fact_that_decides_nothing_to_be_told_is_counted_once(runs, expected):
    """Whether the journal holds it nowhere, or not where it is asked now."""
    bare = report(UNTOLD, lacks=runs)
    found = totals(replace(bare, runs=tuple(replace(run, control_only=True) for run in bare.runs)))

    assert f"\nfacts that journals do not hold\n  budget: {expected}\n" in as_text(found, CHART)


def test_without_an_edited_chart_it_is_a_line():
    """What was reproduced, what was not, and what was cut off."""
    torn = report(divergence("b", kind="value"), torn=(Torn(line=9, size=1),))

    assert "1 run: 1 conforms; 3 transitions, every record reproduced\n" == as_text(totals(report()), None)
    assert (
        "2 runs: 1 conforms, 1 diverges; 6 transitions, 1 record not reproduced; 1 line not written to its end\n"
    ) == as_text(totals(torn), None)


def test_markdown_has_a_table_of_verdicts_and_one_of_changes():
    """A cell is one line, and what Markdown would take for its own is not."""
    strange = replace(STUCK, run="a|b`\nc", source="x_y.jsonl")
    text = as_markdown(totals(report(TURNED, strange)), CHART)

    assert text.startswith("### Recorded runs on small\n\n**3 runs: 1 conforms, 1 diverges, 1 is stuck.**\n")
    assert "| diverges | 1 |\n| is stuck | 1 |\n| cannot be told | 0 |\n" in text
    assert "| 1 | request | replied | call_tools, by row 'call_tools' | done, by row 'finish' | a.jsonl:7 " in text
    assert r"x_y.jsonl:7 (run 'a\|b\` c', seq 5)" in text


def test_markdown_leaves_out_what_a_comment_has_no_room_for():
    """And says so."""
    many = [divergence(str(n), kind="stuck", now=f"why {n}") for n in range(MOST + 2)]
    text = as_markdown(totals(report(*many)), CHART)

    assert MOST == text.count("| why ")
    assert "And 2 changes more (`--format json` has all)." in text


def test_json_holds_all_of_it():
    """Totals, changes, and each run with what no longer agrees; what is absent has no key."""
    found = report(TURNED, UNTOLD)
    data = json.loads(as_json(totals(found), CHART, [journal_data("a.jsonl", found)], "edited.yaml"))
    first, turned, untold = data["journals"][0]["runs"]

    assert ("edited.yaml", False, 3) == (data["chart"], data["conforms"], data["runs"]["all"])
    assert ["conforms", "diverges", "unknown"] == [run["verdict"] for run in (first, turned, untold)]
    assert ("call_tools", "finish", {"turn": "wants_tools"}) == tuple(
        turned["divergences"][0][key] for key in ("recorded", "now", "facts")
    )
    assert "recorded" not in untold["divergences"][0]
    assert {"row": "finish", "target": "done", "output": None, "spends": None} == data["changes"][0]["now"]
    assert {"budget": {"runs": 1, "asked_again": 0, "untold": 1}} == data["lacks"]


def test_json_holds_a_journal_that_could_not_be_replayed():
    """With why."""
    error = JournalError("b.jsonl", 3, "the line is damaged")

    assert {"source": "b.jsonl", "problem": "b.jsonl:3: the line is damaged"} == journal_data("b.jsonl", error)


def test_the_picture_marks_rows_that_are_taken_otherwise_and_states_where_runs_end():
    """From and to, with how often."""
    overlay = overlay_of_totals(CHART, ALL)

    assert ("strong", "5×") == (overlay.row("begin").tone, overlay.row("begin").note)
    assert ("changed", "2×\n1× instead of call_tools") == (overlay.row("finish").tone, overlay.row("finish").note)
    assert ("changed", "1× now finish") == (overlay.row("call_tools").tone, overlay.row("call_tools").note)
    assert ("faint", "") == (overlay.row("give_up").tone, overlay.row("give_up").note)
    assert "1× cannot be told: asks 'budget', which the journal does not hold" == overlay.state("call_tools").note
    assert "1× is stuck: state 'request' takes none" in overlay.state("request").note
    assert "5 runs: 1 conforms, 2 diverge, 1 is stuck, 1 cannot be told" == overlay.caption


def test_a_row_that_leads_elsewhere_says_where_it_led():
    """It has the same name."""
    moved = replace(TURNED, was=Way(row=replace(ROWS["finish"], target="request")))

    assert "2×\n1× led to request" == overlay_of_totals(CHART, totals(report(moved))).row("finish").note


def test_markdown_says_what_is_the_same_by_another_name_and_what_journals_lack():
    """In a line each."""
    run = RunReport(
        run="a", transitions=1, ended=None, diverges_at=None, others={("ask", "ask_model"): 2}, lacks=("budget",)
    )
    text = as_markdown(totals(ReplayReport(source="a.jsonl", runs=(run,), divergences=())), CHART)

    assert "\n**The same way, by another row:** ask → ask_model (2×)\n" in text
    assert "\n- `budget`: 1 run: 1 asked it again of the payloads\n" in text
