"""The facts: questions about a run, each with a closed list of answers.

A fact is a pure function of the context.  Guards ask facts and nothing else, so facts alone decide where a run goes.
Each docstring says what the fact answers at its limit, and when there is no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from fsm_runner.engine import fact as _fact
from fsm_runner.engine.fact import answering as answering
from fsm_runner.engine.fact import fact as fact
from fsm_runner.loop.context import Calls, Context
from fsm_runner.loop.effects import EFFECTS, VOCABULARY
from fsm_runner.loop.enter import RESENDS
from fsm_runner.loop.messages import asks_for_tools, is_done, turn_of
from fsm_runner.loop.stop import stop_reason_of
from fsm_runner.loop.thread import refused_fields
from fsm_runner.loop.tools import available, places_in, toolset_of

if TYPE_CHECKING:
    Fact: TypeAlias = _fact.Fact[Context]
else:
    Fact = _fact.Fact

OWN_LIMITS = frozenset(limit for limit, _ in VOCABULARY.own_limits.values())
"""The limits with a fact of their own."""


@fact(
    answers=("none", "wants_tools", "answered", "paused", "finished", "unreadable"),
    impossible=(
        (("turn", ("wants_tools",)), ("calls", ("done",))),
        (("turn", ("answered", "paused")), ("calls", ("open",))),
    ),
)
def turn(context: Context) -> str:
    """What the last reply asks for.

    none: there is no reply yet, or a summary has replaced the history.  wants_tools: it calls tools, and some have not
    run.  answered: it calls tools, and all have run.  paused: the server paused it and will go on with it.  finished:
    it is the last one; also a reply that stopped for tools and calls none.  unreadable: its stop reason is missing or
    unknown.
    """
    reply = context.turn.reply
    if reply is None:
        return "none"
    if asks_for_tools(context.turn):
        if not context.turn.calls:
            return "finished"
        return "wants_tools" if _open(context) else "answered"
    return turn_of(reply) or "unreadable"


@fact(
    answers=("none", "due", "asked", "blocked", "futile"),
    impossible=(
        (("turn", ("none",)), ("compaction", ("due", "futile"))),
        (("turn", ("none", "wants_tools", "answered", "paused")), ("compaction", ("blocked",))),
    ),
)
def compaction(context: Context) -> str:
    """Whether the history should be compacted before the next request.

    asked: the caller asked the API to compact; this comes first.  blocked: the caller asked, but the run ends on calls
    whose results are not in the history.  due: the client summarises, and the input, cache and output tokens of the
    last reply together have reached the threshold; exactly at it counts.  futile: as due, but no reply since the last
    summary was below the threshold.  none: otherwise.
    """
    if context.compaction.asked is not None:
        sent = context.conversation.owned or not context.turn.calls
        blocked = not sent and turn(context) in ("finished", "unreadable")
        return "blocked" if blocked else "asked"
    control = context.settings.summary
    if control is None or context.compaction.tokens < control.threshold or context.turn.reply is None:
        return "none"
    return "futile" if context.compaction.fresh else "due"


@fact(answers=("free", "reached"))
def limit(context: Context) -> str:
    """Whether a limit is spent.

    reached: all of some limit is spent; a limit of 0 is reached from the start.  free: otherwise.  A limit that is null
    is never reached.  A limit with a fact of its own does not count, for it stops only what it is about.
    """
    return "reached" if reached_limits(context) else "free"


def reached_limits(context: Context) -> tuple[str, ...]:
    """Return the names of the limits that are spent, except those with a fact of their own."""
    spent = context.counters.spent
    reached = []
    for name, most in context.counters.limits.items():
        if most is not None and spent.get(name, 0) >= most and name not in OWN_LIMITS:
            reached.append(name)
    return tuple(reached)


@fact(answers=("true", "false"))
def closed(context: Context) -> str:
    """Whether the caller closed the run."""
    return "true" if context.stand.closed else "false"


@fact(answers=("open", "done"))
def calls(context: Context) -> str:
    """Whether tool calls of the last reply have no result yet.  done: also without calls, and after a compaction."""
    return "open" if _open(context) else "done"


@fact(answers=("nothing", "more", "answer"))
def awaits(context: Context) -> str:
    """What the caller waits for.  nothing: it holds a message or a stream, or has not asked yet."""
    return context.stand.awaits


@fact(answers=("run", "wait"))
def early(context: Context) -> str:
    """Whether a call may run while its reply is still streaming.

    run: tools run eagerly, the driver has this one, and the caller did not defer the call.  wait: otherwise, and when
    an earlier call of the same toolset waits or has failed.
    """
    settings, arriving = context.settings, context.turn.arriving
    if not settings.eager or not arriving or arriving[-1].held:
        return "wait"
    call = arriving[-1]
    toolset = toolset_of(call.line, settings)
    if toolset is None:
        return "run" if call.name in available(context) else "wait"
    if call.toolset is None:
        return "wait"
    earlier = places_in(Calls.of(arriving), toolset, settings, "waiting", "running", "failed")
    return "wait" if min(earlier, default=len(arriving)) < len(arriving) - 1 else "run"


@fact(answers=("none", "resend", "retry"))
def recovery(context: Context) -> str:
    """Whether what has failed is tried again.

    resend: at once, without the caller, when the server has lost the thread or cannot keep one; at most twice for one
    request.  retry: when the caller asks for more.  none: never, as with a compaction by the API; or nothing has
    failed.

    Source: anthropic 2.12."""
    if context.stand.failure is None:
        return "none"
    if context.thread.adjusted and context.counters.resends < RESENDS:
        return "resend"
    failed = EFFECTS.get(context.stand.failed_effect or "")
    return "none" if failed is not None and failed.compacts else "retry"


@fact(answers=("free", "refused"))
def change(context: Context) -> str:
    """Whether the caller changed what a server-side thread keeps: ``system`` or ``tools``."""
    return "refused" if context.thread.refused or refused_fields(context) else "free"


@fact(answers=("none", "ahead", "made"))
def last_request(context: Context) -> str:
    """Whether a last request, without tools, may be sent once another limit is reached.

    ahead: fewer were sent than the limit ``last_requests`` allows.  made: as many as it allows, at least one.  none:
    the limit is 0, null or not declared.
    """
    most = context.counters.limits.get("last_requests")
    if not most:
        return "none"
    return "ahead" if context.counters.spent.get("last_requests", 0) < most else "made"


@fact(
    answers=("none", "due"),
    impossible=((("turn", ("none", "wants_tools", "answered", "paused", "unreadable")), ("reflection", ("due",))),),
)
def reflection(context: Context) -> str:
    """Whether the model should look at its answer once more.

    due: it ended its turn (``end_turn`` or ``stop_sequence``), the answer is in the history, and it has looked fewer
    times than the limit ``reflections`` allows.  none: otherwise, as when that limit is null or not declared, or when
    the caller appended messages in place of the answer.
    """
    most, reply = context.counters.limits.get("reflections"), context.turn.reply
    if most is None or context.counters.spent.get("reflections", 0) >= most:
        return "none"
    if reply is None or context.conversation.owned or not reply.get("content"):
        return "none"
    reason = stop_reason_of(reply)
    return "due" if reason is not None and reason.whole else "none"


def _open(context: Context) -> bool:
    return context.compaction.response is None and not is_done(context.turn)


_ALL = (turn, compaction, limit, closed, calls, awaits, early, recovery, change, last_request, reflection)
FACTS: Mapping[str, Fact] = MappingProxyType({each.name: each for each in _ALL})
"""The built-in facts, by name."""
