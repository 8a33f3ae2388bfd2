"""The writer: what is on the line, and that it is there."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import structlog

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Journal, read
from fsm_runner.journal.codec import context_from
from fsm_runner.loop.context import Context
from fsm_runner.loop.events import Appended, Closed, Continued, Failed, Replied
from tests.journal.worlds import Clock, Life, context, recorded, text, uses


def lines(journal):
    """The lines of a journal after its first, which holds versions, up to what chains them, which depends on it."""
    return [line.partition(',"prev":"')[0] + "}" for line in journal.decode().splitlines()[1:]]


def one_turn(journal):
    """A run that asks once and is done."""
    Life(journal).tell(Continued()).perform(Replied(message=text()))


def test_a_run_on_paper():
    """One record a line, fields in a fixed order, nothing in it that differs from run to run."""
    zero = '"cache_creation_input_tokens":0,"cache_read_input_tokens":0'
    sha256 = "24f46722c725f9effc10541b02be71b49f8cd3244923df4dc4d9edace6c0712c"

    written = lines(recorded(one_turn))

    assert [
        '{"v":1,"run":"r1","seq":2,"type":"event","event":"continued"}',
        '{"v":1,"run":"r1","seq":3,"type":"transition","event":"continued","row":"begin","source":"start",'
        '"target":"request","facts":{},"output":null}',
        '{"v":1,"run":"r1","seq":4,"type":"scheduled","id":"request-1","effect":"send_request","purpose":"reply",'
        f'"stream":false,"messages":1,"tools":null,"sha256":"{sha256}"}}',
        '{"v":1,"run":"r1","seq":5,"type":"completed","id":"request-1","effect":"send_request"}',
        '{"v":1,"run":"r1","seq":6,"type":"event","event":"replied","message":{"role":"assistant",'
        '"content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}}',
        '{"v":1,"run":"r1","seq":7,"type":"transition","event":"replied","row":"finish","source":"request",'
        '"target":"done","facts":{"turn":"finished","limit":"free"},"output":"message"}',
        '{"v":1,"run":"r1","seq":8,"type":"ended","reason":"completed","row":"finish","facts":{"turn":"finished",'
        f'"limit":"free"}},"detail":null,"final":true,"usage":{{"input_tokens":0,"output_tokens":0,{zero},"replies":1}}}}',
    ] == written


def test_the_first_record_holds_all_that_replay_needs():
    """Chart, hash, versions of facts and packages, and what the run knew."""
    first = json.loads(recorded(one_turn).splitlines()[0])

    head, tail = ["v", "run", "seq", "type"], ["content", "redacted", "context", "prev"]

    assert [*head, "chart", "facts", "versions", *tail] == list(first)
    assert ("full", [], None) == (first["content"], first["redacted"], first["prev"])
    assert ("small", 64) == (first["chart"]["name"], len(first["chart"]["sha256"]))
    assert {"turn": 1, "limit": 1, "calls": 1} == first["facts"]
    assert ["fsm_runner", "anthropic", "python"] == list(first["versions"])
    assert context() == context_from(first["context"])


def test_each_tool_call_has_its_own_pair():
    """What ran and what did not is told call by call."""

    def two_calls(journal):
        life = Life(journal).tell(Continued()).perform(Replied(message=uses("a", "b")))
        life.schedule()
        journal.failed("a", ValueError("no such page"))
        journal.cancelled("b")

    pairs = [json.loads(line) for line in lines(recorded(two_calls))[-4:]]

    assert [("scheduled", "a"), ("scheduled", "b"), ("failed", "a"), ("cancelled", "b")] == [
        (each["type"], each["id"]) for each in pairs
    ]
    assert {"tool": "find", "kind": "run", "early": False}.items() <= pairs[0].items()
    assert ("call_tool", "ValueError", "no such page") == tuple(pairs[2][key] for key in ("effect", "error", "text"))


def test_an_act_after_the_end_is_no_second_end():
    """A run that failed has ended once, whatever the caller does before going on."""

    def fails(journal):
        life = Life(journal, start=Context()).tell(Continued())
        life.tell(Failed(error="E", text="t"))

    ended = [json.loads(line) for line in lines(recorded(fails)) if '"ended"' in line]

    assert [("failed", "E: t")] == [(each["reason"], each["detail"]) for each in ended]


def test_time_is_put_last_and_in_utc():
    """Whatever zone the clock is in; only what chains the lines stands after it."""
    east = timezone(timedelta(hours=2))
    written = lines(recorded(one_turn, clock=Clock()))
    there = lines(recorded(one_turn, clock=lambda: datetime(2026, 1, 1, 14, tzinfo=east)))

    assert (
        '{"v":1,"run":"r1","seq":2,"type":"event","event":"continued","at":"2026-01-01T12:00:01+00:00"}' == written[0]
    )
    assert "2026-01-01T12:00:00+00:00" == json.loads(there[0])["at"]


def test_equal_runs_make_equal_bytes():
    """Nothing but the clock tells two recordings apart."""
    assert recorded(one_turn) == recorded(one_turn)
    assert recorded(one_turn) != recorded(one_turn, clock=Clock())


def test_a_users_processors_see_each_record_and_may_add_to_it():
    """They are structlog's, in the caller's order, before the record is rendered."""
    seen = []

    def see(logger, method, record):
        seen.append((record["seq"], record["type"], record.get("event")))
        return record

    def sign(logger, method, record):
        return {**record, "host": "h"}

    written = recorded(one_turn, processors=[sign, see, structlog.processors.add_log_level])

    assert [(1, "run_started", None), (2, "event", "continued"), (3, "transition", "continued")] == seen[:3]
    assert {("h", "msg")} == {(each["host"], each["level"]) for each in map(json.loads, written.splitlines())}
    assert 8 == len(list(read(io.BytesIO(written))))


def test_the_applications_own_logging_does_not_touch_the_journal():
    """structlog.configure() is the application's business."""
    plain = recorded(one_turn)
    structlog.configure(processors=[structlog.dev.ConsoleRenderer()])
    try:
        assert plain == recorded(one_turn)
    finally:
        structlog.reset_defaults()


