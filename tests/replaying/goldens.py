"""Golden journals: small runs, recorded once and kept for ever, each with one wrong twin.

    python -m tests.replaying.goldens NAME...     records those named again; none of the others is touched

Later versions must go on replaying them, so a golden is recorded anew only when it was wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fsm_runner.charts.loader import load
from fsm_runner.core.context import Context, Counters
from fsm_runner.core.events import Appended, Continued, Failed, Replied, ToolFinished
from fsm_runner.core.machine import Machine, compile
from tests.journal.worlds import SMALL, Clock, Life, context, recorded, result, text, uses

FOLDER = Path(__file__).parent / "goldens"
DEFAULT = compile(load(Path(__file__).parents[2] / "states.yaml"))


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One golden and what its twin gets wrong.

    Attributes:
        purpose: what it is kept for, in a sentence.
        live: how it came about.
        truth, lie: a piece of the golden that stands there once, and what the twin has instead.
        refusal: how replay refuses the twin, after the file's name.
    """

    purpose: str
    live: Callable[[Life], object]
    truth: str
    lie: str
    refusal: str
    machine: Machine = DEFAULT
    start: Context = field(default_factory=context)


def _answered(life):
    life.tell(Continued()).perform(Replied(message=text())).tell(Continued())


def _tools(life):
    life.tell(Continued()).perform(Replied(message=uses("a", "b"))).schedule()
    life.journal.completed("b")
    life.tell(ToolFinished(id="b", result=result("b")))
    life.journal.cancelled("a")


def _limited(life):
    life.tell(Appended(messages=({"role": "user", "content": "quickly"},))).tell(Continued())


def _failed(life):
    life.tell(Continued())
    (id,) = life.schedule()
    life.journal.failed(id, ConnectionError("Connection error."))
    life.tell(Failed(error="APIConnectionError", text="Connection error.", status=None))


GOLDENS = {
    "answered": Golden(
        purpose="One request, one reply, done: every kind of record of a run that goes well.",
        live=_answered,
        truth='"row":"finish","source"',
        lie='"row":"ask","source"',
        refusal=":11: seq 11: "
        "recorded row 'ask' (closed=false, turn=finished, compaction=none, change=free, limit=free); "
        "now 'finish' (closed=false, turn=finished, compaction=none, change=free, limit=free)",
    ),
    "tools": Golden(
        purpose="Two calls at once: one done, the other cut off, and no end; it conforms up to where it goes.",
        live=_tools,
        machine=SMALL,
        truth='"facts":{"turn":"wants_tools","limit":"free"}',
        lie='"facts":{"turn":"wants_tools","limit":"reached"}',
        refusal=":7: seq 7: /facts/limit: recorded 'reached'; now 'free'",
    ),
    "limited": Golden(
        purpose="The limit is none: the run ends before its first request, and says which limit it was.",
        live=_limited,
        start=Context(counters=Counters(limits={"iterations": 0})),
        truth='"reason":"limit"',
        lie='"reason":"completed"',
        refusal=":6: seq 6: /reason: recorded 'completed'; now 'limit'",
    ),
    "failed": Golden(
        purpose="The request fails: the effect has failed, the run has stopped, and nothing is final.",
        live=_failed,
        truth='"messages":1',
        lie='"messages":2',
        refusal=":5: seq 5: /messages: recorded 2; now 1",
    ),
}


def bytes_of(golden: Golden) -> bytes:
    """What recording `golden` now would give."""
    return recorded(lambda journal: golden.live(Life(journal, golden.machine, golden.start)), clock=Clock())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        (FOLDER / f"{name}.jsonl").write_bytes(bytes_of(GOLDENS[name]))
