"""The shape of what was read: what does not fit the table of keys, told in words, each at its place."""

from __future__ import annotations

import difflib
from typing import Any

from fsm_runner.charts.keys import CHART
from fsm_runner.charts.making import answer_of
from fsm_runner.charts.nodes import Document, Path, Plain
from fsm_runner.charts.shapes import Misfit, keys_at, misfits
from fsm_runner.core.chart import SCHEMA
from fsm_runner.core.check import did_you_mean

ALIASES = {"on": ("event", "transitions"), "if": ("guard",), "when": ("guard",), "to": ("target",), "from": ("id",)}
"""What other formats call our keys."""


NAME = "letters, digits and _, not beginning with a digit"


def fit(document: Document) -> bool:
    """Note in `document` what does not fit the shape of a chart, each place once; return whether all but keys fits."""
    _repeated(document)
    found = list(misfits(document.data, CHART))
    meant = {_meant(misfit.path) for misfit in found if misfit.fault == "unknown"}
    told = set(document.refused)
    for misfit in found:
        about = (*misfit.path, misfit.key) if misfit.key else misfit.path
        if about not in told and not (misfit.key and about in meant):
            told.add(about)
            _refuse(misfit, document)
    return all(misfit.fault == "unknown" and len(misfit.path) > 1 for misfit in found)


def _repeated(document: Document) -> None:
    """Refuse each answer or event that a list names twice."""
    for path, place in document.places.items():
        index = path[-1] if path else None
        if not isinstance(index, int) or not _holds_names(path):
            continue
        around: Any = document.data
        for key in path[:-1]:
            around = around[key]
        if answer_of(around[index]) in map(answer_of, around[:index]):
            message = f"{_subject(path)}: '{answer_of(around[index])}' is listed twice (delete one)"
            document.refuse("duplicate-answer", path, place, message)


def _holds_names(path: Path) -> bool:
    """Whether the list that holds the item at `path` is one of answers, events, states or rows' ids."""
    if len(path) == 3:
        return path[0] in {"facts", "effects"}
    return path[0] == "rules" or (path[4:5] == ("guard",) and len(path) == 7)


def _meant(path: Path) -> Path:
    """Return the place of the key that was probably meant by the unknown key at `path`; itself when none is near."""
    keys = _keys(path[:-1])
    word = str(path[-1])
    close = [key for key in ALIASES.get(word, ()) if key in keys] or difflib.get_close_matches(word, keys, n=1)
    return (*path[:-1], close[0]) if close else path


def _keys(path: Path) -> tuple[str, ...]:
    """Return the keys that the loader takes in the group at `path`."""
    group = keys_at(path, CHART)
    return () if group is None else tuple(group.keys)


def _subject(path: Path) -> str:
    if len(path) > 1 and path[0] in {"states", "facts", "limits", "effects", "rules"}:
        return f"{str(path[0])[:-1]} '{path[1]}'"
    return "chart"


def _refuse(misfit: Misfit, document: Document) -> None:
    """Say what does not fit, where it stands."""
    path, value = misfit.path, misfit.value
    at_key = misfit.fault in {"unknown", "key-name"}
    code, message = "wrong-type", f"{_named(path)} is {misfit.wants}, not {_kind(value)}"
    match misfit.fault:
        case "unknown":
            code, message = "unknown-key", _unknown(path)
        case "missing":
            row = "a row lacks" if len(path) == 4 and path[0] == "states" else "it lacks"
            code, message = "missing-key", f"{row} the key '{misfit.key}' (add it)"
        case "fixed":
            code, message = "unknown-schema", f"schema {_shown(value)} is not known (write {SCHEMA})"
        case "name" | "key-name":
            code, message = "wrong-name", f"'{value}' is no name (a name is {NAME})"
        case "count":
            code, message = "wrong-number", f"it is a whole number from 0, or null for none, not {_shown(value)}"
        case "few" if len(path) > 1:
            code, message = "no-answers", f"{_named(path)} lists nothing (list at least one, or delete it)"
        case "single":
            code, message = "wrong-rule", f"it has one of the keys {', '.join(_keys(path))} (write a rule for each)"
        case _ if misfit.wants == "a word" and isinstance(value, bool | int | float):
            message += " (quote it to make it a word)"
    place = (document.keys if at_key else document.places).get(path, (1, 1))
    document.refuse(code, path, place, f"{_subject(path)}: {message}")


def _unknown(path: Path) -> str:
    if path[2:3] == ("always",) and path[-1] == "event":
        return "always rows wait for no event (move the row to transitions, or delete the event)"
    near = _meant(path)
    if near != path:
        return f"unknown key '{path[-1]}' (did you mean '{near[-1]}'?)"
    return f"unknown key '{path[-1]}'{did_you_mean(str(path[-1]), _keys(path[:-1]))}"


def _named(path: Path) -> str:
    """Name what stands at `path`: its key, or what it is an item of."""
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
