"""`fsm-runner draw` and `fsm-runner table`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.drawing import dot, mermaid
from fsm_runner.charts.loader import text_of
from fsm_runner.charts.row_table import markdown, text_table
from tests.support.processes import PATIENCE

CHART = load("states")
SOURCE = text_of("states")


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
    assert markdown(CHART) == command("table", "--format", "markdown").stdout


@pytest.mark.parametrize("line", [["draw"], ["draw", "--diff", "states"], ["table"], ["table", "--format", "html"]])
def test_a_chart_that_does_not_pass_the_check_is_shown_and_said_to_be_one(command, tmp_path, line):
    """Who looks for a gap wants to see it; a picture of it must not be taken for a proof."""
    gap = re.sub(r"      - \{id: ask, ", "      - {id: ask, guard: {turn: none}, ", SOURCE)
    (tmp_path / "gap.yaml").write_text(gap, encoding="utf-8")
    done = command(line[0], "gap.yaml", *line[1:])

    assert 0 == done.exit_code
    assert "stop_limit" in done.stdout
    assert "gap.yaml: shown as it is; it does not pass the check (fsm-runner check tells why)\n" == done.stderr


@pytest.mark.parametrize("line", ["check", "table", "draw", "diff states", "reach - done"])
def test_standard_input_is_a_chart_wherever_one_is_read(line):
    """``git show main:states.yaml | fsm-runner check -``; bytes that are no text are told as in a file."""
    command = [sys.executable, "-m", "fsm_runner", *line.split(), *([] if "-" in line else ["-"])]
    fine, broken = (
        subprocess.run(command, input=text, capture_output=True, timeout=PATIENCE)
        for text in (SOURCE.encode(), b"a: \xff")
    )

    assert (0, b"") == (fine.returncode, fine.stderr)
    assert b"<stdin>:1:4: byte 0xFF is not UTF-8 (save the file as UTF-8)" in broken.stdout + broken.stderr
