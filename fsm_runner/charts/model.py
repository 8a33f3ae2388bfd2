"""The model of a chart file: its keys and what belongs under each, as pydantic models.

The loader validates files with it, the JSON Schema is made from it, and a test compares the reference page with it.
What names refer to is not known here; the check resolves them.

Each kind of value knows what belongs in its place.  For anything else it raises a `Misfit`, whose type is the fault and
whose text is what was expected, such as ``a list of rows``.  pydantic collects them, each with its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias, get_args, get_origin

import pydantic
from pydantic import ConfigDict, Discriminator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Tag
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from pydantic_core import PydanticCustomError as Misfit
from typing_extensions import TypeAliasType

from fsm_runner.engine import chart as engine

WORD = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""The pattern of every name: of a state, a row, a fact, a limit, an effect, an event, a supply, a rule."""

TITLE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""The pattern of a chart's name and of a fact's answers: a little freer, for names such as ``anthropic-0.75``."""

FREE = "^x-"
"""The beginning of keys for the user's own use, in a chart, a state and a row."""

ONE, MANY, GROUP = "\0one", "\0list", "\0group"
"""The forms of a value that has several.  They appear in a misfit's path; no key in a text contains a NUL."""

# ── kinds of values ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Kind:
    """What a value must be, besides its Python type.  Subclasses raise a `Misfit` for what does not fit."""

    def fit(self, value: object) -> object:
        """Return `value` for pydantic to take.  Raises: Misfit."""
        return value

    def offer(self, made: JsonSchemaValue) -> JsonSchemaValue:
        """Return the JSON Schema of the value; pydantic's own is `made`."""
        return made

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.fit, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.offer(handler(schema))


def _misfit(fault: str, wants: str) -> Misfit:
    """Return the error for a value that does not fit; `wants` is what belongs in its place."""
    return Misfit(fault, "{wants}", {"wants": wants})


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(_Kind):
    """A word.

    Attributes:
        wants: what belongs here, for messages.
        pattern: the pattern of the word.
        empty: whether null may stand here too.
        flag: whether ``true`` and ``false`` may stand here too; they become words.
        offers: the built-in words that an editor offers here, by their name in `chart_schema`; others are allowed.
        fault: the fault of a word that does not match.
    """

    wants: str = "a word"
    pattern: str = WORD
    empty: bool = False
    flag: bool = False
    offers: str = ""
    fault: str = "name"

    def fit(self, value: object) -> object:
        if (self.empty and value is None) or (self.flag and isinstance(value, bool)):
            return None if value is None else answer_of(value)
        if not isinstance(value, str):
            raise _misfit("type", self.wants)
        if not re.match(self.pattern, value) or value.endswith("\n"):
            raise _misfit(self.fault, self.wants)
        return value

    def offer(self, made: JsonSchemaValue) -> JsonSchemaValue:
        kinds = ["string", *(["boolean"] if self.flag else []), *(["null"] if self.empty else [])]
        shape = {"type": kinds if kinds[1:] else "string", "pattern": self.pattern}
        return {**shape, "x-offers": self.offers} if self.offers else shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds(_Kind):
    """A list, or a group of things by their names, with at least `least` of them; or a value of another type.

    Attributes:
        wants: what belongs here, for messages.
        kind: its Python type.
        least: the least number of things.
        offers: the built-in words that an editor offers here, by their name in `chart_schema`.
    """

    wants: str
    kind: type = list
    least: int = 0
    offers: str = ""

    def fit(self, value: object) -> object:
        if not isinstance(value, self.kind):
            raise _misfit("type", self.wants)
        if isinstance(value, list | dict) and len(value) < self.least:
            raise _misfit("few", self.wants)
        return value

    def offer(self, made: JsonSchemaValue) -> JsonSchemaValue:
        least = {"minItems": self.least, "uniqueItems": True} if self.kind is list else {"minProperties": self.least}
        return {**made, **(least if self.least else {}), **({"x-offers": self.offers} if self.offers else {})}


