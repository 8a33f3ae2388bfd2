"""`fsm-runner compare`: what is said of two runs, and the exit code."""

from __future__ import annotations

import json
import re

import pytest

from tests.inspecting.journals import begun, two_turns, written

ONE, OTHER = written(two_turns), written(begun, run="r2")


@pytest.fixture
def journals(tmp_path):
    """Two journals that differ, one of which holds both runs."""
    (tmp_path / "a.jsonl").write_bytes(ONE)
    (tmp_path / "b.jsonl").write_bytes(OTHER)
    (tmp_path / "both.jsonl").write_bytes(ONE + OTHER)
    (tmp_path / "damaged.jsonl").write_bytes(b'{"v":1,"run":x"r1"\n' + ONE)
    return tmp_path


def edited(path, *edits):
    """Write the first run with pieces replaced."""
    data = ONE
    for old, new in edits:
        assert old in data
        data = data.replace(old, new)
    path.write_bytes(data)


def test_equal_runs_exit_with_0(command, journals):
    """With what both add up to."""
    edited(journals / "b.jsonl", (b'"run":"r1"', b'"run":"r9"'), (b"2026-01-01T12", b"2027-01-01T12"))
    done = command("compare", "a.jsonl", "b.jsonl")

    assert 0 == done.exit_code
    assert "equal: no record differs in what matters\nrows: both take the same 6 rows\n" in done.stdout
    assert [] == re.findall(r"\*$", done.stdout, flags=re.MULTILINE)


def test_the_first_difference_is_told_with_both_places_and_values(command, journals):
    """And where the rows part, with the answers that differ; the exit code is 1."""
    edited(journals / "b.jsonl", (b'"text":"done"', b'"text":"well\\u001b[1m"'))
    done = command("compare", "a.jsonl", "b.jsonl")

    assert 1 == done.exit_code
    assert (
        """\
differ after 18 equal records
  a  event, seq 19 (a.jsonl:19)
  b  event, seq 19 (b.jsonl:19)
  /message/content/0/text
    a  "done"
    b  "well\\u001b[1m"
rows: both take the same 6 rows
"""
        in done.stdout
    )


def test_a_run_that_is_cut_off_differs_where_it_ends(command, journals):
    """The table marks what differs."""
    done = command("compare", "a.jsonl", "b.jsonl")

    assert 1 == done.exit_code
    assert "  only a goes on: event, seq 10 (a.jsonl:10)\n" in done.stdout
    assert "rows part after 2 rows that both take\n  a  seq 11  call_tools  one_answered → call_tools\n" in done.stdout
    assert re.search(r"^  ended +completed +no end, in 'call_tools'  \*$", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^  row begin +1 +1$", done.stdout, flags=re.MULTILINE)


def test_two_runs_of_one_journal_can_be_compared(command, journals):
    """Each is named."""
    apart = command("compare", "a.jsonl", "b.jsonl").stdout
    done = command("compare", "both.jsonl", "--run", "r1", "--run", "r2")

    assert (1, apart.count("\n")) == (done.exit_code, done.stdout.count("\n"))


def test_that_payloads_were_passed_over_is_said(command, journals):
    """So that nobody takes two runs for equal that were not compared in full."""
    (journals / "bare.jsonl").write_bytes(written(two_turns, content="none"))
    said = "note: payloads that a journal does not hold were passed over\n"

    assert said in command("compare", "a.jsonl", "bare.jsonl").stdout
    assert said not in command("compare", "a.jsonl", "a.jsonl").stdout


def test_a_document_says_the_same(command, journals):
    """A side on which there is nothing is left out."""
    done = command("compare", "a.jsonl", "b.jsonl", "--format", "json")
    document = json.loads(done.stdout)

    assert (1, False, 9) == (done.exit_code, document["equal"], document["shared"])
    assert [{"pointer": "", "a": "event"}] == document["differences"]
    assert [{"seq": 10, "line": 10, "type": "event"}, None] == document["at"]
    assert ({"one_answered": 2, "all_answered": 1, "finish": 1}, {}) == (document["only_in_a"], document["only_in_b"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.jsonl", "nowhere.jsonl"], "nowhere.jsonl: cannot be read: no such file or directory"),
        (["a.jsonl", "damaged.jsonl"], "damaged.jsonl:1: the line is damaged (restore it from a copy)"),
        (["a.jsonl"], "compare: one run is not two (name another journal, or two runs by --run)"),
        (["both.jsonl", "a.jsonl"], "compare: A 'both.jsonl' holds several runs (choose by --run: 'r1', 'r2')"),
        (["a.jsonl", "b.jsonl", "--run", "r3"], "--run 'r3': there is no such run (there is: 'r1')"),
        (["a.jsonl", "b.jsonl", *["--run", "r1"] * 3], "compare: --run names a run of A, then one of B (give it twice"),
    ],
)
def test_what_cannot_be_compared_exits_with_2(command, journals, arguments, said):
    """Exit code 1 is kept for what differs."""
    done = command("compare", *arguments)

    assert (2, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(said)
