"""Holding: nobody writes a run that another is writing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import fsm_runner
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Journal, read, verify
from fsm_runner.loop.events import Closed, Continued
from tests.journal.worlds import Life
from tests.replaying.test_resume_point import World, finished
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parents[2]

BEGIN = """
import sys
from fsm_runner.journal import Journal
from tests.journal.worlds import Life
journal = Journal.open(sys.argv[1], run="a")
Life(journal)
"""

AT_WORK = """
import sys
from pathlib import Path
from anthropic import beta_tool
from tests.replaying.test_resume_point import World

world = World(Path(sys.argv[1]).parent)

@beta_tool
def note(key: str) -> str:
    "Note a key."
    print("ready", flush=True)
    sys.stdin.read()

for _ in world.runner(tools=[note, world.idle], max_concurrent_tools=1): pass
"""


FORKS = (
    BEGIN
    + """
import os, signal
child = os.fork()
if not child:
    signal.pause()
journal.close()
Journal.open(sys.argv[1], run="a", after=1).close()
again = Journal.open(sys.argv[1], run="a", after=1)
if not os.fork():
    sys.exit()
os.wait()
print("ready", flush=True)
sys.stdin.read()
os.kill(child, signal.SIGKILL)
"""
)


@contextmanager
def process(script, path):
    """A process that runs `script`, which has said that it is ready, until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as running:
        try:
            assert b"ready\n" == running.stdout.readline()
            yield running
        finally:
            running.kill()


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="only Linux and macOS have such locks")
def test_a_run_that_another_process_writes_is_refused(tmp_path):
    """Other runs may share the file; once the process is killed, the run is anyone's."""
    path = tmp_path / "runs.jsonl"
    with process(BEGIN + "print('ready', flush=True)\nsys.stdin.read()", path) as other:
        (begun,) = read(path)
        with pytest.raises(JournalError) as raised:
            Journal.open(path, run="a", after=1)

        said = "run 'a' is being written by another process (wait for it to end, or stop it)"
        assert f"{path}: {said}" == str(raised.value)
        with Journal.open(path, run="b") as journal:
            Life(journal)
        other.kill()
        other.wait()
        with Journal.open(path, run="a", after=begun.seq) as journal:
            journal.event(Closed())

    assert [("a", 1), ("b", 1), ("a", 2)] == [(record.run, record.seq) for record in read(path)]
    assert verify(path, unsealed=True).intact


@pytest.mark.parametrize("run", ["a", 'in "quotes" and ümlauts', "x" * 1_500_000], ids=["short", "odd", "long"])
def test_a_run_is_not_begun_where_one_of_its_id_is(tmp_path, run):
    """Nobody could read either; other runs, and other lines, are no concern of it."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b'x "run":"c","seq":1,\n{"v":1,"run":"torn","seq":1,"type":"run_st')
    for id in (run, "c", "torn"):
        with Journal.open(path, run=id) as journal:
            Life(journal)
    before = path.read_bytes()

    for id in (run, "c", "torn"):
        with pytest.raises(JournalError) as raised:
            Journal.open(path, run=id)

        hint = "give the new one an id of its own, or resume the old one"
        assert f"{path}: it holds a run '{id}' already ({hint})" == str(raised.value)
    assert before == path.read_bytes()
    assert [run, "c", "torn"] == [each.run for each in verify(path, unsealed=True).runs]


def test_a_run_that_is_at_work_is_not_lost_to_one_that_cannot_begin(tmp_path):
    """It goes on writing."""
    path = tmp_path / "run.jsonl"
    with Journal.open(path, run="a") as journal:
        Life(journal)
        with pytest.raises(JournalError, match="it holds a run 'a' already"):
            Journal.open(path, run="a")
        journal.event(Closed())

    assert 2 == len([*read(path)])


def test_a_damaged_file_is_no_reason_to_refuse_a_run(tmp_path):
    """Of what it holds no more can be told; reading says so."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"v":1,"run":"b","seq":9,"type":"ended"}\n{"v":1,"run":"a","seq":1,"type":"ended"}\n')
    with Journal.open(path, run="a") as journal:
        Life(journal)

    assert 3 == path.read_bytes().count(b"\n")


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="only Linux and macOS have such locks")
def test_a_forked_process_neither_keeps_a_run_nor_lets_go_of_it(tmp_path):
    """It has a copy of the open file; yet the run is free once its journal is closed, and not before."""
    path = tmp_path / "run.jsonl"
    with process(FORKS, path) as other:
        with pytest.raises(JournalError, match="run 'a' is being written by another process"):
            Journal.open(path, run="a", after=1)
        other.communicate(timeout=PATIENCE)

    Journal.open(path, run="a", after=1).close()


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="only Linux and macOS have such locks")
def test_a_run_at_work_is_not_resumed_beside_itself(tmp_path):
    """Until it is killed: then it goes on, and its journal replays."""
    world = World(tmp_path)
    with process(AT_WORK, world.path) as other:
        size = world.path.stat().st_size
        with pytest.raises(JournalError, match="run 'r' is being written by another process"):
            world.resumed()

        assert size == world.path.stat().st_size
        other.kill()
        other.wait()
        runner = finished(world.resumed())

    assert "completed" == runner.stop.reason
    assert fsm_runner.replay(world.path).conforms
    assert [] == [request for model in world.models[:1] for request in model.requests]


def test_within_a_process_the_last_to_open_a_run_has_it(tmp_path):
    """What was left cannot be told from what is at work; the one before can write no more, nor spoil anything."""
    path = tmp_path / "run.jsonl"
    first = Journal.open(path, run="a", key=b"k")
    life = Life(first)
    second = Journal.open(path, run="a", key=b"k", after=first.seq)

    with pytest.raises(JournalError, match=r"run.jsonl: run 'a' was opened again, and goes on there"):
        life.tell(Continued())
    first.close()
    second.event(Closed())
    second.close()

    assert [1, 2, 3] == [record.seq for record in read(path)]
    assert verify(path, b"k").intact


def test_runs_in_one_process_share_a_file(tmp_path):
    """And a name may stand in many files."""
    journals = [Journal.open(tmp_path / name, run=run) for name in "xy" for run in "ab"]
    for journal in journals * 2:
        journal.event(Closed())
    for journal in journals:
        journal.close()

    assert [("a", 1), ("b", 1), ("a", 2), ("b", 2)] == [(each.run, each.seq) for each in read(tmp_path / "x")]


def test_a_run_that_somebody_went_on_with_is_not_gone_on_with_from_before(tmp_path):
    """What was read of it is no longer where it stands."""
    path = tmp_path / "run.jsonl"
    with Journal.open(path, run="a") as journal:
        Life(journal)
        stood = journal.seq
        journal.event(Closed())

    with pytest.raises(JournalError, match=r"run 'a': its last record is 2, not 1 \(somebody else went on with it"):
        Journal.open(path, run="a", after=stood)
    with Journal.open(path, run="a", after=stood + 1) as again:  # what was refused holds nothing
        again.event(Closed())


def test_an_ended_run_holds_nothing(tmp_path):
    """Its journal is closed at its end; so another may fork, read or move it."""
    world = World(tmp_path).recorded()
    before = set(tmp_path.iterdir())
    world.cut(5)
    finished(world.resumed())

    assert before == set(tmp_path.iterdir()) == {world.path}
