"""Entering a state: what it changes in the context.

Two moments matter.  The hand-over (`handed_over`): the caller asks for more, so the message that it held becomes part
of the history, together with the caller's edits.  The departure: a request is sent, so what was waiting for the next
request goes into the history.  The rest is book-keeping: limits that are spent or given back, calls that start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from fsm_runner.loop.context import Call, Calls, Context, Counters, Note, RunStatus, Turn
from fsm_runner.loop.effects import EFFECTS
from fsm_runner.loop.events import Entered, Failed, Json
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import (
    asks_for_tools,
    blocks_of,
    has_summary,
    is_done,
    reply_param,
    results_param,
    text_in,
    turn_of,
    without_last_thinking,
)
from fsm_runner.loop.stop import stop_reason_of
from fsm_runner.loop.thread import departing, is_recorded, is_threading, moved, refused_fields
from fsm_runner.loop.tools import available, changes_of, places_in, toolset_of, with_history

RESENDS = 2
"""How often a request is sent again without the caller."""

REFLECTION = """\
Before your answer goes out, look at it once more: does it do all that was asked, and is each statement in it borne
out by what you were told or found? If it stands, give it again as it is; if it does not, give a corrected one. Write
the whole answer, for a reader who has not seen the first, and say nothing of having checked it."""
"""The prompt that asks the model to look at its answer again."""


def entered(context: Context, event: Entered) -> Context:
    """Return the context after entering a state."""
    effect, stand = event.effect, context.stand
    counters = context.counters if event.spends is None else _spent(context.counters, event.spends)
    if effect is None:
        return _at_rest(context if event.spends is None else replace(context, counters=counters), event)
    again = stand.failure is not None and stand.effect == effect
    if stand.effect != effect:
        stand = replace(stand, effect=effect)
    if event.output is not None and stand.awaits != "nothing":
        stand = replace(stand, awaits="nothing")
    turn, kind = context.turn, EFFECTS.get(effect)
    if kind is not None:
        if kind.reflects:
            context = _reflecting(context)
        if kind.requests:
            return _departed(context, stand, counters, compacting=kind.compacts, again=again)
        if kind.calls is not None:
            turn = _started(context, early=kind.calls == "arriving")
    if stand is context.stand and turn is context.turn and counters is context.counters:
        return context
    return replace(context, stand=stand, turn=turn, counters=counters)


def _at_rest(context: Context, event: Entered) -> Context:
    """The context after entering a state without an effect."""
    stand = context.stand
    if event.output is not None and stand.awaits != "nothing":
        stand = replace(stand, awaits="nothing")
    has_failed = stand.failure is not None and stand.effect is not None
    if has_failed:
        stand = replace(stand, effect=None)  # the effect has failed, so it is not in flight any more
    if stand is not context.stand:
        context = replace(context, stand=stand)
    if has_failed:
        context = _rested(context)
    elif _is_refusal(context, event):
        context = _refused(context)
    if stand.awaits == "more":
        context = handed_over(context)
    return _ended(context) if event.final else context


def _spent(counters: Counters, limit: str) -> Counters:
    return replace(counters, spent={**counters.spent, limit: counters.spent.get(limit, 0) + 1}, staked=limit)


def _rested(context: Context) -> Context:
    """The context once the run rests after a failure.  What the failed request spent is given back, since the caller
    can have it sent again, which spends it again.  A failed compaction is over."""
    counters, compaction = context.counters, context.compaction
    if compaction.config is not None:
        context = replace(context, compaction=replace(compaction, config=None, sent=0))
    if counters.staked is None:
        return context
    spent = {**counters.spent, counters.staked: counters.spent.get(counters.staked, 1) - 1}
    return replace(context, counters=replace(counters, spent=spent, staked=None))


def _is_refusal(context: Context, event: Entered) -> bool:
    """Whether the run rests because the caller changed what the thread keeps."""
    stops = event.phase == "failed" and not event.final and context.stand.awaits == "more"
    return stops and bool(context.thread.refused or refused_fields(context))


def _refused(context: Context) -> Context:
    """The context with that change as a failure."""
    fields = " and ".join(f"`{name}`" for name in context.thread.refused or refused_fields(context))
    hint = "undo the change, or make a run with thread=False"
    if "`tools`" in fields:
        hint = f"use add_tools() and remove_tools(), {hint}"
    text = f"Cannot change {fields} on a thread: the server keeps what it was created with ({hint})"
    stand = replace(context.stand, failure=Failed(error="AnthropicError", text=text), failed_effect=None)
    return replace(context, stand=stand, thread=replace(context.thread, refused=()))


def _reflecting(context: Context) -> Context:
    """The context with the reflection prompt in the history; only once, also when the request is sent again."""
    history, asked = context.conversation.history, {"role": "user", "content": REFLECTION}
    for message in reversed(history):
        if message == asked:
            return context
        if message.get("role") == "assistant":
            break
    return replace(context, conversation=with_history(context.conversation, history.appended(asked)))


def _departed(context: Context, stand: RunStatus, counters: Counters, *, compacting: bool, again: bool) -> Context:
    """The context as the request leaves: with what was waiting for it, and with a draft for the caller to edit."""
    context = answered_for_good(context)
    conversation, settings, compaction = context.conversation, context.settings, context.compaction
    history, reply = conversation.history, context.turn.reply
    if settings.changes:
        reason = stop_reason_of(reply)
        paused = reason is not None and reason.joined and not context.turn.calls
        held = paused or (reply is not None and compacting and _is_last(context))
        if not held:
            history = history.appended({"role": "system", "content": list(settings.changes)})
            settings = replace(settings, changes=())
            context = replace(context, settings=settings)
    resends = counters.resends + 1 if again else 0
    if resends != counters.resends:
        counters = replace(counters, resends=resends)
    if history is not conversation.history:
        conversation = with_history(conversation, history)
    if compacting:
        asked = compaction.asked if compaction.asked is not None else compaction.config
        compaction = replace(compaction, asked=None, config=asked, sent=len(history))
    else:
        conversation = replace(conversation, draft=history, owned=False)
    return replace(
        context,
        stand=stand,
        counters=counters,
        compaction=compaction,
        conversation=conversation,
        thread=departing(context, compacting=compacting, again=again),
    )


def _is_last(context: Context) -> bool:
    """Whether the last reply ends the run.  A compaction after it is sent without tool changes: no request follows."""
    asks_for = turn_of(context.turn.reply)
    return not (asks_for == "paused" or (asks_for == "wants_tools" and context.turn.calls))


def _started(context: Context, *, early: bool) -> Turn:
    """The turn with the calls that start now: all that wait, but only one of each toolset at a time."""
    turn, settings = context.turn, context.settings
    if context.compaction.response is not None:
        return turn  # the turn is that of the reply before, whose calls are done
    candidates = Calls.of(turn.arriving[-1:] if early else turn.calls)
    if not any(state == "waiting" for state, _ in candidates.lines):
        return turn if not turn.starting else replace(turn, starting=())
    places: set[int] = set()
    for (state, line), waiting in candidates.lines.items():
        if state != "waiting":
            continue
        if (toolset := toolset_of(line, settings)) is None:
            places.update(waiting)
        elif not places_in(candidates, toolset, settings, "running"):
            places.add(min(places_in(candidates, toolset, settings, "waiting")))
    starting = {candidates[place].id: replace(candidates[place], status="running") for place in sorted(places)}
    return replace(
        turn,
        starting=tuple(starting),
        calls=Calls.of(turn.calls).renewed(starting),
        arriving=Calls.of(turn.arriving).renewed(starting),
    )


def _ended(context: Context) -> Context:
    """The context at the end of the run, with a note about what was not done."""
    reply = context.turn.reply
    reason = None if reply is None else reply.get("stop_reason")
    if reply is not None and not context.stand.closed and stop_reason_of(reply) is None:
        what = "no stop reason" if reason is None else f"the unknown stop reason {reason!r}"
        note = Note(level="warning", code="unreadable-reply", text=f"The run ends on a reply with {what}.")
        context = replace(context, notes=(*context.notes, note))
    turn = context.turn
    if context.compaction.asked is None or context.stand.closed or turn.answered or not turn.calls:
        return context
    reason = None if turn.reply is None else turn.reply.get("stop_reason")
    note = Note(
        level="warning",
        code="compaction-skipped",
        text=f"The pending compaction was skipped because the last turn (stop_reason={reason!r}) ended with tool calls "
        "whose results were not sent. Ask for it again if you continue the conversation.",
    )
    return replace(context, compaction=replace(context.compaction, asked=None), notes=(*context.notes, note))


def handed_over(context: Context) -> Context:
    """Return the context after the caller asked for more: the reply and its results are part of the history."""
    if context.compaction.config is not None:
        return _compacted(context)
    turn, conversation = context.turn, context.conversation
    thread = context.thread
    if turn.unread and turn.reply is not None:
        param = reply_param(turn.reply)
        recorded = is_recorded(thread, turn.reply) and param["content"]
        reply = (param,) if recorded else ()
        history = conversation.current
        if refused := refused_fields(context):
            thread = replace(thread, refused=refused)
        unchanged = (
            not conversation.owned
            and len(history) == len(conversation.history)
            and history.extends(conversation.history)
        )
        given = (
            not unchanged and len(history) > 0 and history[-1] == reply_param(turn.reply)
        )  # the caller has appended it
        if reply and not conversation.owned and not given:
            history = history.appended(*reply)
        if recorded:
            thread = moved(thread, history if unchanged else conversation.history.appended(*reply), history)
        turn = replace(turn, unread=False)
        conversation = replace(conversation, draft=None, history=history, changes=changes_of(conversation, history))
    if not turn.answered and turn.calls and asks_for_tools(turn) and is_done(turn):
        if not conversation.owned:
            conversation = with_history(conversation, _answered_in(conversation.history, results_param(turn.calls)))
        turn = replace(turn, answered=True)
    return context if turn is context.turn else replace(context, turn=turn, conversation=conversation, thread=thread)


def _answered_in(history: History, results: Json) -> History:
    """`history` with `results` directly after the reply, before messages that were appended while its tools ran.

    Source: the API takes a ``tool_use`` only with its ``tool_result`` in the next message."""
    after = len(history)
    while after and history[after - 1].get("role") != "assistant":
        after -= 1
    if after in (0, len(history)):
        return history.appended(results)
    return History((*history[:after], results, *history[after:]))


def _compacted(context: Context) -> Context:
    """The context with the API's compaction in place of the messages that it was made of; later ones follow it."""
    compaction, conversation = context.compaction, context.conversation
    done = replace(compaction, config=None, response=None, sent=0)
    response, thread = compaction.response, context.thread
    if response is None:
        return replace(context, compaction=done)
    if is_threading(thread) and not thread.beside:
        thread = replace(thread, mode="unthreaded")  # the next request would be refused as well
        context = replace(context, thread=thread)
    if not has_summary(response):
        note = Note(
            level="warning",
            code="compaction-without-summary",
            text="Compaction produced no summary; keeping the conversation as it is.",
        )
        return replace(context, compaction=done, notes=(*context.notes, note))
    history = History((reply_param(response), *conversation.history[compaction.sent :]))
    runnable = available(context)  # a tool may have been removed by a block in the history, which is now gone
    return replace(
        context,
        compaction=replace(done, tokens=0),
        conversation=with_history(conversation, history),
        settings=replace(context.settings, runnable=runnable),
        thread=moved(thread, conversation.history, history),
    )


