"""Machines: the charts of a file's runs, each read and compiled once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.check.names import name_problems
from fsm_runner.engine.errors import ChartError
from fsm_runner.journal import Record
from fsm_runner.journal.codec import chart_from, chart_hash
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import Machine, compile


class Machines:
    """The machines of a file's runs, each compiled once."""

    def __init__(self, source: str, chart: Chart | None, facts: tuple[Fact, ...], *, keep: int | None = None) -> None:
        """See `replay`; of the divergences of a run, the first `keep` are kept, or all."""
        self.source = source
        self.keep = sys.maxsize if keep is None else keep
        self._facts = facts
        self._given = None if chart is None else compile(chart, facts)
        self.edited = chart is not None
        self._charts: dict[str, Chart] = {}
        self._compiled: dict[str, Machine] = {}

    def in_file(self, source: str) -> Machines:
        """The same for another file: what is compiled once serves both."""
        other = copy(self)
        other.source = source
        return other

    def of(self, record: Record) -> Machine:
        """The machine for a run that starts with `record`.

        Raises:
            ValueError: the record holds no chart, or not the one that its hash was taken of.
            ChartError: the chart asks a fact that has no code, or names what is not there.
        """
        if self._given is not None:
            return self._given
        sha256, chart = self.recorded(record)
        if sha256 not in self._compiled:
            self._compiled[sha256] = compile(chart, self._facts)
        return self._compiled[sha256]

    def recorded(self, record: Record) -> tuple[str, Chart]:
        """The chart that `record` holds, and its hash.

        Raises:
            ValueError: it holds no chart, or not the one that its hash was taken of.
            ChartError: the chart names what is not there.
        """
        held = record.data.get("chart")
        data, recorded = (held.get("data"), held.get("sha256")) if isinstance(held, Mapping) else (None, None)
        sha256 = chart_hash(data)
        if recorded != sha256:
            raise ValueError("the chart is not the one that its hash was taken of")
        if sha256 not in self._charts:
            self._charts[sha256] = _named(chart_from(data))
        return sha256, self._charts[sha256]


def _named(chart: Chart) -> Chart:
    """`chart`: one without loose names cannot break the machine, whoever forged it."""
    problems = tuple(name_problems(chart, VOCABULARY))
    if problems:
        raise ChartError(chart.name, problems)
    return chart
