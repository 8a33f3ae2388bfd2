"""Validation: reports in words what does not fit the model of a chart file, each at its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from fsm_runner.charts.model import GROUP, MANY, ONE, ChartModel, answer_of, group_at
from fsm_runner.charts.nodes import Document, Path, Plain
from fsm_runner.engine.chart import SCHEMA, Chart
from fsm_runner.engine.text import did_you_mean

ALIASES = {"on": ("event", "transitions"), "if": ("guard",), "when": ("guard",), "to": ("target",), "from": ("id",)}
"""The words that other formats use for our keys."""

NAME = "letters, digits and _, not beginning with a digit"

_UNKNOWN, _MISSING = "extra_forbidden", "missing"
"""pydantic's types of error for an unknown and a missing key.  All other types are the model's."""


def validated(document: Document) -> Chart | None:
    """Return the chart in `document`, and note in it what does not fit, once for each place.

    Unknown keys below the top level are ignored, so that the names in the rest can be judged.  None: anything else is
    wrong.
    """
    _repeated(document)
    data: Any = document.data
    try:
        return ChartModel.model_validate(data).chart()
    except pydantic.ValidationError as error:
        found = [(_path(each), each) for each in error.errors(include_url=False)]
    meant = {_meant(path) for path, each in found if each["type"] == _UNKNOWN}
    told = set(document.refused)
    for path, each in found:
        missing = each["type"] == _MISSING
        if path not in told and not (missing and path in meant):
            told.add(path)
            _refuse(path, each, document)
    if any(each["type"] != _UNKNOWN or len(path) == 1 for path, each in found):
        return None
    unknown = frozenset(path[:2] if path[0] == "rules" and len(path) == 3 else path for path, _ in found)
    return ChartModel.model_validate(_without(data, unknown)).chart()  # a rule of an unknown kind goes as a whole


def _path(error: ErrorDetails) -> Path:
    """Return the path of a misfit: pydantic's path without the forms of values and the marks of keys."""
    return tuple(part for part in error["loc"] if part not in (ONE, MANY, GROUP, "[key]"))


def _without(data: Any, paths: frozenset[Path], here: Path = ()) -> Any:
    """Return a copy of `data` without the values at `paths`."""
    if isinstance(data, dict):
        each = ((key, (*here, key)) for key in data)
        return {key: _without(data[key], paths, path) for key, path in each if path not in paths}
    if isinstance(data, list):
        return [_without(item, paths, (*here, index)) for index, item in enumerate(data)]
    return data


def _repeated(document: Document) -> None:
    """Refuse each answer or event that a list names twice."""
    for path, words in _names(document.data):
        seen: set[str] = set()
        for index, word in enumerate(map(answer_of, words)):
            if word in seen:
                place = (*path, index)
                message = f"{_subject(place)}: '{word}' is listed twice (delete one)"
                document.refuse("duplicate-answer", place, document.places[place], message)
            seen.add(word)


def _names(data: Plain, path: Path = ()) -> Iterator[tuple[Path, list[Plain]]]:
    """Yield each list of answers, events, states or rows' ids, with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _names(value, (*path, key))
    elif isinstance(data, list) and path:
        below = len(path) == 2 and path[0] in {"facts", "effects"}
        if below or path[0] == "rules" or (path[4:5] == ("guard",) and len(path) == 6):
            yield path, data
        for index, item in enumerate(data):
            yield from _names(item, (*path, index))


def _meant(path: Path) -> Path:
    """Return the path of the key that was probably meant by the unknown key at `path`; `path` if none is near."""
    keys = _keys(path[:-1])
    word = str(path[-1])
    close = [key for key in ALIASES.get(word, ()) if key in keys] or difflib.get_close_matches(word, keys, n=1)
    return (*path[:-1], close[0]) if close else path


def _keys(path: Path) -> tuple[str, ...]:
    """Return the keys that are allowed in the group at `path`."""
    group = group_at(path)
    return () if group is None else tuple(group.keys())


def _subject(path: Path) -> str:
    if len(path) > 1 and path[0] in {"states", "facts", "limits", "effects", "rules"}:
        return f"{str(path[0])[:-1]} '{path[1]}'"
    return "chart"


def _refuse(path: Path, error: ErrorDetails, document: Document) -> None:
    """Note what does not fit at `path`."""
    fault, value, wants = error["type"], error["input"], error.get("ctx", {}).get("wants", "")
    place = (document.keys if fault in {_UNKNOWN, "key-name"} else document.places).get(path, (1, 1))
    code, message = "wrong-type", f"{_named(path)} must be {wants}, not {_kind(value)}"
    match fault:
        case "extra_forbidden":
            code, message = "unknown-key", _unknown(path)
        case "missing":
            *around, key = path
            path = tuple(around)
            place = document.places.get(path, (1, 1))
            row = "a row lacks" if len(path) == 4 and path[0] == "states" else "it lacks"
            code, message = "missing-key", f"{row} the key '{key}' (add it)"
        case "fixed":
            code, message = "unknown-schema", f"schema {_shown(value)} is not known (write {SCHEMA})"
        case "name" | "key-name":
            code, message = "wrong-name", f"'{value}' is not a name (a name is {NAME})"
        case "count":
            code = "wrong-number"
            message = f"it must be a whole number from 0 up, or null for no limit, not {_shown(value)}"
        case "few" if len(path) > 1:
            code, message = "no-answers", f"{_named(path)} lists nothing (list at least one, or delete it)"
        case "single":
            code = "wrong-rule"
            message = f"it must have exactly one of the keys {', '.join(_keys(path))} (write a rule for each)"
        case _ if wants == "a word" and isinstance(value, bool | int | float):
            message += " (quote it to make it a word)"
    document.refuse(code, path, place, f"{_subject(path)}: {message}")


def _unknown(path: Path) -> str:
    if path[2:3] == ("always",) and path[-1] == "event":
        return "always rows wait for no event (move the row to transitions, or delete the event)"
    near = _meant(path)
    if near != path:
        return f"unknown key '{path[-1]}' (did you mean '{near[-1]}'?)"
    return f"unknown key '{path[-1]}'{did_you_mean(str(path[-1]), _keys(path[:-1]))}"


def _named(path: Path) -> str:
    """Return a name for what stands at `path`: its key, or the list that it is an item of."""
    words = [part for part in path if isinstance(part, str)]
    if len(path) == 2 or not words:
        return "it"
    return f"an item of '{words[-1]}'" if isinstance(path[-1], int) else f"'{words[-1]}'"


def _kind(value: Plain) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return answer_of(value)
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