# ── calls without a result ────────────────────────────────────────────────────────────────────────────────────────────


def handed_on(context: Context) -> list[Json]:
    """Return the conversation in a form from which another run can go on.

    Every call has a result: that of a call that was not run says so, and why.  Tool changes are left out where the
    API does not take them.  The reply that the caller holds is not included.
    """
    conversation = context.conversation
    history = conversation.current
    return _answered_all(history, {call.id: call for call in context.turn.calls}, _why_open(context))


def answered_for_good(context: Context) -> Context:
    """Return the context with a result for every call of a reply that ended without waiting for results.

    A call that has run gets its own result, any other one that says that it was not run."""
    turn, conversation = context.turn, context.conversation
    if not turn.calls or turn.answered or turn.unread or conversation.owned:
        return context
    calls = tuple(call if call.result is not None else _not_run(call, _why_open(context)) for call in turn.calls)
    conversation = with_history(conversation, _answered_in(conversation.history, results_param(calls)))
    return replace(context, turn=replace(turn, calls=calls, answered=True), conversation=conversation)


def _answered_all(history: Sequence[Json], known: Mapping[str, Call], why: str) -> list[Json]:
    messages: list[Json] = []
    for at, message in enumerate(history):
        whole = _as_whole(message)
        if whole is None or (message.get("role") == "system" and messages and not _may_precede_system(messages[-1])):
            continue
        messages.append(whole)
        ids = _open_calls(message, history[at + 1 :]) if message.get("role") == "assistant" else []
        if ids:
            calls = [known.get(id) or Call(id=id, name="", block={}) for id in ids]
            messages.append(results_param(call if call.result is not None else _not_run(call, why) for call in calls))
    return messages


