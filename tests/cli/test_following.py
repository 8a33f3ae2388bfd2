"""`fsm-runner show --follow`: a journal that is still written."""

from __future__ import annotations

import gzip
import signal
import sys

import pytest

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.follow import QUIET, follow
from fsm_runner.engine.errors import JournalError
from fsm_runner.loop.events import Continued, Failed
from tests.inspecting.journals import begun, two_turns, written
from tests.journal.worlds import Life
from tests.support.processes import PATIENCE, spawned

LINES = written(two_turns).splitlines(keepends=True)
OTHERS = written(begun, run="r2").splitlines(keepends=True)


class Shown:
    """What was shown of runs."""

    def __init__(self):
        self.runs = []
        self.entries = []
        self.summary = None

    def begin(self, header, states, rows):
        self.runs.append(header.run)

    def entry(self, entry):
        self.entries.append(entry.row or entry.kind)

    def end(self, summary):
        self.summary = summary


class Writer:
    """Someone who writes to a journal whenever its reader waits; then nobody does."""

    def __init__(self, path, *pieces):
        self._path = path
        self._pieces = [*pieces]
        self.waits = 0

    def __call__(self):
        self.waits += 1
        if not self._pieces:
            raise KeyboardInterrupt
        with self._path.open("ab") as file:
            file.write(self._pieces.pop(0))


@pytest.fixture
def path(tmp_path):
    """Where the journal will be."""
    return tmp_path / "run.jsonl"


def followed(path, *pieces, run=None):
    """What is shown while `pieces` are written one by one, and how often was waited."""
    shown, writer = Shown(), Writer(path, *pieces)
    follow(str(path), shown, run, writer)
    return shown, writer.waits


def test_a_run_is_shown_as_it_is_written_until_it_has_ended(path):
    """A line that is written in two goes is one."""
    path.write_bytes(b"".join(LINES[:3]))
    shown, waits = followed(path, LINES[3], LINES[4][:50], LINES[4][50:], b"", b"".join(LINES[5:]))

    assert (["r1"], 5) == (shown.runs, waits)
    assert ["begin", "request", "call_tools", "one_answered"] == shown.entries[:4]
    assert "completed" == shown.summary.ended.reason


def test_a_journal_that_is_not_there_yet_is_waited_for(path, capsys):
    """It is said so, once."""
    shown, waits = followed(path, b"", b"".join(LINES))

    assert (["r1"], 2) == (shown.runs, waits)
    assert f"{path}: it is not there yet; waiting for it\n" == capsys.readouterr().err


def test_of_several_runs_the_one_written_to_last_is_followed(path):
    """The others are passed over, whenever they go on."""
    path.write_bytes(b"".join(OTHERS[:4] + LINES[:4]))
    shown, _ = followed(path, OTHERS[4], b"".join(LINES[4:]))

    assert (["r1"], 21) == (shown.runs, shown.summary.totals.records)


def test_a_run_that_is_named_is_followed(path):
    """Even one that begins later."""
    path.write_bytes(b"".join(OTHERS))
    shown, _ = followed(path, LINES[0], b"".join(LINES[1:]), run="r1")

    assert ["r1"] == shown.runs


def test_a_run_that_failed_is_followed_a_while(path):
    """Its caller may ask for more; when nobody does, it counts as ended."""

    def live(journal):
        life = Life(journal).tell(Continued())
        life.schedule()
        life.tell(Failed(error="APIConnectionError", text="lost"))

    data = written(live).replace(b'"final":true', b'"final":false')
    shown, waits = followed(path, data, *[b""] * QUIET)

    assert ("failed", QUIET + 1) == (shown.summary.ended.reason, waits)


def test_a_run_whose_journal_was_closed_is_followed_a_while(path):
    """It can be resumed, so its seal need not be the last record."""
    data = written(begun, key=b"k" * 32)
    shown, waits = followed(path, data, *[b""] * QUIET)

    assert (None, "key", QUIET + 1) == (shown.summary.ended, shown.summary.sealed, waits)


def test_whoever_stops_waiting_sees_what_there_is(path):
    """All that was written, and what it adds up to."""
    path.write_bytes(b"".join(LINES[:6]))
    shown, writer = Shown(), Writer(path)
    with pytest.raises(KeyboardInterrupt):
        follow(str(path), shown, None, writer)

    assert (["begin", "request", "event"], 6) == (shown.entries, shown.summary.totals.records)


def test_a_journal_that_becomes_shorter_is_refused(path):
    """What was shown is no longer what there is."""
    path.write_bytes(b"".join(LINES[:6]))
    with pytest.raises(Exit, match="became shorter"):
        follow(str(path), Shown(), None, lambda: path.write_bytes(b""))


def test_ctrl_c_ends_it_with_130(path):
    """And with what the run adds up to so far, on standard output."""
    path.write_bytes(b"".join(LINES[:6]))
    line = [sys.executable, "-m", "fsm_runner", "show", "--follow", str(path)]
    with spawned(line) as process:
        lines = iter(process.stdout.readline, "")
        next(line for line in lines if "turn 1" in line)  # it has shown what there is, and waits for more
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=PATIENCE)

    assert (130, "interrupted\n") == (process.returncode, said)
    assert "no end     is on record" in rest


def test_a_compressed_journal_grows_no_more(path):
    """It is shown to its end, and not waited for."""
    path.write_bytes(gzip.compress(b"".join(LINES)))
    shown = Shown()
    follow(str(path), shown, None, Writer(path))

    assert "completed" == shown.summary.ended.reason


def test_a_journal_without_an_end_that_is_compressed_is_not_waited_for_either(path):
    """Nothing is added to it."""
    path.write_bytes(gzip.compress(b"".join(OTHERS)))
    shown = Shown()
    follow(str(path), shown, None, Writer(path))

    assert (["r2"], None) == (shown.runs, shown.summary.ended)


def test_a_screen_that_takes_no_more_is_no_fault_of_the_journal(path):
    """The error is the screen's, as it came."""
    path.write_bytes(b"".join(LINES))

    def fail(*_):
        raise OSError(28, "No space left on device")

    shown = Shown()
    shown.begin = fail
    with pytest.raises(OSError, match="No space left on device"):
        follow(str(path), shown, None, Writer(path))


def test_a_folder_that_cannot_be_looked_into_is_a_journal_error(tmp_path):
    """Nobody waits for what is in it."""
    name = str(tmp_path / ("n" * 300) / "run.jsonl")

    with pytest.raises(JournalError, match="cannot be read: file name too long"):
        follow(name, Shown(), None, Writer(tmp_path / "other"))
