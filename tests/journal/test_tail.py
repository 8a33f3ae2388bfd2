"""The tail: what other programs do to a journal's file while a run writes it is noticed with the next record."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from anthropic import beta_async_tool, beta_tool
from hypothesis import given
from hypothesis import strategies as st

import fsm_runner
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Journal, read, verify
from fsm_runner.loop.events import Appended, Closed
from fsm_runner.testing import ScriptedModel, text, tool_use
from tests.journal.worlds import Life, recorded, two_tools

ROOT = Path(__file__).parents[2]
OTHER = recorded(two_tools, run="other")


def truncate(path):
    """As `> run.jsonl` does."""
    path.write_bytes(b"")


def copytruncate(path):
    """As logrotate does with this option."""
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)


def cut(path):
    """A byte at the end."""
    os.truncate(path, path.stat().st_size - 1)


def truncate_and_go_on(path):
    """Another run has begun in it meanwhile, and has written more than there was."""
    size = path.stat().st_size
    path.write_bytes(OTHER * (1 + size // len(OTHER)))


def replace(path):
    """As an editor does that saves it: another file, of the same name."""
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)


def delete(path):
    """As `rm` does."""
    path.unlink()


HARM = {
    truncate: "truncated",
    copytruncate: "truncated",
    cut: "truncated",
    truncate_and_go_on: "overwritten",
    replace: "deleted",
    delete: "deleted",
}
each_harm = pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)


@each_harm
def test_what_was_written_is_missed_with_the_next_record(tmp_path, harm):
    """The error says what became of it, and nothing more is written, whoever tries."""
    path = tmp_path / "run.jsonl"
    with Journal.open(path, run="r1") as journal:
        life = Life(journal)
        harm(path)
        left = path.read_bytes() if path.exists() else None
        with pytest.raises(JournalError) as raised:
            life.tell(Closed())
        for again in (lambda: life.tell(Closed()), lambda: journal.completed("x")):
            with pytest.raises(JournalError, match=HARM[harm]):
                again()

    hint = "rename it to rotate it; its messages can begin another run: runner.messages"
    assert f"{path}: cannot be written: it was {HARM[harm]} while the run went on ({hint})" == str(raised.value)
    assert left == (path.read_bytes() if path.exists() else None)


@each_harm
@pytest.mark.parametrize("flavour", ["sync", "async", "streamed"])
def test_a_run_whose_journal_is_harmed_within_a_tool_goes_no_further(tmp_path, harm, flavour):
    """No other request is sent."""
    path = tmp_path / "run.jsonl"
    model = ScriptedModel([tool_use("rotate"), text("Done.")])

    def rotate() -> str:
        """Rotate the logs."""
        harm(path)
        return "rotated"

    async def rotate_async() -> str:
        """Rotate the logs."""
        return rotate()

    asked = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "go"}], "thread": False}
    rotate_async.__name__ = "rotate"
    if flavour == "sync":
        asked |= {"tools": [beta_tool(rotate)], "journal": path}
        go_on = fsm_runner.tool_runner(model.sync_client(), **asked).until_done
    else:
        asked |= {"tools": [beta_async_tool(rotate_async)], "journal": path, "stream": flavour == "streamed"}
        go_on = partial(anyio.run, fsm_runner.tool_runner(model.client(), **asked).until_done)
    with pytest.raises(JournalError, match=HARM[harm]):
        go_on()

    assert 1 == len(model.requests)


def test_a_journal_that_is_renamed_is_whole_where_it_is_now(tmp_path):
    """So logs can be rotated, also where the next run begins a new file of the old name."""
    path, moved = tmp_path / "run.jsonl", tmp_path / "run.jsonl.1"
    with Journal.open(path, run="r1") as journal:
        life = Life(journal)
        path.rename(moved)
        life.tell(Closed())
        with Journal.open(path, run="r2") as other:
            Life(other).tell(Appended(messages=()))
        moved.write_bytes(moved.read_bytes() + b'{"v":1,"run":"r3","seq":1,"ty')
        life.tell(Closed())

    assert ["r1"] * 3 == [record.run for record in read(moved)]
    assert ["r2"] * 2 == [record.run for record in read(path)]
    assert verify(moved, unsealed=True).intact


@given(data=st.data())
def test_what_another_process_was_killed_in_is_ended_first(data, tmp_path_factory):
    """Whenever it came, and however little or much of it there is; the record says how much."""
    path = tmp_path_factory.mktemp("shared") / "run.jsonl"
    lines = OTHER.splitlines(keepends=True)
    with Journal.open(path, run="r1") as journal:
        told = [lambda: Life(journal), *[lambda: journal.event(Closed())] * 4]
        for tell in told:
            line = data.draw(st.sampled_from(lines))
            piece = line[: data.draw(st.integers(0, len(line) - 2))]
            with path.open("ab") as other:
                other.write(piece)
            tell()
            last = path.read_bytes().splitlines()[-1]

            assert (b'"torn":%d,' % len(piece) in last) == (piece != b"")

    reading = read(path, run="r1")
    assert 5 == len([*reading])
    assert verify(path, unsealed=True).intact


def test_what_follows_from_an_event_begins_on_a_line_of_its_own_too(tmp_path):
    """A killed process may have left a part of it: who goes on writes it first."""
    path = tmp_path / "run.jsonl"
    *lines, last = recorded(two_tools).splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + last[:40])
    with Journal.open(path, run="r1", after=len(lines)) as journal:
        journal.owed([("ended", {"reason": "completed"})])

    assert b'"torn":40' in path.read_bytes().splitlines()[-1]
    assert len(lines) + 1 == len([*read(path)])


FORKED = """
import os, sys
import anyio
from anthropic import beta_async_tool, beta_tool
import fsm_runner
from fsm_runner.journal import Journal
from fsm_runner.testing import ScriptedModel, text, tool_use

