"""The shape of a chart file: its keys, and what belongs under each.

These models check the shape, and the JSON Schema is made from them, so that an editor and the loader never
disagree.  What names mean is not known here; that is the check's.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from fsm_runner.core.vocabulary import EFFECTS, EVENTS, OUTPUTS, SUPPLIES

WORD = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""What every name looks like: of a state, a row, a fact, a limit, an effect, an event, a supply."""

TITLE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""What a chart's name and a fact's answers look like: a little freer, for names such as ``anthropic-0.75``."""

FREE = "^x-"
"""How the keys begin that are the user's own, in a chart, a state and a row."""

Word = Annotated[str, Field(pattern=WORD)]
Answer = bool | Annotated[str, Field(pattern=TITLE)]
Answers = Annotated[list[Answer], Field(min_length=1)]


def _one_or_more(value: object) -> str:
    return "more" if isinstance(value, list) else "one"


Wanted = Annotated[
    Annotated[Answer, Tag("one")] | Annotated[Answers, Tag("more")],
    Discriminator(_one_or_more),
]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"patternProperties": {FREE: {}}})


class AlwaysRow(_Keys):
    """A row that is tried on entering its state, without an event."""

    id: Word = Field(description="unique in the chart and stable; the journal refers to it")
    guard: dict[Word, Wanted] = Field(
        default={}, description="facts and the answers that the row requires of them, all of which must hold"
    )
    target: Word = Field(description="the state it leads to")
    output: Word | None = Field(default=None, description="what it hands to the caller", examples=list(OUTPUTS))
    spends: Word | None = Field(default=None, description="the limit of which it spends one")
    consumes: Word | None = Field(
        default=None, description="the finite supply that it uses up, or a word of your own", examples=list(SUPPLIES)
    )


class EventRow(AlwaysRow):
    """A row that waits for an event."""

    event: Word = Field(description="the event that it waits for", examples=sorted(EVENTS))


class StateKeys(_Keys):
    """Where a run can be."""

    phase: Word = Field(description="the group it belongs to")
    effect: Word | None = Field(
        default=None, description="what a driver does while the run is here", examples=sorted(EFFECTS)
    )
    final: bool = Field(default=False, description="whether a run ends here")
    always: list[AlwaysRow] = Field(default=[], description="rows tried on entering; the first that holds is taken")
    transitions: list[EventRow] = Field(default=[], description="rows tried, in order, when their event arrives")


class ChartKeys(_Keys):
    """A tool loop as a chart."""

    schema_: Literal["fsm_runner/chart/v1"] = Field(alias="schema", description="the format's name and version")
    name: Annotated[str, Field(pattern=TITLE)] = Field(description="what the chart is called; journals carry it")
    initial: Word = Field(description="the state in which every run starts")
    limits: dict[Word, Annotated[int, Field(ge=0)] | None] = Field(
        default={}, description="how many times rows may spend something in one run; null: no limit"
    )
    facts: dict[Word, Answers] = Field(default={}, description="the facts that guards ask, and all of their answers")
    effects: dict[Word, Annotated[list[Word], Field(min_length=1)]] = Field(
        default={}, description="effects of your own, and the events that each can report"
    )
    states: Annotated[dict[Word, StateKeys], Field(min_length=1)] = Field(description="all states, by name")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the chart format, draft-07."""
    made = _tidy(ChartKeys.model_json_schema(ref_template="#/definitions/{model}"))
    definitions = made.pop("$defs")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **made, "definitions": definitions}


def schema_text() -> str:
    """Return the JSON Schema as the text of ``chart.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(part: Any) -> Any:
    """Return `part` of a schema without made-up titles, and with no other names than those of the pattern."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value) for key, value in part.items() if not (key == "title" and isinstance(value, str))}
    return {**tidy, "additionalProperties": False} if WORD in tidy.get("patternProperties", ()) else tidy
