"""The reader: every record that is there, and no word about what is not."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Journal, read
from fsm_runner.journal.tail import Torn
from fsm_runner.loop.events import Appended, Continued, Replied
from tests.journal.worlds import Clock, Life, recorded, text


def one_turn(journal):
    """A run that asks once and is done."""
    Life(journal).tell(Continued()).perform(Replied(message=text()))


WHOLE = recorded(one_turn, clock=Clock())
LINES = WHOLE.splitlines(keepends=True)


def reading(data):
    """The records of `data`, and the lines left out."""
    read_ = read(io.BytesIO(data))
    return list(read_), read_.torn


def test_a_record_is_its_head_and_its_own_fields():
    """With the line that it stands on."""
    second = reading(WHOLE)[0][1]

    assert ("r1", 2, "event", 2, "2026-01-01T12:00:01+00:00") == (
        second.run,
        second.seq,
        second.type,
        second.line,
        second.at,
    )
    assert {"event": "continued"} == second.data


def test_every_truncation_reads_up_to_the_last_whole_record():
    """Wherever a kill struck: whole records are there, a part of one is said, nothing is raised."""
    for size in range(len(WHOLE)):
        records, torn = reading(WHOLE[:size])
        whole = WHOLE[:size].split(b"\n")
        part = whole.pop()
        complete = part + b"\n" in LINES

        assert len(whole) + complete == len(records)
        assert (() if complete or not part else (Torn(line=len(whole) + 1, size=len(part)),)) == torn


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_raises_nothing_but_a_journal_error(at, byte):
    """Reading may take a changed value for true, but never falls over it."""
    with suppress(JournalError):
        assert len(LINES) >= len(reading(WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])[0])


@given(data=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b'{"v":1,"run":' + tail))
def test_any_bytes_raise_nothing_but_a_journal_error(data):
    """Whatever file one points it at."""
    with suppress(JournalError):
        assert [] == reading(data)[0]


def test_records_are_picked_out_of_an_applications_log():
    """Text, other JSON, blank lines and what only looks like a record are passed over."""
    others = [
        b"2026-01-01 starting\n",
        b'{"event":"request","v":3}\n',
        b"\n",
        b"{'a': 1}\n",
        b'{"v":1,"x":2}\n',
        b'{"seq":1,"run":"r9","type":"job","v":"b"}\n',
        b"[1]\n",
        b"{broken\n",
    ]
    mixed = b"".join(line + other for line, other in zip(LINES, others, strict=True)) + b"no end"

    records, torn = reading(mixed)

    assert ([record.seq for record in reading(WHOLE)[0]], ()) == ([record.seq for record in records], torn)
    assert [1, 3, 5] == [record.line for record in records[:3]]


def test_records_in_another_order_of_fields_are_records():
    """A processor of the user's may put its own first."""
    turned = b"".join(json.dumps({"host": "h", **json.loads(line)}).encode() + b"\n" for line in LINES)

    assert len(LINES) == len(reading(turned)[0])


def test_several_runs_may_be_mixed():
    """Each has numbers of its own."""
    other = recorded(one_turn, run="r2").splitlines(keepends=True)
    mixed = b"".join(a + b for a, b in zip(LINES, other, strict=True))

    assert ["r1", "r2"] * len(LINES) == [record.run for record in reading(mixed)[0]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"".join([*LINES[:2], *LINES[3:]]),
            "<journal>:3: run 'r1': seq 4 comes where 3 should (restore what is missing)",
        ),
        (b"".join(LINES[2:]), "<journal>:1: run 'r1': seq 3 comes where 1 should (restore what is missing)"),
        (WHOLE + WHOLE, "<journal>:9: run 'r1': seq 1 comes where 9 should (give each run an id of its own)"),
        (
            LINES[0] + LINES[1][:-3] + b"\n" + LINES[2],
            "<journal>:3: run 'r1': seq 3 comes where 2 should (restore what is missing)",
        ),
        (
            LINES[0] + LINES[1].replace(b'":2,', b'":x,') + LINES[2],
            "<journal>:2: the line is damaged (restore it from a copy)",
        ),
        (LINES[0] + LINES[1].replace(b'":2,', b'":x,'), "<journal>:2: the line is damaged (restore it from a copy)"),
        (LINES[0][:-1] + b" " + LINES[1], "<journal>:1: the line is damaged (restore it from a copy)"),
        (
            WHOLE.replace(b'{"v":1', b'{"v":2'),
            "<journal>:1: its format is version 2; this fsm_runner reads version 1 (upgrade fsm_runner)",
        ),
        (
            WHOLE.replace(b'"type":"event"', b'"type":"evnet"', 1),
            "<journal>:2: record type 'evnet' is not known (upgrade fsm_runner, or restore the line from a copy)",
        ),
        (
            WHOLE.replace(b'"seq":1', b'"seq":0', 1),
            "<journal>:1: 'run' must be text, and 'seq' a whole number from 1 up (restore the line from a copy)",
        ),
    ],
)
def test_what_cannot_be_read_names_its_line(data, message):
    """A journal with a hole in it is not half believed."""
    with pytest.raises(JournalError) as raised:
        reading(data)

    assert message == str(raised.value)


