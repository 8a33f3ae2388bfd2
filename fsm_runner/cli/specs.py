"""What commands take: charts by file or name, objects of the user's as ``module:name``, and where to keep a journal."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.screen import say
from fsm_runner.engine.text import why

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart
    from fsm_runner.engine.check import FactCode
    from fsm_runner.loop.facts import Fact


FactSpecs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--fact", "--facts", metavar="MODULE:NAME", help="A fact that the chart asks. Repeatable."),
]
"""The option by which facts of the user's are named."""


def loaded(spec: str, option: str) -> Any:
    """Return the object that `spec` names: ``module:name``, where the name may have dots.

    Raises:
        Exit: it is not written so, or there is no such module or name, or the module fails.
    """
    module_name, colon, name = spec.partition(":")
    if not colon or not module_name or not name:
        raise Exit(f"{option} '{spec}': write it as module:name, such as {option} my_agent:search")
    if option in ("--tool", "--client"):
        importlib.import_module("anthropic")  # the one that is installed: what these options name is of it
    try:
        with nullcontext() if module_name in sys.modules else _here_first():
            found: Any = importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module_name}.".startswith(f"{missing}."):
            raise Exit(f"{option} '{spec}': there is no module '{missing}' here") from None
        raise Exit(f"{option} '{spec}': importing '{module_name}': {type(error).__name__}: {error}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            from fsm_runner.engine.text import did_you_mean

            raise Exit(f"{option} '{spec}': '{module_name}' has no '{name}'{did_you_mean(part, _public(found))}")
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
        Exit: one of them names something else.
    """
    from fsm_runner.engine import fact as engine

    facts: list[Fact] = []
    for spec in specs:
        named = loaded(spec, "--fact")
        for each in named if isinstance(named, list | tuple) else (named,):
            if not isinstance(each, engine.Fact):
                raise Exit(f"--fact '{spec}': it is {_kind(each)} (decorate it with fsm_runner.fact)")
            facts.append(each)
    return tuple(facts)


def tools_of(specs: Iterable[str]) -> list[object]:
    """Return the tools that `specs` name; each names one, or a list or tuple of them.

    Raises:
        Exit: one of them names a function that is no tool.
    """
    tools: list[object] = []
    for spec in specs:
        named = loaded(spec, "--tool")
        for each in named if isinstance(named, list | tuple) else (named,):
            if not isinstance(each, dict) and not hasattr(each, "to_dict"):
                raise Exit(f"--tool '{spec}': it is {_kind(each)} (decorate it with anthropic.beta_async_tool)")
            tools.append(each)
    return tools


def effects_of(specs: Iterable[str]) -> dict[str, Callable[..., object]]:
    """Return the functions of effects that `specs` name as ``effect=module:function``.

    Raises:
        Exit: one is not written so, or names nothing that can be called.
    """
    effects: dict[str, Callable[..., object]] = {}
    for spec in specs:
        name, equals, rest = spec.partition("=")
        if not equals or not name:
            raise Exit(f"--effect '{spec}': write it as effect=module:function")
        function = loaded(rest, "--effect")
        if not callable(function):
            raise Exit(f"--effect '{spec}': it is {_kind(function)}, not a function")
        effects[name] = function
    return effects


def limits_of(specs: Iterable[str]) -> dict[str, int | None]:
    """Return the limits that `specs` give as ``name=20``, or ``name=none`` for no limit.

    Raises:
        Exit: one is not written so.
    """
    limits: dict[str, int | None] = {}
    for spec in specs:
        name, _, value = spec.partition("=")
        if not name or not (value == "none" or (value.isascii() and value.isdigit())):
            raise Exit(f"--limit '{spec}': write it as name=number, such as iterations=20, or name=none")
        limits[name] = None if value == "none" else int(value)
    return limits


def check_effects_given(chart: Chart, given: Mapping[str, object]) -> None:
    """Refuse a chart of which `given` lacks an effect, with the option that gives it.

    Raises:
        Exit: it does.
    """
    for effect in chart.effects:
        if effect.name not in given:
            hint = f"give it: --effect {effect.name}=module:function"
            raise Exit(f"--chart: '{chart.name}' declares the effect '{effect.name}' ({hint})")


def _public(found: object) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


STDIN = "-"


def given(name: str) -> tuple[str, str]:
    """Return what messages call the chart `name`, and its text.

    Raises:
        ChartError: it cannot be read.
    """
    from fsm_runner.charts.loader import decoded, text_of
    from fsm_runner.charts.nodes import MAX_BYTES

    if name != STDIN:
        return name, text_of(name)
    return "<stdin>", decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")


def readable(name: str, *, facts: Mapping[str, FactCode] | None = None) -> Chart:
    """Return the chart `name`, whose names resolve; it need not pass the check.

    Raises:
        ChartError: it cannot be read, or a name does not resolve.
    """
    from fsm_runner.charts import loads
    from fsm_runner.engine.check.names import name_problems
    from fsm_runner.loop.effects import VOCABULARY

    source, text = given(name)
    chart = loads(text, source, verify=False)
    return loads(text, source, facts=facts) if any(name_problems(chart, VOCABULARY, facts)) else chart


def shown_as_it_is(name: str, chart: Chart, *, facts: Mapping[str, FactCode] | None = None) -> None:
    """Say on standard error that `chart` cannot run, if so: what is shown of it must not be taken for a proof."""
    from fsm_runner.loop.tool_loop import check

    if check(chart, facts=facts).problems:
        source = "<stdin>" if name == STDIN else name
        say(f"{source}: shown as it is; it does not pass the check (fsm-runner check tells why)", err=True)


KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="A key to seal the journal with, without a line's end."),
]
Synced: TypeAlias = Annotated[
    Literal["none", "effect", "record"],
    typer.Option("--sync", help="Wait for the disk: never, around each effect, or for each record."),
]


def check_file(path: Path | None, command: str, option: str) -> None:
    """Refuse ``-`` where a journal is to be written: elsewhere it is standard input, so nothing could read it.

    Raises:
        Exit: it is that.
    """
    if path == Path("-"):
        raise Exit(f"{command}: {option}: '-' is no file to write to (name one)")


def key_of(path: Path, command: str) -> bytes:
    """Return the key in the file at `path`, for messages of `command`.

    Raises:
        Exit: it cannot be read, or is empty.
    """
    try:
        key = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise Exit(f"{command}: --key-file: '{path}' cannot be read: {why(error)}") from None
    if not key:
        raise Exit(f"{command}: --key-file: '{path}' is empty")
    return key


def writing_of(command: str, key_file: Path | None, sync: str) -> dict[str, Any]:
    """Return what `Journal.open` is given for these options.

    Raises:
        Exit: the key cannot be read.
    """
    key = None if key_file is None else key_of(key_file, command)
    return {"key": key, "sync": sync}
