"""Inspecting: shows a person what is in a journal.  Nothing is compiled, replayed or judged.

data        what is shown of a run, as frozen data
declared    what a record says of its chart
entries     one run, record by record; and which runs a file holds
entry_text  the text of an entry: what happened, in a few words
summary     the numbers that need the chart: limits spent, waits, tool use
run_overlay runs drawn on a picture of their chart
comparison  compares two runs: where they first differ, and where their rows part

Reading is tolerant: a field that is missing, redacted or of another version is skipped.  So a journal is shown even if
its chart or its facts cannot run here.
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