class _Count(_Kind):
    """A whole number from 0 up, or null."""

    def fit(self, value: object) -> object:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise _misfit("count", "a whole number or null")
        return value

    def offer(self, made: JsonSchemaValue) -> JsonSchemaValue:
        return {"type": ["integer", "null"], "minimum": 0}


class _Format(_Kind):
    """The name of the format."""

    def fit(self, value: object) -> object:
        if value != engine.SCHEMA:
            raise _misfit("fixed", "a word")
        return value

    def offer(self, made: JsonSchemaValue) -> JsonSchemaValue:
        return {"const": engine.SCHEMA}


def _one_or_many(value: object) -> str | None:
    return MANY if isinstance(value, list) else ONE if isinstance(value, str | bool) else None


def _one_many_or_group(value: object) -> str | None:
    return GROUP if isinstance(value, dict) else _one_or_many(value)


def _either(wants: str, *, group: bool = False) -> Discriminator:
    """Return a discriminator by a value's Python type, so that a misfit is about the form that was meant."""
    form = _one_many_or_group if group else _one_or_many
    return Discriminator(form, "type", "{wants}", {"wants": wants})


Name: TypeAlias = Annotated[str, Text(fault="key-name")]
Word: TypeAlias = Annotated[str, Text()]
Answer: TypeAlias = Annotated[str, Text(pattern=TITLE, flag=True)]
Answers: TypeAlias = Annotated[list[Answer], Holds(wants="a list of answers", least=1)]
States: TypeAlias = Annotated[list[Word], Holds(wants="a list of states", least=1)]
Rows: TypeAlias = Annotated[list[Word], Holds(wants="a list of rows' ids", least=1)]
Events: TypeAlias = Annotated[list[Word], Holds(wants="a list of events", least=1)]
Wanted: TypeAlias = Annotated[
    Annotated[Answer, Tag(ONE)] | Annotated[Answers, Tag(MANY)], _either("an answer or a list of answers")
]
Guard = TypeAliasType(
    "Guard",
    Annotated[
        dict[Name, Wanted],
        Holds(wants="a group of facts with the answers wanted, such as {turn: paused}", kind=dict, offers="guard"),
    ],
)


# ── groups of keys ──────────────────────────────────────────────────────────────────────────────────────────────────


