"""The stop: why a run ended, from a closed list of reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fsm_runner.engine.chart import State
from fsm_runner.loop.context import Context
from fsm_runner.loop.facts import closed, reached_limits, turn

if TYPE_CHECKING:
    from fsm_runner.engine.rows import Transition

Reason: TypeAlias = Literal[
    "completed",
    "max_tokens",
    "context_window_exceeded",
    "refused",
    "no_tool_call",
    "unreadable",
    "limit",
    "closed",
    "failed",
    "stopped",
]
"""Why a run ends.

completed: the model finished its turn, or reached a stop sequence.  max_tokens: its reply was cut off at the token
limit.  context_window_exceeded: at the end of the model's context window.  refused: the model refused.
no_tool_call: it stopped to have tools run and called none.  unreadable: its stop reason is missing or unknown.
limit: a limit of the chart is spent.  closed: the caller closed the run.  failed: an effect failed; unless the state
is final, asking for more tries it again.  stopped: a row of the user's own ended the run.
"""

REASONS: tuple[str, ...] = get_args(Reason)

_BY_STOP_REASON: Mapping[object, Reason] = {
    "end_turn": "completed",
    "stop_sequence": "completed",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "context_window_exceeded",
    "refusal": "refused",
    "tool_use": "no_tool_call",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a run ended: immutable.

    Attributes:
        reason: from the closed list of `Reason`.
        row: the id of the row that ended it.
        facts: the answers that decided, by fact.
        detail: the text of the failure, or the stop reason that nobody knows; None when there is no more to say.
    """

    reason: Reason
    row: str
    facts: Mapping[str, str]
    detail: str | None = None


def stop_of(state: State, context: Context, last: Transition) -> Stop:
    """Return why the run ended in `state`, which `last` led to."""
    failure = context.stand.failure
    if failure is not None and not (state.final and closed(context) == "true"):
        return Stop(reason="failed", row=last.row, facts=last.facts, detail=f"{failure.error}: {failure.text}")
    reason, detail = _reason(context)
    return Stop(reason=reason, row=last.row, facts=last.facts, detail=detail)


def _reason(context: Context) -> tuple[Reason, str | None]:
    if closed(context) == "true":
        return "closed", None
    asked_for = turn(context)
    stop_reason = None if context.turn.reply is None else context.turn.reply.get("stop_reason")
    if asked_for == "finished":
        return _BY_STOP_REASON[stop_reason], None
    if asked_for == "unreadable":
        return "unreadable", "the reply has no stop reason" if stop_reason is None else f"stop reason {stop_reason!r}"
    if reached := reached_limits(context):
        return "limit", ", ".join(f"{name}: {context.counters.limits[name]}" for name in reached)
    return "stopped", None
