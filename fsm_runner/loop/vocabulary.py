"""The vocabulary of the tool loop: the effects, events, outputs and supplies that need no declaration.

Charts may add facts, effects and events of their own; what stands here is what the built-in drivers perform
and report.  The check reads it to know which events can happen where.
"""

from __future__ import annotations

from fsm_runner.engine.domain import EffectKind, Vocabulary

_REQUEST = EffectKind(reports=("replied", "opened", "failed"))
_CALLS = EffectKind(reports=("tool_finished", "failed"), late=True)

VOCABULARY = Vocabulary(
    effects={
        "send_request": _REQUEST,
        "compact": _REQUEST,
        "send_last_request": _REQUEST,
        "reflect": _REQUEST,
        "lend_stream": EffectKind(reports=("moved_on", "replied", "failed"), asks=True, late=True),
        "drain_stream": EffectKind(reports=("moved_on", "replied", "failed"), late=True),
        "call_early": _CALLS,
        "call_tools": _CALLS,
        "summarise": EffectKind(reports=("summarised", "failed")),
    },
    asks=("continued", "answer_asked"),
    failed="failed",
    outputs=("message", "stream"),
    supplies={
        "calls": "the tool calls of one reply",
        "stream": "the events of one stream",
        "reply": "the reply that crossed the threshold; only a new reply can cross it again",
        "resends": "two for each request",
        "caller": "an act of the caller",
    },
    renewed_by=dict.fromkeys(("calls", "stream", "reply", "resends"), ("replied", "opened")),
    limits=("iterations",),
    limit="limit",
    own_limits={"last_request": ("last_requests", "none"), "reflection": ("reflections", "none")},
)