path, flavour, how = sys.argv[1:]

def split() -> str:
    "Fork the process."
    child = os.fork()
    if not child:
        if how == "raises":
            sys.exit(3)
        return "from the child"
    _, status = os.waitpid(child, 0)
    return f"{os.waitstatus_to_exitcode(status)}"

async def split_async() -> str:
    "Fork the process."
    return split()

split_async.__name__ = "split"
parent = os.getpid()
asked = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "go"}], "thread": False}
model = ScriptedModel([tool_use("split"), text("Done.")])

def leave(error):
    if os.getpid() == parent:
        raise error
    print(f"child: {error}", flush=True)
    os._exit(7)

async def go_on():
    runner = fsm_runner.tool_runner(model.client(), tools=[beta_async_tool(split_async)], journal=journal, **asked)
    try:
        await runner.until_done()
    except BaseException as error:
        leave(error)  # the loop is the parent's, too: whoever closes it here closes it there
    return runner

try:
    with Journal.open(path, run="a", key=b"k") as journal:
        if flavour == "sync":
            runner = fsm_runner.tool_runner(model.sync_client(), tools=[beta_tool(split)], journal=journal, **asked)
            runner.until_done()
        else:
            runner = anyio.run(go_on)
        print(runner.messages[2]["content"][0]["content"], runner.stop.reason)
except BaseException as error:
    leave(error)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
@pytest.mark.parametrize("how", ["raises", "returns"])
@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_only_the_process_that_opened_a_journal_writes_it(tmp_path, flavour, how):
    """A fork of it, in a tool, that unwinds or goes on with the run: the parent's run is as if there were none."""
    path = tmp_path / "run.jsonl"
    line = [sys.executable, "-c", FORKED, str(path), flavour, how]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    said = done.stdout.splitlines()

    assert 0 == done.returncode, done.stderr
    assert "7 completed" == said[-1]
    assert how != "returns" or "run 'a' is written by process" in said[0]
    assert fsm_runner.replay(path).conforms
    assert verify(path, b"k").intact


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_forked_process_that_writes_is_told_why_it_may_not(tmp_path):
    """Also where the journal is a file of the caller's own; closing it there neither seals nor lets go."""
    script = """
import io, os, sys
from fsm_runner.loop.events import Closed
from fsm_runner.journal import Journal
from tests.journal.worlds import Life
file = io.BytesIO()
journals = [Journal.open(sys.argv[1], run="a", key=b"k"), Journal.open(file, run="a", key=b"k")]
lives = [Life(journal) for journal in journals]
if not os.fork():
    for life in lives:
        try:
            life.tell(Closed())
        except Exception as error:
            print(error)
        life.journal.close()
    print(file.getvalue().count(b"\\n"))
    sys.exit()
os.wait()
"""
    path = tmp_path / "run.jsonl"
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script + "journals[0].close()", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        told, problems = process.communicate(timeout=60)

    hint = r"\(end it with os\._exit\(\), or start another program: subprocess\)"
    for name, said in zip((str(path), "<journal>"), told.splitlines(), strict=False):
        whose = rf"{name}: run 'a' is written by process {process.pid}, of which this one is a fork {hint}"
        assert re.fullmatch(whose, said), said
    assert "1" == told.splitlines()[-1]
    assert "" == problems
    assert ["run_started", "sealed"] == [record.type for record in read(path)]
