"""`fsm-runner diff`, and the pictures of a difference and of journals."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.diff import diff, merged
from fsm_runner.charts.drawing import dot
from tests.cli.conftest import ROOT, program
from tests.support.processes import PATIENCE

TEXT = (ROOT / "states.yaml").read_text(encoding="utf-8")
TOOLS = ROOT / "tests" / "replaying" / "goldens" / "v1" / "tools.jsonl"
REROUTED = TEXT.replace("guard: {change: refused},  ", "guard: {change: refused},").replace(
    "event: answer_asked, target: answering", "event: answer_asked, target: inspect"
)
RENAMED = TEXT.replace("id: give_up,", "id: let_be,") + "# a comment\n"


@pytest.fixture
def charts(tmp_path: Path) -> None:
    """The default chart, one of another route and one of another name, in the folder of the command."""
    assert TEXT not in (REROUTED, RENAMED)
    for name, text in (("old", TEXT), ("rerouted", REROUTED), ("renamed", RENAMED)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("charts")
def test_a_changed_route_exits_with_one_and_says_where(command):
    """The state, the event, the answers, the way before and now."""
    done = command("diff", "old.yaml", "rerouted.yaml")

    assert 1 == done.exit_code
    assert "old.yaml → rerouted.yaml: 1 route changed" == done.stdout.splitlines()[0]
    assert "state 'offered', at 'answer_asked'\n  whatever the facts answer\n" in done.stdout
    assert "      was answering, by row 'answer_now'\n      now inspect, by row 'answer_now'\n" in done.stdout


@pytest.mark.usefixtures("charts")
def test_another_name_exits_with_zero(command):
    """And is told, since journals name rows."""
    done = command("diff", "old.yaml", "renamed.yaml")

    assert 0 == done.exit_code
    assert "= row 'let_be' of state 'failed' was called 'give_up'" in done.stdout


@pytest.mark.usefixtures("charts")
def test_other_formats_hold_the_same(command):
    """JSON for a program, Markdown for a pull request; the exit code does not change."""
    as_json, as_markdown = (command("diff", "old.yaml", "rerouted.yaml", "--format", f) for f in ("json", "markdown"))

    assert [1, 1] == [as_json.exit_code, as_markdown.exit_code]
    assert ["offered"] == [route["state"] for route in json.loads(as_json.stdout)["routes"]]
    assert "| offered | answer_asked | whatever the facts answer |" in as_markdown.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: fsm_runner/chart/v1\nname: [\n", "new.yaml:"),
        (TEXT.replace("target: inspect, consumes: caller", "target: inspekt, consumes: caller", 1), "'inspekt'"),
    ],
)
def test_a_chart_that_cannot_be_read_exits_with_two(command, tmp_path, text, said):
    """One is kept for charts that differ."""
    (tmp_path / "new.yaml").write_text(text, encoding="utf-8")
    done = command("diff", "states", "new.yaml")

    assert 2 == done.exit_code
    assert said in done.stderr
    assert (2, 2) == (command("diff", "states", "none.yaml").exit_code, command("diff", "states").exit_code)


def test_a_chart_that_the_check_refuses_can_be_compared(command, tmp_path):
    """What an edit did matters most where it broke something."""
    (tmp_path / "new.yaml").write_text(re.sub(r"      - \{id: give_up,.*\n?", "", TEXT), encoding="utf-8")
    done = command("diff", "states", "new.yaml")

    assert 1 == done.exit_code
    assert "now nowhere: no row takes it" in done.stdout


def test_standard_input_is_a_chart(tmp_path):
    """``git show main:states.yaml | fsm-runner diff - states.yaml``."""
    from subprocess import run
    from sys import executable

    line = [executable, "-m", "fsm_runner", "diff", "-", "states"]
    done = run(line, cwd=tmp_path, input=TEXT, capture_output=True, text=True, timeout=PATIENCE)

    assert (0, "- → states: no difference\n") == (done.returncode, done.stdout)


def test_a_fact_of_ones_own_is_named_as_elsewhere():
    """A fact that cannot be loaded is used wrongly."""
    done = program("diff", "states", "states", "--fact", "nowhere:late")

    assert (2, "--fact 'nowhere:late': there is no module 'nowhere' here\n") == (done.returncode, done.stderr)


@pytest.mark.usefixtures("charts")
def test_draws_the_difference(command):
    """The same picture that the package draws."""
    chart, overlay = merged(diff(load("states"), load(Path("rerouted.yaml"))))

    assert (
        dot(chart, overlay=overlay) == command("draw", "rerouted.yaml", "--diff", "old.yaml", "--format", "dot").stdout
    )


def test_draws_the_runs_of_a_journal_on_their_own_chart(command):
    """Without a chart's name, the chart is the one that the run was started with."""
    done = command("draw", "--journal", TOOLS, "--format", "dot")

    assert 0 == done.exit_code
    assert "run 'r1' of tools.jsonl" in unescape(done.stdout)
    assert ["1×: step 1"] == re.findall(r">(1×: step 1)<", done.stdout)
    assert 'PORT="top"><FONT POINT-SIZE="15"><B>call_tools</B>' in done.stdout


