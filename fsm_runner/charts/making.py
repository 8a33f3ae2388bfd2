"""From plain data of the right shape to a `Chart`."""

from __future__ import annotations

from typing import Any

from fsm_runner.core.chart import (
    AlwaysReaches,
    Chart,
    CustomEffect,
    FactUse,
    Limit,
    Moment,
    Never,
    Pattern,
    Precedes,
    Row,
    Rule,
    State,
)

KINDS = frozenset({"precedes", "never", "always_reaches"})
"""The keys of which a rule has one."""


def chart_of(data: Any) -> Chart:
    """Return the chart that data of the right shape says; keys that mean nothing are passed over."""
    return Chart(
        schema=data["schema"],
        name=data["name"],
        initial=data["initial"],
        limits=tuple(Limit(name=name, value=value) for name, value in data.get("limits", {}).items()),
        facts=tuple(FactUse(name=name, answers=answers_of(said)) for name, said in data.get("facts", {}).items()),
        effects=tuple(CustomEffect(name=name, reports=tuple(said)) for name, said in data.get("effects", {}).items()),
        rules=tuple(_rule(name, said) for name, said in data.get("rules", {}).items() if KINDS & said.keys()),
        states=tuple(_state(name, said) for name, said in data["states"].items()),
    )


def _state(name: str, said: Any) -> State:
    return State(
        name=name,
        phase=said["phase"],
        effect=said.get("effect"),
        final=said.get("final", False),
        always=tuple(_row(row) for row in said.get("always", [])),
        transitions=tuple(_row(row) for row in said.get("transitions", [])),
    )


def _row(said: Any) -> Row:
    words = {key: said.get(key) for key in ("event", "output", "spends", "consumes")}
    return Row(id=said["id"], guard=_guard(said), target=said["target"], **words)


def _guard(said: Any) -> Pattern:
    return tuple((fact, answers_of(wanted)) for fact, wanted in said.get("guard", {}).items())


def _rule(name: str, said: Any) -> Rule:
    if "always_reaches" in said:
        return AlwaysReaches(name=name, states=tuple(said["always_reaches"]))
    kind, roles = next((key, value) for key, value in said.items() if key in KINDS)
    known = ("first", "then", "since") if kind == "precedes" else ("enter", "after", "until")
    moments = {role: _moment(roles[role]) for role in known if role in roles}
    return Precedes(name=name, **moments) if kind == "precedes" else Never(name=name, **moments)


def _moment(said: Any) -> Moment:
    if not isinstance(said, dict):
        return Moment(states=_words(said))
    return Moment(states=_words(said.get("state", [])), rows=_words(said.get("row", [])), guard=_guard(said))


def _words(said: Any) -> tuple[str, ...]:
    return tuple(said) if isinstance(said, list) else (said,)


def answers_of(said: Any) -> tuple[str, ...]:
    """Return the answers that one answer or a list of them says."""
    return tuple(answer_of(answer) for answer in said) if isinstance(said, list) else (answer_of(said),)


def answer_of(said: Any) -> str:
    """Return an answer as a word."""
    return str(said).lower() if isinstance(said, bool) else str(said)
