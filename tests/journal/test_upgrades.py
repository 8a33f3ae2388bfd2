"""Upgrades: what an older version wrote reads as if it were written today."""

from __future__ import annotations

import io
import json

import pytest

from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import read
from fsm_runner.journal.reader import UPGRADES, Reading, upgraded
from fsm_runner.journal.records import VERSION
from fsm_runner.loop.events import Continued, Replied
from tests.journal.worlds import Life, recorded, text


def from_0(record):
    """A version that never was: it called events facts, and counted from nought."""
    if "number" not in record:
        raise ValueError("field 'number' is missing (restore the line from a copy)")
    old = {key: value for key, value in record.items() if key != "number"}
    return {**old, "seq": record["number"] + 1, "type": "event" if record["type"] == "fact" else record["type"]}


def as_0(record):
    """`record` as that version would have written it."""
    rest = {key: value for key, value in record.items() if key not in ("v", "run", "seq")}
    kind = "fact" if record["type"] == "event" else record["type"]
    head = {"v": 0, "run": record["run"], "number": record["seq"] - 1, "seq": 0}
    return {**head, **rest, "type": kind}


NEW = recorded(lambda journal: Life(journal).tell(Continued()).perform(Replied(message=text())))
OLD = b"".join(json.dumps(as_0(json.loads(line)), separators=(",", ":")).encode() + b"\n" for line in NEW.splitlines())


def test_an_old_journal_reads_as_a_new_one():
    """Record by record, each by the function of its version."""
    old = list(Reading("old", io.BytesIO(OLD), upgrades={0: from_0}))

    assert list(read(io.BytesIO(NEW))) == old


def test_a_record_takes_every_step_up_to_today():
    """One function a version, in turn."""
    taken = {version: lambda record, version=version: {**record, version: "seen"} for version in range(-3, VERSION)}

    assert {"v": VERSION, -2: "seen", -1: "seen", 0: "seen"} == upgraded({"v": -2}, taken)


def test_every_version_up_to_today_has_its_function():
    """None before the first, none for today's."""
    assert set(range(1, VERSION)) == set(UPGRADES)


@pytest.mark.parametrize(
    ("data", "upgrades", "message"),
    [
        (OLD, {}, "old:1: its format is version 0, which is not known (restore the line from a copy)"),
        (OLD.replace(b'"number":2', b'"n":2'), {0: from_0}, "old:3: field 'number' is missing (restore the line from"),
        (NEW.replace(b'"v":1', b'"v":12'), {}, "old:1: its format is version 12; this fsm_runner reads version 1 (upg"),
    ],
)
def test_what_cannot_be_upgraded_names_its_line(data, upgrades, message):
    """Whatever the reason."""
    with pytest.raises(JournalError) as raised:
        list(Reading("old", io.BytesIO(data), upgrades=upgrades))

    assert str(raised.value).startswith(message)
