"""Inspecting: what journals say, for a person to read; nothing is compiled, replayed or judged.

    data        what is told of a run, as frozen data
    declared    what a record says of its chart
    heading     how a run began
    words       what happened, in few words
    moments     when a record was written
    under_way   effects that have no end on record
    adding      numbers that grow record by record
    telling     one run, told record by record
    census      which runs a file holds
    matching    two records, and where they differ in what matters
    comparing   two runs beside each other

Everything is read with tolerance: a field that is missing, redacted or of another version is passed over, so a journal
whose chart or facts cannot run here is shown all the same.
"""

from __future__ import annotations

from fsm_runner.inspecting.census import Census, Found, census
from fsm_runner.inspecting.comparing import Comparison, Difference, Parting, Place, Taken, compare
from fsm_runner.inspecting.data import Ended, Entry, Header, Open, Requests, Summary, ToolUse, Totals
from fsm_runner.inspecting.telling import Telling

__all__ = [
    "Census",
    "Comparison",
    "Difference",
    "Ended",
    "Entry",
    "Found",
    "Header",
    "Open",
    "Parting",
    "Place",
    "Requests",
    "Summary",
    "Taken",
    "Telling",
    "ToolUse",
    "Totals",
    "census",
    "compare",
]
