"""`fsm-runner replay`: what is reported, and the exit code."""

from __future__ import annotations

import json

import pytest

from fsm_runner.charts import find_chart
from tests.cli.conftest import program


@pytest.fixture
def journal(command, tmp_path):
    """A journal of a run with one tool call."""
    done = command("run", "1 + 2?", "--client", "agent:client", "--tool", "agent:add", "--journal", "run.jsonl")

    assert 0 == done.exit_code, done.output
    return tmp_path / "run.jsonl"


def test_a_journal_that_agrees_exits_with_0(command, journal):
    """Every record is reproduced, without a model or a tool."""
    done = command("replay", journal)

    assert 0 == done.exit_code
    assert "every record reproduced" in done.stdout


def test_several_journals_are_added_up(command, journal):
    """Those that conform are counted, not listed."""
    done = command("replay", journal, journal)

    assert (0, "2 runs of 2 files: 2 conform; 22 transitions, every record reproduced\n") == (
        done.exit_code,
        done.stdout,
    )


def test_a_journal_that_was_edited_exits_with_1_and_names_the_record(command, journal):
    """A row that was not taken is seen."""
    journal.write_text(journal.read_text(encoding="utf-8").replace('"row":"finish"', '"row":"stop_closed"', 1))
    done = command("replay", journal)

    assert 1 == done.exit_code
    assert "recorded row 'stop_closed'" in done.stdout


