"""`fsm-runner init` and `fsm-runner schema`: a chart to start from, and what an editor completes by."""

from __future__ import annotations

import json

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.chart_schema import schema_text
from fsm_runner.charts.loader import shipped_charts


@pytest.mark.parametrize("name", shipped_charts())
def test_every_shipped_chart_can_be_started_from(command, tmp_path, name):
    """The copy says the same under its own name, begins with the modeline, and has the schema beside it."""
    done = command("init", "mine.yaml", "--from", name)
    mine, theirs = load(tmp_path / "mine.yaml"), load(name)
    first = (tmp_path / "mine.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert 0 == done.exit_code
    assert ("mine", theirs.states, theirs.facts, theirs.limits) == (mine.name, mine.states, mine.facts, mine.limits)
    assert "# yaml-language-server: $schema=chart.schema.json" == first
    assert schema_text() == (tmp_path / "chart.schema.json").read_text(encoding="utf-8")
    assert 0 == command("check", "mine.yaml").exit_code


def test_without_arguments_the_default_chart_is_copied(command, tmp_path):
    """To chart.yaml, with all its comments."""
    done = command("init")
    copy = (tmp_path / "chart.yaml").read_text(encoding="utf-8")
    default = shipped_charts()["states"].read_text(encoding="utf-8")

    assert "wrote chart.yaml, a copy of 'states', and chart.schema.json\n" in done.stdout
    assert copy.endswith(default[default.index("\nlimits:") :])
    assert 1 == copy.count("yaml-language-server")


@pytest.mark.parametrize("there", ["chart.yaml", "chart.schema.json"])
def test_nothing_is_overwritten_unless_forced(command, tmp_path, there):
    """Neither the chart nor the schema; with --force both are written."""
    (tmp_path / there).write_text("mine", encoding="utf-8")
    refused = command("init")

    assert (2, f"{there}: the file is there already (--force overwrites it)\n") == (refused.exit_code, refused.stderr)
    assert [("agent.py", True), (there, True)] == sorted((path.name, path.is_file()) for path in tmp_path.iterdir())
    assert 0 == command("init", "--force").exit_code
    assert "chart" == load(tmp_path / "chart.yaml").name


def test_a_file_whose_name_is_none_for_a_chart_keeps_the_name_of_its_source(command, tmp_path):
    """The file is written all the same."""
    command("init", "my chart.yaml")

    assert "tool_loop" == load(tmp_path / "my chart.yaml").name


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["init", "--from", "stats"], "stats: no chart is called that (did you mean 'states'?)\n"),
        (["init", "no/such.yaml"], "no/such.yaml: cannot be written: no such file or directory\n"),
        (["schema", "-o", "no/such.json"], "no/such.json: cannot be written: no such file or directory\n"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(command, arguments, expected):
    """And exits with 2."""
    done = command(*arguments)

    assert (2, expected) == (done.exit_code, done.stderr)


def test_the_schema_is_printed_or_written(command, tmp_path):
    """The same text, draft-07."""
    printed = command("schema").stdout
    command("schema", "--output", "chart.schema.json")

    assert printed == (tmp_path / "chart.schema.json").read_text(encoding="utf-8")
    assert "http://json-schema.org/draft-07/schema#" == json.loads(printed)["$schema"]


def test_a_shipped_chart_s_name_is_refused_as_a_file(command, tmp_path):
    """`fsm-runner check states` would go on to read the shipped chart, whatever was edited."""
    done = command("init", "states")

    said = "states: a shipped chart is called that, and would be read in its place (try states.yaml)\n"
    assert (2, said) == (done.exit_code, done.stderr)
    assert not (tmp_path / "states").exists()


@pytest.mark.parametrize("name", ["new\nline.yaml", "red\x1b[31m.yaml", "two words.yaml"])
def test_whatever_the_file_is_called_what_is_written_can_be_checked(command, name):
    """The head of the chart names the file on one line, and the terminal is told nothing but text."""
    done = command("init", name)

    assert 0 == done.exit_code
    assert "\x1b" not in done.stdout
    assert 0 == command("check", name).exit_code


def test_the_command_to_go_on_with_can_be_pasted(command):
    """A name with a space is quoted."""
    assert "fsm-runner check 'two words.yaml'\n" in command("init", "two words.yaml").stdout
