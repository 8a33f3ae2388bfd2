"""Payloads beside the journal: large values, each in a file that is named by its hash.

A record whose line is long is looked into: every value whose JSON takes more than so many bytes is written to
``FOLDER/ab/ab12...``, and ``{"$payload": "sha256:ab12...", "bytes": 70000}`` stands in its place.  The innermost such
value is taken first; what holds it follows if it is still too large.

The record's own field `payloads` says where the folder is and, as JSON pointers, where the stand-ins are, so nothing
that a model or a tool said is taken for one.  The outermost come first, for one may hold another.  Reading puts them
back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePath
from typing import cast

from fsm_runner.core.errors import JournalError
from fsm_runner.journal.files import put, why
from fsm_runner.journal.pointers import below, steps_of
from fsm_runner.journal.records import Record
from fsm_runner.journal.render import parse, render

STAND_IN = "$payload"
"""The key by which a stand-in is known."""

FIELD = "payloads"
"""The field of a record that says where its payloads are."""

SMALLEST = 256
"""Bytes that a value takes at least to be worth a stand-in, which takes about a hundred."""

_HEAD = frozenset({"v", "run", "seq", "type", "event", "torn", "at", "prev"})
_NAME = re.compile(r"sha256:([0-9a-f]{64})")


class Aside:
    """The writing side: mutable, for it remembers what it wrote."""

    def __init__(self, folder: str | os.PathLike[str], *, over: int, near: Path | None, durable: bool) -> None:
        """Write to `folder`, which is made when there is none.

        Args:
            folder: where to.
            over: how many bytes of JSON a value may take to stay in the record.
            near: the folder that the journal is in, from which records name `folder`; None: by its full path.
            durable: whether a payload is on disk before the record that names it is written.

        Raises:
            JournalError: the folder cannot be made.
            ValueError: `over` is less than `SMALLEST`.
        """
        self.over = checked_over(over)
        self._folder = Path(folder)
        self._name = _named_from(self._folder, near)
        self._durable = durable
        self._known: set[str] = set()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(str(self._folder), None, f"cannot be written: {why(error)}") from error

    def lighter(self, line: bytes) -> bytes:
        """Return the record `line` without what is too large in it; itself when nothing is.

        Raises:
            JournalError: a payload cannot be written.
        """
        record = parse(line)
        if not isinstance(record, dict):
            return line
        taken: list[str] = []
        lighter = {
            key: each if key in _HEAD else self._lighter(each, below("", key), taken) for key, each in record.items()
        }
        if not taken:
            return line
        prev = lighter.pop("prev", None)
        return render({**lighter, FIELD: {"folder": self._name, "at": taken[::-1]}, "prev": prev})

    def _lighter(self, value: object, pointer: str, taken: list[str]) -> object:
        body = render(value)
        if len(body) <= self.over:
            return value
        if isinstance(value, (dict, list)):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            inner = {key: self._lighter(each, below(pointer, str(key)), taken) for key, each in pairs}
            value = inner if isinstance(value, dict) else list(inner.values())
            body = render(value)
        if len(body) <= self.over:
            return value
        taken.append(pointer)
        return {STAND_IN: f"sha256:{self._kept(body)}", "bytes": len(body)}

    def _kept(self, body: bytes) -> str:
        name = sha256(body).hexdigest()
        if name not in self._known:
            path = self._folder / name[:2] / name
            try:
                put(path, body, durable=self._durable)
            except OSError as error:
                raise JournalError(str(path), None, f"cannot be written: {why(error)}") from error
            self._known.add(name)
        return name


class Beside:
    """The reading side: immutable."""

    def __init__(self, source: str, folder: str | os.PathLike[str] | None = None, *, alone: bool = True) -> None:
        """Look in `folder`; None: where each record says, which is seen from the folder that `source` is in.

        Where `folder` is not looked in `alone`, what it lacks is looked for where the record says.
        """
        self._source = source
        self._folder = None if folder is None else Path(folder)
        self._alone = alone

    def put_back(self, record: Record) -> None:
        """Put the payloads of `record` back into its data, and take the field out that names them.

        Raises:
            JournalError: a payload is missing, or is not what was written.
        """
        problem = self.problem(record)
        if problem:
            raise JournalError(self._source, record.line, problem)

    def problem(self, record: Record) -> str:
        """Do the same; return what is wrong with them instead, and nothing when all is well."""
        told = record.data.get(FIELD)
        name, pointers = (told.get("folder"), told.get("at")) if isinstance(told, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(pointers, list) or not isinstance(record.data, dict):
            return ""  # a processor of the user's own calls a field so
        del record.data[FIELD]
        folders = [Path(self._source).parent / name] if self._folder is None or not self._alone else []
        if self._folder is not None:
            folders.insert(0, self._folder)
        try:
            for pointer in pointers:
                _put_back(record.data, str(pointer), folders)
        except ValueError as error:
            return str(error)
        return ""


def checked_over(over: int) -> int:
    """Return `over`.

    Raises:
        ValueError: it is less than `SMALLEST`.
    """
    if type(over) is not int or over < SMALLEST:
        raise ValueError(f"payloads_over={over!r}: it is no number of bytes from {SMALLEST} up")
    return over


def _named_from(folder: Path, near: Path | None) -> str:
    full = folder.absolute()
    if near is None:
        return full.as_posix()
    try:
        return PurePath(os.path.relpath(full, near.absolute())).as_posix()
    except ValueError:  # on another drive
        return full.as_posix()


def _put_back(data: dict[str, object], pointer: str, folders: Sequence[Path]) -> None:
    holder: object = None
    last, found = "", cast("object", data)
    for step in steps_of(pointer):
        holder, last = found, step
        found = _inside(holder, last)
    payload = _payload(found, pointer, folders)
    if isinstance(holder, dict):
        holder[last] = payload
    elif isinstance(holder, list):
        holder[int(last)] = payload


def _inside(value: object, step: str) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def _payload(stand_in: object, pointer: str, folders: Sequence[Path]) -> object:
    name, size = (stand_in.get(STAND_IN), stand_in.get("bytes")) if isinstance(stand_in, dict) else (None, None)
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"there is no payload at '{pointer}' (restore the line from a copy)")
    path, body = _read([folder / found[1][:2] / found[1] for folder in folders])
    if len(body) != size or sha256(body).hexdigest() != found[1]:
        raise ValueError(f"payload '{path}' is not what was written (restore it from a copy)")
    return parse(body)


def _read(paths: Sequence[Path]) -> tuple[Path, bytes]:
    """The first of `paths` that is there, and what is in it."""
    for path in paths:
        try:
            return path, path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ValueError(f"payload '{path}' cannot be read: {why(error)}") from None
        except ValueError as error:  # no path at all
            raise ValueError(f"payload '{path}' cannot be read: {error} (restore the line from a copy)") from None
    way_out = "restore it, or say which folder it is in: --payloads, or payloads="
    raise ValueError(f"payload '{paths[0]}' is missing ({way_out})")