def test_a_torn_line_is_known_by_its_end():
    """Wherever it stands, and whether or not the record after it says that it was found so."""
    for size in range(1, len(LINES[0]) - 1):
        part = LINES[0][:size]
        for between in (b"\n", b"\n\n"):
            assert (reading(WHOLE)[0][0].data, (Torn(line=1, size=size),)) == first(part + between + WHOLE)


def first(data):
    """The first record's own fields, and the lines left out."""
    records, torn = reading(data)
    return records[0].data, torn


def test_a_process_may_be_killed_where_it_goes_on_after_one_that_was():
    """Then there is one torn line after another: whatever is left of the second, a line's end at least."""
    part = LINES[1][:50]
    for size in range(len(LINES[1]) - 1):
        again = LINES[1][:size]
        both = (Torn(line=2, size=50), *([Torn(line=3, size=size)] if size else []))

        assert both == reading(LINES[0] + part + b"\n" + again)[1]
        assert (len(LINES), both) == counted(LINES[0] + part + b"\n" + again + b"\n" + b"".join(LINES[1:]))


def counted(data):
    """How many records there are, and the lines left out."""
    records, torn = reading(data)
    return len(records), torn


OTHER = recorded(one_turn, run="r2", clock=Clock())


def test_what_another_process_writes_behind_a_torn_piece_is_there():
    """Wherever the first was cut, its line's end alone included; also where two were, one behind the other."""
    others = OTHER.splitlines(keepends=True)
    for line in (0, 3, 7):
        for size in range(1, len(LINES[line])):
            part = LINES[line][:size]
            records, torn = reading(b"".join(LINES[:line]) + part + OTHER)

            assert line + (part + b"\n" == LINES[line]) == sum(record.run == "r1" for record in records)
            assert len(others) == sum(record.run == "r2" for record in records)
            assert (size,) * (part + b"\n" != LINES[line]) == tuple(each.size for each in torn)


def test_what_a_payload_holds_is_no_record():
    """However much it looks like one: also where the line was cut behind it, and where another's record follows."""
    forged = {"v": 1, "run": "r2", "seq": 9, "type": "ended", "final": True, "prev": "0" * 32}
    told = recorded(lambda journal: Life(journal).tell(Appended(messages=({"role": "user", "content": [forged]},))))
    head, line = told.splitlines(keepends=True)
    inner = line.index(b'{"v"', 1)
    for size in range(inner, len(line) - 1):
        for end in (b"\n", OTHER.splitlines(keepends=True)[0]):
            records, torn = reading(head + line[:size] + end)

            assert ["r1", "r2"][: 1 + (end != b"\n")] == [record.run for record in records]
            assert (size,) == tuple(each.size for each in torn)


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    """Windows programs begin a file with it; only there."""
    plain = reading(WHOLE)

    assert plain == reading(b"\xef\xbb\xbf" + WHOLE)
    with pytest.raises(JournalError, match="seq 2 comes where 1 should"):
        reading(b"\n\xef\xbb\xbf" + WHOLE)


