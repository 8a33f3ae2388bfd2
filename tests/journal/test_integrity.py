"""Verifying: whatever was changed, left out or cut off is found, and named."""

from __future__ import annotations

import io
import json
import pickle
import random

import pytest

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Flaw, Journal, verify
from fsm_runner.journal.chain import Chain, hash_of
from fsm_runner.loop.events import Continued, Replied
from tests.journal.corruption import KEY, cuts, long, places
from tests.journal.worlds import Clock, Life, recorded, text


def one_turn(journal):
    """A run that asks once and is done."""
    Life(journal).tell(Continued()).perform(Replied(message=text()))


SHORT = recorded(one_turn, key=KEY)
LONG = recorded(long(200), key=KEY)
PLACES = tuple(places(LONG))


def verified(data, key=KEY, **options):
    """What verifying `data` finds."""
    return verify(io.BytesIO(data), key, **options)


def found(data, key=KEY):
    """Whether verifying `data` finds a flaw, or cannot read it and names the file."""
    try:
        return not verified(data, key).intact
    except JournalError as error:
        return error.line is None and "no record" in error.problem


def test_a_journal_that_nobody_touched_is_intact():
    """With the number of its records and what its seal is worth."""
    assert 200 == len(LONG.splitlines())
    assert "<journal>: as it was written\n  run 'r1': 200 records, sealed with the key" == str(verified(LONG))
    assert ("hash", True) == (
        verified(recorded(long(200)), None).runs[0].seal,
        verified(recorded(long(200)), None).intact,
    )


def test_each_record_carries_the_hash_of_the_line_before():
    """Of its exact bytes, without the line's end; the first carries none."""
    lines = SHORT.splitlines()

    assert [None, *map(hash_of, lines[:-1])] == [json.loads(line)["prev"] for line in lines]
    assert {32} == {len(each) for each in map(hash_of, lines)}


def test_any_byte_changed_to_any_other_is_found():
    """Drawn from all of them, in each of 200 records; `python -m tests.journal.corruption` tries every one.

    Within a line it alters the line's hash, which the next line carries, or which the seal of the last is made of: see
    there for the whole argument.  Reading either goes on or names the line.
    """
    draw = random.Random(0)
    for _ in range(10_000):
        place = draw.choice(PLACES)
        at = draw.randrange(len(place.lines[0]))
        value = (place.lines[0][at] + draw.randrange(1, 256)) % 256

        assert place.is_found(place.changed(at, value)), (place.lines[0], at, value)


def test_every_byte_that_no_hash_covers_is_found_whatever_it_becomes():
    """The ends of lines, and the seal: it is not among what it is made of."""
    *others, last = PLACES
    seal = last.lines[0].index(b',"seal"')
    ends = [(place, len(place.lines[0]) - 1) for place in [*others[:3], *others[3::20], *others[-2:]]]
    for place, at in [*ends, *((last, at) for at in range(seal, len(last.lines[0])))]:
        for value in {*range(256)} - {place.lines[0][at]}:
            assert place.is_found(place.changed(at, value)), (place.lines[0], at, value)


def test_a_changed_byte_is_found_in_the_whole_file_as_it_is_in_its_place():
    """The shorter way of the tests above is the same as verifying it all."""
    draw = random.Random(1)
    for _ in range(200):
        at = draw.randrange(len(LONG))
        data = LONG[:at] + bytes([(LONG[at] + draw.randrange(1, 256)) % 256]) + LONG[at + 1 :]

        assert found(data), at


def test_every_truncation_of_a_long_journal_is_found():
    """Up to the very last byte, which ends the last line."""
    count = cuts(LONG)

    assert (len(LONG), []) == (count.tried, count.missed)


@pytest.mark.parametrize(("data", "key"), [(recorded(one_turn), None), (SHORT, KEY)])
def test_a_line_left_out_or_moved_is_found(data, key):
    """Also when the numbers after it were changed to fit."""
    lines = data.splitlines(keepends=True)
    for number in range(len(lines)):
        rest = [json.loads(line) for line in lines[:number] + lines[number + 1 :]]
        forged = b"".join(json.dumps({**each, "seq": seq}).encode() + b"\n" for seq, each in enumerate(rest, start=1))

        assert found(b"".join(lines[:number] + lines[number + 1 :]), key)
        assert found(forged, key)
        assert number == 0 or found(b"".join([*lines[: number - 1], lines[number], lines[number - 1]]), key)


