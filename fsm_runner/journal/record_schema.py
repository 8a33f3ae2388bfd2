"""The JSON Schema of a record: draft-07, made from the types and words with which the journal is written.

A record may hold further fields that a processor added, so unknown fields are allowed.  Payloads are described only as
far as the reader looks at them: an object, a list of objects, text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from fsm_runner.journal.chain import HASH_LENGTH, SEALED
from fsm_runner.journal.records import TYPES, VERSION
from fsm_runner.loop.events import EVENT_TYPES, Reported

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

DRAFT = "http://json-schema.org/draft-07/schema#"

_TEXT: Json = {"type": "string"}
_ANY: Json = {}
_FLAG: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_OBJECT: Json = {"type": "object"}
_OBJECTS: Json = {"type": "array", "items": {"type": "object"}}
_TEXTS: Json = {"type": "array", "items": {"type": "string"}}
_SHA256: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FACTS: Json = {"type": "object", "additionalProperties": {"type": "string"}}
_CHART: Json = {
    "type": "object",
    "required": ["name", "sha256", "data"],
    "properties": {"name": _TEXT, "sha256": _SHA256, "data": _OBJECT},
}


def _or_null(shape: Json) -> Json:
    return {"anyOf": [shape, {"type": "null"}]}


_WORDS = {"reported", *(str(getattr(each, "name", "")) for each in EVENT_TYPES if each is not Reported)}
_EVENTS: list[Json] = [*sorted(_WORDS)]
_EFFECT: Mapping[str, Json] = {"id": _TEXT, "effect": _TEXT}

FIELDS: Mapping[str, Mapping[str, Json]] = {
    "run_started": {
        "chart": _CHART,
        "facts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "versions": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "content": {"enum": ["full", "redacted", "none"]},
        "redacted": _TEXTS,
        "context": _OBJECT,
    },
    "event": {"event": {"enum": _EVENTS}},
    "transition": {
        "event": _or_null(_TEXT),
        "row": _TEXT,
        "source": _TEXT,
        "target": _TEXT,
        "facts": _FACTS,
        "output": {"enum": ["message", "stream", None]},
    },
    "note": {"level": {"enum": ["info", "warning"]}, "code": _TEXT},
    "ended": {"reason": _TEXT, "row": _TEXT, "facts": _FACTS, "final": _FLAG, "usage": _OBJECT},
    "scheduled": _EFFECT,
    "completed": _EFFECT,
    "failed": {**_EFFECT, "error": _TEXT},
    "cancelled": _EFFECT,
    "resumed": {"state": _TEXT},
    "sealed": {},
}
"""The fields that every record of a type has, whatever is written of payloads."""

OPTIONAL: Mapping[str, Mapping[str, Json]] = {
    "event": {
        "message": _OBJECT,
        "call": _OBJECT,
        "id": _TEXT,
        "result": _OBJECT,
        "error": _TEXT,
        "status": _or_null({"type": "integer"}),
        "code": _or_null(_TEXT),
        "name": _TEXT,
        "results": _OBJECTS,
        "params": _OBJECT,
        "runnable": _TEXTS,
        "toolsets": _TEXTS,
        "blocks": _OBJECTS,
        "added": _TEXTS,
        "removed": _TEXTS,
    },
    "scheduled": {
        "purpose": {"enum": ["reply", "compaction"]},
        "stream": _FLAG,
        "messages": _COUNT,
        "tools": _or_null(_COUNT),
        "sha256": _or_null(_SHA256),
        "model": _ANY,
        "max_tokens": _ANY,
        "tool": _or_null(_TEXT),
        "kind": _TEXT,
        "early": _FLAG,
    },
    "resumed": {"chart": _CHART, "facts": {"type": "object"}},
}
"""The fields that only some records of a type have."""


def schema() -> dict[str, Json]:
    """Return the JSON Schema of a record."""
    types: list[Json] = [*sorted(TYPES)]
    hash_: Json = {"type": "string", "pattern": f"^[0-9a-f]{{{HASH_LENGTH}}}$"}
    return {
        "$schema": DRAFT,
        "title": "A record of a journal of fsm_runner",
        "type": "object",
        "required": ["v", "run", "seq", "type", "prev"],
        "properties": {
            "v": {"const": VERSION},
            "run": _TEXT,
            "seq": {"type": "integer", "minimum": 1},
            "type": {"enum": types},
            "torn": {"type": "integer", "minimum": 1},
            "at": {"type": "string", "format": "date-time"},
            "prev": _or_null(hash_),
            "seal": {"type": "string", "pattern": "^(hmac-)?sha256:[0-9a-f]{64}$"},
        },
        "oneOf": [_kind(name) for name in sorted(TYPES)],
    }


def schema_text() -> str:
    """Return the JSON Schema as the text of ``journal.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _kind(name: str) -> Json:
    fields = dict(FIELDS[name])
    required: list[Json] = [*fields, *(["seal"] if name in SEALED else [])]
    return {
        "properties": {"type": {"const": name}, **fields, **OPTIONAL.get(name, {})},
        **({"required": required} if required else {}),
    }
