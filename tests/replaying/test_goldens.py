"""Golden journals replay; their wrong twins do not.

The goldens of every version of the format are here, each version in a folder of its own, and are kept for ever: a later
version replays them, upgraded on reading, and never records them anew.  Only those of today's version are also made
again by their scenarios, which shows that nobody wrote them by hand.  That their records fit the JSON Schema is tested
with it.
"""

from __future__ import annotations

import io
import json

import pytest

from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import read, verify
from fsm_runner.journal.codec import chart_from
from fsm_runner.journal.records import TYPES
from fsm_runner.loop.events import EVENT_TYPES, Reported
from fsm_runner.replaying import replay
from tests.replaying.goldens import FOLDER, FOLDERS, GOLDENS, kept_in, records_in
from tests.replaying.goldens.kept import INDEX, index_of

ALL = [kept for folder in FOLDERS for kept in kept_in(folder)]
EVENTS = {each.name for each in EVENT_TYPES if each is not Reported} | {"reported"}
SIMPLE = ("answered", "failed", "limit_reached", "tools")
"""Those of one run in full, of which every record is left out in turn."""

each_golden = pytest.mark.parametrize("kept", ALL, ids=lambda kept: f"{kept.folder}-{kept.name}")
each_golden_of_today = pytest.mark.parametrize("name", GOLDENS)
each_simple_golden = pytest.mark.parametrize("name", SIMPLE)


def lines_of(name):
    """The lines of a golden of today's, each with its end."""
    return (FOLDER / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_golden_has_a_file_a_purpose_and_a_place_in_the_index():
    """What lies in a folder is what its index tells; the index of today's version is what the scenarios say."""
    assert FOLDER in FOLDERS
    for folder in FOLDERS:
        assert sorted(path.stem for path in folder.glob("*.jsonl")) == [kept.name for kept in kept_in(folder)]
    assert index_of({name: golden.kept for name, golden in GOLDENS.items()}) == (FOLDER / INDEX).read_text("utf-8")
    assert all(kept.purpose.endswith(".") for kept in ALL)


def test_there_is_a_golden_of_each_shipped_chart():
    """By the chart's name; what a chart of today is in a journal of today is not asked of older ones."""
    charts = {record["chart"]["name"] for record in records_in(FOLDER) if record["type"] == "run_started"}

    assert {load(path).name for path in shipped_charts().values()} <= charts


def test_every_type_of_record_and_every_event_is_in_a_golden():
    """So that a change to any of them is seen."""
    records = list(records_in(FOLDER))

    assert {record["type"] for record in records} == TYPES
    assert {record["event"] for record in records if record["type"] == "event"} == EVENTS


@each_golden_of_today
def test_a_golden_is_what_its_scenario_makes(name):
    """To the byte, with the versions that it was recorded with, and the rules: no run looks at these."""
    kept = (FOLDER / f"{name}.jsonl").read_bytes()
    started = json.loads(kept.splitlines()[0])
    rules = chart_from(started["chart"]["data"]).rules

    assert kept == GOLDENS[name].recorded(versions=started["versions"], rules=rules)


@each_golden
def test_a_golden_can_be_read_by_a_person(kept):
    """It has less than 15 lines, or says why not."""
    assert (len(kept.path.read_bytes().splitlines()) < 15) == (kept.longer == "")


# ── replay and verify ───────────────────────────────────────────────────────────────────────────────────────────────


@each_golden
def test_a_golden_conforms(kept):
    """Kept for ever: a later version that cannot replay it is wrong."""
    report = replay(kept.path)

    assert report.conforms, str(report)
    assert report.transitions > 0


@each_golden
def test_the_wrong_twin_of_a_golden_is_refused(kept):
    """One value is not what it was, and that is told, at its place or at the first that follows from it."""
    report = replay(io.BytesIO(kept.twin.of(kept.path.read_bytes())))

    assert [(kept.twin.refused_line, kept.twin.refused_pointer)] == [
        (divergence.line, divergence.pointer) for divergence in report.divergences
    ]


@each_golden
def test_a_golden_is_as_it_was_written_and_its_twin_is_not(kept):
    """The chain of hashes names the line, whatever replay makes of it; where there is a key, the seal is with it."""
    goes_on = not verify(kept.path, kept.secret).intact
    golden = verify(kept.path, kept.secret, unsealed=goes_on)
    twin = verify(io.BytesIO(kept.twin.of(kept.path.read_bytes())), kept.secret, unsealed=goes_on)

    assert golden.intact, str(golden)
    assert kept.key is None or {"key"} == {run.seal for run in golden.runs}
    assert kept.twin.line == twin.first.line


@pytest.mark.parametrize("name", ["sealed", "sealed_open"])
def test_a_sealed_golden_is_not_verified_by_another_key(name):
    """Nor without one, nor when its end is missing."""
    kept = GOLDENS[name].kept
    cut = b"".join(lines_of(name)[:-1])

    assert not verify(kept.path, b"another").intact
    assert not verify(kept.path).intact
    assert not verify(io.BytesIO(cut), kept.secret).intact


# ── what is missing ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [*SIMPLE, "resumed", "streamed_early"])
def test_a_truncation_of_a_golden_conforms(name):
    """A run that was killed, wherever, has nothing to hide."""
    lines = lines_of(name)
    for number, line in enumerate(lines[1:], start=1):
        for more in {0, 1, min(50, len(line) - 1), len(line) - 1}:
            if more == 0 and not lines[number - 1].endswith(b"}\n"):
                continue  # the end of a torn line comes with the record after it
            report = replay(io.BytesIO(b"".join(lines[:number]) + line[:more]))

            assert report.conforms, str(report)


@each_simple_golden
def test_a_golden_cut_off_in_its_first_line_has_nothing_to_replay(name):
    """That is an error, not a success over nothing."""
    first = lines_of(name)[0]
    for size in (0, 1, 30, len(first) - 2):
        with pytest.raises(JournalError, match="it holds no record"):
            replay(io.BytesIO(first[:size]))


@each_simple_golden
def test_a_record_left_out_of_a_golden_is_noticed(name):
    """Wherever it was, but for the last: that is a run that was killed."""
    lines = lines_of(name)
    for left_out in range(len(lines) - 1):
        with pytest.raises(JournalError, match="comes where"):
            list(read(io.BytesIO(b"".join(lines[:left_out] + lines[left_out + 1 :]))))


@each_simple_golden
def test_a_record_left_out_and_the_rest_renumbered_is_noticed(name):
    """Numbers can be forged; what follows from the events cannot.

    How an effect ended decides nothing."""
    lines = lines_of(name)
    unnoticed = []
    for left_out in range(1, len(lines) - 1):
        rest = [json.loads(line) for line in lines[:left_out] + lines[left_out + 1 :]]
        forged = b"\n".join(json.dumps({**each, "seq": seq}).encode() for seq, each in enumerate(rest, start=1))
        if replay(io.BytesIO(forged)).conforms:
            unnoticed.append(json.loads(lines[left_out])["type"])

    assert {"completed", "failed", "cancelled"} >= set(unnoticed)
