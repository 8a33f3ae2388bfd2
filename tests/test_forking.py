"""Forking: a new run shares the records of another up to a number, and goes its own way."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fsm_runner
from fsm_runner.journal import read, verify
from tests.replaying.test_resume_point import World, finished


@pytest.fixture
def world(tmp_path):
    return World(tmp_path).recorded(thread=False)


def records(path):
    """What a journal says, without what each file has of its own."""
    return [(record.seq, record.type, record.at, record.data) for record in read(path)]


def test_a_fork_at_any_record_ends_as_the_run_did(world):
    """It shares the prefix, replays, and resumes to the same messages; the run that it comes from stays as it is."""
    before = world.path.read_bytes()
    for at in range(1, len(world.lines) - 4, 5):
        into = world.path.with_name(f"fork-{at}.jsonl")
        run = fsm_runner.fork(world.path, at=at, into=into)
        first, *rest = records(into)

        assert (at, {"run": "r", "seq": at, "records": at}) == (len(rest) + 1, first[3]["forked_from"])
        assert records(world.path)[1:at] == rest
        assert fsm_runner.replay(into).conforms
        assert verify(into, unsealed=True).intact

        runner = finished(fsm_runner.resume(into, world.client(), tools=world.tools, idempotent=["note"]))
        assert (run, world.messages) == (runner.run, runner.messages)
        report = fsm_runner.replay(into)
        assert report.conforms, str(report)
    assert before == world.path.read_bytes()


def test_a_fork_can_share_the_file_of_its_run(world):
    """Runs with ids of their own may stand in one file."""
    run = fsm_runner.fork(world.path, at=5, into=world.path, as_run="other")

    assert "other" == run
    assert ["r", "other"] == [each.run for each in fsm_runner.replay(world.path).runs]


def test_parameters_of_a_fork_are_others_from_there_on(world):
    """On record as an act, so that replay sees it."""
    into = world.path.with_name("fork.jsonl")
    fsm_runner.fork(world.path, at=5, into=into, params={"max_tokens": 7})
    runner = finished(fsm_runner.resume(into, world.client(), tools=world.tools, idempotent=["note"]))

    assert 7 == runner.snapshot.context.settings.params["max_tokens"]
    assert fsm_runner.replay(into).conforms


def test_a_fork_can_go_on_by_another_chart(world):
    """As long as the state in which it begins is the same there."""
    at = next(at for at, line in enumerate(world.lines, start=1) if b'"type":"scheduled"' in line)
    into = world.path.with_name("fork.jsonl")
    fsm_runner.fork(world.path, at=at, into=into, chart=fsm_runner.load(fsm_runner.find_chart("tools_first")))
    runner = finished(fsm_runner.resume(into, world.client(), tools=world.tools, idempotent=["note"]))

    assert "completed" == runner.stop.reason
    report = fsm_runner.replay(into)
    assert report.conforms, str(report)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"at": 999}, fsm_runner.RunError, "it has no record 999 .choose from 1 to"),
        ({"at": 0}, fsm_runner.RunError, "it has no record 0 .they count from 1"),
        ({"at": 5, "run_id": "s"}, fsm_runner.JournalError, "it holds no run 's' .there is: 'r'"),
    ],
)
def test_a_fork_from_nowhere_is_refused(world, given, error, message):
    """And no file is made."""
    into = world.path.with_name("fork.jsonl")

    with pytest.raises(error, match=message):
        fsm_runner.fork(world.path, into=into, **given)
    assert not into.exists()


def test_a_run_that_has_ended_cannot_be_made_to_differ(world):
    """There is no request to come."""
    with pytest.raises(fsm_runner.RunError, match="it has ended by record"):
        fsm_runner.fork(world.path, at=len(world.lines), into=world.path, params={"max_tokens": 7})


def test_a_fork_of_an_end_is_refused(world):
    """Nothing could go on from it."""
    with pytest.raises(fsm_runner.RunError, match="it has ended by record"):
        fsm_runner.fork(world.path, at=len(world.lines), into=world.path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("modle", r"fork: params: 'modle' cannot be given .did you mean 'model'\?"),
        ("messages", "fork: params: 'messages' cannot be given"),
        ("output_format", "fork: params: 'output_format' cannot be given"),
    ],
)
def test_a_parameter_that_no_request_takes_is_refused(world, name, message):
    """Before there is a fork that nobody could resume."""
    into = world.path.with_name("fork.jsonl")

    with pytest.raises(TypeError, match=message):
        fsm_runner.fork(world.path, at=5, into=into, params={name: 1})
    assert not into.exists()


@pytest.mark.parametrize("at", [5, 999])
def test_which_of_several_runs_is_forked_must_be_said(world, at):
    """Whether or not one of them has ended by then."""
    fsm_runner.fork(world.path, at=5, into=world.path, as_run="other")

    with pytest.raises(fsm_runner.JournalError, match=r"which run is not clear .*: one of 'r', 'other'"):
        fsm_runner.fork(world.path, at=at, into=world.path)


def cut_forks(world, tmp_path):
    """A fork with other parameters, cut off after every number of records, and within the last; each in a file."""
    into = tmp_path / "whole.jsonl"
    fsm_runner.fork(world.path, at=9, into=into, params={"max_tokens": 7}, as_run="f")
    data = into.read_bytes()
    lines = data.splitlines(keepends=True)
    sizes = [sum(map(len, lines[:count])) for count in range(1, len(lines))]
    for size in (*sizes, len(data) - 20):
        path = tmp_path / f"cut-{size}.jsonl"
        path.write_bytes(data[:size])
        yield path


def test_a_fork_that_was_cut_off_is_not_gone_on_with(world, tmp_path):
    """However much of it is there: no tool runs again, and no request is sent with the parameters of before."""
    for path in cut_forks(world, tmp_path):
        for refused in (
            lambda path=path: fsm_runner.resume(path, world.client(), tools=world.tools),
            lambda path=path: fsm_runner.fork(path, at=1, into=tmp_path / "again.jsonl"),
        ):
            with pytest.raises(fsm_runner.RunError, match=r"run 'f': the fork was cut off .* \d+ of 1\d records"):
                refused()
        assert fsm_runner.replay(path).conforms


def test_a_fork_that_was_cut_off_stands_in_no_ones_way(world, tmp_path):
    """Forked again into the same file, the run is the one that is gone on with."""
    *_, path = cut_forks(world, tmp_path)
    run = fsm_runner.fork(world.path, at=9, into=path, params={"max_tokens": 7})
    runner = finished(fsm_runner.resume(path, world.client(), tools=world.tools, idempotent=["note"]))

    assert (run, 7) == (runner.run, runner.snapshot.context.settings.params["max_tokens"])
    assert fsm_runner.replay(path).conforms


FULL = """
import resource, signal, sys
sys.dont_write_bytecode = True  # what is written beside the fork would be cut off, too, and break every later import
import fsm_runner
source, into, room = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    fsm_runner.fork(source, at=9, into=into, params={"max_tokens": 7}, as_run="f")
except fsm_runner.JournalError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit to a file's size")
@pytest.mark.parametrize("before", [b"", b"a log\n", b'{"v":1,"run":"x","seq":1,"ty'], ids=["new", "shared", "torn"])
@pytest.mark.parametrize("room", [0, 40, 1_500, 4_000])
def test_a_fork_for_which_there_is_no_room_is_not_there_at_all(world, tmp_path, before, room):
    """The file is as it was, or is not made."""
    into = tmp_path / "fork.jsonl"
    if before:
        into.write_bytes(before)
    line = [sys.executable, "-c", FULL, str(world.path), str(into), str(room + len(before))]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    assert f"{into}: cannot be written: file too large\n" == done.stdout, done.stderr
    assert before == (into.read_bytes() if into.exists() else b"")
    assert into.exists() == bool(before)
