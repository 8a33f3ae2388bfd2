"""Privacy: which payloads of a record are written.  This is decided before any processor sees the record.

First the caller's redactions are made, each at its path.  Then `content` decides: payloads as they are, or none.
Whatever decides a run's way is always written: names, ids, reasons, answers, counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from fsm_runner.journal.codec import Data
from fsm_runner.journal.json_pointer import steps_of
from fsm_runner.journal.masking import MASK
from fsm_runner.journal.records import TYPES
from fsm_runner.journal.render import parse, render
from fsm_runner.loop.history import History

Content: TypeAlias = Literal["full", "none"]
"""What is written of payloads.  full: everything except secrets.  none: nothing."""

_LEFT_OUT = object()

_SHAPES: Mapping[str, Mapping[str, str]] = {
    "run_started": {"context": "context"},
    "event": {
        **dict.fromkeys(("text", "data", "tools", "config"), "hide"),
        "message": "message",
        "messages": "[message]",
        "params": "params",
        "call": "block",
        "result": "block",
        "results": "[block]",
        "blocks": "[block]",
    },
    "note": {"text": "hide"},
    "ended": {"detail": "hide"},
    "failed": {"text": "hide"},
    "context": {"conversation": "conversation", "settings": "settings", "counters": "keep", "*": "hide"},
    "conversation": {"history": "[message]", "draft": "[message]", "owned": "keep", "*": "hide"},
    "settings": {
        **dict.fromkeys(("runnable", "toolsets", "stream", "eager"), "keep"),
        "params": "params",
        "*": "hide",
    },
    "params": {"model": "keep", "*": "number"},
    "message": {
        **dict.fromkeys(("id", "type", "role", "model", "stop_reason"), "word"),
        "content": "[block]",
        "usage": "usage",
        "*": "hide",
    },
    "block": {**dict.fromkeys(("type", "id", "tool_use_id", "name", "is_error"), "word"), "*": "hide"},
    "usage": {"*": "number"},
}
"""For a record's type, and then for the values inside: which shape each field has.  ``*`` is any other field; without
it, other fields are kept.

keep: is written.  hide: is a payload.  number, word: written if it is one, else a payload.  [x]: a list of them.
"""

_LONGEST_WORD = 128


class Shield:
    """Removes from a run's records what must not be written: immutable.

    Attributes:
        content: what is written of payloads.
        holds: what the journal says of itself: `content`, or ``redacted`` for ``full`` with redactions.
        paths: the paths that the caller redacts.
    """

    def __init__(self, content: Content = "full", redact: Mapping[str, object] | None = None) -> None:
        """See `Journal.open`.

        Raises:
            ValueError: `content` is not known, or a path is malformed.
        """
        if content not in ("full", "none"):
            raise ValueError(f"content={content!r}: it is not known (choose from: full, none)")
        self.content = content
        self.paths = tuple(redact or ())
        self.holds = "redacted" if content == "full" and redact else content
        self._redactions = [(_steps(path), instead) for path, instead in (redact or {}).items()]

    def of(self, kind: str, data: Data) -> Data:
        """Return what may be written of a record's own fields; `data` is not changed."""
        for (type_, *path), instead in self._redactions:
            if type_ in ("*", kind):
                clean = _redacted(data, path, instead)
                data = clean if isinstance(clean, dict) else {}
        if self.content == "full":
            return data
        if "sha256" in data:
            data = {**data, "sha256": None}
        return self._fields(_SHAPES[kind], data) if kind in _SHAPES else data

    def _fields(self, shapes: Mapping[str, str], data: Mapping[str, object]) -> Data:
        rest = shapes.get("*", "keep")
        made: Data = {}
        for key, value in data.items():
            shape = shapes.get(key, rest)
            if shape != "keep" and value is not None:
                value = self._shaped(shape, value)
            if value is not _LEFT_OUT:
                made[str(key)] = value
        return made

    def _shaped(self, shape: str, value: object) -> object:
        if shape == "number":
            return value if isinstance(value, (bool, int, float)) else _LEFT_OUT
        if shape == "word":
            short = isinstance(value, bool) or (isinstance(value, str) and len(value) <= _LONGEST_WORD)
            return value if short else _LEFT_OUT
        if shape.startswith("[") and isinstance(value, (list, tuple, History)):
            items = [each if each is None else self._shaped(shape[1:-1], each) for each in value]
            return [each for each in items if each is not _LEFT_OUT]
        if shape in _SHAPES and isinstance(value, Mapping):
            return self._fields(_SHAPES[shape], value)
        return _LEFT_OUT


def _steps(path: str) -> list[str]:
    """The steps of a path: a record's type or ``*``, then keys, indexes or ``*``."""
    steps = steps_of(path)
    if not path.startswith("/") or len(steps) < 2 or steps[0] not in TYPES | {"*"}:
        raise ValueError(f"redact: path {path!r} does not begin with a record's type and a field (as '/failed/text')")
    return steps


def _redacted(value: object, path: list[str], instead: object) -> object:
    """Return a copy of `value` with the value at `path` replaced; `value` itself if nothing is there."""
    if not path:
        return _replaced(value, instead)
    step, *rest = path
    if not isinstance(value, (Mapping, list, tuple, History, str, int, float, type(None))):
        value = parse(render(value))  # other types, such as a model, could hide a value from the path
    if isinstance(value, Mapping):
        return {key: _redacted(each, rest, instead) if step in ("*", key) else each for key, each in value.items()}
    if isinstance(value, (list, tuple, History)):
        chosen = range(len(value)) if step == "*" else [int(step)] if step.isdecimal() else []
        return [_redacted(each, rest, instead) if index in chosen else each for index, each in enumerate(value)]
    return value


def _replaced(value: object, instead: object) -> object:
    if not callable(instead):
        return instead
    try:
        return instead(value)
    except Exception:  # the caller's function failed: the value must not be written, and the run must not end
        return MASK
