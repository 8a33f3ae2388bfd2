"""The charts: from a file to a `Chart`, with every problem at its line and column, and those that come with us.

loader        a file in, a chart out, or everything that is wrong with it
nodes         YAML as plain data, each piece with its line and column
model         what belongs under each key, and the chart that it says
validation    what does not fit the model, told at its place
chart_schema  the model as JSON Schema
row_table     every row as a line, as text and as HTML

`drawing` makes pictures, `diff` compares two charts.
"""

from __future__ import annotations

from fsm_runner.charts.loader import find_chart, load, loads
from fsm_runner.engine.chart import (
    AlwaysReaches,
    Chart,
    CustomEffect,
    FactUse,
    Limit,
    Moment,
    Never,
    Pattern,
    Precedes,
    Row,
    Rule,
    State,
)
from fsm_runner.engine.check import Bound, Covered, FactCode, Taken, Verdict, Violation

__all__ = [
    "AlwaysReaches",
    "Bound",
    "Chart",
    "Covered",
    "CustomEffect",
    "FactCode",
    "FactUse",
    "Limit",
    "Moment",
    "Never",
    "Pattern",
    "Precedes",
    "Row",
    "Rule",
    "State",
    "Taken",
    "Verdict",
    "Violation",
    "find_chart",
    "load",
    "loads",
]
