"""The shapes that make up a chart file, and what does not fit them.

Plain data and one recursive walk: a chart is loaded in far less time than a library of models is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from fsm_runner.charts.nodes import Path, Plain

WORD = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""What every name looks like: of a state, a row, a fact, a limit, an effect, an event, a supply, a rule."""

TITLE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""What a chart's name and a fact's answers look like: a little freer, for names such as ``anthropic-0.75``."""

FREE = "^x-"
"""How the keys begin that are the user's own, in a chart, a state and a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word: immutable.

    Attributes:
        wants: what belongs here, as a message says it.
        pattern: what it looks like.
        empty: whether nothing (null) may stand here too.
        flag: whether ``true`` and ``false`` may stand here too.
        known: the words that need no declaration; an editor offers them, and takes others.
    """

    wants: str = "a word"
    pattern: str = WORD
    empty: bool = False
    flag: bool = False
    known: tuple[str | bool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """One word and no other: immutable."""

    word: str
    wants: str = "a word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """``true`` or ``false``: immutable."""

    wants: str = "true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A whole number from 0, or null: immutable."""

    wants: str = "a whole number or null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list, each item of one shape, at least `least` of them: immutable."""

    item: Shape
    wants: str
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """One thing, a list of such things, or (where there is a `group`) a group of keys: immutable."""

    one: Word
    more: Listed
    wants: str
    group: Keys | None = None
    title: str = ""
    """Its name in the JSON Schema; empty: it is written out where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A group of things by their names: immutable.

    Attributes:
        item: what each is.
        wants, least: what belongs here, as a message says it; the fewest.
        known: what stands under names that need no declaration; an editor offers them.
        title: its name in the JSON Schema; empty: it is written out where it stands.
    """

    item: Shape
    wants: str
    least: int = 0
    known: Mapping[str, Shape] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What belongs under one key, and what it is for: immutable."""

    holds: Shape
    says: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A group of keys: immutable.

    Attributes:
        title: its name in the JSON Schema.
        says: what it is.
        wants: what belongs here, as a message says it.
        keys: the keys.
        free: whether keys that begin with ``x-`` may stand here.
        single: whether exactly one of the keys stands here.
    """

    title: str
    says: str
    wants: str
    keys: Mapping[str, Key]
    free: bool = False
    single: bool = False


Shape: TypeAlias = Word | Fixed | Flag | Count | Listed | Either | Named | Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One thing that does not fit: immutable.

    Attributes:
        path: where it is.
        fault: what is wrong with it: ``type``, ``name``, ``key-name``, ``fixed``, ``count``, ``few``, ``unknown``,
            ``missing`` or ``single``.
        wants: what belongs there.
        value: what stands there.
        key: the key that is missing; empty for other faults.
    """

    path: Path
    fault: str
    wants: str
    value: Plain
    key: str = ""


def misfits(value: Plain, shape: Shape, path: Path = ()) -> Iterator[Misfit]:
    """Yield what of `value`, which stands at `path`, does not fit `shape`."""
    match shape:
        case Keys():
            yield from _keys(value, shape, path)
        case Named():
            yield from _named(value, shape, path)
        case Listed():
            yield from _listed(value, shape, path)
        case Either():
            inner = shape.more if isinstance(value, list) else shape.group if isinstance(value, dict) else shape.one
            if inner is None or (inner is shape.one and not isinstance(value, str | bool)):
                yield Misfit(path=path, fault="type", wants=shape.wants, value=value)
            else:
                yield from misfits(value, inner, path)
        case Word() | Fixed() | Flag() | Count():
            if fault := _fault(value, shape):
                yield Misfit(path=path, fault=fault, wants=shape.wants, value=value)
        case _:
            assert_never(shape)


def _fault(value: Plain, shape: Word | Fixed | Flag | Count) -> str:
    """Return what is wrong with a value that holds no others; empty when it fits."""
    match shape:
        case Word():
            if (shape.empty and value is None) or (shape.flag and isinstance(value, bool)):
                return ""
            if not isinstance(value, str):
                return "type"
            return "" if re.match(shape.pattern, value) and not value.endswith("\n") else "name"
        case Fixed():
            return "" if value == shape.word else "fixed"
        case Flag():
            return "" if isinstance(value, bool) else "type"
        case Count():
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return "" if whole or value is None else "count"
        case _:
            assert_never(shape)


def _keys(value: Plain, shape: Keys, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield Misfit(path=path, fault="type", wants=shape.wants, value=value)
        return
    for name, under in value.items():
        if name in shape.keys:
            yield from misfits(under, shape.keys[name].holds, (*path, name))
        elif not (shape.free and name.startswith(FREE.removeprefix("^"))):
            yield Misfit(path=(*path, name), fault="unknown", wants=shape.wants, value=under)
    for name, key in shape.keys.items():
        if key.required and name not in value:
            yield Misfit(path=path, fault="missing", wants=shape.wants, value=value, key=name)
    if shape.single and len(value) != 1 and len(shape.keys.keys() & value.keys()) != 1:  # an unknown one has been told
        yield Misfit(path=path, fault="single", wants=shape.wants, value=value)


def _named(value: Plain, shape: Named, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield Misfit(path=path, fault="type", wants=shape.wants, value=value)
        return
    for name, under in value.items():
        if _fault(name, Word()):
            yield Misfit(path=(*path, name), fault="key-name", wants="a word", value=name)
        yield from misfits(under, shape.item, (*path, name))
    if len(value) < shape.least:
        yield Misfit(path=path, fault="few", wants=shape.wants, value=value)


def _listed(value: Plain, shape: Listed, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, list):
        yield Misfit(path=path, fault="type", wants=shape.wants, value=value)
        return
    for index, item in enumerate(value):
        yield from misfits(item, shape.item, (*path, index))
    if len(value) < shape.least:
        yield Misfit(path=path, fault="few", wants=shape.wants, value=value)


def keys_at(path: Path, shape: Shape) -> Keys | None:
    """Return the group of keys that belongs at `path`, counted from where `shape` stands; None for no such group."""
    for part in path:
        if isinstance(shape, Either):
            shape = shape.more if isinstance(part, int) else shape.group or shape.one
        if isinstance(shape, Listed | Named):
            shape = shape.item
        elif isinstance(shape, Keys) and part in shape.keys:
            shape = shape.keys[str(part)].holds
        else:
            return None
    group = shape.group if isinstance(shape, Either) else shape
    return group if isinstance(group, Keys) else None
