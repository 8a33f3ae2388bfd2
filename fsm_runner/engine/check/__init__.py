"""The check: what a chart must satisfy before anything runs.

verdict       the whole check, and what it found
names         every name that is used is declared or built in
graph         every state can be reached, every run can end, no cycle is endless
tables        in every state some row holds, and no row is dead
rules         the rules that the chart declares hold on every path
combinations  sets of combinations of answers, as bits of one integer
minimise      such sets as few guards
codes         what each problem is called, and what it means
"""

from __future__ import annotations

from fsm_runner.engine.check.codes import CODES
from fsm_runner.engine.check.graph import Bound
from fsm_runner.engine.check.names import FactCode
from fsm_runner.engine.check.rules import Taken, Violation
from fsm_runner.engine.check.verdict import Covered, Verdict, check

__all__ = ["CODES", "Bound", "Covered", "FactCode", "Taken", "Verdict", "Violation", "check"]