def test_the_damage_of_one_run_is_no_concern_of_another():
    """Of the run that is wanted, every record is there; of the damaged one, the line is named."""
    broken = WHOLE.replace(b'"seq":3', b'"seq":x', 1)
    future = WHOLE.replace(b'"type":"event"', b'"type":"evnet"', 1)
    for data in (broken + OTHER, OTHER + future):
        assert len(LINES) == len(list(read(io.BytesIO(data), run="r2")))
        with pytest.raises(JournalError):
            list(read(io.BytesIO(data), run="r1"))


def test_a_file_that_is_not_there_is_a_journal_error(tmp_path):
    """With the file's name and the reason."""
    with pytest.raises(JournalError, match=r"none\.jsonl: cannot be read: no such file"):
        list(read(tmp_path / "none.jsonl"))


def test_standard_input_can_be_read(monkeypatch):
    """``-`` is its name."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WHOLE)))

    assert len(LINES) == len(list(read("-")))


def test_a_compressed_journal_is_read(tmp_path, monkeypatch):
    """By how it begins, not by its name; also from standard input, which cannot be read twice."""
    packed = gzip.compress(WHOLE)
    (tmp_path / "run.jsonl.gz").write_bytes(packed)
    plain = reading(WHOLE)
    with subprocess.Popen(["cat", tmp_path / "run.jsonl.gz"], stdout=subprocess.PIPE) as process:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(process.stdout))
        piped = list(read("-"))

    assert plain == reading(packed)
    assert plain[0] == list(read(tmp_path / "run.jsonl.gz")) == piped


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"\x1f\x8b\x08garbage", "<journal>: the compressed file is damaged .restore it"),
        (gzip.compress(WHOLE) + WHOLE, "the compressed file is damaged"),
    ],
)
def test_what_is_wrong_with_a_compressed_journal_is_said_with_its_place(packed, message):
    """Also where plain lines were added to it."""
    with pytest.raises(JournalError, match=message):
        reading(packed)


def test_a_compressed_journal_that_is_damaged_is_a_journal_error():
    """Cut off or changed at any place; with the line up to which it could be read."""
    packed = gzip.compress(WHOLE)
    changed = [packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :] for at in range(2, len(packed))]
    for damaged in [packed[:size] for size in range(2, len(packed), 5)] + changed:
        with suppress(JournalError):
            assert len(LINES) >= len(reading(damaged)[0])
    for size in range(2, len(packed)):
        with pytest.raises(JournalError, match=r"the compressed file is damaged|cannot be read"):
            assert [] == reading(packed[:size])


def test_one_run_is_picked_out_of_many():
    """By its id; a gap in another is not its concern."""
    other = recorded(one_turn, run="r2").splitlines(keepends=True)
    mixed = b"".join(a + b for a, b in zip(LINES, [*other[:3], *[b"# lost\n"] * 2, *other[5:]], strict=True))
    picked = read(io.BytesIO(mixed), run="r1")

    assert [record.seq for record in reading(WHOLE)[0]] == [record.seq for record in picked]
    assert {"r1"} == set(picked.heads)
    with pytest.raises(JournalError, match="<journal>: it holds no run 'r3'"):
        list(read(io.BytesIO(mixed), run="r3"))


def test_an_open_file_is_read_on_from_where_a_run_stands():
    """As it grows."""
    first, rest = b"".join(LINES[:3]), b"".join(LINES[3:])
    begun = reading(first)[0]
    more = read(io.BytesIO(rest), after={"r1": begun[-1].seq})

    assert list(range(1, 9)) == [record.seq for record in (*begun, *more)]


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Records are read one at a time."""

    def peak(records):
        path = tmp_path / f"{records}.jsonl"
        with Journal.open(path, run="a", clock=None) as journal:
            life = Life(journal)
            for _ in range(records):
                journal.event(Appended(messages=({"role": "user", "content": "x" * 1_000},)))
        del life
        tracemalloc.start()
        try:
            assert records == sum(1 for _ in read(path)) - 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)

    assert peak(1_000) < peak(100) + 20_000