def test_draws_several_journals_on_one_chart(command):
    """Counts are added up over all runs; the chart is the one that is named."""
    goldens = [file for name in ("answered", "failed") for file in ("--journal", TOOLS.with_name(f"{name}.jsonl"))]
    done = command("draw", "states", *goldens, "--format", "dot")
    only = command("draw", "states", *goldens, "--run", "nobody", "--format", "dot")

    assert 0 == done.exit_code
    assert "never taken" in done.stdout
    assert 2 == only.exit_code
    assert "draw: no run 'nobody' (there is: " in only.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--diff", "states", "--journal", TOOLS), "are two pictures"),
        (("--run", "r1"), "give --journal"),
        (("--diff", "states", "--level", "phases"), "leave out --level phases"),
        (("--journal", "none.jsonl"), "cannot be read"),
    ],
)
def test_options_that_contradict_each_other_are_used_wrongly(command, arguments, said):
    """One line says which, and the way out."""
    done = command("draw", *arguments)

    assert 2 == done.exit_code
    assert said in done.stderr


def test_a_journal_without_a_run_cannot_be_drawn(command, tmp_path):
    """An empty file has no chart either."""
    (tmp_path / "empty.jsonl").write_bytes(b"")
    done = command("draw", "--journal", "empty.jsonl")

    assert (2, "draw: empty.jsonl: no run is recorded there (is it the right file?)\n") == (done.exit_code, done.stderr)


def test_prints_the_table_as_a_page(command):
    """The whole page, and nothing before it."""
    assert command("table", "--format", "html").stdout.startswith("<!doctype html>\n")


PAGE = ROOT / "docs" / "how-to" / "reviewing-a-change.md"
FRESH = "the page shows what {0} would not print any more (run it, and write what it says into the page)"


def shown(command, text):
    """What a page says that `command` prints."""
    return text.split(f"$ fsm-runner {command}\n")[1].split("```")[0]


def test_the_page_shows_what_the_command_prints(command):
    """The report on the page is the report of the shipped charts, up to where the page stops."""
    line = "diff states tools_first"

    assert command(*line.split()).stdout == shown(line, PAGE.read_text(encoding="utf-8")), FRESH.format(line)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("difference", ("approval", "--diff", "states")),
        ("run", ("--journal", ROOT / "examples" / "regression" / "run.jsonl")),
    ],
)
def test_the_pictures_of_the_page_are_fresh(command, tmp_path, name, arguments, theme):
    """Each is what the command beside it draws."""
    file = f"{name}{'-dark' * (theme == 'dark')}.svg"
    command("draw", *arguments, "--marked", "--theme", theme, "-o", file)

    committed = PAGE.parent / "reviewing" / file
    assert (tmp_path / file).read_bytes() == committed.read_bytes(), f"draw {file} anew, as the page says"
