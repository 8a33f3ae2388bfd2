"""`fsm-runner run`: what is shown, what is written, how it ends."""

from __future__ import annotations

import os
import re
import signal
import sys
import time

import pytest

from fsm_runner.replaying import replay
from tests.cli.conftest import AGENT, program
from tests.support.processes import PATIENCE, spawned

ASKED = ("run", "1 + 2?", "--client", "agent:client", "--tool", "agent:add")

SHOWN = """\
start          begin           → inspect
inspect        ask             → request
request        replied         → offered
    Claude  calls add(a=1, b=2)
offered        go_on           → inspect
inspect        call_tools      → call_tools     turn = wants_tools
call_tools     one_answered    → call_tools
    add  3
call_tools     all_answered    → inspect        calls = done
inspect        ask             → request
request        replied         → offered
    Claude  It is 3.
offered        go_on           → inspect
inspect        finish          → done           turn = finished

ended    completed, by row 'finish' (turn = finished)
tokens   20 in, 10 out, in 2 replies
"""


def test_shows_each_transition_and_message_as_it_happens(command):
    """What a stranger sees of a run, to the letter."""
    done = command(*ASKED)

    assert (0, SHOWN) == (done.exit_code, done.stdout)


def test_a_journal_is_written_and_replays(command, tmp_path):
    """The last line says where it is and what to do with it."""
    done = command(*ASKED, "--journal", "run.jsonl", "--run-id", "r1")

    assert SHOWN + "journal  run.jsonl  (fsm-runner replay run.jsonl)\n" == done.stdout
    assert ("r1",) == tuple(run.run for run in replay(tmp_path / "run.jsonl").runs)


def test_a_stream_is_shown_while_it_is_written(command):
    """The same words, each once; the transitions are those of a stream."""
    done = command(*ASKED, "--stream")

    assert 0 == done.exit_code
    assert 1 == done.stdout.count("It is 3.")
    assert "request        opened          → streaming\n    Claude  It is 3.\nstreaming      stream_read" in done.stdout


def test_a_run_that_does_not_complete_exits_with_1(command):
    """A limit is named with its value."""
    done = command(*ASKED, "--limit", "iterations=1")

    assert 1 == done.exit_code
    assert "ended    limit (iterations: 1), by row 'stop_limit' (limit = reached)\n" in done.stdout


def test_a_failure_is_shown_where_it_happened(command):
    """What the API said, without a traceback."""
    done = command("run", "hi", "--client", "agent:failing")

    assert 1 == done.exit_code
    assert "request        request_failed  → failed\n    failed  " in done.stdout
    assert "ended    failed, by row 'request_failed'\n" in done.stdout
    assert "Traceback" not in done.output


def test_control_characters_of_the_model_do_not_reach_the_terminal(command):
    """A model cannot colour or clear the screen; its lines stay in their column."""
    done = command("run", "hi", "--client", "agent:escaping")

    assert "    Claude  red?[31m alert\n            second line\n" in done.stdout


def test_without_a_key_the_default_client_is_refused(command):
    """Nothing is sent, and the message names the variable."""
    done = command("run", "hi")

    assert 2 == done.exit_code
    assert done.stderr.startswith("ANTHROPIC_API_KEY is not set")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tool", "agent"], "--tool 'agent': write it as module:name"),
        (["--tool", "nosuch:add"], "--tool 'nosuch:add': there is no module 'nosuch' here"),
        (["--tool", "agent:ad"], "--tool 'agent:ad': 'agent' has no 'ad' (did you mean 'add'?)"),
        (["--tool", "agent:plain"], "--tool 'agent:plain': it is a function (decorate it with"),
        (["--tool", "agent:sync_add"], "Received a synchronous tool"),
        (["--tool", "fails:add"], "--tool 'fails:add': importing 'fails': ZeroDivisionError: division by zero"),
        (["--limit", "iterations"], "--limit 'iterations': write it as name=number"),
        (["--limit", "iterations=-1"], "--limit 'iterations=-1': write it as name=number"),
        (["--limit", "iteration=1"], "limits: chart 'tool_loop' has no limit 'iteration'"),
        (["--effect", "ask"], "--effect 'ask': write it as effect=module:function"),
        (["--effect", "ask=agent:TOOLS"], "--effect 'ask=agent:TOOLS': it is a list, not a function"),
        (["--effect", "ask=agent:plain"], "effects: chart 'tool_loop' declares no 'ask'"),
        (
            ["--chart", "approval"],
            "--chart: 'approval' declares the effect 'ask_person' (give it: --effect ask_person=",
        ),
        (["--client", "agent:broken"], "--client 'agent:broken': RuntimeError: no key in the vault"),
        (["--client", "agent:plain"], "--client 'agent:plain': it makes a int (make an async client)"),
        (["--chart", "state"], "state: no chart is called that (did you mean 'states'?)"),
        (["--journal", "nowhere/run.jsonl"], "nowhere/run.jsonl: cannot be written: no such file or directory"),
    ],
)
def test_an_argument_that_cannot_be_right_is_one_line(command, tmp_path, arguments, said):
    """Said in one sentence, before anything is sent."""
    (tmp_path / "fails.py").write_text("1 / 0", encoding="utf-8")
    done = command("run", "hi", "--client", "agent:client", *arguments)

    assert (2, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(said)
    assert 1 == done.stderr.count("\n")


def test_two_tools_of_one_name_are_a_warning(command):
    """The warning is a line, not a place in somebody's source."""
    done = command(*ASKED, "--tool", "agent:TOOLS")

    assert "warning: two tools are called 'add'; only the last one runs\n" == done.stderr


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a SIGINT to send to one process")
def test_ctrl_c_leaves_the_journal_whole(tmp_path):
    """Interrupted in a tool, the run says where, and what is written replays."""
    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    line = [sys.executable, "-m", "fsm_runner", "run", "hi", "--client", "agent:waiting", "--tool", "agent:wait"]
    with spawned([*line, "--journal", "run.jsonl"], cwd=tmp_path) as process:
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "began").exists() and process.poll() is None and time.monotonic() < until:
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)

    assert (130, "\ninterrupted in state 'call_tools'; the journal is whole up to here: run.jsonl\n") == (
        process.returncode,
        said,
    )
    assert replay(tmp_path / "run.jsonl").conforms


