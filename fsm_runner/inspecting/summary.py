"""The summary: the numbers of one run, record by record, in memory that does not grow with the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from fsm_runner.inspecting.data import Requests, ToolUse, Totals, Wait
from fsm_runner.loop.context import Usage
from fsm_runner.loop.effects import REQUESTS


@dataclass(slots=True, kw_only=True)
class Adding:
    """What a run adds up to so far: mutable.  For the attributes see `Totals`.

    Attributes:
        staked: the limit that the request under way spent; it is given back when the request fails and the run rests.
        failing: whether the last report is a failure.
    """

    records: int = 0
    turns: int = 0
    compactions: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    tokens: Usage = field(default_factory=Usage)
    tools: dict[str, ToolUse] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
    elapsed: float | None = None
    states: dict[str, float] = field(default_factory=dict)
    waits: dict[Wait, float] = field(default_factory=dict)
    idle: float = 0.0
    spent: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    staked: str | None = None
    failing: bool = False

    def passed(self, state: str | None, wait: Wait, seconds: float) -> None:
        """Add time in `state`, waiting for `wait`."""
        self.elapsed = (self.elapsed or 0.0) + seconds
        if state is not None:
            self.states[state] = self.states.get(state, 0.0) + seconds
            self.waits[wait] = self.waits.get(wait, 0.0) + seconds

    def row(self, id: str, target: str, spends: str | None, *, rests: bool) -> None:
        """Add a row that led to `target`; `rests`: that state has no effect."""
        self.rows[id] += 1
        self.visits[target] += 1
        if spends is not None:
            self.spent[spends] += 1
            self.staked = spends
        if rests and self.failing and self.staked is not None:
            self.spent[self.staked] -= 1
            self.staked = None

    def reply(self, usage: Usage, *, compacts: bool) -> None:
        """Add a reply, or a summary."""
        was = self.tokens
        self.tokens = Usage(
            input_tokens=was.input_tokens + usage.input_tokens,
            output_tokens=was.output_tokens + usage.output_tokens,
            cache_creation_input_tokens=was.cache_creation_input_tokens + usage.cache_creation_input_tokens,
            cache_read_input_tokens=was.cache_read_input_tokens + usage.cache_read_input_tokens,
            replies=was.replies + usage.replies,
        )
        self.staked = None
        self.compactions += compacts
        self.turns += not compacts

    def answered(self, seconds: float | None) -> None:
        """Add how long a request took."""
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

    def totals(self) -> Totals:
        """Return what there is."""
        return Totals(
            records=self.records,
            turns=self.turns,
            compactions=self.compactions,
            rows=dict(self.rows),
            visits=dict(self.visits),
            tokens=self.tokens,
            tools=dict(self.tools),
            requests=self.requests,
            elapsed=self.elapsed,
            states=dict(self.states),
            waits=dict(self.waits),
            idle=self.idle,
            spent=dict(self.spent),
            resumed=self.resumed,
        )


def _longer(together: float | None, longest: float | None, seconds: float | None) -> tuple[float | None, float | None]:
    if seconds is None:
        return together, longest
    return (together or 0.0) + seconds, max(longest or 0.0, seconds)