def test_the_first_bad_record_is_named():
    """By line, run and number; the text says who noticed."""
    verification = verified(SHORT.replace(b'"row":"begin"', b'"row":"begun"'))
    said = "it was changed: seq 4 carries another hash of seq 3"

    assert Flaw(line=3, problem=said, run="r1", seq=3) == verification.first
    assert "<journal>: not as it was written" in str(verification)
    assert f"<journal>:3: run 'r1': seq 3: {said}" in str(verification)


@pytest.mark.parametrize(
    ("data", "key", "problem"),
    [
        (recorded(one_turn), KEY, "it is sealed without a key, so anyone may have done so"),
        (SHORT, None, "it is sealed with a key, and none was given"),
        (SHORT, b"another", "its seal does not fit, or is of another key"),
        (b"".join(SHORT.splitlines(keepends=True)[:7]), KEY, "it has no seal: what came after it is missing, or the"),
    ],
)
def test_a_seal_that_proves_nothing_is_a_flaw(data, key, problem):
    """Unless runs without one are taken: they may go on still."""
    assert problem in str(verified(data, key).first)
    assert verified(data, key, unsealed=True).intact


def test_a_journal_of_before_there_was_a_chain_is_not_taken_for_one():
    """What carries no hash proves nothing."""
    without = b"".join(
        json.dumps({key: value for key, value in json.loads(line).items() if key != "prev"}).encode() + b"\n"
        for line in SHORT.splitlines()
    )

    assert "it carries no hash of the line before it" == verified(without).first.problem


def test_runs_that_are_mixed_have_chains_of_their_own():
    """One of them may be bad alone; an application's lines are nobody's."""
    other = recorded(one_turn, run="r2", key=KEY)
    mixed = [
        line
        for pair in zip(SHORT.splitlines(keepends=True), other.splitlines(keepends=True), strict=True)
        for line in pair
    ]
    mixed.insert(4, b'{"event":"request served","level":"info"}\n')

    assert verified(b"".join(mixed)).intact
    assert ["r2"] == [flaw.run for flaw in verified(b"".join(mixed[:-1])).flaws]


def test_a_run_that_has_not_ended_is_sealed_when_its_journal_is_closed():
    """With a key; without one a seal in the middle would say little."""

    def begun(journal):
        Life(journal).tell(Continued())

    assert ("sealed", "key") == (
        json.loads(recorded(begun, key=KEY).splitlines()[-1])["type"],
        verified(recorded(begun, key=KEY)).runs[0].seal,
    )
    assert b'"sealed"' not in recorded(begun)


def test_a_run_that_goes_on_is_chained_to_where_it_was(tmp_path):
    """Also by another process, which looks up the last line."""
    path = tmp_path / "run.jsonl"
    with Journal.open(path, run="a", key=KEY) as journal:
        life = Life(journal)
    with Journal.open(path, run="b", key=KEY) as other:
        one_turn(other)
    with Journal.open(path, run="a", key=KEY, after=journal.seq) as again:
        again.resumed(life.step.snapshot)

    assert verify(path, KEY).intact, str(verify(path, KEY))
    assert ["key", "key"] == [run.seal for run in verify(path, KEY).runs]


def test_the_end_of_a_line_left_unfinished_is_no_part_of_the_next_one():
    """It is written along with it, in one go; the hash is of the line alone."""
    chain = Chain()
    chain.breaks = True
    first, second = chain(None, "msg", {"v": 1}), chain(None, "msg", {"v": 1})

    assert b'\n{"v":1,"prev":null}' == first
    assert hash_of(first[1:]) == json.loads(second)["prev"]
    assert b"\n" not in second


def test_what_a_processor_adds_is_part_of_the_line():
    """The hash is of what was written, whoever wrote it."""
    data = recorded(one_turn, key=KEY, clock=Clock(), processors=[lambda _, __, record: {**record, "host": "h"}])

    assert verified(data).intact
    assert not verified(data.replace(b'"host":"h"', b'"host":"i"', 1)).intact


def test_nothing_at_all_is_an_error(tmp_path):
    """Not a success over nothing."""
    with pytest.raises(JournalError, match="it holds no record"):
        verified(b"no journal\n")
    with pytest.raises(JournalError, match="cannot be read"):
        verify(tmp_path / "none")
    for empty in (lambda: verified(SHORT, b""), lambda: Journal.open(io.BytesIO(), run="a", key=b"")):
        with pytest.raises(ValueError, match="key: it is empty"):
            empty()


def test_a_verification_is_data():
    """It can be kept, and sent to another process."""
    assert verified(SHORT) == pickle.loads(pickle.dumps(verified(SHORT)))
