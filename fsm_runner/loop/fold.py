"""The fold: the only function that makes a new context.

`fold(context, event)` returns what a run knows after an event.  It decides nothing: rows decide where the run goes, by
facts, which read this context.  What entering a state changes is in `enter`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from msgspec.structs import replace

from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Call, Calls, Context, Conversation, Counters, Note, RunStatus, Turn, Usage
from fsm_runner.loop.effects import EFFECTS
from fsm_runner.loop.enter import entered
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import (
    call_of,
    calls_of,
    reply_param,
    sendable_message,
    summary_text,
    text_in,
    usage_of,
    with_container,
)
from fsm_runner.loop.thread import after_failure, is_recorded, moved, replied
from fsm_runner.loop.tools import with_history, without_draft

_FUTILE = Note(
    level="warning",
    code="compaction-futile",
    text="The first reply after a summary reached the threshold again; the conversation is not summarised any more "
    "until a reply stays below it. Raise the threshold, or shorten the system prompt, the tools or the summary.",
)


def fold(context: Context, event: ev.Event | ev.Entered) -> Context:
    """Return the context after `event`.  The only function that makes a new Context."""
    match event:
        case ev.Entered():
            return entered(context, event)
        case ev.Replied():
            return _replied(context, event.message)
        case ev.Continued():
            return replace(context, stand=replace(context.stand, awaits="more"))
        case ev.ToolFinished():
            turn, stand = _answered(context.turn, {event.id: event.result}), context.stand
            return (
                replace(context, turn=turn, stand=_succeeded(stand)) if stand.failure else replace(context, turn=turn)
            )
        case ev.Opened():
            return replace(context, turn=replace(context.turn, arriving=()), stand=_succeeded(context.stand))
        case ev.MovedOn():
            turn = replace(context.turn, arriving=_arrived(context.turn.arriving, call_of(event.call)))
            return replace(context, turn=turn)
        case ev.Summarised():
            return _summarised(context, event.message)
        case ev.Failed():
            return _failed(context, event)
        case ev.Reported():
            return _reported(context, event)
        case ev.AnswerAsked():
            return replace(context, stand=replace(context.stand, awaits="answer"))
        case _:
            return _acted(context, event)


def _acted(context: Context, event: ev.Act) -> Context:
    """The context after an act of the caller, which no row takes."""
    match event:
        case ev.Appended():
            return _appended(context, event.messages)
        case ev.ParamsReplaced():
            return _params_replaced(context, event)
        case ev.ResultsEdited():
            return replace(context, turn=_answered(context.turn, _by_call(event.results)))
        case ev.ToolsChanged():
            settings = context.settings
            runnable = settings.runnable.union(event.added).difference(event.removed)
            return replace(
                context, settings=replace(settings, runnable=runnable, changes=settings.changes + event.blocks)
            )
        case ev.CompactionAsked():
            return replace(context, compaction=replace(context.compaction, asked=event.config))
        case ev.CallDeferred():
            return replace(context, turn=_deferred(context.turn, event.id))
        case ev.Closed():
            return replace(context, stand=replace(context.stand, closed=True))
        case _:
            assert_never(event)


def _succeeded(stand: RunStatus) -> RunStatus:
    return stand if stand.failure is None else replace(stand, failure=None, failed_effect=None)


def _counted(counters: Counters, more: Usage) -> Counters:
    """The counters after a reply: its tokens are added, and what its request spent stays spent."""
    return replace(counters, usage=_added(counters.usage, more), staked=None, resends=0)


def _added(total: Usage, more: Usage) -> Usage:
    return Usage(
        input_tokens=total.input_tokens + more.input_tokens,
        output_tokens=total.output_tokens + more.output_tokens,
        cache_creation_input_tokens=total.cache_creation_input_tokens + more.cache_creation_input_tokens,
        cache_read_input_tokens=total.cache_read_input_tokens + more.cache_read_input_tokens,
        replies=total.replies + 1,
    )


def _replied(context: Context, message: ev.Json) -> Context:
    usage = usage_of(message)
    counters, stand, compaction = _counted(context.counters, usage), _succeeded(context.stand), context.compaction
    if compaction.config is not None:
        return replace(context, counters=counters, stand=stand, compaction=replace(compaction, response=message))
    early = {call.id: call for call in context.turn.arriving}
    calls = calls_of(message)
    if early:
        calls = tuple(_as_it_stands(call, early.get(call.id)) for call in calls)
    settings, tokens, notes = context.settings, usage.total_tokens, context.notes
    control = settings.summary
    below = control is None or tokens < control.threshold
    if compaction.fresh and not below and control is not None and compaction.tokens < control.threshold:
        notes = (*notes, _FUTILE)
    params = with_container(settings.params, message if is_recorded(context.thread, message) else None)
    return replace(
        context,
        counters=counters,
        stand=stand,
        thread=replied(context.thread, message),
        turn=Turn(reply=message, calls=Calls.of(calls), unread=True),
        compaction=replace(compaction, tokens=tokens, fresh=compaction.fresh and not below),
        settings=settings if params is settings.params else replace(settings, params=params),
        notes=notes,
    )


def _as_it_stands(call: Call, early: Call | None) -> Call:
    """A call of a complete reply, with what was done with it while the reply streamed."""
    return call if early is None else replace(call, status=early.status, held=early.held, result=early.result)


def _arrived(arriving: tuple[Call, ...], call: Call) -> tuple[Call, ...]:
    """`arriving` with `call`, which is complete now.  The caller may have deferred it before."""
    if call.id not in (known := Calls.of(arriving)).places:
        return known.appended(call)
    held = any(known.held for known in arriving if known.id == call.id)
    return (*(known for known in arriving if known.id != call.id), replace(call, held=held))


def _answered(turn: Turn, results: Mapping[str, ev.Json]) -> Turn:
    """`turn` with the results of some calls."""

    def done(some: tuple[Call, ...]) -> Calls:
        calls, changes = Calls.of(some), dict[int, Call]()
        for id, result in results.items():
            for place in calls.places.get(id, ()):
                changes[place] = replace(calls[place], status="done", held=False, result=result)
        return calls.changed(changes)

    return replace(turn, calls=done(turn.calls), arriving=done(turn.arriving) if turn.arriving else (), starting=())


def _deferred(turn: Turn, id: str) -> Turn:
    """`turn` with the call `id` held, unless it has started.  The call may not have arrived yet."""

    def held(calls: Calls) -> Calls:
        waiting = [place for place in calls.places.get(id, ()) if calls[place].status == "waiting"]
        return calls.changed({place: replace(calls[place], held=True) for place in waiting})

    calls, arriving = Calls.of(turn.calls), Calls.of(turn.arriving)
    if id not in calls.places and id not in arriving.places:
        arriving = arriving.appended(Call(id=id, name="", block={}, held=True))
    return replace(turn, calls=held(calls), arriving=held(arriving))


def _summarised(context: Context, message: ev.Json) -> Context:
    """The context with the summary as the whole history: a user message with its text.

    Source: anthropic 0.75."""
    summary = {"role": "user", "content": [{"type": "text", "text": summary_text(message)}]}
    history = History([summary])
    return replace(
        context,
        counters=_counted(context.counters, usage_of(message)),
        stand=_succeeded(context.stand),
        conversation=with_history(context.conversation, history),
        thread=moved(context.thread, context.conversation.history, history),
        turn=Turn(),
        compaction=replace(context.compaction, tokens=0, fresh=True),
    )


def _failed(context: Context, event: ev.Failed) -> Context:
    """The context after a failure.  The caller's edits stay; of the failed effect nothing stays, so it can begin again.

    When the response of a compaction fails while it streams, the compaction has failed.  Of a reply that cannot be used
    only the tokens count."""
    if event.message is not None:
        counters = context.counters
        used = replace(counters, usage=_added(counters.usage, usage_of(event.message)))
        context, event = replace(context, counters=used), replace(event, message=None)
    conversation, turn, compaction = context.conversation, context.turn, context.compaction
    compacting, effect = compaction.config is not None, context.stand.effect
    thread, adjusted = context.thread, False
    kind = None if effect is None else EFFECTS.get(effect)
    if kind is not None and (kind.requests or kind.streams):
        thread, adjusted = after_failure(context, event, compacting=compacting, streaming=kind.streams)
    if conversation.draft is not None and thread.mode != "off":
        thread = moved(thread, History(conversation.history[: thread.held]), conversation.draft)
    waiting = tuple(replace(call, status="waiting") if call.status == "running" else call for call in turn.calls)
    return replace(
        context,
        conversation=without_draft(conversation),
        turn=replace(turn, calls=waiting, arriving=()),
        compaction=compaction if compaction.response is None else replace(compaction, response=None),
        stand=replace(
            context.stand,
            failure=event,
            failed_effect=_compaction() if compacting else effect,
        ),
        thread=thread if adjusted == thread.adjusted else replace(thread, adjusted=adjusted),
    )


def _compaction() -> str:
    """The name of the effect that compacts."""
    return next(name for name, kind in EFFECTS.items() if kind.compacts)


def _reported(context: Context, event: ev.Reported) -> Context:
    results = _by_call(event.results)
    return replace(
        context,
        reports={**context.reports, event.name: event.data},
        turn=_answered(context.turn, results) if results else context.turn,
        stand=_succeeded(context.stand),
    )


def _by_call(results: tuple[ev.Json, ...]) -> Mapping[str, ev.Json]:
    return {text_in(result, "tool_use_id") or "": result for result in results}


def _appended(context: Context, messages: tuple[ev.Json, ...]) -> Context:
    """The context with messages of the caller.  If the caller holds a reply, it owns the history from now on, and calls
    that have run will run again.  Calls that ran while the reply streamed keep their results, and so do those of a
    tool response in flight.

    Source: anthropic 2.12."""
    conversation, turn = context.conversation, context.turn
    messages = tuple(map(sendable_message, messages))
    messages = _not_there_yet(messages, turn, _since_the_reply(conversation))
    if conversation.draft is None:
        return replace(context, conversation=with_history(conversation, conversation.history.appended(*messages)))
    if turn.unread and not context.settings.eager and not any(call.status == "running" for call in turn.calls):
        turn = replace(turn, calls=tuple(replace(call, status="waiting", result=None) for call in turn.calls))
    draft = conversation.draft.appended(*messages)
    return replace(context, conversation=replace(conversation, draft=draft, owned=True), turn=turn)


def _since_the_reply(conversation: Conversation) -> Sequence[ev.Json]:
    """The messages that the caller has added since the last reply arrived; it may have added the reply itself."""
    draft = conversation.draft
    if draft is None or not draft.extends(conversation.history):
        return conversation.current
    return draft[len(conversation.history) :]


def _not_there_yet(messages: tuple[ev.Json, ...], turn: Turn, history: Sequence[ev.Json]) -> tuple[ev.Json, ...]:
    """`messages` without the last reply if `history` has it already: a reply is added only once.

    Source: anthropic 2.12."""
    if turn.reply is None:
        return messages
    new: list[ev.Json] = []
    for message in messages:
        if message.get("role") == "assistant" and message == reply_param(turn.reply):
            last = (*history[-1:], *new)[-1:]
            if message in last or (turn.calls and (message in new or message == _last_of_assistant(history))):
                continue
        new.append(message)
    return tuple(new)


def _last_of_assistant(history: Sequence[ev.Json]) -> ev.Json | None:
    return next((each for each in reversed(history) if each.get("role") == "assistant"), None)


def _params_replaced(context: Context, event: ev.ParamsReplaced) -> Context:
    settings, conversation = context.settings, context.conversation
    settings = replace(
        settings,
        params=with_container(event.params, context.turn.reply),
        tools=event.tools,
        runnable=frozenset(event.runnable),
        toolsets=frozenset(event.toolsets),
    )
    thread = context.thread
    if event.messages is not None:
        history = History(map(sendable_message, event.messages))
        if conversation.draft is None:
            thread = moved(thread, History(conversation.history[: thread.held]), history)
        conversation = (
            with_history(conversation, history) if conversation.draft is None else replace(conversation, draft=history)
        )
    return replace(context, settings=settings, conversation=conversation, thread=thread)
