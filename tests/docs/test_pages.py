"""What pages say of the program is what the program says."""

from __future__ import annotations

import itertools
import re

import pytest
from markdown_it import MarkdownIt

from fsm_runner import ChartError, find_chart, load, replay
from fsm_runner.charts import loads
from fsm_runner.charts.loader import examine
from fsm_runner.loop.stop import REASONS
from tests.docs.edits import ROOT, blocks, edited, shown_chart, squeezed
from tests.docs.examples import documents, examples_of, run

README = "README.md"
TUTORIAL = "docs/tutorial.md"
LINK = re.compile(r"(?:\]\(|(?:href|src|srcset)=\")(?!https?:)([^)\"#\s]+)")


def text_of(page: str) -> str:
    """The page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def said_by_check(chart: str) -> str:
    """What `fsm-runner check mine.yaml` would say first."""
    with pytest.raises(ChartError) as refused:
        loads(chart, "mine.yaml")
    first = refused.value.problems[0]
    return f"{first.located('mine.yaml')}  [{first.code}]"


def test_the_readme_is_short():
    """A first page that nobody reads to its end is none."""
    assert len(text_of(README).splitlines()) < 200


def test_the_readme_shows_the_table_of_inspect():
    """Row by row, in order, and all of it."""
    shown = next(block for block in blocks(README, "yaml") if block.startswith("inspect:"))
    declared = find_chart("states").read_text(encoding="utf-8")
    _, _, rest = declared.partition("\n  inspect:\n")
    rows, _, _ = rest.partition("\n\n")

    assert list(map(squeezed, rows.splitlines())) == list(map(squeezed, shown.splitlines()[1:]))


def test_the_readme_counts_right():
    """Numbers in words go stale first."""
    names = {1: "one", 10: "ten", 11: "eleven"}

    assert f"machine of {len(load('states').states)} states" in text_of(README)
    assert f"one of [{names[len(REASONS)]} reasons]" in text_of(README)


def test_the_figures_of_the_readme_are_those_that_were_measured():
    """By the benchmark that is committed."""
    (measured,) = [line for line in text_of("bench/results.md").splitlines() if "8 tools of 50 ms" in line]
    (quoted,) = [line for line in text_of(README).splitlines() if "8 tools of 50 ms" in line]
    ours, theirs = re.findall(r"\| (\d+ ms)", measured)

    assert f"take {theirs} |" in quoted
    assert f": {ours} |" in quoted


@pytest.mark.parametrize("page", [README, TUTORIAL])
def test_the_row_that_is_added_passes_the_check(page):
    """What a reader is told to do works."""
    assert "give_back" in {row.id for row in loads(shown_chart(page, 0)).rows}


@pytest.mark.parametrize("page", [README, TUTORIAL])
def test_the_change_that_is_refused_is_refused_in_these_words(page):
    """With the line, the column and the witness."""
    assert said_by_check(shown_chart(page, 0, 1)) in text_of(page).splitlines()


def test_the_tutorials_program_prints_what_is_shown(tmp_path, monkeypatch, capsys):
    """And its journal replays as shown, on its own chart, on the reader's and on one that sends it another way."""
    monkeypatch.chdir(tmp_path)
    (program,) = [example for example in examples_of(ROOT / TUTORIAL) if example.after is None]
    run(program)
    console = "".join(blocks(TUTORIAL, "console"))
    mine, other = loads(shown_chart(TUTORIAL, 0)), loads(shown_chart(TUTORIAL, 2))

    assert capsys.readouterr().out in list(blocks(TUTORIAL, "text"))
    assert str(replay("run.jsonl")) in console
    assert replay("run.jsonl", chart=mine).conforms
    assert str(replay("run.jsonl", chart=other).divergences[0]) in console


def test_the_divergence_of_the_readme_is_what_replay_says(tmp_path, monkeypatch):
    """Of the run that the block above it makes."""
    monkeypatch.chdir(tmp_path)
    (recorded,) = [example for example in examples_of(ROOT / README) if "journal=" in example.code]
    run(recorded)
    report = replay("run.jsonl", chart=loads(shown_chart(TUTORIAL, 2)))

    assert str(report.divergences[0]) in text_of(README).splitlines()


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    """Within the project."""
    links = LINK.findall(path.read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (path.parent / link).exists()]


def test_the_index_leads_to_every_page():
    """A page that nothing leads to is not there."""
    listed = {(ROOT / "docs" / link).resolve() for link in LINK.findall(text_of("docs/index.md"))}
    pages = {path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "adr"} - {ROOT / "docs" / "index.md"}

    assert set() == pages - listed


def test_headings_are_in_order():
    """One title a page, and no level left out."""
    for path in documents():
        levels = [
            int(t.tag[1]) for t in MarkdownIt().parse(path.read_text(encoding="utf-8")) if t.type == "heading_open"
        ]

        assert levels[0] == 1 == levels.count(1), path
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), path


def test_the_first_change_of_contributing_can_be_made_and_check_says_what_is_quoted():
    """Before the chart lists the new answer; after that, the chart can run."""
    code, chart = blocks("CONTRIBUTING.md", "diff")
    source = edited(text_of("fsm_runner/loop/facts.py"), code)
    namespace: dict[str, object] = {"__name__": "first_change"}
    exec(compile(source, "facts.py", "exec"), namespace)
    facts, before = namespace["FACTS"], text_of("states.yaml")
    _, refused = examine(before, facts=facts)
    _, proved = examine(edited(before, chart), facts=facts)
    (problem,) = refused.problems
    quoted = "".join(blocks("CONTRIBUTING.md", "console")).splitlines()

    assert f"{problem.located('states.yaml')}  [{problem.code}]" in quoted
    assert () == proved.problems


# ── the edits themselves ────────────────────────────────────────────────────────────────────────────────────────────

CHART = "a: 1\nb:   {c: 2,  d: 3}\ne: 4\n"


def test_an_edit_adds_and_takes_out_lines():
    """Spaces do not count where a line is only pointed at."""
    assert "a: 1\nb:   {c: 2,  d: 3}\nnew: 5\n" == edited(CHART, " b: {c: 2, …\n+new: 5\n-e: 4\n")


@pytest.mark.parametrize("diff", [" z: 1\n+new: 5\n", "-b: {c: 2\n"])
def test_an_edit_of_a_line_that_is_not_there_is_refused(diff):
    """The page would be wrong."""
    with pytest.raises(ValueError, match="0 lines match"):
        edited(CHART, diff)