class Group(pydantic.BaseModel):
    """A group of keys, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    wants: ClassVar[str]
    free: ClassVar[bool] = False

    @pydantic.model_validator(mode="before")
    @classmethod
    def _held(cls, data: object) -> object:
        """Refuse anything but a group of keys, and leave out the keys for the user's own use."""
        if not isinstance(data, dict):
            raise _misfit("type", cls.wants)
        if not cls.free:
            return data
        return {key: value for key, value in data.items() if not key.startswith(FREE.removeprefix("^"))}

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """Return the group's fields by key, in the spelling of the file."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    def has(self, key: str) -> bool:
        """Whether the file has `key` here."""
        return key in self.model_fields_set


class AlwaysRow(Group):
    """A row that is tried on entering its state, without an event."""

    wants = "a row: a group of keys, such as id and target"
    free = True

    id: Word
    """unique in the chart and stable; the journal refers to it"""
    guard: Guard = Field(default_factory=dict)
    """facts and the answers that the row requires of them, all of which must hold"""
    target: Word
    """the state it leads to"""
    output: Annotated[str | None, Text(empty=True, offers="outputs")] = None
    """what it hands to the caller"""
    spends: Annotated[str | None, Text(empty=True, offers="limits")] = None
    """the limit of which it spends one"""
    consumes: Annotated[str | None, Text(empty=True, offers="supplies")] = None
    """the finite supply that it uses up, or a word of your own"""

    def row(self, event: str | None = None) -> engine.Row:
        """Return this row for the engine."""
        return engine.Row(
            id=self.id,
            event=event,
            guard=_pattern(self.guard),
            target=self.target,
            output=self.output,
            spends=self.spends,
            consumes=self.consumes,
        )


class EventRow(AlwaysRow):
    """A row that waits for an event."""

    wants = "a row: a group of keys, such as id, event and target"

    event: Annotated[str, Text(offers="events")]
    """the event that it waits for"""


class StateModel(Group):
    """Where a run can be."""

    wants = "a group of keys, such as phase and transitions"
    free = True

    phase: Word
    """the group it belongs to"""
    effect: Annotated[str | None, Text(empty=True, offers="effects")] = None
    """what a driver does while the run is here"""
    final: Annotated[bool, Holds(kind=bool, wants="true or false")] = False
    """whether a run ends here"""
    always: Annotated[list[AlwaysRow], Holds(wants="a list of rows")] = Field(default_factory=list)
    """rows tried on entering; the first that holds is taken"""
    transitions: Annotated[list[EventRow], Holds(wants="a list of rows")] = Field(default_factory=list)
    """rows tried, in order, when their event arrives"""

    def state(self, name: str) -> engine.State:
        """Return this state, called `name`, for the engine."""
        return engine.State(
            name=name,
            phase=self.phase,
            effect=self.effect,
            final=self.final,
            always=tuple(row.row() for row in self.always),
            transitions=tuple(row.row(row.event) for row in self.transitions),
        )


class TransitionModel(Group):
    """The moments at which a transition matches everything that is written here."""

    wants = "a group of keys, such as state, row and guard"

    state: Annotated[
        Annotated[Word, Tag(ONE)] | Annotated[States, Tag(MANY)], _either("a state or a list of states")
    ] = Field(default_factory=list)
    """the state that is entered, or one of these"""
    row: Annotated[Annotated[Word, Tag(ONE)] | Annotated[Rows, Tag(MANY)], _either("a row's id or a list of them")] = (
        Field(default_factory=list)
    )
    """the row that is taken, or one of these"""
    guard: Guard = Field(default_factory=dict)
    """the answers that facts give when the row is chosen"""


Moment = TypeAliasType(
    "Moment",
    Annotated[
        Annotated[str, Text(wants="a state"), Tag(ONE)]
        | Annotated[States, Tag(MANY)]
        | Annotated[TransitionModel, Tag(GROUP)],
        _either("a state, a list of states, or a group such as {row: ask}", group=True),
    ],
)


class _Order(Group):
    """A rule about the order of moments."""

    def moments(self) -> dict[str, Any]:
        """Return the moments in this rule, by key."""
        return {key: _moment(getattr(self, key)) for key in self.keys() if self.has(key)}


class PrecedesModel(_Order):
    """No run meets `then` without having met `first`, since the start and since the last `since`."""

    wants = "a group of keys: first, then, and perhaps since"

    first: Moment
    """what must have happened"""
    then: Moment
    """what must not happen before it"""
    since: Moment = Field(default_factory=list)
    """when it must happen anew; left out: once a run is enough"""


class NeverModel(_Order):
    """No run meets `enter`; with `after`, none does later than that, up to `until`."""

    wants = "a group of keys: enter, and perhaps after and until"

    enter: Moment
    """what must not happen"""
    after: Moment = Field(default_factory=list)
    """from when on; left out: from the start"""
    until: Moment = Field(default_factory=list)
    """when it may happen again; left out: never"""


class RuleModel(Group):
    """What must be so on every path through the chart."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    wants = "a group with one key: precedes, never or always_reaches"

    precedes: PrecedesModel | None = Field(default=None)
    """first happens before then"""
    never: NeverModel | None = Field(default=None)
    """what must not happen"""
    always_reaches: States = Field(default_factory=list)
    """from wherever a run can be, rows lead to one of these states"""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _single(cls, data: object) -> object:
        """Require exactly one kind of rule; an unknown kind is refused later, as an unknown key."""
        if isinstance(data, dict) and (not data or len(data.keys() & cls.keys().keys()) > 1):
            raise _misfit("single", cls.wants)
        return data

    def rules(self, name: str) -> Iterator[engine.Rule]:
        """Yield this rule, called `name`, for the engine; nothing if its kind is unknown."""
        if self.precedes is not None:
            yield engine.Precedes(name=name, **self.precedes.moments())
        elif self.never is not None:
            yield engine.Never(name=name, **self.never.moments())
        elif self.has("always_reaches"):
            yield engine.AlwaysReaches(name=name, states=tuple(self.always_reaches))


