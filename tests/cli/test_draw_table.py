"""`fsm-runner draw` and `fsm-runner table`."""

from __future__ import annotations

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.drawing import dot, mermaid
from fsm_runner.charts.table import markdown_table, text_table

CHART = load("states")


def test_draws_mermaid_to_standard_output_by_default(command):
    """The text can be pasted into a page."""
    assert mermaid(CHART) == command("draw").stdout


@pytest.mark.parametrize("suffix", [".dot", ".gv"])
def test_the_suffix_of_the_output_tells_the_format(command, tmp_path, suffix):
    """What is written is what the name says, and nothing is printed."""
    done = command("draw", "-o", f"chart{suffix}", "--level", "phases", "--theme", "dark")

    assert (0, "") == (done.exit_code, done.output)
    assert dot(CHART, level="phases", theme="dark") == (tmp_path / f"chart{suffix}").read_text(encoding="utf-8")


def test_a_suffix_that_tells_nothing_is_refused(command):
    """Rather than guess, the command asks."""
    done = command("draw", "-o", "chart.doc")

    assert 2 == done.exit_code
    assert "the suffix tells no format" in done.stderr


def test_a_folder_that_is_not_there_is_refused(command):
    """One line says what could not be written."""
    done = command("draw", "-o", "nowhere/chart.mmd")

    assert (2, "nowhere/chart.mmd: cannot be written: no such file or directory\n") == (done.exit_code, done.stderr)


def test_prints_the_table_as_text_and_as_markdown(command):
    """The columns for a terminal, the table for a page."""
    assert text_table(CHART) == command("table").stdout
    assert markdown_table(CHART) == command("table", "--format", "markdown").stdout
