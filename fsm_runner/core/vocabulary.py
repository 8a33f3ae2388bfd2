"""The vocabulary of charts: the effects, events, outputs and supplies that need no declaration.

Charts may add facts, effects and events of their own; what stands here is what the built-in drivers perform
and report.  The check reads it to know which events can happen where.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EFFECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "send_request": ("replied", "opened", "failed"),
        "compact": ("replied", "opened", "failed"),
        "send_last_request": ("replied", "opened", "failed"),
        "reflect": ("replied", "opened", "failed"),
        "lend_stream": ("moved_on", "replied", "failed"),
        "drain_stream": ("moved_on", "replied", "failed"),
        "call_early": ("tool_finished", "failed"),
        "call_tools": ("tool_finished", "failed"),
        "summarise": ("summarised", "failed"),
    }
)
"""Each built-in effect and the events it can report.  A state with the effect must take all of them."""

FAILED = "failed"
"""The event that every effect can report, those of the user's own too."""

ASKING_EVENTS: tuple[str, ...] = ("continued", "answer_asked")
"""What the caller asks for and a row must answer.  They happen where the caller has the turn: in a state without
effect, and in one that lends a stream.  A state without effect, always rows or end must take ``continued``."""

EVENTS: frozenset[str] = frozenset({*ASKING_EVENTS, *(event for events in EFFECTS.values() for event in events)})
"""Every event a row may name without declaring an effect that reports it."""

OUTPUTS: tuple[str, ...] = ("message", "stream")
"""What a row can hand to the caller."""

SUPPLIES: Mapping[str, str] = MappingProxyType(
    {
        "calls": "the tool calls of one reply",
        "stream": "the events of one stream",
        "reply": "the reply that crossed the threshold; only a new reply can cross it again",
        "resends": "two for each request",
        "caller": "an act of the caller",
    }
)
"""What `consumes` can name: finite supplies, and why each is finite."""

RENEWED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(("calls", "stream", "reply", "resends"), ("replied", "opened"))
)
"""The events that bring a supply anew.  An act of the caller is never owed, so ``caller`` is not here."""

LIMITS: tuple[str, ...] = ("iterations",)
"""The limits that an argument of `tool_runner` sets: ``max_iterations``.  Charts may declare others."""

LIMIT_FACT = "limit"
"""The built-in fact that answers ``reached`` once any limit of the chart is spent."""
