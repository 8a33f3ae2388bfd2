"""Copies of a run's data, to be handed out, so that nobody can change the run by them.

Contexts and events are frozen, but the JSON in them is plain dicts and lists: messages, parameters, calls.  So a
snapshot, a step or an event is copied before it is handed out.  A part that has not changed is copied only once, and
of the history only what is new, so that a listener costs the same at the first turn and at the thousandth.  Copies may
share parts with each other, but never with the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from fsm_runner.adapters.anthropic.json_values import copied
from fsm_runner.engine.frozen import fields_of, is_frozen
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History

_T = TypeVar("_T")
_KEPT = (str, int, float, type(None), frozenset)


class Copies:
    """The copies of one run's data: mutable, because it remembers them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, object]] = {}
        """By place, the part that was there last, and its copy."""
        self._history: tuple[History, History] = (History(), History())

    def of(self, value: _T) -> _T:
        """Return a copy of a snapshot, a step or an event."""
        return cast(_T, self._of(value, type(value).__name__))

    def _of(self, value: object, place: str) -> object:
        if isinstance(value, _KEPT):
            return value
        known = self._known.get(place)
        if known is not None and known[0] is value:
            return known[1]
        made = self._made(value, place)
        self._known[place] = (value, made)
        return made

    def _made(self, value: object, place: str) -> object:
        if isinstance(value, History):
            return self._longer(value)
        if isinstance(value, tuple):
            return tuple(self._of(each, f"{place}[{at}]") for at, each in enumerate(value))
        if is_frozen(value):
            names = [field.name for field in fields_of(type(value))]
            return type(value)(**{name: self._of(getattr(value, name), f"{place}.{name}") for name in names})
        return copied(value) if isinstance(value, (Mapping, list)) else value

    def _longer(self, history: History) -> History:
        """A copy of a history.  If it continues the last one, only what is new is copied."""
        known, copy = self._history
        if not history.extends(known):
            known, copy = History(), History()
        copy = copy.appended(*(cast(Json, copied(message)) for message in history[len(known) :]))
        self._history = (history, copy)
        return copy
