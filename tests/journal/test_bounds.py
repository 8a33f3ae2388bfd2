"""Bounds: what is too much is said with the bound and the way to raise it, and takes little memory and time."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest

import fsm_runner
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Journal, read
from fsm_runner.journal.reading_bounds import LINE, UNPACKED
from fsm_runner.loop.events import Appended, Closed, Continued, Replied
from tests.journal.worlds import Life, recorded, text


def one_turn(journal):
    """A run that asks once and is done."""
    Life(journal).tell(Continued()).perform(Replied(message=text()))


@pytest.fixture
def short(monkeypatch):
    """Lines of some thousand bytes are the longest."""
    monkeypatch.setenv(LINE, "4_000")


def long(journal):
    """Something long is said."""
    Life(journal).tell(Appended(messages=({"role": "user", "content": "x" * 5_000},)))


def test_a_line_that_is_too_long_is_named_with_the_bound(monkeypatch):
    """And can be read once that is raised."""
    data = recorded(long)
    monkeypatch.setenv(LINE, "4000")
    with pytest.raises(JournalError) as raised:
        list(read(io.BytesIO(data)))

    assert f"<journal>:2: the line is longer than 4,000 bytes (raise {LINE} to read it)" == str(raised.value)
    monkeypatch.setenv(LINE, "6000")
    assert 2 == len(list(read(io.BytesIO(data))))


def test_a_long_line_of_somebody_else_is_passed_over(short):
    """Of another program, or of a run that is not wanted."""
    others = b"x" * 9_000 + b"\n" + b'{"v":1,"run":"r2","seq":1,"type":"event' + b"x" * 9_000 + b"\n"
    data = recorded(one_turn)

    assert 8 == len(list(read(io.BytesIO(others + data + b"y" * 9_000), run="r1")))


def test_what_could_not_be_read_is_not_written(short, tmp_path):
    """The run hears of it, and can be resumed from what there is."""
    path = tmp_path / "run.jsonl"
    journal = Journal.open(path, run="a")
    with pytest.raises(JournalError, match=rf"a record takes 5,\d\d\d bytes, and 4,000 are read \(raise {LINE}"):
        long(journal)
    with pytest.raises(JournalError, match="a record takes 5"):
        journal.event(Closed())

    assert 1 == len(list(read(path)))


@pytest.mark.parametrize("first", [b"", recorded(one_turn)], ids=["nothing", "records"])
@pytest.mark.parametrize("line", [b"x" * 1_000_000, b"x" * 999 + b"\n", recorded(one_turn)])
def test_a_compressed_file_that_unpacks_to_too_much_is_refused(line, first, monkeypatch):
    """After little of it, in little memory; with the ways to read it all the same."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(first) + b"".join(packer.compress(line * (10**6 // len(line))) for _ in range(40))
    packed += packer.flush()
    monkeypatch.setenv(UNPACKED, "100")
    tracemalloc.start()
    try:
        said = f"more than 100 times its size .* or raise {UNPACKED}|seq 1 comes where 9"
        with pytest.raises(JournalError, match=said):
            list(read(io.BytesIO(packed)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 100_000_000


def test_many_runs_that_are_alike_are_no_bomb():
    """But for their ids and times: what a night of tests leaves."""
    data = b"".join(recorded(one_turn, run=f"run-{number}") for number in range(2_000))
    packed = gzip.compress(data)

    assert len(data) < 100 * len(packed)
    assert 2_000 == len(fsm_runner.replay(io.BytesIO(packed)).runs)
