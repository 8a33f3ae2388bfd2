"""YAML text as plain data: words, numbers, lists and keys, each with its line and column.

The parser's events are read one by one, without PyYAML's resolver and constructors.  So no object is ever built from a
tag; scalars follow the core schema of YAML 1.2 (`on` and `yes` are words, only `true` and `false` are booleans); keys
are always words; and deep nesting uses no stack.  Parts of YAML that a chart does not need are refused at their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from fsm_runner.engine.errors import Problem

MAX_BYTES = 1_000_000
"""The largest file that is read, in bytes."""

MAX_DEPTH = 32
"""How deep lists and groups of keys may nest; a chart needs 6 levels."""

MAX_MESSAGE = 240
"""How many characters a message may have; the middle of a longer one, which quotes the file, is left out."""

Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, if PyYAML was built with it, is ten times as fast
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Document:
    """A text as plain data: mutable only while it is read.

    Attributes:
        data: the plain data; None if there is none.
        places: the line and column of each value, from 1.  A list or a group of keys has the place of its key.
        keys: the line and column of each key.
        refused: the places of aliases, which are read as null; nothing more is said of them.
        problems: what was refused.
    """

    data: Plain = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    refused: set[Path] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, code: str, path: Path, place: tuple[int, int], message: str) -> None:
        """Add a problem at `place`; its message is shortened to one readable line."""
        message = " ".join(message.split())
        if len(message) > MAX_MESSAGE:
            message = f"{message[: MAX_MESSAGE // 2]} … {message[-MAX_MESSAGE // 2 :]}"
        self.problems.append(Problem(code=code, path=path, message=message, line=place[0], column=place[1]))


@dataclass(slots=True)
class _Open:
    """A list or a group of keys that is still being read."""

    value: list[Plain] | dict[str, Plain]
    path: Path
    into: Document
    """The document in which its places are noted; another one, which is thrown away, if the value is left out."""
    key: str | None = None
    spare: bool = False
    """Whether the next value is left out, because its key was refused."""


def read(text: str) -> Document:
    """Read `text`.  Nothing is raised: whatever is wrong is in the document's problems."""
    document = Document()
    if not _readable(text, document):
        return document
    reader = _Reader(document)
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            if not reader.take(event):
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        what = " ".join(part for part in (error.context, error.problem) if part)
        document.refuse("syntax", (), place, f"this is not YAML: {what}")
    except yaml.YAMLError as error:
        document.refuse("syntax", (), (1, 1), f"this is not YAML: {str(error).splitlines()[0]}")
    return document


def _readable(text: str, document: Document) -> bool:
    """Refuse a text that is too long for the parser, or has characters that no text contains."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        document.refuse("too-large", (), (1, 1), f"the file is over {MAX_BYTES:,} bytes (a chart is a page or two)")
    elif found := _UNPRINTABLE.search(text, 1 if text.startswith("\ufeff") else 0):
        before = text[: found.start()]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        document.refuse("syntax", (), place, f"character U+{ord(found[0]):04X} is not allowed in a text (delete it)")
    return not document.problems


class _Reader:
    """Builds the data from the parser's events, on a stack of its own."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []
        self.documents = 0

    def take(self, event: yaml.Event) -> bool:
        """Take one event; return whether to continue."""
        mark = event.start_mark
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._refuse("several-documents", place, "a second document begins here (one chart in each file)")
                    return False
            case yaml.AliasEvent():
                self._refuse("alias", place, f"alias '*{event.anchor}' is not allowed (write the value out)")
                if not self._spared():
                    into = self.stack[-1].into if self.stack else self.document
                    into.refused.add(self._put(None, place, whole=False))
            case yaml.ScalarEvent():
                self._marked(event, place)
                self._scalar(event, place)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._marked(event, place)
                return self._open([] if isinstance(event, yaml.SequenceStartEvent) else {}, place)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.stack.pop()
            case _:
                pass
        return True

    def _refuse(self, code: str, place: tuple[int, int], message: str) -> None:
        self.document.refuse(code, self.stack[-1].path if self.stack else (), place, message)

    def _marked(self, event: yaml.NodeEvent, place: tuple[int, int]) -> None:
        """Refuse an anchor or a tag before a value; the value itself is still read."""
        if event.anchor is not None:
            self._refuse("alias", place, f"anchor '&{event.anchor}' is not allowed (write the value out)")
        tag = getattr(event, "tag", None)
        if tag is not None:
            short = tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse("tag", place, f"tag '{short}' is not allowed (delete it)")

    def _scalar(self, event: yaml.ScalarEvent, place: tuple[int, int]) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event.value, place)
        else:
            self._put(plain(event.value) if event.implicit[0] or event.tag else event.value, place, whole=False)

    def _key(self, top: _Open, key: str, place: tuple[int, int]) -> None:
        top.key = key
        path = (*top.path, key)
        if path in top.into.keys:
            line = top.into.keys[path][0]
            self._refuse("duplicate-key", place, f"key '{key}' is written twice, first in line {line} (rename one)")
            top.spare = True
        else:
            top.into.keys[path] = place

    def _open(self, value: list[Plain] | dict[str, Plain], place: tuple[int, int]) -> bool:
        """Begin a list or a group of keys; return whether it is not too deep."""
        if len(self.stack) >= MAX_DEPTH:
            self._refuse("too-deep", place, f"this is nested more than {MAX_DEPTH} levels deep (a chart needs 6)")
            return False
        into = self.stack[-1].into if self.stack else self.document
        if self._spared():
            self._refuse("wrong-type", place, "a key must be a word, not a list or a group of keys")
            path, left_out = self.stack[-1].path, True
        else:
            left_out = bool(self.stack) and self.stack[-1].spare
            path = self._put(value, place, whole=True)
        self.stack.append(_Open(value, path, Document(problems=self.document.problems) if left_out else into))
        return True

    def _spared(self) -> bool:
        """If a key was expected and this cannot be one, leave out the value after it too; return whether it was so."""
        top = self.stack[-1] if self.stack else None
        if top is None or isinstance(top.value, list) or top.key is not None:
            return False
        top.key, top.spare = "", True
        return True

    def _put(self, value: Plain, place: tuple[int, int], *, whole: bool) -> Path:
        """Put a value in its place, and return its path."""
        if not self.stack:
            self.document.data = value
            self.document.places[()] = place
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            path = (*top.path, len(top.value))
            top.value.append(value)
            top.into.places[path] = place
            return path
        path = (*top.path, top.key or "")
        if not top.spare:
            top.value[top.key or ""] = value
            top.into.places[path] = top.into.keys.get(path, place) if whole else place
        top.key, top.spare = None, False
        return path


def plain(word: str) -> Plain:
    """Return what an unquoted scalar means in the core schema of YAML 1.2, with one spelling of each boolean."""
    if word in {"", "~", "null", "Null", "NULL"}:
        return None
    if word in {"true", "false"}:
        return word == "true"
    if _INT.fullmatch(word):
        return int(word)
    return float(word.replace(".inf", "inf").replace(".nan", "nan")) if _FLOAT.fullmatch(word) else word
