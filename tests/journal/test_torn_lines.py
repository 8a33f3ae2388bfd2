"""Torn: whatever killed processes leave in a file that several write to, every whole record is there."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import read
from fsm_runner.journal.tail import OURS, pieces
from fsm_runner.loop.events import Appended, Continued, Replied
from tests.journal.worlds import Life, recorded, text

RUNS = ("a", "bé", "c")


def conversation(journal):
    """A run whose payloads hold all that could be taken for a record's beginning."""
    life = Life(journal)
    nested = {"v": 1, "run": "a", "seq": 2, "type": "event", "prev": None}
    told = {"role": "user", "content": [nested, '{"v":1,"run":"a","seq":2}', '\\ " é \ud83d\ude00 }{']}
    life.tell(Appended(messages=(told,))).tell(Continued()).perform(Replied(message=text('"}{"v":1,"run":"bé"')))


LINES = {run: recorded(conversation, run=run).splitlines(keepends=True) for run in RUNS}


def left_by(data, run):
    """How many records of `run` there are in `data`."""
    return sum(record.run == run for record in read(io.BytesIO(data)))


@given(data=st.data())
@settings(max_examples=150)
def test_every_whole_record_is_there_whoever_was_killed_and_wherever(data):
    """Runs write to one file in any order, each killed at any byte, resumed, and killed again.

    A process that goes on, or sees the piece, ends the line first; one that had looked before the other was killed
    writes right behind the piece."""
    file, written, killed = b"", dict.fromkeys(RUNS, 0), dict.fromkeys(RUNS, True)
    for _ in range(data.draw(st.integers(1, 14))):
        run = data.draw(st.sampled_from(RUNS))
        if written[run] == len(LINES[run]):
            continue
        line = LINES[run][written[run]]
        looked = killed[run] or data.draw(st.booleans())
        line = b"\n" + line if looked and file and not file.endswith(b"\n") else line
        size = data.draw(st.integers(0, len(line)) | st.just(len(line)) | st.integers(0, 20) | st.just(len(line) - 1))
        file += line[:size]
        written[run] += size >= len(line) - 1
        killed[run] = size < len(line)

        assert written == {run: left_by(file, run) for run in RUNS}


def test_behind_a_whole_record_two_others_may_have_been_begun():
    """So little of the one that it looks like nobody's, and more of the other."""
    first, begun = LINES["bé"][0][:-1], LINES["c"][0]
    for size in (13, 14, 40):
        reading = read(io.BytesIO(first + b"{" + begun[:size] + b"\n"))

        assert ["bé"] == [record.run for record in reading]
        assert reading.torn


@given(data=st.data())
@settings(max_examples=300)
def test_pieces_one_behind_the_other_are_told_apart(data):
    """Up to four processes, each killed within its write before the next one wrote, which had looked before."""
    file, whole = LINES["a"][0], {"a": 1, "bé": 0, "c": 0}
    torn = 0
    for run in data.draw(st.permutations(RUNS)):
        line = LINES[run][whole[run]]
        size = data.draw(st.integers(1, len(line) - 1))
        file += line[:size]
        whole[run] += size == len(line) - 1
        torn += size < len(line) - 1
    reading = read(io.BytesIO(file + b"\n"))

    assert whole == {run: found for run in RUNS for found in [left_by(file, run)]}
    assert sum(whole.values()) == len(list(reading))
    assert bool(torn) == bool(reading.torn)


@given(at=st.integers(0, len(LINES["a"][1]) - 2), byte=st.integers(32, 126))
def test_a_line_that_is_wrong_before_its_end_is_not_taken_for_torn(at, byte):
    """A changed byte leaves JSON, a record that is no JSON, or no record of ours: never one that only lacks its end."""
    line = LINES["a"][1]
    changed = line[:at] + bytes([byte]) + line[at + 1 :]
    reading = read(io.BytesIO(LINES["a"][0] + changed + LINES["a"][2]))
    with suppress(JournalError):
        list(reading)

    assert () == reading.torn or at > len(line) - 30 or not OURS.match(changed)


def test_a_forged_line_does_not_take_long():
    """However often a record seems to begin in it."""
    line = b'{"v":1,"run":' * 200_000
    began = time.process_time()
    pieces(line + b"x}", lambda piece: False)

    assert time.process_time() - began < 20


@pytest.mark.parametrize("line", [b"{", b'{"v"', b'{"v":1,"run"'])
def test_so_little_is_torn_as_well(line):
    """A kill may come with the first byte."""
    reading = read(io.BytesIO(line + b"\n" + b"".join(LINES["a"])))

    assert len(LINES["a"]) == len(list(reading))
    assert [len(line)] == [torn.size for torn in reading.torn]
