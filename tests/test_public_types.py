"""Every type that a public function takes or returns can be imported from a public module.

The walk begins at the public names.  It follows the annotations of functions, overloads, methods, properties and
attributes, also within unions and generics, and those of each type that it comes to.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import typing
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tests.docs.examples import ROOT, documents, examples_of
from tests.docs.test_reference import MODULES

HANDED_OUT = {"__aiter__", "__anext__", "__call__", "__enter__", "__getitem__", "__iter__", "__next__"}
"""The special methods whose results a user gets."""


@cache
def guarded(module: str) -> dict[str, Any]:
    """What the module names for type checkers only."""
    known = sys.modules[module]
    names: dict[str, Any] = {}
    for node in ast.parse(inspect.getsource(known)).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module, "exec"), {**vars(known)}, names)
    return names


def hints_of(thing: Any) -> dict[str, Any]:
    """The annotations of a function or a class, and of all that it inherits, as types."""
    kinds = [kind for kind in getattr(thing, "__mro__", (thing,)) if is_ours(kind)]
    names: dict[str, Any] = {"slice": list}  # which is generic for type checkers, and not when it runs
    for kind in reversed(kinds):
        names |= guarded(kind.__module__)
    return typing.get_type_hints(thing, localns=names)


def is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == "fsm_runner"


def types_in(hint: Any) -> Iterator[type]:
    """The classes that an annotation speaks of."""
    for part in (hint, typing.get_origin(hint)):
        if isinstance(part, type) and not typing.get_args(part):
            yield part
    for part in hint if isinstance(hint, list) else typing.get_args(hint):
        yield from types_in(part)


def annotations_of(thing: Any) -> Iterator[tuple[str, Any]]:
    """What a user can get of `thing`: the name of each part, and its annotation."""
    if isinstance(thing, FunctionType):
        for function in (thing, *typing.get_overloads(thing)):
            yield from hints_of(function).items()
    elif not isinstance(thing, type):
        yield "", thing  # an alias, or a constant
        yield from (("", type(each)) for each in (thing if isinstance(thing, tuple) else ()))
    else:
        yield from ((name, hint) for name, hint in hints_of(thing).items() if not name.startswith("_"))
        yield from assigned_in(thing)
        for name, member in inspect.getmembers_static(thing):
            if name.startswith("_") and name not in HANDED_OUT:
                continue
            if isinstance(member, property):
                member = member.fget
            elif isinstance(member, (classmethod, staticmethod)):
                member = member.__func__
            elif isinstance(member, cached_property):
                member = member.func
            if isinstance(member, FunctionType) and is_ours(member):
                yield from ((f"{name}.{part}", hint) for part, hint in annotations_of(member))


def assigned_in(kind: type) -> Iterator[tuple[str, Any]]:
    """The attributes that `__init__` makes of what it is given, or annotates."""
    made = kind.__init__  # type: ignore[misc]
    if not isinstance(made, FunctionType) or not is_ours(made) or made.__code__.co_filename == "<string>":
        return
    hints, names = hints_of(made), {**vars(sys.modules[made.__module__]), **guarded(made.__module__)}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(made)))):
        target = (
            node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else 0
        )
        if not isinstance(target, ast.Attribute) or target.attr.startswith("_"):
            continue
        if isinstance(node, ast.AnnAssign):
            yield target.attr, eval(ast.unparse(node.annotation), names)
        elif isinstance(node.value, ast.Name) and node.value.id in hints:
            yield target.attr, hints[node.value.id]


def not_exported(modules: Iterable[ModuleType]) -> dict[str, str]:
    """The types of ours that are met and that no module exports, each with a place where it is met."""
    public = {f"{module.__name__}.{name}": getattr(module, name) for module in modules for name in module.__all__}
    exported = {thing for thing in public.values() if isinstance(thing, type)}
    waiting, met, missing = list(public.items()), set(exported), {}
    while waiting:
        place, thing = waiting.pop()
        for part, hint in annotations_of(thing):
            for kind in types_in(hint):
                if is_ours(kind) and kind not in met:
                    met.add(kind)
                    missing[kind.__qualname__] = f"{place}: {part}"
                    waiting.append((kind.__qualname__, kind))
    return missing


def test_every_type_that_is_met_is_exported():
    """Whoever annotates a variable finds its type in a module of the reference."""
    assert {} == not_exported([import_module(name) for name in MODULES])


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("fsm_runner.charts", {"Row", "State", "Moment", "Verdict", "FactCode"}),
        ("fsm_runner.context", {"Usage", "Call", "History", "Note"}),
        ("fsm_runner.effects", {"SendRequest", "CallTool"}),
        ("fsm_runner.domain", {"Domain", "Entered", "NamedEvent"}),
        ("fsm_runner.events", {"Replied"}),
        ("fsm_runner.journal", {"Torn"}),
        ("fsm_runner.options", {"RunnerOptions", "ResumeOptions"}),
        ("fsm_runner.replaying", {"Divergence", "RunReport", "Way"}),
    ],
)
def test_the_walk_finds_what_is_not_exported(left_out, missing):
    """Without one of the modules, its types are missed: in a return, an attribute, a union, a mapping, an overload."""
    found = not_exported([import_module(name) for name in MODULES if name != left_out])

    assert missing <= found.keys()


SHOWN = {
    **{f"{each.path.relative_to(ROOT)}:{each.line}": each.code for path in documents() for each in examples_of(path)},
    **{str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.py")},
}
"""The Python that users are shown."""


@pytest.mark.parametrize("place", SHOWN)
def test_what_is_shown_to_users_imports_public_names_alone(place):
    """The driver of one's own, too."""
    imports = [
        node for node in ast.walk(ast.parse(SHOWN[place])) if isinstance(node, ast.ImportFrom) and node.level == 0
    ]
    named = [(node.module or "", alias.name) for node in imports for alias in node.names]
    ours = [(module, name) for module, name in named if module.partition(".")[0] == "fsm_runner"]

    assert [] == [
        f"{module}.{name}"
        for module, name in ours
        if f"{module}.{name}" not in MODULES and not (module in MODULES and name in import_module(module).__all__)
    ]
