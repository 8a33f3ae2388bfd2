"""The effects: what a driver has to do while a run is in a state, made from the context on entering it.

A driver performs an effect and reports an event; it decides nothing.  An effect holds everything that is needed for
that as plain data.  What is live (the client, the tools, the streams) the driver has.

`EFFECTS` is the one table of the effects that a chart can name without declaring them.  The vocabulary, `enter`, `fold`
and the facts read what they need to know of an effect from its entry, so a new effect is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal, TypeAlias

from fsm_runner.engine.domain import EffectKind, Vocabulary
from fsm_runner.engine.frozen import Frozen, short_repr
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Call, Calls, Context, SummaryControl
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import is_object, without_open_calls
from fsm_runner.loop.thread import CREATE_ONLY, request_parts
from fsm_runner.loop.tools import available, places_in


class SendRequest(Frozen, frozen=True, kw_only=True):
    """Send a request and report `Replied`, or `Opened` when it streams, or `Failed`.

    Attributes:
        messages: the messages to send.
        params: the other parameters, without ``tools``.
        tools: the tool definitions; None: send none.
        stream: whether the reply is to be streamed.
        purpose: ``reply``, or ``compaction`` when the API is to compact instead of replying.
        thread: the request's ``thread`` parameter; None: it has none.
    """

    name: ClassVar[str] = "send_request"
    messages: Sequence[Json]
    params: Json
    tools: tuple[Json, ...] | None
    stream: bool
    purpose: Literal["reply", "compaction"] = "reply"
    thread: Json | None = None


class LendStream(Frozen, frozen=True, kw_only=True):
    """Let the caller read the stream; report `MovedOn`, `Replied` when it is read to the end, or `Failed`."""

    name: ClassVar[str] = "lend_stream"


class DrainStream(Frozen, frozen=True, kw_only=True):
    """Read the rest of the stream; report as for `LendStream`."""

    name: ClassVar[str] = "drain_stream"


CallKind: TypeAlias = Literal["run", "skip", "unknown", "malformed"]


class CallTool(Frozen, frozen=True, kw_only=True):
    """Run a tool and report `ToolFinished`.  An exception of the tool is a result too.

    Attributes:
        id: the id of the call.
        block: its ``tool_use`` block.
        kind: ``run``; ``skip``: an earlier call of the same toolset failed, so it does not run; ``unknown``: there is
            no such tool now; ``malformed``: its input is not an object, as when its JSON was cut off.
        early: whether the reply is still streaming.
    """

    name: ClassVar[str] = "call_tool"
    id: str
    block: Json
    kind: CallKind = "run"
    early: bool = False


class Summarise(Frozen, frozen=True, kw_only=True):
    """Ask the model for a summary of the conversation and report `Summarised` or `Failed`.

    Attributes:
        messages: the conversation; the last message asks for the summary.
        model: the model that writes it.
        max_tokens: how long it may be.

    Source: anthropic 0.75 sends these three and no tools."""

    name: ClassVar[str] = "summarise"
    messages: Sequence[Json]
    model: str
    max_tokens: int


class Perform(Frozen, frozen=True, kw_only=True):
    """Perform a custom effect and report one of the events that the chart declares for it.

    Attributes:
        name: the effect.
    """

    name: str


Effect: TypeAlias = SendRequest | LendStream | DrainStream | CallTool | Summarise | Perform
"""Every effect: a closed union."""

REQUESTS = frozenset({SendRequest.name, Summarise.name})
"""The names, in journals, of the effects that are requests to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEffect(EffectKind):
    """An effect that a chart of the tool loop may name without declaring it: immutable.

    Attributes:
        name: as charts write it.
        make: makes the effects to start when a run enters a state with it.
        again: the same for a run that is resumed there; None: `make` does.
        requests: whether it sends the conversation; a request for a summary does not count.
        compacts: whether it has the API compact the history.
        reflects: whether the model is first asked to look at its answer again.
        streams: whether it reads a reply that is streaming.
        calls: which calls it runs: those of the whole ``reply``, or the one that is ``arriving``; None: none.
    """

    name: str
    make: Callable[[Context], tuple[Effect, ...]] = field(repr=False)
    again: Callable[[Context], tuple[Effect, ...]] | None = field(default=None, repr=False)
    requests: bool = False
    compacts: bool = False
    reflects: bool = False
    streams: bool = False
    calls: Literal["reply", "arriving"] | None = None

    __repr__ = short_repr


