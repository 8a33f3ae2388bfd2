"""The JSON Schema: fresh, with the loader's keys, and of the loader's mind on every chart."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fsm_runner.charts import find_chart
from fsm_runner.charts.chart_schema import schema, schema_text
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.charts.model import FREE, AlwaysRow, ChartModel, EventRow, RuleModel, StateModel
from fsm_runner.charts.nodes import read
from fsm_runner.charts.validation import validated
from fsm_runner.engine.chart import SCHEMA
from fsm_runner.engine.check.codes import GROUPS
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import FACTS

ROOT = Path(__file__).parents[2]
MADE = schema()
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}


def fits(value, rule):
    """Whether `value` satisfies `rule`, for as much of draft-07 as our schema uses; any other word of it fails."""
    if "$ref" in rule:
        return fits(value, MADE["definitions"][rule["$ref"].removeprefix("#/definitions/")])
    return all(judge(value, rule) for word, judge in WORDS.items() if word in rule) and rule.keys() <= WORDS.keys()


def of_type(value, rule):
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return any(isinstance(value, KINDS[kind]) and not (kind == "integer" and isinstance(value, bool)) for kind in kinds)


def keys_fit(value, rule):
    if not isinstance(value, dict):
        return True
    for key, under in value.items():
        rules = [rule.get("properties", {})[key]] if key in rule.get("properties", {}) else []
        rules += [each for pattern, each in rule.get("patternProperties", {}).items() if re.search(pattern, key)]
        if not all(fits(under, each) for each in rules) or (not rules and not rule.get("additionalProperties", True)):
            return False
    return True


def whatever(value, rule):
    return True


WORDS = {
    "type": of_type,
    "properties": keys_fit,
    "patternProperties": keys_fit,
    "additionalProperties": keys_fit,
    "items": lambda value, rule: not isinstance(value, list) or all(fits(each, rule["items"]) for each in value),
    "required": lambda value, rule: not isinstance(value, dict) or set(rule["required"]) <= value.keys(),
    "enum": lambda value, rule: any(value == each and type(value) is type(each) for each in rule["enum"]),
    "const": lambda value, rule: value == rule["const"],
    "pattern": lambda value, rule: not isinstance(value, str) or re.search(rule["pattern"], value) is not None,
    "minimum": lambda value, rule: not isinstance(value, int) or value >= rule["minimum"],
    "minItems": lambda value, rule: not isinstance(value, list) or len(value) >= rule["minItems"],
    "uniqueItems": lambda value, rule: not isinstance(value, list) or len(set(map(repr, value))) == len(value),
    "minProperties": lambda value, rule: not isinstance(value, dict) or len(value) >= rule["minProperties"],
    "maxProperties": lambda value, rule: not isinstance(value, dict) or len(value) <= rule["maxProperties"],
    "anyOf": lambda value, rule: any(fits(value, each) for each in rule["anyOf"]),
    "allOf": lambda value, rule: all(fits(value, each) for each in rule["allOf"]),
    "description": whatever,
    "title": whatever,
    "definitions": whatever,
    "$schema": whatever,
}
"""What each word of the schema asks for."""


def test_the_committed_schema_is_fresh():
    """`chart.schema.json` is what the model says now."""
    path = ROOT / "fsm_runner" / "charts" / "chart.schema.json"

    assert schema_text() == path.read_text(encoding="utf-8")


def test_it_has_the_keys_that_the_loader_takes():
    """An editor offers every key that the loader takes, requires the same, and allows no other but x-."""
    definitions = MADE["definitions"]
    groups = (StateModel, AlwaysRow, EventRow, RuleModel)
    for part, group in [(MADE, ChartModel), *((definitions[group.__name__], group) for group in groups)]:
        assert list(group.keys()) == list(part["properties"])
        assert ([FREE] if group.free else []) == list(part.get("patternProperties", {}))
        assert part["additionalProperties"] is False
    assert ["schema", "name", "initial", "states"] == MADE["required"]
    assert SCHEMA == MADE["properties"]["schema"]["const"]
    assert "http://json-schema.org/draft-07/schema#" == MADE["$schema"]


def offered(part):
    """The words that an editor offers for `part`."""
    return next(each["enum"] for each in part["anyOf"] if "enum" in each)


def test_it_offers_what_needs_no_declaration():
    """Effects, events, outputs, supplies, and each built-in fact with its answers; booleans are booleans."""
    row, guard = MADE["definitions"]["EventRow"]["properties"], MADE["definitions"]["Guard"]["properties"]

    assert sorted(VOCABULARY.events) == offered(row["event"])
    assert list(VOCABULARY.outputs) == offered(row["output"])
    assert list(VOCABULARY.supplies) == offered(row["consumes"])
    assert sorted(VOCABULARY.effects) == offered(MADE["definitions"]["StateModel"]["properties"]["effect"])
    assert list(FACTS) == list(guard) == list(MADE["properties"]["facts"]["properties"])
    assert list(FACTS["turn"].answers) == offered(guard["turn"]["anyOf"][0])
    assert [True, False] == offered(guard["closed"]["anyOf"][0])


@pytest.mark.parametrize("name", ["states", *shipped_charts()])
def test_every_shipped_chart_fits(name):
    """What comes with the package has no red line in an editor."""
    assert fits(read(find_chart(name).read_text(encoding="utf-8")).data, MADE)


def test_an_editor_refuses_what_the_loader_refuses_for_its_shape(broken):
    """Each fault of shape is refused by both; a fault of names or of the graph is beyond a schema."""
    document = read(broken.text)
    if broken.code not in GROUPS["The shape"] or document.problems:
        return
    beyond = broken.name == "rule_of_a_moment_that_says_nothing" or broken.code == "duplicate-answer"

    assert beyond or not fits(document.data, MADE)
    assert fits(document.data, MADE) == (validated(document) is not None and not document.problems) or beyond


def test_names_of_ones_own_are_taken():
    """A chart with facts, answers, effects, events, supplies and limits of its own has no red line."""
    text = """
        {schema: fsm_runner/chart/v1, name: mine-1.0, initial: start, limits: {own: 3},
        facts: {turn: [mine], own: [a-1, true]},
        effects: {own: [came]}, rules: {r: {never: {enter: {row: [b], guard: {own: [a-1, true]}}}}},
        states: {start: {phase: p, effect: own, transitions: [
        {id: a, event: came, target: done, guard: {own: true, turn: mine}, spends: own, consumes: own,
         x-mine: [1, {a: b}]},
        {id: b, event: failed, target: done, output: null}]}, done: {phase: p, final: true}}}
    """
    document = read(text)

    assert validated(document) is not None
    assert [] == document.problems
    assert fits(document.data, MADE)


def test_it_is_json():
    """As it is shipped."""
    assert MADE == json.loads(schema_text())
