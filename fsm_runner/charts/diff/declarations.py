"""Declarations: which states, rows, facts, limits, effects and rules were added, removed, changed or renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias, assert_never

from fsm_runner.charts.diff.changes import Change, Subject
from fsm_runner.charts.drawing.labels import condition, conditions
from fsm_runner.engine.chart import AlwaysReaches, Chart, Moment, Never, Pattern, Precedes, Row, Rule, State
from fsm_runner.loop.effects import VOCABULARY

Values: TypeAlias = Mapping[str, str]


def changes(old: Chart, new: Chart, rows: Mapping[str, str], states: Mapping[str, str]) -> Iterator[Change]:
    """Yield every change of a declared thing.

    Args:
        old: the earlier chart, with the new names of its renamed states.
        new: the later chart.
        rows, states: old names by new ones, for renamed things.
    """
    yield from _fields("chart", new.name, {"name": old.name}, {"name": new.name})
    yield from _fields("chart", new.name, {"first state": old.initial}, {"first state": new.initial}, matters=True)
    yield from _named("limit", "value", _limits(old), _limits(new), matters=True)
    yield from _named("fact", "answers", _facts(old), _facts(new))
    yield from _named("effect", "reports", _effects(old), _effects(new))
    yield from _rules(old, new)
    yield from _states(old, new, states)
    yield from _rows(old, new, rows)


def _limits(chart: Chart) -> Values:
    return {limit.name: "no limit" if limit.value is None else str(limit.value) for limit in chart.limits}


def _facts(chart: Chart) -> Values:
    return {fact.name: ", ".join(fact.answers) for fact in chart.facts}


def _effects(chart: Chart) -> Values:
    return {effect.name: ", ".join(effect.reports) for effect in chart.effects}


def _rules(old: Chart, new: Chart) -> Iterator[Change]:
    before, after = ({rule.name: rule for rule in chart.rules} for chart in (old, new))
    for name in dict.fromkeys((*after, *before)):
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None and type(was) is type(now):
            yield from _fields("rule", name, _moments(old, was), _moments(new, now))
            continue
        texts = ({} if each is None else {name: _rule(of, each)} for of, each in ((old, was), (new, now)))
        yield from _named("rule", "text", *texts)


def _moments(chart: Chart, rule: Rule) -> Values:
    """Return the content of a rule by its keys; all rules of one kind have the same keys."""
    if isinstance(rule, AlwaysReaches):
        return {"always_reaches": " or ".join(rule.states)}
    told: dict[str, Moment | None]
    if isinstance(rule, Precedes):
        told = {"first": rule.first, "then": rule.then, "since": rule.since}
    else:
        told = {"enter": rule.enter, "after": rule.after, "until": rule.until}
    return {role: "" if moment is None else _moment(chart, moment) for role, moment in told.items()}


def _rule(chart: Chart, rule: Rule) -> str:
    match rule:
        case Precedes():
            since = f", anew since {_moment(chart, rule.since)}" if rule.since else ""
            return f"{_moment(chart, rule.first)} precedes {_moment(chart, rule.then)}{since}"
        case Never():
            after = f" after {_moment(chart, rule.after)}" if rule.after else ""
            until = f" until {_moment(chart, rule.until)}" if rule.until else ""
            return f"never {_moment(chart, rule.enter)}{after}{until}"
        case AlwaysReaches():
            return f"always reaches {' or '.join(rule.states)}"
        case _:
            assert_never(rule)


def _moment(chart: Chart, moment: Moment) -> str:
    parts = [f"state {' or '.join(moment.states)}"] * bool(moment.states)
    parts += [f"row {' or '.join(moment.rows)}"] * bool(moment.rows)
    return " with ".join([*parts, *(condition(chart, fact, answers) for fact, answers in moment.guard)])


def _named(subject: Subject, field: str, old: Values, new: Values, *, matters: bool = False) -> Iterator[Change]:
    """Yield the changes of things that have a name and a value."""
    for name in dict.fromkeys((*new, *old)):
        if name not in old:
            yield Change(kind="added", subject=subject, name=name, new=new[name], matters=matters)
        elif name not in new:
            yield Change(kind="removed", subject=subject, name=name, old=old[name], matters=matters)
        else:
            yield from _fields(subject, name, {field: old[name]}, {field: new[name]}, matters=matters)


def _fields(
    subject: Subject, name: str, old: Values, new: Values, *, place: str = "", matters: bool = False
) -> Iterator[Change]:
    """Yield a change for each field whose text differs."""
    for field, was in old.items():
        now = new[field]
        if was != now:
            yield Change(
                kind="changed", subject=subject, name=name, field=field, old=was, new=now, place=place, matters=matters
            )


def _states(old: Chart, new: Chart, renamed: Mapping[str, str]) -> Iterator[Change]:
    before = {state.name: state for state in old.states}
    after = {state.name: state for state in new.states}
    for name, now in after.items():
        was = before.get(name)
        if was is None:
            yield Change(kind="added", subject="state", name=name, new=_described(now))
            continue
        if name in renamed:
            yield Change(kind="renamed", subject="state", name=name, field="name", old=renamed[name], new=name)
        fails = VOCABULARY.failed in (
            was.phase,
            now.phase,
        )  # the one phase by which the machine knows a run that failed
        yield from _fields("state", name, {"phase": was.phase}, {"phase": now.phase}, matters=fails)
        yield from _fields("state", name, _does(was), _does(now), matters=True)
        yield from _fields("state", name, _order(was, now), _order(now, was))
    for name, gone in before.items():
        if name not in after:
            yield Change(kind="removed", subject="state", name=name, old=_described(gone))


def _does(state: State) -> Values:
    return {"effect": state.effect or "", "end": "final" if state.final else "not final"}


def _described(state: State) -> str:
    ends = ["final"] if state.final else []
    return ", ".join([f"phase {state.phase}", *([f"does {state.effect}"] if state.effect else []), *ends])


def _order(state: State, other: State) -> Values:
    """Return the order of the rows that `other` has too."""
    ids = {row.id for row in other.rows}
    return {"order": ", ".join(row.id for row in state.rows if row.id in ids)}


def _rows(old: Chart, new: Chart, renamed: Mapping[str, str]) -> Iterator[Change]:
    before = {row.id: (state, row) for state in old.states for row in state.rows}
    for state in new.states:
        for row in state.rows:
            if row.id not in before and row.id not in renamed:
                yield Change(kind="added", subject="row", name=row.id, new=_told(new, row), place=state.name)
                continue
            if row.id in renamed:
                was = renamed[row.id]
                yield Change(
                    kind="renamed", subject="row", name=row.id, field="id", old=was, new=row.id, place=state.name
                )
                continue
            place, earlier = before[row.id]
            fields = _row(old, place, earlier), _row(new, state, row)
            if meaning(earlier.guard) == meaning(row.guard):
                fields[0]["guard"] = fields[1]["guard"]  # only the order of its facts differs
            yield from _fields("row", row.id, *fields, place=state.name)
    kept = {row.id for row in new.rows} | set(renamed.values())
    for state, row in before.values():
        if row.id not in kept:
            yield Change(kind="removed", subject="row", name=row.id, old=_told(old, row), place=state.name)


def _row(chart: Chart, state: State, row: Row) -> dict[str, str]:
    return {
        "state": state.name,
        "event": row.event or "",
        "guard": ", ".join(conditions(chart, row)),
        "target": row.target,
        "output": row.output or "",
        "spends": row.spends or "",
        "consumes": row.consumes or "",
    }


def _told(chart: Chart, row: Row) -> str:
    """Return a row in one line: its event and guard, and its target."""
    parts = [row.event or "", ", ".join(conditions(chart, row))]
    return " / ".join(filter(None, parts)) + f" → {row.target}" if any(parts) else f"→ {row.target}"


Meaning: TypeAlias = frozenset[tuple[str, frozenset[str]]]
"""A guard, without the order in which it is written."""


def meaning(guard: Pattern) -> Meaning:
    """Return `guard` without its order."""
    return frozenset((fact, frozenset(answers)) for fact, answers in guard)


def renamed_states(old: Chart, new: Chart) -> dict[str, str]:
    """Return old names by new ones, for states that differ only in their name.

    Two states are the same if effect, end and rows are equal, and the rows lead to the same states.  If that holds for
    more than one pair, nobody can tell which became which, and none counts as renamed.
    """
    gone = [state for state in old.states if state.name not in {each.name for each in new.states}]
    come = [state for state in new.states if state.name not in {each.name for each in old.states}]
    pairs = [(before.name, after.name) for before in gone for after in come if _looks(before) == _looks(after)]
    befores, afters = [before for before, _ in pairs], [after for _, after in pairs]
    return {after: before for before, after in pairs if befores.count(before) == afters.count(after) == 1}


def with_new_names(old: Chart, states: Mapping[str, str]) -> Chart:
    """Return `old` with the new names of its renamed states; `states`: old names by new ones."""
    names = {before: after for after, before in states.items()}

    def named(row: Row) -> Row:
        return replace(row, target=names.get(row.target, row.target))

    return replace(
        old,
        initial=names.get(old.initial, old.initial),
        states=tuple(
            replace(
                state,
                name=names.get(state.name, state.name),
                always=tuple(map(named, state.always)),
                transitions=tuple(map(named, state.transitions)),
            )
            for state in old.states
        ),
    )


def renamed_rows(old: Chart, new: Chart) -> dict[str, str]:
    """Return old ids by new ones, for rows that differ only in their id: same state, event, guard and effects."""
    kept = {row.id for row in old.rows} & {row.id for row in new.rows}
    gone = [(_way(state, row), row.id) for state in old.states for row in state.rows if row.id not in kept]
    found: dict[str, str] = {}
    for way, id in _ways(new):
        if id in kept:
            continue
        before = next((other for same, other in gone if same == way and other not in found.values()), None)
        if before is not None:
            found[id] = before
    return found


def _ways(chart: Chart) -> Iterator[tuple[tuple[object, ...], str]]:
    for state in chart.states:
        for row in state.rows:
            yield _way(state, row), row.id


def _way(state: State, row: Row) -> tuple[object, ...]:
    """Return everything of a row except its id."""
    return state.name, row.event, meaning(row.guard), row.target, row.output, row.spends, row.consumes


def _looks(state: State) -> tuple[object, ...]:
    """Return everything of a state except its name and phase.  The ids distinguish states without guards."""
    rows = tuple(
        (row.id, *_way(replace(state, name=""), replace(row, target="" if row.target == state.name else row.target)))
        for row in state.rows
    )
    return state.effect, state.final, rows
