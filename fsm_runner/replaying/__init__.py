"""Replay: a journal fed back through the machine.

report         what replay found of a run: divergences, and how they read
machines       the charts of a file's runs, each compiled once
verifier       one run, record by record, through the machine; or its control flow, where payloads were left out
in_flight      what became of the effects that a run was asked for
verify         every event of a journal folded again, every derived record compared

edits          a recorded chart beside an edited one
whatif         one run, followed on an edited chart

batch          many journals, on all cores
totals         what was found in them, added up
replay_text    the same as text, as Markdown and as JSON
replay_picture the same, drawn on the chart

resume_point   where a run stands, and whether it can go on from there
compatibility  what a process brings, compared with what the run had
"""

from __future__ import annotations

from fsm_runner.charts.diff import Way
from fsm_runner.replaying.report import Divergence, ReplayReport, RunReport
from fsm_runner.replaying.verify import replay

__all__ = ["Divergence", "ReplayReport", "RunReport", "Way", "replay"]
