"""The shipped charts as files: each is found, proved, and the default one with a few lines changed, all of which its
page shows."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from fsm_runner import find_chart, load
from fsm_runner.charts.loader import DEFAULT, shipped_charts
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.tool_loop import check
from tests.docs.edits import blocks
from tools import charts as pages

ROOT = Path(__file__).parents[3]
NAMES = sorted(pages.beside_default())
MOST = 16
"""How many lines a shipped chart may have that the default one has not, and the other way round."""


def test_these_charts_are_shipped():
    """The default first."""
    assert [DEFAULT, "anthropic-0.75", "approval", "finalise", "reflect", "tools_first"] == list(shipped_charts())


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_found_by_its_name(name):
    """Which is that of its file."""
    assert shipped_charts()[name] == find_chart(name)
    assert name == load(name).name


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_proved_and_needs_no_remark_of_its_own(name):
    """With the facts' code; what the check notes is what it notes of the default chart, and rows that overlap."""
    verdict = check(load(name), facts=FACTS)

    assert () == verdict.problems
    assert {"overlap", "limit-is-null"} == {note.code for note in verdict.notes}
    assert ["iterations"] == [note.path[1] for note in verdict.notes if note.code == "limit-is-null"]


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_the_default_one_with_a_few_lines_changed(name):
    """Comments at the head do not count."""
    default, own = (pages.body(path) for path in (shipped_charts()[DEFAULT], shipped_charts()[name]))
    lines = [line for line in difflib.ndiff(default, own, charjunk=None) if line[2:].strip()]

    assert 0 < sum(line.startswith("+ ") for line in lines) <= MOST
    assert 0 < sum(line.startswith("- ") for line in lines) <= MOST


@pytest.mark.parametrize("name", NAMES)
def test_every_place_where_a_chart_differs_is_marked_in_it(name):
    """Whoever reads the file sees what to look at."""
    default, own = (pages.body(path) for path in (shipped_charts()[DEFAULT], shipped_charts()[name]))
    unmarked = [
        own[k:m]
        for kind, _, _, k, m in pages.opcodes(default, own)
        if kind != "equal" and any(own[k:m]) and not any("# ←" in line for line in blocks_around(own, k, m))
    ]

    assert [] == unmarked


def blocks_around(lines, start, end):
    """The lines from `start` to `end`, and those of the state that they stand in, from its first."""
    first = next((i for i in range(start, 0, -1) if lines[i].startswith("  ") and lines[i][2:3].isalpha()), start)
    return lines[first:end]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_or_state_of_the_default_chart_keeps_its_name(name):
    """What only a chart of ours has is called otherwise, so that journals can be compared."""
    default, own = load(DEFAULT), load(name)
    theirs = {row.id: (state.name, row.event) for state in default.states for row in state.rows}
    ours = {row.id: (state.name, row.event) for state in own.states for row in state.rows}

    assert {id: theirs[id] for id in ours.keys() & theirs.keys()} == {
        id: ours[id] for id in ours.keys() & theirs.keys()
    }


# ── the pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_and_pictures_are_as_they_would_be_written_now():
    """`python -m tools.charts` writes them."""
    stale = [str(path.relative_to(ROOT)) for path, new in pages.written().items() if path.read_bytes() != new]

    assert [] == stale


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_all_that_differs(name):
    """Taken by its word, it makes the default chart into this one."""
    (shown,) = blocks(f"docs/how-to/charts/{name}.md", "diff")
    gone = [line[1:] for line in shown.splitlines() if line.startswith("-")]
    come = [line[1:] for line in shown.splitlines() if line.startswith("+")]
    default, own = (
        sorted(filter(None, map(pages.plain, pages.body(path))))
        for path in (shipped_charts()[DEFAULT], shipped_charts()[name])
    )

    assert sorted([*own, *gone]) == sorted([*default, *come])


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_happens_at_the_limit_to_the_history_and_to_its_length(name):
    """The three questions that every chart answers."""
    text = (pages.PAGES / f"{name}.md").read_text(encoding="utf-8").lower()

    assert [] == [words for words in ("at the limit", "appended messages", "compaction") if words not in text]


# ── approval ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_way_to_the_tools_leads_through_the_person():
    """No row enters a state that runs tools but from `asking` and from that state itself."""
    chart = load("approval")
    runs = {state.name for state in chart.states if state.effect in ("call_tools", "call_early")}
    ways = {(state.name, row.target) for state in chart.states for row in state.rows if row.target in runs}

    assert {"call_tools", "answering"} == runs
    assert {"asking"} == {source for source, target in ways if source != target}


def test_the_example_of_a_chart_of_ones_own_is_the_shipped_one():
    """In every row; its file shows how such a chart is made."""
    assert load("approval") == load(ROOT / "examples" / "approval" / "approval.yaml")