def effects_of(effect: str, context: Context) -> tuple[Effect, ...]:
    """Return the effects to start when a run has entered a state with `effect`."""
    kind = EFFECTS.get(effect)
    return (Perform(name=effect),) if kind is None else kind.make(context)


def effects_again(effect: str, context: Context) -> tuple[Effect, ...]:
    """Return the effects to start when a run is resumed in a state with `effect`."""
    kind = EFFECTS.get(effect)
    return effects_of(effect, context) if kind is None or kind.again is None else kind.again(context)


def tool_response(context: Context) -> Json | None:
    """Return the user message that answers the calls of the last reply; None when none of them has a result.

    A reply that was lost while it streamed has no calls, and those of the reply before it were answered already."""
    lost = context.turn.answered and (context.stand.failure is not None or bool(context.turn.arriving))
    if context.compaction.config is not None or lost:
        return None
    results = [call.result for call in context.turn.calls if call.result is not None]
    return {"role": "user", "content": results} if results else None


def _send_request(context: Context) -> tuple[Effect, ...]:
    return (_request(context, context.settings.params, "reply"),)


def _compact(context: Context) -> tuple[Effect, ...]:
    params = {**without_reply_params(context.settings.params), "compaction": context.compaction.config}
    return (_request(context, params, "compaction"),)


def _send_last_request(context: Context) -> tuple[Effect, ...]:
    """A request whose reply can call no tool.  The tools are still sent: the history has calls of them, and the prompt
    cache stays valid."""
    params = context.settings.params
    choice = {"tool_choice": {"type": "none"}} if context.settings.tools else {}
    return (_request(context, {**params, **choice}, "reply"),)


def _request(context: Context, params: Json, purpose: Literal["reply", "compaction"]) -> SendRequest:
    settings = context.settings
    messages, thread, held = request_parts(context, compacting=purpose == "compaction")
    return SendRequest(
        messages=messages,
        params={key: value for key, value in params.items() if key not in CREATE_ONLY} if held else params,
        tools=None if held else settings.tools,
        stream=settings.stream,
        purpose=purpose,
        thread=thread,
    )


def without_reply_params(params: Json) -> Json:
    """Return `params` without those that are only about a reply, which the API refuses together with ``compaction``.

    Source: anthropic 2.12 leaves off the same ones."""
    kept = {k: v for k, v in params.items() if k not in ("context_management", "stop_sequences", "output_format")}
    choice = kept.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") in ("any", "tool"):
        del kept["tool_choice"]
    if isinstance(kept.get("output_config"), Mapping):
        kept["output_config"] = _without_format(kept["output_config"])
    fallbacks = kept.get("fallbacks")
    if isinstance(fallbacks, (list, tuple)):
        kept["fallbacks"] = [
            {**each, "output_config": _without_format(each["output_config"])}
            if isinstance(each, Mapping) and each.get("output_config")
            else each
            for each in fallbacks
        ]
    return kept


def _without_format(config: object) -> object:
    return {k: v for k, v in config.items() if k != "format"} if isinstance(config, Mapping) else config


def _all_calls(context: Context) -> tuple[Call, ...]:
    known = {call.id for call in context.turn.arriving}
    return (*context.turn.arriving, *(call for call in context.turn.calls if call.id not in known))


def _calls(context: Context, calls: Iterable[Call], *, early: bool = False) -> tuple[CallTool, ...]:
    names = available(context)
    return tuple(
        [CallTool(id=call.id, block=call.block, kind=_kind(context, call, names), early=early) for call in calls]
    )


