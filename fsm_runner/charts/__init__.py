"""Charts: read from a file, with every problem at its line and column; checked, drawn and compared.

loader        reads a file, and returns a chart or everything that is wrong with it
nodes         YAML as plain data, each piece with its line and column
model         the keys of a chart file and what belongs under each
validation    reports what does not fit the model, at its place
chart_schema  the model as JSON Schema
export        a chart in the languages of other tools: pytransitions, XState, SPIN
row_table     a chart's rows as a table: text, Markdown and HTML

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
