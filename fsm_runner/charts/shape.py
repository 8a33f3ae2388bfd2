"""The shape of what was read: pydantic finds what does not fit the models, and the messages are ours."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from fsm_runner.charts.nodes import Document, Path, Plain
from fsm_runner.charts.schema import AlwaysRow, ChartKeys, EventRow, StateKeys
from fsm_runner.core.chart import SCHEMA, Chart, CustomEffect, FactUse, Limit, Pattern, Row, State
from fsm_runner.core.check import did_you_mean

WANTS = {
    "always": "a list of rows",
    "transitions": "a list of rows",
    "guard": "a group of facts with the answers wanted, such as {turn: paused}",
    "final": "true or false",
    "states": "a group of states by name, at least one",
    "facts": "a group of facts by name, each with a list of answers",
    "limits": "a group of limits by name, each a whole number or null",
    "effects": "a group of effects by name, each with a list of events",
}
"""What belongs under a key; under all others belongs a word."""

WITHIN = {
    "states": "a group of keys, such as phase and transitions",
    "always": "a row: a group of keys, such as id and target",
    "transitions": "a row: a group of keys, such as id, event and target",
    "facts": "a list of answers",
    "effects": "a list of events",
    "guard": "an answer or a list of answers",
}
"""What belongs below a key, one level down."""

ALIASES = {"on": ("event", "transitions"), "if": ("guard",), "when": ("guard",), "to": ("target",), "from": ("id",)}
"""What other formats call our keys."""


NAME = "letters, digits and _, not beginning with a digit"


def fit(document: Document) -> bool:
    """Note in `document` what does not fit the shape of a chart, each place once; return whether all but keys fits."""
    _repeated(document)
    try:
        ChartKeys.model_validate(_own_keys(document.data))
    except ValidationError as error:
        found = [(_path(item["loc"], document), item) for item in error.errors(include_url=False)]
        meant = {_meant(path) for path, item in found if item["type"] == "extra_forbidden"}
        told = set(document.refused)
        for path, item in found:
            about = (*path, str(item["loc"][-1])) if item["type"] == "missing" else path
            if about not in told and not (item["type"] == "missing" and about in meant):
                told.add(about)
                _refuse(path, dict(item), document)
        return all(item["type"] == "extra_forbidden" and len(path) > 1 for path, item in found)
    return True


def chart_of(data: Any) -> Chart:
    """Return the chart that data of the right shape says; keys that mean nothing are passed over."""
    return Chart(
        schema=data["schema"],
        name=data["name"],
        initial=data["initial"],
        limits=tuple(Limit(name=name, value=value) for name, value in data.get("limits", {}).items()),
        facts=tuple(FactUse(name=name, answers=_answers(said)) for name, said in data.get("facts", {}).items()),
        effects=tuple(CustomEffect(name=name, reports=tuple(said)) for name, said in data.get("effects", {}).items()),
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
    guard: Pattern = tuple((fact, _answers(wanted)) for fact, wanted in said.get("guard", {}).items())
    words = {key: said.get(key) for key in ("event", "output", "spends", "consumes")}
    return Row(id=said["id"], guard=guard, target=said["target"], **words)


def _answers(said: Any) -> tuple[str, ...]:
    return tuple(_answer(answer) for answer in said) if isinstance(said, list) else (_answer(said),)


def _answer(said: Any) -> str:
    return str(said).lower() if isinstance(said, bool) else str(said)


def _own_keys(data: Any) -> Any:
    """Return `data` without the keys that are the user's own, those of the chart, its states and their rows."""
    chart = _without_free(data)
    states = chart.get("states") if isinstance(chart, dict) else None
    if isinstance(states, dict):
        chart["states"] = {name: _own_rows(_without_free(state)) for name, state in states.items()}
    return chart


def _own_rows(state: Any) -> Any:
    for key in ("always", "transitions"):
        if isinstance(state, dict) and isinstance(state.get(key), list):
            state[key] = [_without_free(row) for row in state[key]]
    return state


def _without_free(group: Any) -> Any:
    if not isinstance(group, dict):
        return group
    return {key: value for key, value in group.items() if not key.startswith("x-")}


