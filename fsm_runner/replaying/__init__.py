"""Replay: a journal fed back through the machine.

report     what replay found of a run: divergences, and how they read
machines   the charts of a file's runs, each compiled once
follow     one run, record by record, beside the machine
control    the same, where payloads were left out
under_way  what became of the effects that a run was asked for
compare    two pieces of data, and where they differ
verify     every event of a journal folded again, every derived record compared

edits      a recorded chart beside an edited one
whatif     one run, followed on an edited chart

many       many journals, on all cores
totals     what was found in them, added up
telling    the same as text and as Markdown; `plain` as JSON, `picture` drawn on the chart

resuming   where a run stands, and whether it can go on from there
differing  what a process brings, beside what the run had
"""

from __future__ import annotations

from fsm_runner.replaying.report import Divergence, ReplayReport, RunReport
from fsm_runner.replaying.verify import replay

__all__ = ["Divergence", "ReplayReport", "RunReport", "replay"]
