"""`fsm-runner show`: what a reader sees of recorded runs, in what order, and the exit code."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys

import pytest

from fsm_runner.loop.events import Continued, Replied, ToolFinished
from tests.cli.conftest import ROOT
from tests.inspecting.journals import begun, two_turns, written
from tests.journal.worlds import Life, result, uses
from tests.support.processes import PATIENCE

ONE, OTHER = written(two_turns), written(begun, run="r2")
SHOWN = """\
run 'r1'  run.jsonl
  chart      small (1676e5961ddd)
  model      m, at most 9 tokens a reply
  tools      find
  started    2026-01-01 12:00:00 UTC, VERSIONS

    3      1.0 s  start       begin        → request     caller goes on (1.0 s)
    4      3.0 s  turn 1  a reply is requested: 1 message
    7      5.0 s  request     call_tools   → call_tools  tool_use; 0 in, 5 out; calls find ×2 (2.0 s)
   11      9.0 s  call_tools  one_answered → call_tools  find: ok (2.0 s)
   14     12.0 s  call_tools  one_answered → call_tools  find: ok (4.0 s)
   15     14.0 s  call_tools  all_answered → request     calls = done
   17     16.0 s  turn 2  a reply is requested: 1 message
   20     18.0 s  request     finish       → done        end_turn; 0 in, 0 out (2.0 s)

  ended      completed, by row 'finish'
  took       20.0 s, waiting 9.0 s for the API, 8.0 s for tools, 2.0 s for the caller
  turns      2
  tokens     0 in, 5 out, in 2 replies
  requests   2 sent, 4.0 s together, the longest 2.0 s
  tools      find ×2, 6.0 s together, the longest 4.0 s
  states     start 2.0 s, request 9.0 s, call_tools 8.0 s, done 1.0 s
  limits     iterations: 1 of 2 spent
  journal    21 records, 6 rows taken, sealed without a key
"""


@pytest.fixture
def journal(tmp_path):
    """Write a journal; return its name."""

    def write(data, name="run.jsonl"):
        (tmp_path / name).write_bytes(data)
        return name

    return write


def runs_in(text):
    """The ids of the runs that are shown, in order."""
    return re.findall(r"^run '(.*?)'", text, flags=re.MULTILINE)


def test_a_run_is_shown_from_its_start_to_why_it_stopped(command, journal):
    """Each row with what happened and how long it took, then what it adds up to."""
    done = command("show", journal(ONE))
    versions = r"fsm_runner \S+, anthropic \S+, python \S+"

    assert (0, "") == (done.exit_code, done.stderr)
    assert re.sub(versions, "VERSIONS", done.stdout) == SHOWN


def test_a_run_without_an_end_says_what_is_under_way(command, journal):
    """Nobody can tell from the file whether it goes on; its age is a hint."""
    done = command("show", journal(OTHER))

    assert "no end     is on record: the run goes on, or was killed, in state 'call_tools'" in done.stdout
    assert "its last record is of 2026-01-01 12:00:08 UTC" in done.stdout
    assert re.findall(r"under way  (find \(\w\))", done.stdout) == ["find (a)", "find (b)"]


def test_a_torn_last_line_is_told(command, journal):
    """It is left out, and no reason to fail."""
    done = command("show", journal(ONE[:-30]))

    assert 0 == done.exit_code
    assert re.search(r"run\.jsonl:21: the line was not written to its end \(\d+ bytes\); left out", done.stderr)


def test_runs_that_are_mixed_are_shown_one_after_another(command, journal):
    """And lines of an application are passed over."""
    lines, others = ONE.splitlines(keepends=True), OTHER.splitlines(keepends=True)
    mixed = b"".join(
        [lines[0], others[0], b'{"event": "hello"}\n', *lines[1:3], *others[1:4], b"plain\n", *lines[3:], *others[4:]]
    )
    apart = command("show", journal(ONE)).stdout.replace("run.jsonl", "")
    done = command("show", journal(mixed, "app.log"))

    assert ["r1", "r2"] == runs_in(done.stdout)
    assert done.stdout.replace("app.log", "").startswith(apart)
    assert ["r2"] == runs_in(command("show", "app.log", "--run", "r2").stdout)


def test_many_runs_are_listed_unless_all_are_asked_for(command, journal):
    """One line each, and how to see one of them."""
    name = journal(b"".join(written(two_turns, run=f"r{number}") for number in range(6)))
    listed, every = command("show", name).stdout, command("show", name, "--all").stdout

    assert ([], 6) == (runs_in(listed), len(runs_in(every)))
    assert "run.jsonl: 6 runs\n  r0  2026-01-01 12:00:00  20.0 s  2 turns  5 tokens  2 calls  completed\n" in listed
    assert listed.endswith("--run ID shows one of them, --all shows each\n")
    assert ["r3"] == runs_in(command("show", name, "--run", "r3").stdout)


def test_several_journals_and_compressed_ones_are_shown(command, journal):
    """In the order in which they are given."""
    done = command("show", journal(gzip.compress(OTHER), "b.jsonl.gz"), journal(ONE, "a.jsonl"))

    assert ["r2", "r1"] == runs_in(done.stdout)


def test_standard_input_can_be_shown(tmp_path):
    """It is read once, compressed or not, and a copy of it twice."""
    line = [sys.executable, "-m", "fsm_runner", "show", "-"]
    done = subprocess.run(line, cwd=tmp_path, input=gzip.compress(OTHER + ONE), capture_output=True, timeout=PATIENCE)

    assert (0, ["r2", "r1"]) == (done.returncode, runs_in(done.stdout.decode()))


def test_what_a_terminal_would_obey_is_not_passed_on(command, journal):
    """Neither a tool's name nor its error moves the cursor, sets a colour, or begins a line."""

    def live(journal):
        life = Life(journal).tell(Continued()).perform(Replied(message=uses("a")))
        life.schedule()
        said = {**result("a", "red\x1b[31m\nno \x9b31m \u202eway"), "is_error": True}
        life.tell(ToolFinished(id="a", result=said))

    data = written(live, run="r\u001b[2J").replace(b'"find"', b'"fi\\u001b[1mnd\\u0007"')
    shown = command("show", journal(data)).stdout
    listed = command("show", *["run.jsonl"] * 6).stdout
    document = command("show", "run.jsonl", "--format", "json").stdout

    assert "fi?[1mnd?: error: red?[31m no ?31m ?way" in shown
    for text in (shown, listed, document):
        assert [] == [char for char in text if not char.isprintable() and char != "\n"]


