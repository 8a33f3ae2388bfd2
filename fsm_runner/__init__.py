"""Claude's tool loop as an explicit finite state machine that you can read, check, draw, run and replay.

`__all__` lists what to begin with.  The types that these functions return are in `fsm_runner.charts`, `context`,
`events`, `effects`, `journal`, `replaying` and `options`.  `fsm_runner.testing` has a scripted model, and
`fsm_runner.domain` machines of anything else.

Names are imported when they are first used, so that ``import fsm_runner`` and the command line start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fsm_runner.version import VERSION

if TYPE_CHECKING:
    from fsm_runner.adapters.anthropic.requests import OutputFormatError as OutputFormatError
    from fsm_runner.charts import find_chart as find_chart
    from fsm_runner.charts import load as load
    from fsm_runner.drivers.aio import AsyncRunner as AsyncRunner
    from fsm_runner.drivers.session import RunView as RunView
    from fsm_runner.drivers.sync import Runner as Runner
    from fsm_runner.engine.chart import Chart as Chart
    from fsm_runner.engine.errors import ChartError as ChartError
    from fsm_runner.engine.errors import FsmRunnerError as FsmRunnerError
    from fsm_runner.engine.errors import IllegalEvent as IllegalEvent
    from fsm_runner.engine.errors import InternalError as InternalError
    from fsm_runner.engine.errors import JournalError as JournalError
    from fsm_runner.engine.errors import Problem as Problem
    from fsm_runner.engine.errors import RunError as RunError
    from fsm_runner.engine.rows import Transition as Transition
    from fsm_runner.forking import fork as fork
    from fsm_runner.journal import Journal as Journal
    from fsm_runner.loop.context import Context as Context
    from fsm_runner.loop.events import Reported as Reported
    from fsm_runner.loop.facts import Fact as Fact
    from fsm_runner.loop.facts import fact as fact
    from fsm_runner.loop.stop import Stop as Stop
    from fsm_runner.loop.tool_loop import Machine as Machine
    from fsm_runner.loop.tool_loop import Snapshot as Snapshot
    from fsm_runner.loop.tool_loop import Step as Step
    from fsm_runner.loop.tool_loop import check as check
    from fsm_runner.loop.tool_loop import compile as compile
    from fsm_runner.replaying import ReplayReport as ReplayReport
    from fsm_runner.replaying import replay as replay
    from fsm_runner.resumption import resume as resume
    from fsm_runner.runner import tool_runner as tool_runner

_HOMES = {
    "AsyncRunner": "drivers.aio",
    "Chart": "engine.chart",
    "ChartError": "engine.errors",
    "check": "loop.tool_loop",
    "compile": "loop.tool_loop",
    "Context": "loop.context",
    "Fact": "loop.facts",
    "fact": "loop.facts",
    "find_chart": "charts",
    "fork": "forking",
    "FsmRunnerError": "engine.errors",
    "IllegalEvent": "engine.errors",
    "InternalError": "engine.errors",
    "Journal": "journal",
    "JournalError": "engine.errors",
    "load": "charts",
    "Machine": "loop.tool_loop",
    "Problem": "engine.errors",
    "OutputFormatError": "adapters.anthropic.requests",
    "replay": "replaying",
    "ReplayReport": "replaying",
    "Reported": "loop.events",
    "resume": "resumption",
    "RunError": "engine.errors",
    "Runner": "drivers.sync",
    "RunView": "drivers.session",
    "Snapshot": "loop.tool_loop",
    "Step": "loop.tool_loop",
    "Stop": "loop.stop",
    "tool_runner": "runner",
    "Transition": "engine.rows",
}

__all__ = sorted(_HOMES, key=lambda name: (name.casefold(), name))  # derived, so it cannot differ

__version__ = VERSION


if not TYPE_CHECKING:  # with it, a type checker would accept any name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'fsm_runner' has no attribute '{name}'")
        return getattr(import_module(f"fsm_runner.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
