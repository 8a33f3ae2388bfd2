"""The census: which runs a file holds."""

from __future__ import annotations

import io

import pytest

from fsm_runner.engine.errors import JournalError
from fsm_runner.inspecting import census
from fsm_runner.journal import read
from tests.inspecting.journals import begun, two_turns, written

ONE, OTHER = written(two_turns), written(begun, run="r2")


def taken_of(data):
    """The census of a file of these bytes."""
    return census(read(io.BytesIO(data)))


def test_runs_are_found_in_the_order_in_which_they_begin():
    """Each with its numbers and where its last record stands; one after another they are not mixed."""
    found = taken_of(ONE + b"a log line\n" + OTHER)

    assert [("r1", 21), ("r2", 31)] == [(run, each.last) for run, each in found.runs.items()]
    assert [21, 9] == [each.summary.totals.records for each in found.runs.values()]
    assert (False, (), None) == (found.mixed, found.torn, found.problem)


def test_runs_are_mixed_when_one_goes_on_after_another_began():
    """Then none can be shown as the file is read."""
    lines, others = ONE.splitlines(keepends=True), OTHER.splitlines(keepends=True)

    assert taken_of(b"".join([lines[0], others[0], *lines[1:]])).mixed
    assert not taken_of(b"".join([*lines, others[0]])).mixed


def test_what_stands_before_a_damaged_line_is_found():
    """The problem is kept, with its line."""
    lines = ONE.splitlines(keepends=True)
    found = taken_of(b"".join([*lines[:4], b'{"v":1,"run":"r1", broken\n', *lines[5:]]))

    assert (4, 5) == (found.runs["r1"].summary.totals.records, found.problem.line)


def test_a_line_that_was_not_written_to_its_end_is_told():
    """It is no problem."""
    found = taken_of(ONE[:-40])

    assert ([21], None) == ([torn.line for torn in found.torn], found.problem)


def test_a_file_that_cannot_be_opened_is_refused():
    """There is nothing to show of it."""
    with pytest.raises(JournalError, match="no such file"):
        census(read("nowhere.jsonl"))
