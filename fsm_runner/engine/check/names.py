"""The check of names: every name that a chart uses is declared once, or built in.

The other checks rely on the names, so they leave out what has a problem here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self, assert_never

from fsm_runner.engine.chart import AlwaysReaches, Chart, Moment, Never, Pattern, Precedes, Row, Rule, State
from fsm_runner.engine.domain import Vocabulary
from fsm_runner.engine.errors import Problem
from fsm_runner.engine.text import did_you_mean

Path = tuple[str | int, ...]


class FactCode(Protocol):
    """What the check needs to know of a fact: a `Fact` has it.

    Attributes:
        name: its name in guards.
        answers: all of its answers.
        impossible: combinations of answers, also of other facts, that cannot happen.
    """

    @property
    def name(self) -> str: ...
    @property
    def answers(self) -> tuple[str, ...]: ...
    @property
    def impossible(self) -> tuple[Pattern, ...]: ...


def rows_with_paths(state: State) -> Iterator[tuple[Path, Row]]:
    """Yield each row of `state` with its place in the chart."""
    for index, row in enumerate(state.always):
        yield ("states", state.name, "always", index), row
    for index, row in enumerate(state.transitions):
        yield ("states", state.name, "transitions", index), row


def name_problems(
    chart: Chart, vocabulary: Vocabulary, facts: Mapping[str, FactCode] | None = None
) -> Iterator[Problem]:
    """Yield a problem for each name that is not declared, and for each that is declared twice."""
    yield from _twice(chart)
    states = {state.name for state in chart.states}
    if chart.initial not in states:
        hint = did_you_mean(chart.initial, states)
        message = f"chart '{chart.name}': initial state '{chart.initial}' is not declared{hint}"
        yield Problem(code="unknown-initial", path=("initial",), message=message)
    effects = {*vocabulary.effects, *(effect.name for effect in chart.effects)}
    known = _Known.of(chart, vocabulary)
    for state in chart.states:
        if state.effect is not None and state.effect not in effects:
            message = f"state '{state.name}': effect '{state.effect}' is not known{did_you_mean(state.effect, effects)}"
            yield Problem(code="unknown-effect", path=("states", state.name, "effect"), message=message)
        for path, row in rows_with_paths(state):
            yield from _row(known, state, path, row)
    for rule in chart.rules:
        yield from _rule(known, rule)
    if facts is not None:
        yield from _code(chart, facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The names that a chart declares: immutable."""

    states: frozenset[str]
    rows: frozenset[str]
    limits: frozenset[str]
    facts: Mapping[str, tuple[str, ...]]
    events: frozenset[str]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, chart: Chart, vocabulary: Vocabulary) -> Self:
        """Read a chart."""
        return cls(
            states=frozenset(state.name for state in chart.states),
            rows=frozenset(row.id for row in chart.rows),
            limits=frozenset(limit.name for limit in chart.limits),
            facts={fact.name: fact.answers for fact in chart.facts},
            events=known_events(chart, vocabulary),
            outputs=vocabulary.outputs,
        )


def known_events(chart: Chart, vocabulary: Vocabulary) -> frozenset[str]:
    """Return every event that a row of `chart` may wait for."""
    return vocabulary.events | {*vocabulary.failure, *(event for each in chart.effects for event in each.reports)}


