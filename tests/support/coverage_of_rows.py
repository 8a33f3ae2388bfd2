"""Transitions taken / declared: which rows of a chart the whole suite drove.

`Recorder.watch` puts itself around the two public ways to step a machine, `start` and `step`, so that every run
counts, whoever drives it: a test, a driver, replay.  Rows of charts that are not the watched one do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Protocol

import pytest


class Row(Protocol):
    """A row as declared."""

    @property
    def id(self) -> str: ...


class Chart(Protocol):
    """A chart, as far as this module looks."""

    @property
    def rows(self) -> Iterable[Row]: ...


class Taken(Protocol):
    """A transition that was taken."""

    @property
    def row(self) -> str: ...


class Step(Protocol):
    """What one event did."""

    @property
    def transitions(self) -> Iterable[Taken]: ...


class Machine(Protocol):
    """A machine, as far as this module looks."""

    @property
    def chart(self) -> Chart: ...


class Recorder:
    """The rows of one chart that were taken while it watched.

    Attributes:
        chart: the chart that counts; None before anything is watched.
        taken: ids of its rows that were taken.
    """

    def __init__(self) -> None:
        self.chart: Chart | None = None
        self.taken: set[str] = set()
        self._compared: dict[int, tuple[Chart, bool]] = {}

    def watch(self, machine: type[Machine], chart: Chart, patch: pytest.MonkeyPatch) -> None:
        """Record the steps of every instance of `machine` whose ``chart`` equals `chart`, until `patch` is undone."""
        self.chart = chart
        for name in ("start", "step"):
            patch.setattr(machine, name, self._recorded(getattr(machine, name)))

    def _recorded(self, method: Callable[..., Step]) -> Callable[..., Step]:
        @wraps(method)
        def recorded(machine: Machine, *args: object, **kwargs: object) -> Step:
            step = method(machine, *args, **kwargs)
            if self._counts(machine.chart):
                self.taken.update(transition.row for transition in step.transitions)
            return step

        return recorded

    def _counts(self, chart: Chart) -> bool:
        """Whether `chart` equals the watched one; each object is compared once, since it takes long."""
        known = self._compared.get(id(chart))
        if known is None:
            known = self._compared[id(chart)] = (chart, chart == self.chart)  # kept, so that its id is not reused
        return known[1]

    @property
    def declared(self) -> set[str]:
        """Ids of all rows of the chart; empty before anything is watched."""
        return set() if self.chart is None else {row.id for row in self.chart.rows}

    def summary(self) -> str:
        """Return ``31 / 34``, with the rows that were not taken, or ``not recorded``."""
        if self.chart is None:
            return "not recorded"
        missing = sorted(self.declared - self.taken)
        counts = f"{len(self.declared) - len(missing)} / {len(self.declared)}"
        return f"{counts}  (not taken: {', '.join(missing)})" if missing else counts
