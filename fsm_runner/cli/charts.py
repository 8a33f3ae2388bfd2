"""Charts as a command is given them: a file, a shipped chart's name, or ``-`` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm_runner.cli.screen import say

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart
    from fsm_runner.engine.check import FactCode

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
    from fsm_runner.loop.vocabulary import VOCABULARY

    source, text = given(name)
    chart = loads(text, source, verify=False)
    return loads(text, source, facts=facts) if any(name_problems(chart, VOCABULARY, facts)) else chart


def shown_as_it_is(name: str, chart: Chart, *, facts: Mapping[str, FactCode] | None = None) -> None:
    """Say on standard error that `chart` cannot run, if so: what is shown of it must not be taken for a proof."""
    from fsm_runner.loop.domain import check

    if check(chart, facts=facts).problems:
        source = "<stdin>" if name == STDIN else name
        say(f"{source}: shown as it is; it does not pass the check (fsm-runner check tells why)", err=True)
