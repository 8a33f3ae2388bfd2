"""The JSON Schema: every record that is written fits, and one with a field missing or of a wrong kind does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fsm_runner.journal.record_schema import FIELDS, schema, schema_text
from fsm_runner.journal.records import TYPES
from fsm_runner.loop.events import EVENT_TYPES, Reported
from tests.journal.test_privacy import eventful, failing
from tests.journal.worlds import Clock, Life, recorded
from tests.replaying.goldens import FOLDER, records_in

FILE = Path(__file__).parents[2] / "fsm_runner" / "journal" / "journal.schema.json"
KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}


def fits(value, shape):
    """Whether `value` is what `shape` describes, by the few words of draft-07 that the schema uses."""
    known = {"$schema", "title", "type", "const", "enum", "pattern", "minimum", "format", "items", "properties"}

    assert shape.keys() <= known | {"additionalProperties", "required", "anyOf", "oneOf"}
    kinds = shape.get("type", [])
    kinds = tuple(KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    checks = [
        not kinds or (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))),
        "const" not in shape or value == shape["const"],
        "enum" not in shape or value in shape["enum"],
        "pattern" not in shape or (isinstance(value, str) and re.search(shape["pattern"], value) is not None),
        "minimum" not in shape or (isinstance(value, int) and value >= shape["minimum"]),
        "anyOf" not in shape or any(fits(value, each) for each in shape["anyOf"]),
        "oneOf" not in shape or sum(fits(value, each) for each in shape["oneOf"]) == 1,
    ]
    if isinstance(value, dict):
        checks.append(value.keys() >= set(shape.get("required", ())))
        named, rest = shape.get("properties", {}), shape.get("additionalProperties", {})
        checks += [fits(each, named.get(key, rest)) for key, each in value.items()]
    if isinstance(value, list) and "items" in shape:
        checks += [fits(each, shape["items"]) for each in value]
    return all(checks)


def resumed(journal):
    """A run that goes on by another chart, after one that was cut off."""
    life = Life(journal)
    journal.cancelled("request-1")
    journal.resumed(life.step.snapshot, life.machine)


RECORDS = [
    json.loads(line)
    for live in (eventful, failing, resumed)
    for options in ({}, {"redact": {"/failed/text": ""}, "clock": Clock()}, {"content": "none", "key": b"k"})
    for line in recorded(live, **options).splitlines()
]


def test_every_record_fits():
    """Of every type, in every mode, and the goldens."""
    kept = list(records_in(FOLDER))

    assert TYPES - {"note"} <= {record["type"] for record in [*RECORDS, *kept]}
    assert [] == [record for record in [*RECORDS, *kept] if not fits(record, schema())]
    assert all(fits({**record, "host": "h"}, schema()) for record in kept)


@pytest.mark.parametrize("kind", sorted(TYPES - {"note"}))
def test_a_record_that_lacks_a_field_does_not_fit(kind):
    """Nor one with a field of a wrong kind."""
    record = next(record for record in RECORDS if record["type"] == kind)
    for field in ("v", "run", "seq", "type", "prev", *FIELDS[kind]):
        assert not fits({key: value for key, value in record.items() if key != field}, schema()), field
        assert not fits({**record, field: ["odd"] if field != "redacted" else "odd"}, schema()), field


def test_every_type_of_record_is_described():
    """By the fields that it always has."""
    assert FIELDS.keys() == TYPES


def test_every_event_that_is_read_is_described():
    """By the words that the codec knows."""
    words = set(schema()["oneOf"][sorted(TYPES).index("event")]["properties"]["event"]["enum"])

    assert {each.name for each in EVENT_TYPES if each is not Reported} | {"reported"} == words


def test_the_file_is_the_one_that_would_be_written_now():
    """`python tools/journal_schema.py` writes it."""
    assert schema_text() == FILE.read_text(encoding="utf-8")
