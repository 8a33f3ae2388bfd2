"""What a record says of its chart: only what a timeline needs.  A chart that cannot be read is no reason to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fsm_runner.inspecting.data import Wait
from fsm_runner.journal.records import answers_of
from fsm_runner.loop.effects import VOCABULARY

_API = frozenset(name for name, kind in VOCABULARY.effects.items() if {"replied", "summarised"} & {*kind.reports})
_TOOLS = frozenset(name for name, kind in VOCABULARY.effects.items() if "tool_finished" in kind.reports)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredState:
    """A state: immutable.

    Attributes:
        phase: its phase; None if it has none.
        rests: whether it has no effect.
        waits: whom a run in this state waits for.
    """

    phase: str | None
    rests: bool
    waits: Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRow:
    """A row: immutable.

    Attributes:
        asks: the facts that its guard asks.
        spends: the limit that it spends; None if it spends none.
    """

    asks: tuple[str, ...] = ()
    spends: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A chart: immutable.

    Attributes:
        name, sha256, initial: None if the record does not say.
        states, rows: by name, and by id.
        limits: by name; None: no limit.
    """

    name: str | None = None
    sha256: str | None = None
    initial: str | None = None
    states: Mapping[str, DeclaredState] = field(default_factory=dict)
    rows: Mapping[str, DeclaredRow] = field(default_factory=dict)
    limits: Mapping[str, int | None] = field(default_factory=dict)

    def phase(self, state: str | None) -> str | None:
        """The phase of `state`; None if it is not known."""
        known = self.states.get(state or "")
        return None if known is None else known.phase

    def waits(self, state: str) -> Wait:
        """Whom a run in `state` waits for."""
        known = self.states.get(state)
        return "other" if known is None else known.waits

    def asked(self, row: object, facts: object) -> Mapping[str, str]:
        """The answers among `facts` that the guard of `row` asked for; all of them if the row is not known."""
        known = self.rows.get(str(row))
        answers = answers_of(facts)
        return {name: answer for name, answer in answers.items() if known is None or name in known.asks}


def declared_in(chart: object) -> Declared:
    """Return what the field ``chart`` of a record declares."""
    held = mapping(chart)
    data = mapping(held.get("data"))
    states, rows = {}, {}
    for state in mappings(data.get("states")):
        states[str(state.get("name"))] = _state(state)
        for row in (*mappings(state.get("always")), *mappings(state.get("transitions"))):
            rows[str(row.get("id"))] = _row(row)
    limits = {str(limit.get("name")): whole(limit.get("value")) for limit in mappings(data.get("limits"))}
    said = {key: text(held.get(key)) for key in ("name", "sha256")}
    return Declared(**said, initial=text(data.get("initial")), states=states, rows=rows, limits=limits)


def _state(state: Mapping[str, object]) -> DeclaredState:
    effect = text(state.get("effect"))
    if effect is not None:
        waits: Wait = "api" if effect in _API else "tools" if effect in _TOOLS else "effects"
    else:
        waits = "caller" if mappings(state.get("transitions")) else "other"
    return DeclaredState(phase=text(state.get("phase")), rests=effect is None, waits=waits)


def _row(row: Mapping[str, object]) -> DeclaredRow:
    return DeclaredRow(asks=tuple(_asks(row.get("guard"))), spends=text(row.get("spends")))


def _asks(guard: object) -> Iterator[str]:
    for pair in guard if isinstance(guard, list) else ():
        if isinstance(pair, list) and pair:
            yield str(pair[0])


def mapping(value: object) -> Mapping[str, object]:
    """Return `value`; empty if it is not a JSON object."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> Sequence[Mapping[str, object]]:
    """Return the JSON objects in the list `value`; empty if it is not a list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, (list, tuple)) else []


def text(value: object) -> str | None:
    """Return `value`; None if it is not text."""
    return value if isinstance(value, str) else None


def whole(value: object) -> int | None:
    """Return `value`; None if it is not a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