def test_a_dropped_record_leaves_a_gap_that_reading_names():
    """Silence is not an option, not even a processor's."""

    def drop(logger, method, record):
        if record["seq"] == 3:
            raise structlog.DropEvent
        return record

    with pytest.raises(JournalError, match="<journal>:3: run 'r1': seq 4 comes where 3 should"):
        list(read(io.BytesIO(recorded(one_turn, processors=[drop]))))


def test_an_error_that_cannot_say_what_it_is_is_written():
    """That it happened counts."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def fails(journal):
        (id,) = Life(journal).tell(Continued()).schedule()
        journal.failed(id, Mute())

    written = json.loads(lines(recorded(fails))[-1])

    assert ("Mute", "") == (written["error"], written["text"])


def test_a_pipe_can_be_written(tmp_path):
    """It has no last line to look at."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with Journal.open(path, run="a") as journal:
            journal.event(Closed())
            written = os.read(reader, 1_000)
    finally:
        os.close(reader)

    assert "closed" == json.loads(written)["event"]


def test_what_json_cannot_hold_does_not_end_a_run():
    """A tool may return anything."""

    def odd(journal):
        Life(journal).tell(Appended(messages=({"role": "user", "content": b"\xff"}, {"n": 2**99, "t": "\ud800"})))

    (event,) = lines(recorded(odd))

    assert {"$python": "bytes", "value": "/w=="} == json.loads(event)["messages"][0]["content"]


def test_no_secret_among_the_parameters_is_written():
    """The caller's parameters may name one; its value stays with the caller."""

    def secretive(journal):
        Life(journal, start=context(extra={"X-Api-Key": "hush"}, mcp_servers=[{"authorization_token": "hush"}]))

    assert b"hush" not in recorded(secretive)
    assert b"X-Api-Key" in recorded(secretive)