def _kind(context: Context, call: Call, names: frozenset[str]) -> CallKind:
    """What is done with `call`.  It is skipped when an earlier call of the same toolset in the reply has failed."""
    settings = context.settings
    runs: CallKind = "run" if is_object(call.block.get("input")) else "malformed"
    if call.toolset is None:
        return runs if call.name in names else "unknown"
    if call.toolset not in settings.toolsets:
        return "unknown"
    calls = Calls.of(context.turn.calls)
    failed = places_in(calls, call.toolset, settings, "failed")
    return "skip" if failed and min(failed) < calls.places.get(call.id, (0,))[0] else runs


def _call_tools(context: Context) -> tuple[Effect, ...]:
    turn = context.turn
    if not turn.starting:
        return ()
    calls = Calls.of(turn.calls)
    places = sorted(place for id in turn.starting for place in calls.places[id])
    return _calls(context, [calls[place] for place in places])


def _call_early(context: Context) -> tuple[Effect, ...]:
    return _calls(context, context.turn.arriving[-1:], early=True)


def _running(context: Context, *, early: bool = False) -> tuple[Effect, ...]:
    return _calls(context, [call for call in _all_calls(context) if call.status == "running"], early=early)


def _summarise(context: Context) -> tuple[Effect, ...]:
    control = context.settings.summary or SummaryControl()
    params = context.settings.params
    max_tokens = params.get("max_tokens")
    return (
        Summarise(
            messages=(*without_open_calls(context.conversation.history), {"role": "user", "content": control.prompt}),
            model=control.model or str(params.get("model", "")),
            max_tokens=max_tokens if isinstance(max_tokens, int) else 1,
        ),
    )


_REPLY = (ev.Replied.name, ev.Opened.name, ev.Failed.name)
_STREAM = (ev.MovedOn.name, ev.Replied.name, ev.Failed.name)
_RESULT = (ev.ToolFinished.name, ev.Failed.name)

_TABLE: dict[str, LoopEffect] = {
    each.name: each
    for each in (
        LoopEffect(name=SendRequest.name, make=_send_request, reports=_REPLY, requests=True),
        LoopEffect(name="compact", make=_compact, reports=_REPLY, requests=True, compacts=True),
        LoopEffect(name="send_last_request", make=_send_last_request, reports=_REPLY, requests=True),
        # By the time the request is made, the question is in the history.
        LoopEffect(name="reflect", make=_send_request, reports=_REPLY, requests=True, reflects=True),
        LoopEffect(
            name=LendStream.name, make=lambda _: (LendStream(),), reports=_STREAM, asks=True, late=True, streams=True
        ),
        LoopEffect(name=DrainStream.name, make=lambda _: (DrainStream(),), reports=_STREAM, late=True, streams=True),
        LoopEffect(
            name="call_early",
            make=_call_early,
            again=lambda context: _running(context, early=True),
            reports=_RESULT,
            late=True,
            calls="arriving",
        ),
        LoopEffect(name="call_tools", make=_call_tools, again=_running, reports=_RESULT, late=True, calls="reply"),
        LoopEffect(name=Summarise.name, make=_summarise, reports=(ev.Summarised.name, ev.Failed.name)),
    )
}
EFFECTS: Mapping[str, LoopEffect] = MappingProxyType(_TABLE)
"""The built-in effects, by name."""

VOCABULARY = Vocabulary(
    effects=EFFECTS,
    asks=(ev.Continued.name, ev.AnswerAsked.name),
    failed=ev.Failed.name,
    outputs=("message", "stream"),
    supplies={
        "calls": "the tool calls of one reply",
        "stream": "the events of one stream",
        "reply": "the reply that crossed the threshold; only a new reply can cross it again",
        "resends": "two for each request",
        "caller": "an act of the caller",
    },
    renewed_by=dict.fromkeys(("calls", "stream", "reply", "resends"), (ev.Replied.name, ev.Opened.name)),
    limits=("iterations",),
    limit="limit",
    own_limits={"last_request": ("last_requests", "none"), "reflection": ("reflections", "none")},
)
"""The words that a chart may use without declaring them.  The check learns from them which events can happen where.
Charts may declare facts, effects and events of their own."""
