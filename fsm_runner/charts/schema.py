"""The JSON Schema of the chart format: draft-07, made from the table of keys that the loader uses.

So an editor and the loader never disagree.  What needs no declaration is offered by name (`enum`), and beside it
whatever a name may look like, since charts have names of their own.  What a chart itself declares, such as its states,
cannot be offered: JSON Schema knows no reference from one place of a file to another.
"""

from __future__ import annotations

import json
from typing import TypeAlias, assert_never

from fsm_runner.charts.keys import CHART
from fsm_runner.charts.shapes import FREE, WORD, Count, Either, Fixed, Flag, Keys, Listed, Named, Shape, Word

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

DRAFT = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Json]:
    """Return the JSON Schema of the chart format."""
    definitions: dict[str, Json] = {}
    chart = _keys(CHART, definitions)
    return {
        "$schema": DRAFT,
        "title": "A chart of fsm_runner",
        **chart,
        "definitions": definitions,
    }


def schema_text() -> str:
    """Return the JSON Schema as the text of ``chart.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _made(shape: Shape, definitions: dict[str, Json]) -> dict[str, Json]:
    """Return the schema of `shape`, or a reference to it when it has a title."""
    title = "" if isinstance(shape, Word | Fixed | Flag | Count | Listed) else shape.title
    if not title:
        return _written_out(shape, definitions)
    if title not in definitions:
        definitions[title] = None  # its place is taken while what it holds is made
        definitions[title] = _written_out(shape, definitions)
    return {"$ref": f"#/definitions/{title}"}


def _written_out(shape: Shape, definitions: dict[str, Json]) -> dict[str, Json]:
    match shape:
        case Keys():
            return _keys(shape, definitions)
        case Named():
            known: dict[str, Json] = {name: _made(item, definitions) for name, item in shape.known.items()}
            return {
                "type": "object",
                **({"properties": known} if known else {}),
                "patternProperties": {WORD: _made(shape.item, definitions)},
                "additionalProperties": False,
                **({"minProperties": shape.least} if shape.least else {}),
            }
        case Listed():
            least: dict[str, Json] = {"minItems": shape.least, "uniqueItems": True} if shape.least else {}
            return {"type": "array", "items": _made(shape.item, definitions), **least}
        case Either():
            group = [] if shape.group is None else [_made(shape.group, definitions)]
            return {"anyOf": [_made(shape.one, definitions), _made(shape.more, definitions), *group]}
        case Word() | Fixed() | Flag() | Count():
            return _plain(shape)
        case _:
            assert_never(shape)


def _plain(shape: Word | Fixed | Flag | Count) -> dict[str, Json]:
    match shape:
        case Fixed():
            return {"const": shape.word}
        case Flag():
            return {"type": "boolean"}
        case Count():
            return {"type": ["integer", "null"], "minimum": 0}
        case Word():
            kinds: list[Json] = ["string", *(["boolean"] if shape.flag else []), *(["null"] if shape.empty else [])]
            made: dict[str, Json] = {"type": kinds if kinds[1:] else "string", "pattern": shape.pattern}
            return {"anyOf": [{"enum": list(shape.known)}, made]} if shape.known else made
        case _:
            assert_never(shape)


def _keys(shape: Keys, definitions: dict[str, Json]) -> dict[str, Json]:
    properties: dict[str, Json] = {}
    for name, key in shape.keys.items():
        made = _made(key.holds, definitions)
        if "$ref" in made:
            made = {"allOf": [made]}  # draft-07 passes over what stands beside a reference
        properties[name] = {"description": key.says, **made}
    required: list[Json] = [name for name, key in shape.keys.items() if key.required]
    return {
        "type": "object",
        "description": shape.says,
        "properties": properties,
        **({"patternProperties": {FREE: {}}} if shape.free else {}),
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"minProperties": 1, "maxProperties": 1} if shape.single else {}),
    }
