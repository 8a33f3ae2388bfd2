"""The recorder: the rows that machines take, with the answers that decided, while it watches.

It puts itself around the two public ways to step a machine, `start` and `step`, so that every run of this process
counts, whoever drives it: a test, a driver, replay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeAlias

import pytest

from fsm_runner.engine.chart import Chart, Pattern
from fsm_runner.engine.check.names import FactCode
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.tool_loop import Machine, Step

Answers: TypeAlias = tuple[tuple[str, str], ...]
"""Each fact that a decision asked, with its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A fact without its code: immutable, so it can be sent to another process.

    Attributes:
        name: as guards name it.
        answers: all that it can answer.
        impossible: patterns over facts that no run can meet.
    """

    name: str
    answers: tuple[str, ...]
    impossible: tuple[Pattern, ...]


@dataclass(slots=True)
class Driven:
    """What was driven of one chart.

    Attributes:
        chart: the chart.
        facts: what the facts say of themselves, by name, with the built-in ones.
        counts: how often each row was taken for each combination of answers.
    """

    chart: Chart
    facts: dict[str, Said] = field(default_factory=lambda: said(FACTS))
    counts: Counter[tuple[str, Answers]] = field(default_factory=Counter)


def said(facts: Mapping[str, FactCode]) -> dict[str, Said]:
    """Return what `facts` say of themselves."""
    return {name: Said(name=name, answers=fact.answers, impossible=fact.impossible) for name, fact in facts.items()}


class Recorder:
    """What is driven while it watches.

    Args:
        charts: the charts that count, driven or not; charts that say the same are one.
        others: whether other charts that are driven count, too.
    """

    def __init__(self, charts: Iterable[Chart] = (), *, others: bool = False) -> None:
        given = tuple(charts)
        self._driven = [Driven(chart) for at, chart in enumerate(given) if chart not in given[:at]]
        self._others = others
        self._known: dict[int, tuple[Chart, Driven | None]] = {}
        self._patch = pytest.MonkeyPatch()

    def watch(self) -> None:
        """Record the steps of every machine, until `stop`."""
        for name in ("start", "step"):
            self._patch.setattr(Machine, name, self._recorded(getattr(Machine, name)))

    def stop(self) -> None:
        """Leave the machine as it was."""
        self._patch.undo()

    @property
    def driven(self) -> tuple[Driven, ...]:
        """What was driven, chart by chart: those that were given, then the others as they came."""
        return tuple(self._driven)

    def add(self, other: Driven) -> None:
        """Add what another process drove."""
        driven = self._of(other.chart)
        if driven is not None:
            driven.facts |= other.facts
            driven.counts += other.counts

    def _recorded(self, method: Callable[..., Step]) -> Callable[..., Step]:
        @wraps(method)
        def recorded(machine: Machine, *args: object, **kwargs: object) -> Step:
            step = method(machine, *args, **kwargs)
            if step.transitions:
                self._count(machine, step)
            return step

        return recorded

    def _count(self, machine: Machine, step: Step) -> None:
        known = self._known.get(id(machine.chart))
        if known is None:  # compared once, since it takes long, and kept, so that its id is not used again
            driven = self._of(machine.chart)
            known = self._known[id(machine.chart)] = (machine.chart, driven)
            if driven is not None:
                driven.facts |= said(machine.facts)
        if known[1] is not None:
            for taken in step.transitions:
                known[1].counts[taken.row, tuple(taken.facts.items())] += 1

    def _of(self, chart: Chart) -> Driven | None:
        """Return where `chart` counts; None when it does not."""
        for driven in self._driven:
            if driven.chart == chart:
                return driven
        if not self._others:
            return None
        self._driven.append(Driven(chart))
        return self._driven[-1]
