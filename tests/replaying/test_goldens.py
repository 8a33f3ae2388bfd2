"""Golden journals replay; their wrong twins do not."""

from __future__ import annotations

import io
import json

import pytest

from fsm_runner.core.errors import JournalError
from fsm_runner.journal import read
from fsm_runner.replaying import replay
from tests.replaying.goldens import FOLDER, GOLDENS

each_golden = pytest.mark.parametrize("name", GOLDENS)


def test_each_golden_has_a_purpose_and_a_file():
    """What lies in the folder is what is tested."""
    assert sorted(GOLDENS) == sorted(path.stem for path in FOLDER.glob("*.jsonl"))
    assert all(golden.purpose.endswith(".") for golden in GOLDENS.values())


@each_golden
def test_a_golden_conforms(name):
    """Kept for ever: a later version that cannot replay it is wrong."""
    report = replay(FOLDER / f"{name}.jsonl")

    assert report.conforms, str(report)
    assert report.transitions > 0


@each_golden
def test_a_golden_can_be_read_by_a_person(name):
    """It has less than 15 lines."""
    assert len((FOLDER / f"{name}.jsonl").read_bytes().splitlines()) < 15


@each_golden
def test_the_wrong_twin_of_a_golden_is_refused(name):
    """One value is not what it was, and exactly that is told."""
    golden = GOLDENS[name]
    kept = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    head, newline, rest = kept.partition("\n")

    assert 1 == rest.count(golden.truth)

    twin = head + newline + rest.replace(golden.truth, golden.lie)
    report = replay(io.BytesIO(twin.encode()))

    assert not report.conforms
    assert [f"<journal>{golden.refusal}"] == list(map(str, report.divergences))


def _ends(data):
    """Where its lines end, but for the last."""
    return [at for at, byte in enumerate(data[:-1]) if byte == ord("\n")][1:]


@each_golden
def test_a_truncation_of_a_golden_conforms_or_holds_no_record(name):
    """A run that was killed, wherever, has nothing to hide."""
    whole = (FOLDER / f"{name}.jsonl").read_bytes()
    first = whole.index(b"\n")
    for size in {*range(first, len(whole), 7), *(at + more for at in _ends(whole) for more in (-1, 0, 1))}:
        report = replay(io.BytesIO(whole[:size]))

        assert report.conforms, str(report)


@each_golden
def test_a_golden_cut_off_in_its_first_line_has_nothing_to_replay(name):
    """That is an error, not a success over nothing."""
    whole = (FOLDER / f"{name}.jsonl").read_bytes()
    first = whole.index(b"\n")
    for size in (0, 1, 30, first - 1):
        with pytest.raises(JournalError, match="it holds no record"):
            replay(io.BytesIO(whole[:size]))


@each_golden
def test_a_record_left_out_of_a_golden_is_noticed(name):
    """Wherever it was, but for the last: that is a run that was killed."""
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    for left_out in range(len(lines) - 1):
        with pytest.raises(JournalError, match="comes where"):
            list(read(io.BytesIO(b"".join(lines[:left_out] + lines[left_out + 1 :]))))


@each_golden
def test_a_record_left_out_and_the_rest_renumbered_is_noticed(name):
    """Numbers can be forged; what follows from the events cannot.

    How an effect ended decides nothing, and neither does a message that no request took along."""
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    unnoticed = []
    for left_out in range(1, len(lines) - 1):
        rest = [json.loads(line) for line in lines[:left_out] + lines[left_out + 1 :]]
        forged = b"\n".join(json.dumps({**each, "seq": seq}).encode() for seq, each in enumerate(rest, start=1))
        if replay(io.BytesIO(forged)).conforms:
            record = json.loads(lines[left_out])
            unnoticed.append(record["event"] if record["type"] == "event" else record["type"])

    assert {"completed", "failed", "cancelled", "appended"} >= set(unnoticed)
