"""Replay: a journal fed back through the machine.

report     what replay found: runs, divergences, and how they read
verify     every event of a journal folded again, every derived record compared
"""

from __future__ import annotations

from fsm_runner.replaying.report import Divergence, ReplayReport, RunReport
from fsm_runner.replaying.verify import replay

__all__ = ["Divergence", "ReplayReport", "RunReport", "replay"]
