"""The stop: what each stop reason of a reply means to a run, and why a run ended.

`STOP_REASONS` is the one table of both.  The facts, `enter`, `thread` and `messages` read what they need to know of a
stop reason from its entry, so a new one is one more entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from fsm_runner.engine.frozen import Frozen

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
"""Why a run ends, for type checkers; `STOP_REASONS` says what each means."""

REASONS: tuple[str, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReason:
    """A reason for a run to end, and the API's stop reasons that stand for it: immutable.

    Attributes:
        reason: why the run ends, as `Stop` says it.
        means: what has happened, as a clause.
        said: the ``stop_reason`` of a reply, as the API writes it; several when they mean the same to a run, and none
            when the reason does not come from a reply.
        facts: the answers that go with it, by fact.  For a reply: what the fact `turn` answers, unless its calls change
            that.
        whole: whether the reply is complete and ends the model's turn.
        cut_off: whether the reply is incomplete and nothing more of it will come.
        joined: whether the server goes on within the same turn, so that no message may come between.
        kept: whether a server-side thread keeps the reply.
        fine: whether the run did what was asked of it, so that nobody has to look into it.
    """

    reason: Reason
    means: str
    said: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    cut_off: bool = False
    joined: bool = False
    kept: bool = True
    fine: bool = False


_FINISHED = {"turn": "finished"}
_PAUSED = {"turn": "paused"}

UNREADABLE = StopReason(
    reason="unreadable", means="the stop reason is missing or unknown", facts={"turn": "unreadable"}
)
LIMIT = StopReason(reason="limit", means="a limit of the chart is spent", facts={"limit": "reached"})
CLOSED = StopReason(reason="closed", means="the caller closed the run", facts={"closed": "true"})
FAILED = StopReason(
    reason="failed", means="an effect failed; unless the state is final, asking for more tries it again"
)
STOPPED = StopReason(reason="stopped", means="a row of the user's own ended the run", fine=True)

STOP_REASONS: tuple[StopReason, ...] = (
    StopReason(
        reason="completed",
        means="the model finished its turn, or reached a stop sequence",
        said=("end_turn", "stop_sequence"),
        facts=_FINISHED,
        whole=True,
        fine=True,
    ),
    StopReason(
        reason="max_tokens",
        means="the reply was cut off at the token limit",
        said=("max_tokens",),
        facts=_FINISHED,
        cut_off=True,
    ),
    StopReason(
        reason="context_window_exceeded",
        means="the reply reached the end of the model's context window",
        said=("model_context_window_exceeded",),
        facts=_FINISHED,
        cut_off=True,
    ),
    StopReason(
        reason="refused",
        means="the model refused",
        said=("refusal",),
        facts=_FINISHED,
        cut_off=True,
        kept=False,
    ),
    StopReason(
        reason="no_tool_call",
        means="the model stopped to have tools run, and called none",
        said=("tool_use",),
        facts={"turn": "wants_tools"},
    ),
    # The server goes on after these, so the run ends on one only by a row of the user's own.
    StopReason(
        reason=STOPPED.reason, means="the server paused the turn", said=("pause_turn",), facts=_PAUSED, joined=True
    ),
    StopReason(reason=STOPPED.reason, means="the server compacted", said=("compaction",), facts=_PAUSED),
    UNREADABLE,
    LIMIT,
    CLOSED,
    FAILED,
    STOPPED,
)
"""Every reason for a run to end.  Source: the stop-reason table of anthropic 2.12."""

SAID: Mapping[str, StopReason] = MappingProxyType({name: each for each in STOP_REASONS for name in each.said})
"""The entries by the reply's stop reason."""

FINE: frozenset[str] = frozenset(each.reason for each in STOP_REASONS if each.fine)
"""The reasons of runs that did what was asked."""


def stop_reason_of(message: Mapping[str, object] | None) -> StopReason | None:
    """Return the entry for the stop reason of a reply; None when it is missing or unknown, or there is no reply."""
    said = None if message is None else message.get("stop_reason")
    return SAID.get(said) if isinstance(said, str) else None


class Stop(Frozen, frozen=True, kw_only=True):
    """Why a run ended: immutable.

    Attributes:
        reason: from the closed list of `Reason`.
        row: the id of the row that ended it.
        facts: the answers that decided, by fact.
        detail: the text of the failure, the limits that were reached, or the unknown stop reason; None: nothing more.
    """

    reason: Reason
    row: str
    facts: Mapping[str, str]
    detail: str | None = None
