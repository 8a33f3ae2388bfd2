"""What the page on exploring shows is what the commands print."""

from __future__ import annotations

import shlex

import pytest
from typer.testing import CliRunner

from fsm_runner.cli.app import app_for
from tests.docs.edits import blocks

PAGE = "docs/how-to/exploring.md"
SHOWN = [block for block in blocks(PAGE, "console") if block.startswith("$ fsm-runner") and "mine.yaml" not in block]


def printed(line: str) -> str:
    """What a command prints."""
    words = shlex.split(line)[1:]
    return CliRunner().invoke(app_for(words), words, prog_name="fsm-runner").stdout


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.partition("\n")[0])
def test_a_command_prints_what_is_shown(block):
    """From the first line to the last."""
    line, _, output = block.partition("\n")

    assert output == printed(line.removeprefix("$ "))


def test_two_commands_are_shown_with_what_they_print():
    """One for a row, one for a state."""
    assert ["paths", "reach"] == [block.split()[2] for block in SHOWN]