def missing_events(chart: Chart, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Yield a problem for each event that can happen in a state without a row for it, and for rows of final states."""
    known, reports = known_events(chart, vocabulary), {effect.name: effect.reports for effect in chart.effects}
    for state in chart.states:
        yield from _missing_in(state, vocabulary, known, reports)


def _missing_in(
    state: State, vocabulary: Vocabulary, known: frozenset[str], reports: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    if state.final:
        if state.rows:
            message = f"state '{state.name}': it is final, so its rows are never tried (delete them, or final: true)"
            key = "always" if state.always else "transitions"
            yield Problem(code="final-with-rows", path=("states", state.name, key), message=message)
        if state.effect is not None:
            message = f"state '{state.name}': it is final, so its effect never starts (delete it, or final: true)"
            yield Problem(code="final-with-effect", path=("states", state.name, "effect"), message=message)
    if state.final or not state.rows:
        return
    wanted: tuple[str, ...] = ()
    if state.effect is not None:
        wanted = (*reports.get(state.effect, vocabulary.reports(state.effect)), *vocabulary.failure)
    why = f"effect '{state.effect}' can report"
    if any(event not in known for event in state.events):
        return  # the row for it may be there, with its event misspelled
    for event in dict.fromkeys(wanted):
        if event not in state.events:
            message = f"state '{state.name}': no row takes '{event}', which its {why} (add a row)"
            yield Problem(code="missing-event", path=("states", state.name, "effect"), message=message)
    kind, on = vocabulary.effects.get(state.effect or ""), vocabulary.asks[0]
    asks = (kind is not None and kind.asks) or (state.effect is None and bool(state.transitions))
    if asks and on not in state.events:
        message = f"state '{state.name}': no row takes '{on}', by which the caller goes on (add a row)"
        yield Problem(code="missing-event", path=("states", state.name), message=message)


def _twice(chart: Chart) -> Iterator[Problem]:
    """Yield a problem for each name that is declared twice.  In a file only ids can be: the loader refuses the rest."""
    for kind, key, names in (
        ("state", "states", [state.name for state in chart.states]),
        ("fact", "facts", [fact.name for fact in chart.facts]),
        ("limit", "limits", [limit.name for limit in chart.limits]),
        ("effect", "effects", [effect.name for effect in chart.effects]),
        ("rule", "rules", [rule.name for rule in chart.rules]),
    ):
        for name in (name for name, times in Counter(names).items() if times > 1):
            message = f"chart '{chart.name}': {kind} '{name}' is declared twice (rename one)"
            yield Problem(code="duplicate-key", path=(key, name), message=message)
    for fact in chart.facts:
        if not fact.answers:
            message = f"fact '{fact.name}': it has no answers (list at least one)"
            yield Problem(code="no-answers", path=("facts", fact.name), message=message)
    first: dict[str, str] = {}
    for state in chart.states:
        for path, row in rows_with_paths(state):
            if row.id in first:
                message = f"state '{state.name}': row id '{row.id}' is taken by state '{first[row.id]}' (rename one)"
                yield Problem(code="duplicate-id", path=(*path, "id"), message=message)
            first.setdefault(row.id, state.name)


def _row(known: _Known, state: State, path: Path, row: Row) -> Iterator[Problem]:
    for code, key, word, choices, problem in (
        ("unknown-event", "event", row.event, known.events, "is reported by nothing"),
        ("unknown-target", "target", row.target, known.states, "is not declared"),
        ("unknown-output", "output", row.output, known.outputs, "does not exist"),
        ("unknown-limit", "spends", row.spends, known.limits, "is not declared"),
    ):
        if word is not None and word not in choices:
            noun = "limit" if key == "spends" else key
            message = f"state '{state.name}': {noun} '{word}' {problem}{did_you_mean(word, choices)}"
            yield Problem(code=code, path=(*path, key), message=message)
    yield from _guard(known, f"state '{state.name}'", path, row.guard)


def _guard(known: _Known, subject: str, path: Path, guard: Pattern) -> Iterator[Problem]:
    """Yield a problem for each fact and answer in a guard that is not declared."""
    declared = known.facts
    for name, answers in guard:
        if name not in declared:
            message = f"{subject}: fact '{name}' is not declared{did_you_mean(name, declared)}"
            yield Problem(code="unknown-fact", path=(*path, "guard", name), message=message)
            continue
        for index, answer in enumerate(answers):
            if answer not in declared[name]:
                hint = did_you_mean(answer, declared[name])
                message = f"{subject}: fact '{name}' never answers '{answer}'{hint}"
                yield Problem(code="unknown-answer", path=(*path, "guard", name, index), message=message)


def moments_of(rule: Rule) -> Iterator[tuple[Path, Moment]]:
    """Yield the moments that `rule` names, each with its place in the chart."""
    match rule:
        case Precedes():
            kind, named = "precedes", {"first": rule.first, "then": rule.then, "since": rule.since}
        case Never():
            kind, named = "never", {"enter": rule.enter, "after": rule.after, "until": rule.until}
        case AlwaysReaches():
            yield ("rules", rule.name, "always_reaches"), Moment(states=rule.states)
            return
        case _:
            assert_never(rule)
    for key, moment in named.items():
        if moment is not None:
            yield ("rules", rule.name, kind, key), moment


def _rule(known: _Known, rule: Rule) -> Iterator[Problem]:
    """Yield a problem for each name in a rule that is not declared, and for each empty moment."""
    subject = f"rule '{rule.name}'"
    for path, moment in moments_of(rule):
        if moment == Moment():
            message = f"{subject}: '{path[-1]}' says nothing (name a state, a row or answers)"
            yield Problem(code="wrong-rule", path=path, message=message)
        for code, key, words, declared in (
            ("unknown-state", "state", moment.states, known.states),
            ("unknown-row", "row", moment.rows, known.rows),
        ):
            for index, word in enumerate(words):
                if word not in declared:
                    place = (*path, index) if isinstance(rule, AlwaysReaches) else (*path, key, index)
                    message = f"{subject}: {key} '{word}' is not declared{did_you_mean(word, declared)}"
                    yield Problem(code=code, path=place, message=message)
        yield from _guard(known, subject, path, moment.guard)


def _code(chart: Chart, facts: Mapping[str, FactCode]) -> Iterator[Problem]:
    """Yield a problem for each difference between the chart's facts and their code."""
    for fact in chart.facts:
        code = facts.get(fact.name)
        if code is None:
            message = f"fact '{fact.name}': no code answers it{did_you_mean(fact.name, facts)}"
            yield Problem(code="fact-without-code", path=("facts", fact.name), message=message)
        elif set(code.answers) != set(fact.answers):
            message = f"fact '{fact.name}': its code answers {', '.join(code.answers)} (list exactly these)"
            yield Problem(code="fact-answers", path=("facts", fact.name), message=message)
