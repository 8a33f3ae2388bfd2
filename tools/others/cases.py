"""The broken charts as plain data, which any Python can read: what each says, and what can happen in its states.

A chart that the loader can read is a machine with a fault; one that it cannot is a file with a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fsm_runner.charts.loader import examine, parse
from fsm_runner.core.chart import Chart, State
from fsm_runner.core.errors import Problem
from fsm_runner.core.facts import FACTS
from fsm_runner.core.vocabulary import ASKING_EVENTS, EFFECTS, FAILED, OUTPUTS, RENEWED_BY, SUPPLIES
from tools.problems import BROKEN, Code

TRUSTED = Path(__file__).parent / "supply_without_an_end.yaml"
LENDS = "lend_stream"
"""The effect that leaves the turn to the caller."""


def machines() -> list[dict[str, Any]]:
    """Return each broken chart whose fault is of the machine, in the order of the codes' names and then their own."""
    found = [case for path in sorted(BROKEN.glob("*.yaml")) if (case := _case(path))]
    return sorted(found, key=lambda case: (case["code"], case["name"]))


def files() -> list[dict[str, str]]:
    """Return each broken chart whose fault is of the file, with its code, in the same order."""
    found = []
    for path in BROKEN.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if parse(text).chart is None:
            (problem,) = examine(text)[1].problems
            found.append({"name": path.stem, "code": problem.code})
    return sorted(found, key=lambda case: (case["code"], case["name"]))


def trusted() -> dict[str, Any]:
    """Return the chart that the check has nothing against, because it takes the chart at its word."""
    chart, verdict = examine(TRUSTED.read_text(encoding="utf-8"))
    if chart is None or verdict.problems or verdict.notes:
        raise SystemExit(f"{TRUSTED.name}: the check has something against it (the page says that it has not)")
    return {"name": TRUSTED.stem, "code": "", "about": "", "rules": False, "answers": {}, **_data(chart)}


def _case(path: Path) -> dict[str, Any] | None:
    text = path.read_text(encoding="utf-8")
    second = text.splitlines()[1]
    code = None
    if second.startswith("# code: "):
        name, answers = second.removeprefix("# code: ").split("=")
        code = {name: tuple(answers.split("|"))}
    facts = None if code is None else {name: Code(name, answers) for name, answers in code.items()}
    chart, verdict = examine(text, facts=facts)
    if chart is None:
        return None
    (problem,) = verdict.problems or verdict.notes
    return {
        "name": path.stem,
        "code": problem.code,
        "note": not verdict.problems,
        "about": _about(chart, problem),
        "rules": problem.path[0] == "rules",
        "answers": code or {fact.name: fact.answers for fact in chart.facts},
        "declared": {fact.name: fact.answers for fact in chart.facts},
        **_data(chart),
    }


def _about(chart: Chart, problem: Problem) -> str:
    """Return the row that the problem is of, or else the state, or else the last name of its place."""
    path = problem.path
    if path[0] == "states" and len(path) > 3:
        rows: Mapping[Any, Any] = {"always": chart.state(str(path[1])).always}
        rows = {**rows, "transitions": chart.state(str(path[1])).transitions}
        return str(rows[path[2]][path[3]].id)
    return str(path[1]) if len(path) > 1 else str(path[0])


def _data(chart: Chart) -> dict[str, Any]:
    effects = {**EFFECTS, **{effect.name: effect.reports for effect in chart.effects}}
    known = [FACTS[fact.name] for fact in chart.facts if fact.name in FACTS]
    return {
        "initial": chart.initial,
        "limits": {limit.name: limit.value for limit in chart.limits},
        "impossible": [pattern for fact in known for pattern in fact.impossible],
        "effects": sorted(effects),
        "outputs": OUTPUTS,
        "supplies": sorted(SUPPLIES),
        "renewed_by": dict(RENEWED_BY),
        "states": [_state(state, effects) for state in chart.states],
    }


def _state(state: State, effects: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    rows = [
        {
            "id": row.id,
            "event": row.event,
            "guard": [[fact, list(answers)] for fact, answers in row.guard],
            "target": row.target,
            "output": row.output,
            "spends": row.spends,
            "consumes": row.consumes,
        }
        for row in state.rows
    ]
    can = [*dict.fromkeys(_can_happen(state, effects))]
    return {
        "name": state.name,
        "effect": state.effect,
        "final": state.final,
        "rows": rows,
        "can": can,
    }


def _can_happen(state: State, effects: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the events that the world can report while a run is in `state`."""
    if state.final:
        return
    if state.effect is None:
        yield from ASKING_EVENTS[:1] if state.transitions else ()
        yield from (event for event in state.events if event in ASKING_EVENTS)
        return
    reports = effects.get(state.effect)
    yield from state.events if reports is None else (*reports, FAILED)
    if state.effect == LENDS:
        yield ASKING_EVENTS[0]
