"""The decision table: every row once, in order, in both formats."""

from __future__ import annotations

import re

import pytest

from fsm_runner.charts.loader import load
from fsm_runner.charts.table import HEADER, cells, markdown_table, table, text_table
from fsm_runner.core.chart import Chart, Limit, Row, State

CHART = load("states.yaml", verify=False)

SMALL = Chart(
    name="small",
    initial="wait",
    limits=(Limit(name="iterations", value=3),),
    states=(
        State(
            name="wait",
            phase="request",
            transitions=(
                Row(id="go", event="replied", guard=(("turn", ("paused",)),), target="wait", spends="iterations"),
                Row(id="stop", event="replied", target="done", output="message"),
            ),
        ),
        State(name="done", phase="done", final=True),
    ),
)


def test_the_table_has_every_row_once_in_the_order_in_which_it_is_tried():
    """State, id, target: as the chart says; a state without rows is a line too."""
    expected = [(state.name, row.id, row.target) for state in CHART.states for row in state.rows]

    assert expected == [(line[0], line[1], line[4]) for line in cells(CHART) if line[1]]
    assert [("done", "final")] == [(line[0], line[5]) for line in cells(CHART) if not line[1]]


def test_the_text_table_stands_in_columns():
    """A state is named once, columns are aligned, nothing trails."""
    expected = """\
state  row   event    holds when     target  besides
─────  ────  ───────  ─────────────  ──────  ────────────────────────
wait   go    replied  turn = paused  wait    spends iterations (of 3)
       stop  replied  otherwise      done    gives message
done                                         final
"""

    assert expected == text_table(SMALL) == table(SMALL)


def test_the_markdown_table_is_one_line_a_row():
    """Every line has the columns of the header."""
    expected = """\
| state | row | event | holds when | target | besides |
| --- | --- | --- | --- | --- | --- |
| wait | go | replied | turn = paused | wait | spends iterations (of 3) |
| wait | stop | replied | otherwise | done | gives message |
| done |  |  |  |  | final |
"""

    assert expected == markdown_table(SMALL) == table(SMALL, format="markdown")


@pytest.mark.parametrize(
    "name", ["a|b", "`code`", "*", "<br>", "[x]", "_x_", "back\\slash", "two\nlines", "# 1", "&lt;"]
)
def test_markdown_in_names_is_text(name):
    """Whatever a name holds, its line keeps its columns and shows the name."""
    chart = Chart(name="c", initial=name, states=(State(name=name, phase="p", final=True),))
    line = markdown_table(chart).splitlines()[2]

    assert 3 == len(markdown_table(chart).splitlines())
    assert len(HEADER) == len(re.findall(r"(?<!\\)\|", line)) - 1
    shown = re.sub(r"\\(.)", r"\1", line[2:].split(" |  |")[0]).replace("&lt;", "<").replace("&amp;", "&")
    assert " ".join(name.split()) == shown


def test_names_in_wide_scripts_keep_the_columns():
    """A letter that takes two cells is counted as two."""
    chart = Chart(name="c", initial="状态", states=(State(name="状态", phase="p", final=True),))

    header, _, line = text_table(chart).splitlines()
    assert header.index("besides") == line.index("final") + 2
