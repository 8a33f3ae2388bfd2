"""Compatibility: what a process brings, compared with what the run had that it is to go on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fsm_runner.engine.chart import State
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.events import Json
from fsm_runner.loop.tool_loop import Machine
from fsm_runner.replaying.resume_point import ResumePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How what a process brings differs from what the run had: immutable.

    Attributes:
        matter: what a run cannot go on with where it stands, each as a sentence.
        harmless: what it can.
        chart: whether the chart or a fact's version is among them.
        tools: whether the tools are.
    """

    matter: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    chart: bool = False
    tools: bool = False

    def check(self, point: ResumePoint, *, migrate: bool) -> None:
        """Refuse what matters; without `migrate`, all of it.

        Raises:
            RunError: with everything that differs.
        """
        if self.matter:
            told = "; ".join(self.matter + self.harmless)
            raise RunError(point.problem(f"it cannot go on in state '{point.snapshot.state}': {told}"))
        if self.harmless and not migrate:
            told, hint = "; ".join(self.harmless), "go on with migrate=True, or --migrate"
            raise RunError(point.problem(f"{told} (where it stands that does not matter: {hint})"))


def differences_of(
    point: ResumePoint,
    machine: Machine,
    tools: Iterable[Json] | None = None,
    name_of: Callable[[Json], str] = str,
) -> Differences:
    """Return how `machine`, and the definitions of the tools, differ from what the run had.

    Args:
        point: where the run stands.
        machine: the chart that it is to go on by, compiled.
        tools: the definitions that are given now; None: those that the run has.
        name_of: says the name of a definition; of a toolset, its family.
    """
    made = _Made()
    _chart_differs(point, machine, made)
    _facts_differ(point, machine, made)
    made.chart = bool(made.matter or made.harmless)
    before = len(made.matter) + len(made.harmless)
    if tools is not None:
        _tools_differ(point, tools, name_of, made)
    after = len(made.matter) + len(made.harmless)
    return Differences(matter=tuple(made.matter), harmless=tuple(made.harmless), chart=made.chart, tools=after > before)


@dataclass
class _Made:
    matter: list[str] = field(default_factory=list)
    harmless: list[str] = field(default_factory=list)
    chart: bool = False

    def add(self, text: str, *, matters: bool) -> None:
        (self.matter if matters else self.harmless).append(text)


def _chart_differs(point: ResumePoint, machine: Machine, made: _Made) -> None:
    old, new, name = point.machine.chart, machine.chart, point.snapshot.state
    if old == new:
        return
    now = next((state for state in new.states if state.name == name), None)
    if now is None:
        made.add(f"chart '{new.name}' has no state '{name}'", matters=True)
    elif now != old.state(name):
        made.add(f"state '{name}' is another one now ({', '.join(_changes(old.state(name), now))})", matters=True)
    else:
        made.add(f"chart '{new.name}' is not the one that it ran on", matters=False)


def _changes(old: State, new: State) -> Iterator[str]:
    before, after = ({row.id: row for row in state.rows} for state in (old, new))
    yield from (f"row '{id}' is gone" for id in before if id not in after)
    yield from (f"row '{id}' is new" for id in after if id not in before)
    yield from (f"row '{id}' differs" for id in after if id in before and after[id] != before[id])
    if list(before) != list(after) and before.keys() == after.keys():
        yield "its rows are in another order"
    yield from (
        f"its {what} is {then!r} no more but {now!r}"
        for what, then, now in (("effect", old.effect, new.effect), ("phase", old.phase, new.phase))
        if then != now
    )


def _facts_differ(point: ResumePoint, machine: Machine, made: _Made) -> None:
    state = next((each for each in machine.chart.states if each.name == point.snapshot.state), None)
    asked = set() if state is None else {name for row in state.rows for name, _ in row.guard}
    for name, fact in machine.facts.items():
        then = point.facts.get(name, fact.version)
        if then != fact.version:
            made.add(f"fact '{name}' was version {then}, and is {fact.version} now", matters=name in asked)


def _tools_differ(point: ResumePoint, tools: Iterable[Json], name_of: Callable[[Json], str], made: _Made) -> None:
    given = {name_of(each): each for each in tools}
    context = point.snapshot.context
    settings = context.settings
    changes = _added((*context.conversation.changes, *settings.changes))
    known = {name_of(each): each for each in (*(settings.tools or ()), *changes)}
    called = {call.name for call in (*context.turn.calls, *context.turn.arriving) if call.status != "done"}
    called |= {call.toolset for call in context.turn.calls if call.status != "done" and call.toolset is not None}
    runs = settings.runnable | settings.toolsets
    for name, definition in known.items():
        if name not in given and name in runs:
            made.add(f"tool '{name}' is missing", matters=name in called)
        elif name in given and given[name] != definition:
            made.add(f"tool '{name}' is defined in another way", matters=name in called)
    for name in sorted((runs | given.keys()) - known.keys()):
        if name in given and settings.tools is not None:
            made.add(f"tool '{name}' is new", matters=False)


def _added(blocks: Iterable[Json]) -> Iterator[Json]:
    """The definitions that the model was told of beside the ``tools`` parameter."""
    for block in blocks:
        tool = block.get("tool")
        definition = tool.get("definition") if isinstance(tool, Mapping) else None
        if isinstance(definition, Mapping):
            yield definition
