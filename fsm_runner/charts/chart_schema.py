"""The JSON Schema of the chart format: draft-07, made from the models with which the loader validates.

So an editor and the loader never disagree.  Built-in words are offered by name (`enum`), next to the pattern of a name,
since a chart may have words of its own.  Words that the chart itself declares, such as its states, cannot be offered:
JSON Schema cannot refer from one place of a file to another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from fsm_runner.charts.model import FREE, ChartModel
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import FACTS

Json: TypeAlias = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
_FREE = frozenset({"ChartModel", "StateModel", "AlwaysRow", "EventRow"})
_ALIKE: Mapping[str, str] = {"$defs": "definitions", "oneOf": "anyOf"}
"""Keywords that draft-07 lacks.  The forms of a value exclude each other, so `oneOf` and `anyOf` are the same here."""

_OFFERS: Mapping[str, tuple[str, ...]] = {
    "effects": tuple(sorted(VOCABULARY.effects)),
    "events": tuple(sorted(VOCABULARY.events)),
    "limits": VOCABULARY.limits,
    "outputs": VOCABULARY.outputs,
    "supplies": tuple(VOCABULARY.supplies),
}
"""The built-in words, by the name under which the model offers them."""


def schema() -> Json:
    """Return the JSON Schema of the chart format."""
    made = _drafted(ChartModel.model_json_schema(ref_template="#/definitions/{model}"))
    return {"$schema": DRAFT, **made, "title": "A chart of fsm_runner"}


def schema_text() -> str:
    """Return the JSON Schema as the text of ``chart.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _drafted(made: Json) -> Json:
    """Return pydantic's schema `made` in draft-07, with the words that an editor offers."""
    offers = made.get("x-offers")
    free: Json = {"patternProperties": {FREE: {}}} if made.get("title") in _FREE else {}
    kept: Json = {}
    for key, value in made.items():
        if key == "properties":
            kept[key] = {name: _property(each) for name, each in value.items()}
        elif key in ("$defs", "patternProperties"):
            kept[_ALIKE.get(key, key)] = {name: _drafted(each) for name, each in value.items()}
        elif key == "oneOf":
            kept["anyOf"] = [_drafted(each) for each in value]
        elif key == "items":
            kept[key] = _drafted(value)
        elif key not in ("title", "default", "x-offers", "propertyNames"):
            kept[key] = value
    if made.get("type") == "object":
        kept = {**kept, **free, "additionalProperties": False}
    return kept if offers is None else _offering(kept, offers)


def _property(made: Json) -> Json:
    """Return the schema of a key: draft-07 ignores whatever stands next to a `$ref`, so that goes into an `allOf`."""
    kept = _drafted(made)
    return {**kept, "allOf": [{"$ref": kept.pop("$ref")}]} if "$ref" in kept else kept


def _offering(made: Json, offers: str) -> Json:
    """Return `made` with the built-in words offered."""
    if made["type"] != "object":
        about = {key: made.pop(key) for key in ("description",) if key in made}
        return {**about, "anyOf": [{"enum": list(_OFFERS[offers])}, made]}
    (each,) = made["patternProperties"].values()
    if offers == "limits":
        return {**made, "properties": dict.fromkeys(VOCABULARY.limits, each)}
    return {**made, "properties": {name: _answering(each, fact.answers) for name, fact in FACTS.items()}}


def _answering(made: Json, answers: tuple[str, ...]) -> Json:
    """Return the schema `made`, of one answer or of a list, with `answers` offered."""
    if "anyOf" in made:
        return {**made, "anyOf": [_answering(each, answers) for each in made["anyOf"]]}
    if "items" in made:
        return {**made, "items": _answering(made["items"], answers)}
    words = [answer == "true" if answer in ("true", "false") else answer for answer in answers]
    return {"anyOf": [{"enum": words}, made]}