class ChartModel(Group):
    """A tool loop as a chart."""

    wants = "a group of keys, such as name, initial and states"
    free = True

    format: Annotated[str, _Format()] = Field(alias="schema")
    """the format's name and version"""
    name: Annotated[str, Text(pattern=TITLE)]
    """what the chart is called; journals carry it"""
    initial: Word
    """the state in which every run starts"""
    limits: Annotated[
        dict[Name, Annotated[int | None, _Count()]],
        Holds(kind=dict, wants="a group of limits by name, each a whole number or null", offers="limits"),
    ] = Field(default_factory=dict)
    """how many times rows may spend something in one run; null: no limit"""
    facts: Annotated[
        dict[Name, Answers],
        Holds(kind=dict, wants="a group of facts by name, each with a list of answers", offers="facts"),
    ] = Field(default_factory=dict)
    """the facts that guards ask, and all of their answers"""
    effects: Annotated[
        dict[Name, Events], Holds(kind=dict, wants="a group of effects by name, each with a list of events")
    ] = Field(default_factory=dict)
    """effects of your own, and the events that each can report"""
    rules: Annotated[
        dict[Name, RuleModel], Holds(kind=dict, wants="a group of rules by name, each with one key, such as precedes")
    ] = Field(default_factory=dict)
    """what must be so on every path, proved by the check"""
    states: Annotated[
        dict[Name, StateModel], Holds(kind=dict, wants="a group of states by name, at least one", least=1)
    ]
    """all states, by name"""

    def chart(self) -> engine.Chart:
        """Return this chart for the engine."""
        return engine.Chart(
            schema=self.format,
            name=self.name,
            initial=self.initial,
            limits=tuple(engine.Limit(name=name, value=value) for name, value in self.limits.items()),
            facts=tuple(engine.FactUse(name=name, answers=tuple(said)) for name, said in self.facts.items()),
            effects=tuple(engine.CustomEffect(name=name, reports=tuple(said)) for name, said in self.effects.items()),
            rules=tuple(rule for name, said in self.rules.items() for rule in said.rules(name)),
            states=tuple(said.state(name) for name, said in self.states.items()),
        )


def group_at(path: Sequence[str | int]) -> type[Group] | None:
    """Return the group of keys that belongs at `path`, from the top of a chart; None if no group belongs there."""
    at: type[Group] | None = ChartModel
    parts = iter(path)
    for part in parts:
        fields = {} if at is None else at.keys()
        if part not in fields:
            return None
        annotation = fields[str(part)].annotation
        at = next(_groups_in(annotation), None)
        if get_origin(annotation) in (dict, list) and next(parts, None) is None:
            return None
    return at


def _groups_in(annotation: Any) -> Iterator[type[Group]]:
    """Yield the groups of keys that a value of type `annotation` is or holds."""
    if isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    if isinstance(annotation, type) and issubclass(annotation, Group):
        yield annotation
    for inner in get_args(annotation):
        yield from _groups_in(inner)


def answer_of(said: object) -> str:
    """Return an answer as a word: ``true`` for a boolean."""
    return str(said).lower() if isinstance(said, bool) else str(said)


def _pattern(said: dict[str, str | list[str]]) -> engine.Pattern:
    return tuple((fact, _words(wanted)) for fact, wanted in said.items())


def _moment(said: str | list[str] | TransitionModel) -> engine.Moment:
    if not isinstance(said, TransitionModel):
        return engine.Moment(states=_words(said))
    return engine.Moment(states=_words(said.state), rows=_words(said.row), guard=_pattern(said.guard))


def _words(said: str | list[str]) -> tuple[str, ...]:
    return tuple(said) if isinstance(said, list) else (said,)
