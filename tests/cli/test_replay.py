"""`fsm-runner replay`: what is reported, and the exit code."""

from __future__ import annotations

import pytest

from fsm_runner.charts import find_chart


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
    ("content", "code"), [("", 2), ("no journal\n", 2), (None, 2), ('{"v":1,"run":"r","seq":1\n', 1)]
)
def test_a_file_that_is_no_journal_is_one_line(command, tmp_path, content, code):
    """Missing, empty, something else, or damaged: a sentence with the file's name, and no traceback."""
    if content is not None:
        (tmp_path / "run.jsonl").write_text(content, encoding="utf-8")
    done = command("replay", "run.jsonl")

    assert code == done.exit_code, done.output
    assert done.stderr.startswith("run.jsonl")
    assert 1 == done.stderr.count("\n")