def test_how_a_journal_is_written_can_be_said(command, tmp_path):
    """Sealed with a key, without payloads."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    given = "--client", "agent:client", "--tool", "agent:add", "--journal", "run.jsonl"
    done = command("run", "1 + 2?", *given, "--key-file", "key", "--content", "none", "--sync", "record")

    assert 0 == done.exit_code, done.output
    assert "1 + 2?" not in (tmp_path / "run.jsonl").read_text(encoding="utf-8")
    assert "sealed with the key" in command("verify", "run.jsonl", "--key-file", "key").stdout


def test_how_a_journal_is_written_needs_one(command):
    """Else nothing would come of it."""
    done = command("run", "1 + 2?", "--client", "agent:client", "--content", "none")

    assert 2 == done.exit_code
    assert "(give --journal, too)" in done.stderr


def test_a_run_that_is_refused_leaves_no_journal(command, tmp_path):
    """An empty file would be taken for a damaged one."""
    done = command("run", "x", "--client", "agent:client", "--effect", "ask=agent:plain", "--journal", "run.jsonl")

    assert 2 == done.exit_code, done.output
    assert not (tmp_path / "run.jsonl").exists()


def test_a_tool_that_fails_is_told_in_one_line(tmp_path):
    """With the place of its mistake, and without what a terminal would obey."""
    (tmp_path / "agent.py").write_text(AGENT + FAILS, encoding="utf-8")
    done = program("run", "x", "--client", "agent:client", "--tool", "agent:failing_add", cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"error: Error occurred while calling tool: add: ValueError: no\?\[2J way \(.*agent.py:\d+, in _add\)", line
    ), line


FAILS = '''
@beta_async_tool(name="add")
async def failing_add(a: int, b: int) -> str:
    """Add."""
    return _add()

def _add(): raise ValueError("no\\x1b[2J way")
'''


def test_standard_output_is_no_journal(command, tmp_path):
    """A file of that name could not be read: elsewhere it is standard input."""
    done = command("run", "1 + 2?", "--client", "agent:client", "--journal", "-")
    forked = command("fork", "run.jsonl", "--at", "5", "-o", "-")

    assert (2, "run: --journal: '-' is no file to write to (name one)\n") == (done.exit_code, done.stderr)
    assert (2, "fork: --output: '-' is no file to write to (name one)\n") == (forked.exit_code, forked.stderr)
    assert not (tmp_path / "-").exists()


def test_an_id_that_the_journal_has_already_is_refused(command, tmp_path):
    """Before anything is asked; the journal stays what it was."""
    given = "--client", "agent:client", "--tool", "agent:add", "--journal", "run.jsonl", "--run-id", "r1"
    command("run", "1 + 2?", *given)
    before = (tmp_path / "run.jsonl").read_bytes()
    done = command("run", "1 + 2?", *given)

    said = "run.jsonl: it holds a run 'r1' already (give the new one an id of its own, or resume the old one)\n"
    assert (2, "", said) == (done.exit_code, done.stdout, done.stderr)
    assert before == (tmp_path / "run.jsonl").read_bytes()
