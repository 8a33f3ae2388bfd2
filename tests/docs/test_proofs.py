"""What the page on proofs shows is what the check says."""

from __future__ import annotations

import re

from fsm_runner import find_chart
from fsm_runner.charts.loader import examine
from tests.docs.edits import blocks

PAGE = "docs/how-to/proofs.md"


def with_rules(name: str, rules: str) -> str:
    """A shipped chart with rules put before its states, in the place of its own."""
    text = find_chart(name).read_text(encoding="utf-8")
    text = re.sub(r"\nrules:.*?\n\n", "\n", text, count=1, flags=re.DOTALL)
    return text.replace("\nstates:\n", f"\n{rules}\nstates:\n", 1)


def test_the_rules_shown_hold_in_the_chart_that_asks_a_person():
    """All four, and none of them is idle."""
    shown = next(block for block in blocks(PAGE, "yaml") if block.startswith("rules:"))
    verdict = examine(with_rules("approval", shown))[1]

    assert () == verdict.problems
    assert ("asked_first", "stays_stopped", "no_overrun", "ends") == verdict.rules
    assert "idle-rule" not in {note.code for note in verdict.notes}


def test_the_violation_shown_is_the_one_that_is_found():
    """Row by row, with the event or the answers."""
    (shown,) = blocks(PAGE, "text")
    rule = "rules: {summary_last: {never: {after: {row: summarised}, enter: compact}}}"
    (violation,) = examine(with_rules("states", rule))[1].violations
    lines = [" ".join(line.split()) for line in shown.splitlines() if line.startswith("    ")]

    expected = []
    for taken in violation.path:
        why = taken.event or ", ".join(f"{name}={'|'.join(answers)}" for name, answers in taken.facts)
        expected.append(f"{taken.source} {taken.row} → {taken.target} {why}")
    assert expected == lines
    assert f"[{examine(with_rules('states', rule))[1].problems[0].code}]" in shown
