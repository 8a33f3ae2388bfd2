"""The generated parts of the documentation: what renews them, and that a difference is seen."""

from __future__ import annotations

from fsm_runner.charts import load
from fsm_runner.charts.row_table import markdown
from tests.docs.examples import documents
from tools.docs import BLOCK, renewed


def test_what_stands_between_the_marks_is_written_anew():
    """Text around the marks stays, and the block holds what the command prints."""
    new = renewed("before\n<!-- generated: fsm-runner table --format markdown -->\nstale words\n<!-- end -->\nafter\n")

    assert "before" == new.splitlines()[0]
    assert "after" == new.splitlines()[-1]
    assert markdown(load("states")) in new
    assert "stale words" not in new


def test_a_page_without_marks_stays_as_it_is():
    """Only what is generated is touched."""
    assert "# A page\n" == renewed("# A page\n")


def test_every_command_is_documented():
    """The pages hold the help of each command, and the decision table."""
    from fsm_runner.cli.app import COMMANDS

    blocks = {found["arguments"] for path in documents() for found in BLOCK.finditer(path.read_text(encoding="utf-8"))}

    assert {"--help", "table --format markdown"} | {f"{name} --help" for name in COMMANDS} == blocks
