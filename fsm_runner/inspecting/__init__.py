"""Inspecting: what journals say, for a person to read; nothing is compiled, replayed or judged.

data        what is told of a run, as frozen data
declared    what a record says of its chart
entries     one run, record by record; which runs a file holds
entry_text  what happened, in a few words
summary     numbers that take the chart: limits spent, waits, tool use
run_overlay runs on a picture of their chart
comparison  two runs compared: where they differ in what matters

Everything is read with tolerance: a field that is missing, redacted or of another version is passed over, so a journal
whose chart or facts cannot run here is shown all the same.
"""

from __future__ import annotations

from fsm_runner.inspecting.comparison import Comparison, Parting, RowPlace, RunDifference, TakenRow, compare
from fsm_runner.inspecting.data import Ended, Entry, Header, Open, Requests, Summary, ToolUse, Totals
from fsm_runner.inspecting.entries import Census, Entries, Found, census

__all__ = [
    "Census",
    "Comparison",
    "Ended",
    "Entries",
    "Entry",
    "Found",
    "Header",
    "Open",
    "Parting",
    "Requests",
    "RowPlace",
    "RunDifference",
    "Summary",
    "TakenRow",
    "ToolUse",
    "Totals",
    "census",
    "compare",
]