def test_runs_append_to_one_file(tmp_path):
    """What is in a file is never written over."""
    path = tmp_path / "runs.jsonl"
    for run in ("a", "b"):
        with Journal.open(path, run=run) as journal:
            one_turn(journal)

    assert ["a"] * 8 + ["b"] * 8 == [record.run for record in read(path)]


def test_a_run_goes_on_where_its_numbers_ended(tmp_path):
    """`after` is the number of the last record."""
    path = tmp_path / "run.jsonl"
    with Journal.open(path, run="a") as journal:
        life = Life(journal)
    with Journal.open(path, run="a", after=journal.seq) as again:
        again.resumed(life.step.snapshot)

    assert [(1, "run_started"), (2, "resumed")] == [(record.seq, record.type) for record in read(path)]


def test_a_line_that_was_left_unfinished_is_ended_and_said(tmp_path):
    """The next run in the file begins on a line of its own and says how much of the old one there is."""
    path = tmp_path / "run.jsonl"
    whole = recorded(one_turn, run="a")
    path.write_bytes(whole[:-10])
    left = len(whole.splitlines()[-1]) + 1 - 10
    with Journal.open(path, run="b") as journal:
        one_turn(journal)
    reading = read(path)

    assert ["a"] * 7 + ["b"] * 8 == [record.run for record in reading]
    assert [(8, left)] == [(torn.line, torn.size) for torn in reading.torn]


def test_a_line_that_was_left_unfinished_stays_so_until_a_record_is_written(tmp_path):
    """Who opens a journal and writes nothing changes nothing."""
    path = tmp_path / "run.jsonl"
    left = recorded(one_turn, run="a")[:-10]
    path.write_bytes(left)
    with Journal.open(path, run="b"):
        pass

    assert left == path.read_bytes()


def test_a_long_unfinished_line_is_measured(tmp_path):
    """Also one that is longer than what is looked at in one go."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"v":1,"run":"' + b"x" * 200_000)
    with Journal.open(path, run="b") as journal:
        one_turn(journal)

    assert json.loads(path.read_bytes().splitlines()[1])["torn"] == 200_014


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"content": "some"}, "content='some': it is not known (choose from: full, none)"),
        ({"sync": "now"}, "sync='now': it is not known (choose from: none, effect, record)"),
        ({"key": "text"}, "key: it is a str (give at least 32 random bytes, or None)"),
        ({"key": b""}, "key: it is empty (give at least 32 random bytes, or None)"),
        (
            {"redact": {"message": "x"}},
            "redact: path 'message' does not begin with a record's type and a field (as '/failed/text')",
        ),
    ],
)
def test_an_option_that_is_none_is_refused_before_a_file_is_made(tmp_path, option, message):
    """Better no journal than one with less than was asked for."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Journal.open(tmp_path / "x", run="a", **option)

    assert not (tmp_path / "x").exists()


@pytest.fixture
def synced(monkeypatch):
    """Where the disk was waited for: the last record that stood in the file each time."""
    found = []
    fsync = os.fsync

    def see(number):
        fsync(number)
        if stat.S_ISREG(os.fstat(number).st_mode):
            last = json.loads(Path(f"/proc/self/fd/{number}").read_bytes().splitlines()[-1])
            found.append((last["seq"], last["type"], last.get("event")))
        else:
            found.append("folder")

    monkeypatch.setattr(os, "fsync", see)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only /proc tells what a file is called by its number")
@pytest.mark.parametrize(
    ("sync", "expected"),
    [
        ("none", []),
        ("effect", ["folder", (4, "scheduled", None), (6, "event", "replied"), (8, "ended", None)]),
        ("record", ["folder", *range(1, 9)]),
    ],
)
def test_the_disk_is_waited_for_as_often_as_was_asked(tmp_path, synced, sync, expected):
    """After the record was handed over: before an effect, after its outcome, at the end; or always."""
    with Journal.open(tmp_path / "x", run="a", sync=sync) as journal:
        one_turn(journal)

    assert expected == ([each if each == "folder" else each[0] for each in synced] if sync == "record" else synced)