def test_a_document_holds_what_the_text_says(command, journal):
    """One line a run, with the same keys for each."""
    done = command("show", journal(ONE + OTHER), "--format", "json")
    one, other = map(json.loads, done.stdout.splitlines())

    assert one.keys() == other.keys()
    assert ["r1", "r2"] == [one["run"], other["run"]]
    assert (["begin", "call_tools", "one_answered", "one_answered", "all_answered", "finish"], "completed", None) == (
        [entry["row"] for entry in one["timeline"] if entry["kind"] == "row"],
        one["ended"]["reason"],
        other["ended"],
    )
    assert {"calls": 2, "errors": 0, "lost": 0, "seconds": 6.0, "longest": 4.0} == one["totals"]["tools"]["find"]
    assert ["a", "b"] == [each["id"] for each in other["under_way"]]


def test_what_stands_before_a_damaged_line_is_shown(command, journal):
    """Then the line is named, and the exit code is 1."""
    lines = ONE.splitlines(keepends=True)
    name = journal(b"".join([*lines[:8], b'{"v":1,"run":"r1" broken\n', *lines[9:]]))
    done = command("show", name)

    assert 1 == done.exit_code
    assert "tool_use; 0 in, 5 out; calls find ×2" in done.stdout
    assert "no end     is on record" in done.stdout
    assert "run.jsonl:9: the line is damaged (restore it from a copy)\n" == done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: cannot be read: no such file or directory"),
        (["empty.jsonl"], "empty.jsonl: it holds no run (is it the right file?)"),
        (["run.jsonl", "--run", "r11"], "--run 'r11': there is no such run (did you mean 'r1'?)"),
        (["run.jsonl", "--run", "x"], "--run 'x': there is no such run (there is: 'r1')"),
        (["run.jsonl", "empty.jsonl", "--follow"], "show: --follow: one journal at a time"),
    ],
)
def test_what_cannot_be_shown_exits_with_2(command, journal, arguments, said):
    """One sentence."""
    journal(ONE), journal(b"", "empty.jsonl")
    done = command("show", *arguments)

    assert (2, "", f"{said}\n") == (done.exit_code, done.stdout, done.stderr)


def test_a_journal_whose_chart_cannot_run_here_is_shown(command, journal):
    """Its chart asks facts that nobody has; nothing is compiled to show it."""
    data = ONE.replace(b'"name":"calls","answers"', b'"name":"moon","answers"').replace(b'["calls",', b'["moon",')
    done = command("show", journal(data.replace(b'"calls":"done"', b'"moon":"done"')))

    assert 0 == done.exit_code
    assert "all_answered → request     moon = done" in done.stdout


def test_what_a_journal_says_is_never_taken_for_a_format(command, journal):
    """Braces are braces."""
    data = ONE.replace(b'"calls":"done"', b'"calls":"{0} {1} %s [bold]"')

    assert "all_answered → request     calls = {0} {1} %s [bold]\n" in command("show", journal(data)).stdout


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_no_line_that_is_longer_than_it_is_wide(command, journal, monkeypatch, width):
    """What happened stands below its row where there is no room beside it."""
    from fsm_runner.cli import show as module
    from fsm_runner.cli.screen import Screen

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(module, "_screen", lambda: Screen(terminal=True))
    done = command("show", journal(ONE))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in done.stdout.splitlines()]

    assert "\x1b[" in done.stdout
    assert max(map(len, lines)) <= width
    assert (80 == width) == ("                  tool_use; 0 in, 5 out; calls find ×2 (2.0 s)" in lines)


@pytest.mark.parametrize("kind", ["xterm", "dumb", "unknown"])
@pytest.mark.parametrize(
    ("width", "shown"),
    [(43, "  r0  20.0 s  completed"), (71, "  r0  2026-01-01 12:00:00  20.0 s  2 turns  5 tokens  completed")],
)
def test_a_narrow_terminal_gets_a_list_with_fewer_columns(command, journal, monkeypatch, width, shown, kind):
    """What counts least is left out first, whatever kind of terminal it is; a name and how the run stands stay."""
    from fsm_runner.cli import show as module
    from fsm_runner.cli.screen import Screen

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(module, "_screen", lambda: Screen(terminal=True))
    data = b"".join(written(two_turns, run=f"r{number}") for number in range(6))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in command("show", journal(data)).stdout.splitlines()]

    assert shown == lines[1]


def test_the_example_journal_of_a_checkout_is_shown(command):
    """It has no clock, so nothing is said of time."""
    done = command("show", ROOT / "examples" / "regression" / "run.jsonl")

    assert 0 == done.exit_code
    assert "took       a time that is not on record" in done.stdout
    assert "   19             call_tools  one_answered → call_tools  temperature: ok\n" in done.stdout