def _as_whole(message: Json) -> Json | None:
    """`message` without thinking at its end, as when the reply was cut off in it; None when there is nothing else."""
    blocks = blocks_of(message) if message.get("role") == "assistant" else ()
    kept = without_last_thinking(blocks)
    if len(kept) == len(blocks):
        return message
    return {**message, "content": kept} if kept else None


def _may_precede_system(message: Json) -> bool:
    """Whether the API accepts a system message after this one.

    Source: the API's words when it refuses one: it "must follow a 'user' message or an 'assistant' message ending in a
    server tool result"."""
    if message.get("role") != "assistant":
        return True
    *_, last = ({}, *blocks_of(message))
    return str(last.get("type")).endswith("_tool_result")


def _open_calls(message: Json, after: Sequence[Json]) -> list[str]:
    """The ids of the calls in `message` without a result at the beginning of the messages after it."""
    ids = [text_in(block, "id") or "" for block in blocks_of(message) if block.get("type") == "tool_use"]
    if not ids:
        return []
    answered = set(_results_at_once(after))
    return [id for id in ids if id not in answered]


def _results_at_once(messages: Iterable[Json]) -> Iterable[str | None]:
    for message in messages:
        if message.get("role") != "user":
            return
        blocks = blocks_of(message)
        for block in blocks:
            if block.get("type") != "tool_result":
                return
            yield text_in(block, "tool_use_id")
        if not blocks:
            return


def _not_run(call: Call, why: str) -> Call:
    text = f"No result: the tool had begun when {why}." if call.status == "running" else f"Not run: {why}."
    result: dict[str, object] = {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": True}
    if call.toolset is not None:
        result["toolset_name"] = call.toolset
    return replace(call, status="done", result=result)


def _why_open(context: Context) -> str:
    """Why calls of the last reply have no result."""
    reason = None if context.turn.reply is None else text_in(context.turn.reply, "stop_reason")
    if context.turn.reply is not None and not asks_for_tools(context.turn):
        return f"the reply ended with the stop reason '{reason}', not for tools" if reason else "the reply ended early"
    return "the run was closed" if context.stand.closed else "the run was left"