def test_what_is_no_file_on_a_disk_cannot_be_waited_for():
    """It is said before a record is written."""
    with pytest.raises(JournalError, match="it is not on a disk"):
        Journal.open(io.BytesIO(), run="a", sync="effect")


def test_a_path_that_cannot_be_written_is_said_at_once(tmp_path):
    """Before any request is paid for."""
    with pytest.raises(JournalError, match=r"cannot be written: is a directory"):
        Journal.open(tmp_path, run="a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_full_disk_is_a_journal_error():
    """An effect is not performed when it could not be recorded first."""
    journal = Journal.open("/dev/full", run="a")

    with pytest.raises(JournalError, match="/dev/full: cannot be written: no space left"):
        one_turn(journal)
    with pytest.raises(JournalError, match="no space left"):
        journal.event(Closed())
    journal.close()


def test_what_is_compressed_is_not_added_to(tmp_path):
    """Plain lines behind it would make all of it unreadable."""
    packed = tmp_path / "run.jsonl.gz"
    packed.write_bytes(gzip.compress(recorded(one_turn)))
    before = packed.read_bytes()

    with pytest.raises(JournalError, match=r"run.jsonl.gz: it is compressed, .*unpack it first: gunzip "):
        Journal.open(packed, run="b")
    assert before == packed.read_bytes()


def test_an_effect_is_not_begun_when_the_journal_was_deleted(tmp_path):
    """Nobody would ever read that it was."""
    journal = Journal.open(tmp_path / "x", run="a")
    life = Life(journal).tell(Continued())
    (tmp_path / "x").unlink()

    with pytest.raises(JournalError, match=r"cannot be written: it was deleted while the run went on"):
        life.schedule()


def test_a_journal_that_was_moved_is_written_where_it_is_now(tmp_path):
    """As logs are rotated."""
    with Journal.open(tmp_path / "x", run="a") as journal:
        life = Life(journal)
        (tmp_path / "x").rename(tmp_path / "y")
        life.tell(Continued()).perform(Replied(message=text()))

    assert "ended" == list(read(tmp_path / "y"))[-1].type


def test_a_closed_journal_says_so(tmp_path):
    """Closing twice is fine; writing after it is not."""
    journal = Journal.open(tmp_path / "x", run="a")
    journal.close()
    journal.close()

    with pytest.raises(JournalError, match="it is closed"):
        journal.event(Closed())


def test_a_journal_that_is_dropped_closes_its_file(tmp_path):
    """Without a warning: every record was handed over when it was written."""
    Life(Journal.open(tmp_path / "x", run="a"))
    gc.collect()

    assert 1 == len(list(read(tmp_path / "x")))


def test_a_file_of_the_callers_stays_open():
    """Who opened it closes it."""
    file = io.BytesIO()
    with Journal.open(file, run="a") as journal:
        journal.event(Closed())

    assert not file.closed


ROOT = Path(__file__).parents[2]

KILLED = """
import os, sys
from fsm_runner.loop.events import Appended
from fsm_runner.journal import Journal
from tests.journal.worlds import Life

life = Life(Journal.open(sys.argv[1], run="a"))
for _ in range(20_000):
    life.tell(Appended(messages=({"role": "user", "content": "x" * 9_000},)))
    os.write(1, b"%d\\n" % life.journal.seq)
"""


def test_a_killed_process_loses_no_record_that_was_written(tmp_path):
    """What a record's writer was told is written is there after SIGKILL, wherever that struck."""
    path = tmp_path / "run.jsonl"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, cwd=ROOT) as process:
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += map(int, process.stdout.read().split())

    numbers = [record.seq for record in read(path)]

    assert list(range(1, len(numbers) + 1)) == numbers
    assert acknowledged[-1] <= numbers[-1]
