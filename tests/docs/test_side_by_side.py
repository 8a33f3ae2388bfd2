"""The page of other libraries holds every broken chart, says what the check says now, and counts rightly.

The libraries themselves are not asked here: `make others` runs them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from fsm_runner.charts.loader import examine, parse
from tests.charts.conftest import broken_charts
from tools.others.cases import TRUSTED, files, machines, trusted
from tools.others.page import LIBRARIES, MEANINGS, SIGNS, TOGETHER, cell, summary, words
from tools.others.world import PATIENCE, SUPPLY, Endless, Rests, world_class, worlds
from tools.problems import BROKEN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "side-by-side.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| \[[^]]+\]\([./]*/tests/charts/broken/(\w+)\.yaml\) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE
)
OF_MACHINES, OF_FILES = (
    {name: tuple(cells) for name, *cells in ROW.findall(part)} for part in PAGE.split("\n## Faults of the file\n")
)


def ours(chart):
    """What the page must say of the check."""
    return f"*note*{TOGETHER}`{chart.code}`" if chart.note else f"●{TOGETHER}`{chart.code}`"


def test_every_broken_machine_has_its_row_and_what_the_check_says_of_it():
    """Each chart that the loader can read, and no other; our column is the code that the check gives now."""
    expected = {chart.name: ours(chart) for chart in broken_charts() if parse(chart.text).chart is not None}

    assert len(expected) > 50
    assert expected == {name: check for name, (check, *_) in OF_MACHINES.items()}


def test_a_broken_file_is_on_the_page_or_has_no_counterpart():
    """The files that are left out are counted, and our column holds the loader's code."""
    broken = {chart.name: ours(chart) for chart in broken_charts() if parse(chart.text).chart is None}
    refused, left_out = re.findall(r"refuses all (\d+) broken files; (\d+) have", PAGE)[0]

    assert {name: check for name, (check, *_) in OF_FILES.items()}.items() <= broken.items()
    assert (len(broken), len(broken) - len(OF_FILES)) == (int(refused), int(left_out))