def edited(tmp_path, old, new):
    """The default chart with another text in one place, as ``edited.yaml``."""
    text = find_chart("states").read_text(encoding="utf-8")

    assert 1 == text.count(old)
    (tmp_path / "edited.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return "edited.yaml"


def test_another_chart_tells_where_the_run_would_have_gone(command, journal, tmp_path):
    """The recorded events on an edited chart: the first row that differs."""
    row = "{id: call_tools,      guard: {turn: wants_tools},"
    sooner = "{id: stop_tools, guard: {turn: wants_tools, limit: free}, target: done}"
    chart = edited(tmp_path, row, f"{sooner}\n      - {row}")
    done = command("replay", journal, "--chart", chart)

    assert 1 == done.exit_code
    assert "recorded row 'call_tools'" in done.stdout
    assert "now 'stop_tools'" in done.stdout


@pytest.mark.parametrize(
    ("content", "code"), [("", 2), ("no journal\n", 2), (None, 2), ('{"v":1,"run":"r","seq":x\n', 1)]
)
def test_a_file_that_is_no_journal_is_one_line(command, tmp_path, content, code):
    """Missing, empty, something else, or damaged: a sentence with the file's name, and no traceback."""
    if content is not None:
        (tmp_path / "run.jsonl").write_text(content, encoding="utf-8")
    done = command("replay", "run.jsonl")

    assert code == done.exit_code, done.output
    assert done.stderr.startswith("run.jsonl")
    assert 1 == done.stderr.count("\n")


# ── many journals, and another chart ────────────────────────────────────────────────────────────────────────────────


STOP = "{id: call_tools,      guard: {turn: wants_tools},"
SOONER = "{id: stop_tools, guard: {turn: wants_tools, limit: free}, target: done}\n      - "


@pytest.fixture
def runs(journal, tmp_path):
    """A folder with three journals: two that conform, and one that is damaged."""
    (tmp_path / "runs").mkdir()
    content = journal.read_bytes()
    for name in ("a", "b"):
        (tmp_path / "runs" / f"{name}.jsonl").write_bytes(content)
    (tmp_path / "runs" / "c.jsonl").write_bytes(content.replace(b'"seq":3', b'"seq":4', 1))
    return tmp_path / "runs"


def test_a_damaged_journal_is_named_and_the_others_are_replayed(command, runs):
    """Its reason on standard error, the rest on standard output."""
    done = command("replay", "runs")

    assert 1 == done.exit_code
    assert done.stderr.startswith("runs/c.jsonl:3: run '")
    assert 1 == done.stderr.count("\n")
    assert (
        "2 runs of 2 files: 2 conform, 1 file cannot be replayed; 22 transitions, every record reproduced\n"
    ) == done.stdout


def test_a_journal_that_is_not_there_exits_with_2_whatever_else_is_found(command, runs):
    """It was named wrongly."""
    assert 2 == command("replay", "runs", "runs/d.jsonl").exit_code


def test_runs_on_another_chart_are_told_as_text_json_and_markdown_at_once(command, runs, tmp_path):
    """One replay, one report on the screen, one for each file."""
    chart = edited(tmp_path, STOP, SOONER + STOP)
    done = command("replay", "runs", "--chart", chart, "-o", "r.json", "-o", "r.md", "-o", "r.txt", "--draw", "r.mmd")
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    facts = "turn = wants_tools, limit = free"

    assert 1 == done.exit_code
    assert done.stdout == (tmp_path / "r.txt").read_text(encoding="utf-8")
    assert "edited.yaml: 2 runs of 2 files: 2 diverge, 1 file cannot be replayed\n" in done.stdout
    assert f"state 'inspect', on entering: 2 runs diverge\n  {facts}\n" in done.stdout
    assert ("edited.yaml", False, {"all": 2, "conforms": 0, "diverges": 2, "stuck": 0, "unknown": 0}) == (
        found["chart"],
        found["conforms"],
        found["runs"],
    )
    assert ["call_tools", "stop_tools"] == [found["changes"][0][side]["row"] for side in ("was", "now")]
    assert ["runs/a.jsonl", "runs/b.jsonl", "runs/c.jsonl"] == [each["source"] for each in found["journals"]]
    assert "| 2 | inspect | (always) |" in (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "2#215; instead of call_tools" in (tmp_path / "r.mmd").read_text(encoding="utf-8")


def test_runs_that_go_the_same_way_exit_with_0_and_say_which_rows_they_never_take(command, journal, tmp_path):
    """Another name of a row is no other way."""
    done = command("replay", journal, "--chart", edited(tmp_path, "{id: finish,  ", "{id: finished,"))

    assert 0 == done.exit_code, done.output
    assert "edited.yaml: 1 run: 1 conforms\n" in done.stdout
    assert "the same way, by another row\n  1× finish → finished\n" in done.stdout
    assert "rows that no run takes\n  stop_closed, " in done.stdout


def test_json_of_runs_on_their_own_charts_holds_every_run(command, runs):
    """What is wrong with a file stands where its runs would."""
    done = command("replay", "runs", "--format", "json")
    found = json.loads(done.stdout)

    assert (None, 2, 1, 22) == (found["chart"], found["files"], found["unread"], found["transitions"])
    assert ["conforms", "conforms", None] == [each.get("runs", [{}])[0].get("verdict") for each in found["journals"]]
    assert "seq 4 comes where 3 should" in found["journals"][2]["problem"]
    assert "changes" not in found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "report.html"), "replay: 'report.html': the suffix tells no format (choose one of: .txt, .json, .md)"),
        (("--draw", "r.svg"), "replay: --draw shows the runs on another chart (give --chart, or see fsm-runner draw"),
        (("--chart", "states", "--draw", "r.gif"), "replay: 'r.gif': the suffix tells no format (choose one of: .mmd,"),
        (("--chart", "nowhere.yaml"), "nowhere.yaml"),
        (("--fact", "agent:plain"), "--fact 'agent:plain': it is a function"),
    ],
)
def test_what_is_asked_wrongly_is_refused_before_anything_is_replayed(command, journal, options, said):
    """In one line, with exit code 2."""
    done = command("replay", journal, *options)

    assert (2, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(said)


def test_workers_import_the_facts_that_are_named(command, runs, tmp_path):
    """From the folder where the command runs, in processes of their own."""
    chart = edited(
        tmp_path, STOP, "{id: stop_late, guard: {late: yes, turn: wants_tools}, target: done}\n      - " + STOP
    )
    text = (tmp_path / chart).read_text(encoding="utf-8")
    (tmp_path / chart).write_text(text.replace("facts: ", 'facts:\n  late: ["yes", "no"]\n  #', 1), encoding="utf-8")
    done = program(
        "replay", "runs", "--chart", chart, "--fact", "agent:late", "--workers", "2", "--format", "json", cwd=tmp_path
    )

    assert 1 == done.returncode, done.stderr
    assert {"runs": 2, "asked_again": 2, "untold": 0} == json.loads(done.stdout)["lacks"]["late"]


def test_text_tells_the_first_journals_one_by_one_and_counts_the_rest(command, journal, tmp_path):
    """A screen is not for hundreds of them."""
    journal.write_text(journal.read_text(encoding="utf-8").replace('"row":"finish"', '"row":"stop_closed"', 1))
    lines = command("replay", *[journal] * 22).stdout.splitlines()

    assert 20 == sum("recorded row 'stop_closed'" in line for line in lines)
    assert "2 journals more (--format json has all)" in lines
    assert "22 runs of 22 files: 22 diverge; 220 transitions, 22 records not reproduced" == lines[-1]
