"""Specs: arguments that name an object of the user's as ``module:name``, or give ``name=value``.

Such a module is looked for in the current folder first, and so is what it imports.  Nothing else is: what the package
and the libraries import later comes from where they are installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from fsm_runner.cli.quitting import Quit

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart
    from fsm_runner.loop.facts import Fact

FactSpecs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--fact", "--facts", metavar="MODULE:NAME", help="A fact that the chart asks. Repeatable."),
]
"""The option by which facts of the user's are named."""


def loaded(spec: str, option: str) -> Any:
    """Return the object that `spec` names: ``module:name``, where the name may have dots.

    Raises:
        Quit: it is not written so, or there is no such module or name, or the module fails.
    """
    module_name, colon, name = spec.partition(":")
    if not colon or not module_name or not name:
        raise Quit(f"{option} '{spec}': write it as module:name, such as {option} my_agent:search")
    if option in ("--tool", "--client"):
        importlib.import_module("anthropic")  # the one that is installed: what these options name is of it
    try:
        with nullcontext() if module_name in sys.modules else _here_first():
            found: Any = importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module_name}.".startswith(f"{missing}."):
            raise Quit(f"{option} '{spec}': there is no module '{missing}' here") from None
        raise Quit(f"{option} '{spec}': importing '{module_name}': {type(error).__name__}: {error}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            from fsm_runner.engine.text import did_you_mean

            raise Quit(f"{option} '{spec}': '{module_name}' has no '{name}'{did_you_mean(part, _public(found))}")
        found = getattr(found, part)
    return found


@contextmanager
def _here_first() -> Iterator[None]:
    """Look for modules in the current folder before all others; afterwards, for what functions import, behind them."""
    here = str(Path.cwd())
    if here in sys.path:
        yield
        return
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
        sys.path.append(here)


def facts_of(specs: Iterable[str]) -> tuple[Fact, ...]:
    """Return the facts that `specs` name; each names one, or a list or tuple of them.

    Raises:
        Quit: one of them names something else.
    """
    from fsm_runner.engine import fact as engine

    facts: list[Fact] = []
    for spec in specs:
        named = loaded(spec, "--fact")
        for each in named if isinstance(named, list | tuple) else (named,):
            if not isinstance(each, engine.Fact):
                raise Quit(f"--fact '{spec}': it is {_kind(each)} (decorate it with fsm_runner.fact)")
            facts.append(each)
    return tuple(facts)


def tools_of(specs: Iterable[str]) -> list[object]:
    """Return the tools that `specs` name; each names one, or a list or tuple of them.

    Raises:
        Quit: one of them names a function that is no tool.
    """
    tools: list[object] = []
    for spec in specs:
        named = loaded(spec, "--tool")
        for each in named if isinstance(named, list | tuple) else (named,):
            if not isinstance(each, dict) and not hasattr(each, "to_dict"):
                raise Quit(f"--tool '{spec}': it is {_kind(each)} (decorate it with anthropic.beta_async_tool)")
            tools.append(each)
    return tools


def effects_of(specs: Iterable[str]) -> dict[str, Callable[..., object]]:
    """Return the functions of effects that `specs` name as ``effect=module:function``.

    Raises:
        Quit: one is not written so, or names nothing that can be called.
    """
    effects: dict[str, Callable[..., object]] = {}
    for spec in specs:
        name, equals, rest = spec.partition("=")
        if not equals or not name:
            raise Quit(f"--effect '{spec}': write it as effect=module:function")
        function = loaded(rest, "--effect")
        if not callable(function):
            raise Quit(f"--effect '{spec}': it is {_kind(function)}, not a function")
        effects[name] = function
    return effects


def limits_of(specs: Iterable[str]) -> dict[str, int | None]:
    """Return the limits that `specs` give as ``name=20``, or ``name=none`` for no limit.

    Raises:
        Quit: one is not written so.
    """
    limits: dict[str, int | None] = {}
    for spec in specs:
        name, _, value = spec.partition("=")
        if not name or not (value == "none" or (value.isascii() and value.isdigit())):
            raise Quit(f"--limit '{spec}': write it as name=number, such as iterations=20, or name=none")
        limits[name] = None if value == "none" else int(value)
    return limits


def check_effects_given(chart: Chart, given: Mapping[str, object]) -> None:
    """Refuse a chart of which `given` lacks an effect, with the option that gives it.

    Raises:
        Quit: it does.
    """
    for effect in chart.effects:
        if effect.name not in given:
            way_out = f"give it: --effect {effect.name}=module:function"
            raise Quit(f"--chart: '{chart.name}' declares the effect '{effect.name}' ({way_out})")


def _public(found: object) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
