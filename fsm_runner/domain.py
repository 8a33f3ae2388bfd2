"""The domain: what a machine is of, for a machine that is not Claude's tool loop.

A `Domain` says what the words of a chart mean: which effects there are and what they report (`EffectKind`), which facts
guards ask, and how an event changes what a run knows.  With it a chart is loaded (`fsm_runner.charts.loads`), proved
(`check`) and stepped (`compile`).  The functions of these names in `fsm_runner` are those of the tool loop.
"""

from fsm_runner.engine.check import check
from fsm_runner.engine.domain import Domain, EffectKind, NamedEvent, Vocabulary
from fsm_runner.engine.fact import Fact, fact
from fsm_runner.engine.machine import Machine, Snapshot, Step, compile
from fsm_runner.engine.rows import Entered

__all__ = [
    "Domain", "EffectKind", "Entered", "Fact", "Machine", "NamedEvent", "Snapshot", "Step", "Vocabulary", "check",
    "compile", "fact",
]  # fmt: skip