def test_the_numbers_of_the_summary_are_those_of_the_table():
    """Each library's outcomes, counted in the rows; the check's too."""
    told = re.findall(r"^\| (?:([●◐○–]) [\w ]+|\*(note)\*) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    counted = [Counter(cells[column].split()[0].strip("*") for cells in OF_MACHINES.values()) for column in range(4)]
    expected = {
        (sign or note): [counts[sign or note] for counts in counted] for sign, note in (line[:2] for line in told)
    }

    assert [*SIGNS.values(), "note"] == [*expected]
    assert expected == {(sign or note): [*map(int, numbers)] for sign, note, *numbers in told}
    assert f"## {len(OF_MACHINES)} machines" in PAGE
    assert [len(OF_MACHINES)] * 4 == [counts.total() for counts in counted]


def test_the_page_names_the_versions_that_the_lock_pins():
    """What was measured is what anybody gets who measures again."""
    lock = (ROOT / "requirements" / "others.txt").read_text(encoding="utf-8")
    for library, shown in LIBRARIES.items():
        version = re.search(rf"^{library}(?:\[\w+\])?==(\S+)", lock, re.MULTILINE)

        assert version
        assert f"{shown} {version[1]}" in PAGE


def test_every_sign_on_the_page_is_explained():
    """A cell begins with one of them."""
    cells = [said for row in (*OF_MACHINES.values(), *OF_FILES.values()) for said in row[1:]]

    assert {said[0] for said in cells} == set(SIGNS.values())
    for kind, sign in SIGNS.items():
        assert f"- {sign} **{MEANINGS[kind]}**" in PAGE


def test_the_page_ends_with_what_was_raised_in_the_cells():
    """Each exception of the tables has its words, and the times add up to the cells that name it."""
    cells = [said for row in (*OF_MACHINES.values(), *OF_FILES.values()) for said in row[1:]]
    cells += re.findall(r"^\| supply without an end \| ○ can run \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)[0]
    raised = Counter(said.replace(TOGETHER, " ") for said in cells if re.fullmatch(r"[●◐]\s`\w+`", said))
    told: Counter[str] = Counter()
    for sign, name, times in re.findall(r"^\| [\w-]+ \| ([●◐]) \| (`\w+`) \| .+ \| (\d+) \|$", PAGE, re.MULTILINE):
        told[f"{sign} {name}"] += int(times)

    assert raised == told


def test_the_check_has_nothing_against_the_chart_that_it_is_said_to_miss():
    """Otherwise the page would be too modest."""
    chart, verdict = examine(TRUSTED.read_text(encoding="utf-8"))

    assert chart is not None
    assert ((), ()) == (verdict.problems, verdict.notes)
    assert TRUSTED.stem == trusted()["name"]


def test_machines_and_files_are_all_broken_charts():
    """Each is in one of the two lists."""
    names = [case["name"] for case in (*machines(), *files())]

    assert sorted(path.stem for path in BROKEN.glob("*.yaml")) == sorted(names)


def test_a_machine_is_given_with_what_it_takes_to_run_it():
    """Events that can happen come from effects and from the caller; impossible answers are those of the facts' code."""
    cases = {case["name"]: case for case in machines()}
    (lent,) = [state for state in cases["caller_leaves_the_stream_and_no_row_says_where"]["states"] if state["can"]]
    about = {name: cases[name]["about"] for name in ("state_that_nothing_leads_to", "row_behind_two_rows_together")}

    assert ["moved_on", "replied", "failed", "continued"] == lent["can"]
    assert {"state_that_nothing_leads_to": "lost", "row_behind_two_rows_together": "d"} == about
    assert (("turn", ("wants_tools",)), ("calls", ("done",))) in cases["guard_that_cannot_happen"]["impossible"]
    assert ("none", "paused", "finished") == cases["fact_lacks_an_answer_of_its_code"]["answers"]["turn"]


def test_a_world_answers_what_can_happen_and_no_more():
    """Every combination of answers but the impossible, with each event; a fact without code has no method."""
    (case,) = [case for case in machines() if case["name"] == "guard_that_cannot_happen"]
    found = [tuple(world.answers.values()) for world in worlds(case)]

    assert [("none", "open"), ("none", "done"), ("wants_tools", "open")] == found
    assert {"turn_is_none", "send_request", "hand_message", "took_odd"} <= set(dir(world_class(case)))
    assert not hasattr(world_class(case), "turn_is_paused")


def test_a_world_runs_out_of_what_is_finite_and_of_patience():
    """A supply ends unless an event renews it; limits count what was spent; a run without an end is stopped."""
    cases = {case["name"]: case for case in machines()}
    waiting = next(worlds(cases["no_state_is_final"]))
    for _ in range(SUPPLY):
        waiting.next_event("start")
        waiting.take("again")
    limited = next(worlds(cases["limit_that_stops_another_way"]))
    limited.spent["iterations"] = 2
    before = limited.holds("limit", "free"), limited.holds("limit", "reached")
    limited.spent["iterations"] = 3

    assert (True, False) == before
    assert (False, True) == (limited.holds("limit", "free"), limited.holds("limit", "reached"))
    with pytest.raises(Rests):
        waiting.next_event("start")
    waiting.took["again"] = PATIENCE
    with pytest.raises(Endless):
        waiting.take("again")


RAISED = {"when": "running", "what": "KeyError", "words": "no row for 'turn' here"}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (RAISED, "◐ `KeyError`"),
        ({"when": "nothing", "what": "stays in `start`"}, "○ stays in `start`"),
        ({"when": "unwritable", "what": ""}, "–"),
    ],
)
def test_a_cell_is_a_sign_and_what_was_seen(outcome, expected):
    """An exception is code; what was seen is words."""
    assert expected == cell(outcome).replace(TOGETHER, " ")


def test_the_summary_counts_each_outcome_once():
    """Ours are refused or noted; the others' are counted by when they spoke."""
    quiet = {"when": "nothing", "what": "ends in `done`"}
    outcomes = {"a": dict.fromkeys(LIBRARIES, RAISED), "b": {**dict.fromkeys(LIBRARIES, quiet), "langgraph": RAISED}}
    found = summary([{"name": "a", "note": False}, {"name": "b", "note": True}], outcomes)

    assert "| ● refused when defined | 1 | 0 | 0 | 0 |" in found
    assert "| ◐ refused when run | 0 | 1 | 1 | 2 |" in found
    assert "| ○ nothing said | 0 | 1 | 1 | 0 |" in found
    assert "| *note* | 1 | 0 | 0 | 0 |" in found


def test_messages_that_differ_in_names_alone_are_told_once():
    """The first of them, and how many there were; another kind of message, or of time, stands alone."""
    same = {**RAISED, "words": "no row for 'calls' here"}
    other = {**RAISED, "words": "limit reached"}
    earlier = {**RAISED, "when": "definition"}
    found = "".join(words([{"transitions": each, **{key: {} for key in ("python-statemachine", "langgraph")}}
                           for each in (RAISED, same, other, earlier)]))  # fmt: skip

    assert [
        ("◐", "no row for 'turn' here", "2"),
        ("◐", "limit reached", "1"),
        ("●", "no row for 'turn' here", "1"),
    ] == (re.findall(r"^\| transitions \| (.) \| `KeyError` \| `(.+)` \| (\d+) \|$", found, re.MULTILINE))
