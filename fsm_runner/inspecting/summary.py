"""The summary: numbers of one run that need its chart, so that a timeline lacks them: limits spent, waits, tool use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from fsm_runner.inspecting.data import Requests, ToolUse, Totals, Wait
from fsm_runner.journal.timeline import Timeline
from fsm_runner.loop.effects import REQUESTS


@dataclass(slots=True, kw_only=True)
class Adding:
    """What a run adds up to so far: mutable.  For the attributes see `Totals`.

    Attributes:
        staked: the limit spent by the request in flight; it is given back if the request fails and the run rests.
        failing: whether the last event was a failure.
    """

    tools: dict[str, ToolUse] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
    waits: dict[Wait, float] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    staked: str | None = None
    failing: bool = False

    def waited(self, wait: Wait, seconds: float | None) -> None:
        """Add time in which the run waited for `wait`."""
        if seconds is not None:
            self.waits[wait] = self.waits.get(wait, 0.0) + seconds

    def row(self, spends: str | None, *, rests: bool) -> None:
        """Add a row that spent the limit `spends`; `rests`: whether the state it led to has no effect."""
        if spends is not None:
            self.spent[spends] += 1
            self.staked = spends
        if rests and self.failing and self.staked is not None:
            self.spent[self.staked] -= 1
            self.staked = None

    def answered(self, seconds: float | None) -> None:
        """Add a reply or a summary, and how long its request took."""
        self.staked = None
        together, longest = _longer(self.requests.seconds, self.requests.longest, seconds)
        self.requests = replace(self.requests, seconds=together, longest=longest)

    def called(self, tool: str, seconds: float | None, *, error: bool) -> None:
        """Add a call that has its result."""
        was = self.tools.get(tool, ToolUse())
        together, longest = _longer(was.seconds, was.longest, seconds)
        self.tools[tool] = replace(
            was, calls=was.calls + 1, errors=was.errors + error, seconds=together, longest=longest
        )

    def lost(self, effect: str, tool: str | None) -> None:
        """Add an effect that was cancelled or cut off."""
        if tool is not None:
            was = self.tools.get(tool, ToolUse())
            self.tools[tool] = replace(was, lost=was.lost + 1)
        elif effect in REQUESTS:
            self.requests = replace(self.requests, lost=self.requests.lost + 1)

    def totals(self, timeline: Timeline) -> Totals:
        """Return the totals, together with those of `timeline` for the same run."""
        return Totals(
            records=timeline.records,
            turns=timeline.turns,
            compactions=timeline.compactions,
            rows=dict(timeline.rows),
            visits=dict(timeline.visits),
            tokens=timeline.usage,
            tools=dict(self.tools),
            requests=self.requests,
            elapsed=timeline.elapsed,
            states=dict(timeline.seconds),
            waits=dict(self.waits),
            idle=timeline.idle,
            spent=dict(self.spent),
            resumed=timeline.resumed,
        )


def _longer(together: float | None, longest: float | None, seconds: float | None) -> tuple[float | None, float | None]:
    if seconds is None:
        return together, longest
    return (together or 0.0) + seconds, max(longest or 0.0, seconds)