def _repeated(document: Document) -> None:
    """Refuse each answer or event that a list names twice."""
    for path, place in document.places.items():
        listed = path[0] in {"facts", "effects"} if len(path) == 3 else path[4:5] == ("guard",) and len(path) == 7
        index = path[-1] if path else None
        if not listed or not isinstance(index, int):
            continue
        around: Any = document.data
        for key in path[:-1]:
            around = around[key]
        if _answer(around[index]) in map(_answer, around[:index]):
            message = f"{_subject(path)}: '{_answer(around[index])}' is listed twice (delete one)"
            document.refuse("duplicate-answer", path, place, message)


def _path(loc: tuple[int | str, ...], document: Document) -> Path:
    """Return the place that pydantic means; the names of union branches in its location are passed over."""
    path: Path = ()
    for part in loc:
        if (*path, part) in document.places:
            path = (*path, part)
    return path


def _model(path: Path) -> type[BaseModel]:
    """Return the model of the group of keys at `path`."""
    if len(path) < 2:
        return ChartKeys
    if len(path) == 2:
        return StateKeys
    return EventRow if path[2] == "transitions" else AlwaysRow


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys that the loader takes where `model` belongs."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _meant(path: Path) -> Path:
    """Return the place of the key that was probably meant by the unknown key at `path`; itself when none is near."""
    keys = keys_of(_model(path[:-1]))
    word = str(path[-1])
    close = [key for key in ALIASES.get(word, ()) if key in keys] or difflib.get_close_matches(word, keys, n=1)
    return (*path[:-1], close[0]) if close else path


def _subject(path: Path) -> str:
    if len(path) > 1 and path[0] in {"states", "facts", "limits", "effects"}:
        return f"{str(path[0])[:-1]} '{path[1]}'"
    return "chart"


def _refuse(path: Path, item: dict[str, Any], document: Document) -> None:
    """Say in our words what pydantic found at `path`."""
    kind, value = item["type"], item["input"]
    key = str(path[-1]) if path else ""
    at_key = kind == "extra_forbidden" or item["loc"][-1:] == ("[key]",)
    code, message = "wrong-type", f"{_named(path)} is {_wanted(path)}, not {_kind(value)}"
    if _wanted(path) == "a word" and isinstance(value, bool | int | float):
        message += " (quote it to make it a word)"
    if kind == "extra_forbidden":
        code, message = "unknown-key", _unknown(path)
    elif kind == "missing":
        row = "a row lacks" if len(path) == 4 else "it lacks"
        code, message = "missing-key", f"{row} the key '{item['loc'][-1]}' (add it)"
    elif kind == "literal_error":
        code, message = "unknown-schema", f"schema {_shown(value)} is not known (write {SCHEMA})"
    elif kind == "string_pattern_mismatch":
        code, message = "wrong-name", f"'{key if at_key else value}' is no name (a name is {NAME})"
    elif path[:1] == ("limits",) and len(path) == 2:
        code, message = "wrong-number", f"it is a whole number from 0, or null for none, not {_shown(value)}"
    elif kind == "too_short" and len(path) > 1:
        code, message = "no-answers", f"{_named(path)} lists nothing (list at least one, or delete it)"
    place = (document.keys if at_key else document.places).get(path, (1, 1))
    document.refuse(code, path, place, f"{_subject(path)}: {message}")


def _unknown(path: Path) -> str:
    if path[2:3] == ("always",) and path[-1] == "event":
        return "always rows wait for no event (move the row to transitions, or delete the event)"
    near = _meant(path)
    if near != path:
        return f"unknown key '{path[-1]}' (did you mean '{near[-1]}'?)"
    return f"unknown key '{path[-1]}'{did_you_mean(str(path[-1]), keys_of(_model(path[:-1])))}"


def _named(path: Path) -> str:
    """Name what stands at `path`: its key, or what it is an item of."""
    words = [part for part in path if isinstance(part, str)]
    if len(path) == 2 or not words:
        return "it"
    return f"an item of '{words[-1]}'" if isinstance(path[-1], int) else f"'{words[-1]}'"


def _wanted(path: Path) -> str:
    """Say what belongs at `path`."""
    if not path:
        return "a group of keys, such as name, initial and states"
    key, around = path[-1], path[-2] if len(path) > 1 else None
    if len(path) in {1, 3, 5} and key in WANTS:
        return WANTS[str(key)]
    return WITHIN.get(str(around), "a word")


def _kind(value: Plain) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return _answer(value)
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a group of keys" if value else "an empty group"
        case _:
            return f"the word '{value}'"


def _shown(value: Plain) -> str:
    return f"'{value}'" if isinstance(value, str) else _kind(value)
