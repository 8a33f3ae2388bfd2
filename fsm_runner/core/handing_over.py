"""The hand-over: what the caller was handed becomes part of the history, once it asks for more.

A reply, the results of its calls, or the API's compaction in the history's place.
"""

from __future__ import annotations

from fsm_runner.core.availability import available, changes_of, with_history
from fsm_runner.core.context import Context, Note
from fsm_runner.core.events import Json
from fsm_runner.core.history import History
from fsm_runner.core.messages import has_summary, is_done, reply_param, results_param
from fsm_runner.core.parts import replace
from fsm_runner.core.thread import is_recorded, is_threading, moved, refused_fields


def handed_over(context: Context) -> Context:
    """Return the context once the caller asked for more: what it was handed is part of the history, as it left that."""
    if context.compaction.config is not None:
        return _compacted(context)
    turn, talk = context.turn, context.conversation
    thread = context.thread
    if turn.unread and turn.reply is not None:
        recorded = is_recorded(thread, turn.reply) and turn.reply.get("content")
        reply = (reply_param(turn.reply),) if recorded else ()
        history = talk.history if talk.draft is None else talk.draft
        if refused := refused_fields(context):
            thread = replace(thread, refused=refused)
        unchanged = not talk.owned and len(history) == len(talk.history) and history.extends(talk.history)
        if reply and not talk.owned and not (len(history) and history[-1] == reply[0]):
            history = history.appended(*reply)
        if recorded:
            thread = moved(thread, history if unchanged else talk.history.appended(*reply), history)
        turn = replace(turn, unread=False)
        talk = replace(talk, draft=None, history=history, changes=changes_of(talk, history))
    if not turn.answered and turn.calls and _asks_for_tools(turn.reply) and is_done(turn):
        if not talk.owned:
            talk = with_history(talk, _answered_in(talk.history, results_param(turn.calls)))
        turn = replace(turn, answered=True)
    return context if turn is context.turn else replace(context, turn=turn, conversation=talk, thread=thread)


def _answered_in(history: History, results: Json) -> History:
    """`history` with `results` after the reply, ahead of messages that came while its tools ran.

    Source: the API takes a ``tool_use`` only with its ``tool_result`` in the next message."""
    after = len(history)
    while after and history[after - 1].get("role") != "assistant":
        after -= 1
    if after in (0, len(history)):
        return history.appended(results)
    return History((*history[:after], results, *history[after:]))


def _asks_for_tools(reply: Json | None) -> bool:
    return reply is not None and reply.get("stop_reason") == "tool_use"


def _compacted(context: Context) -> Context:
    """The API's compaction in the history's place, followed by what came after it was asked for."""
    compaction, talk = context.compaction, context.conversation
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
    history = History((reply_param(response), *talk.history[compaction.sent :]))
    runnable = available(context)  # a removal that stood in the history alone would be gone with it
    return replace(
        context,
        compaction=replace(done, tokens=0),
        conversation=with_history(talk, history),
        settings=replace(context.settings, runnable=runnable),
        thread=moved(thread, talk.history, history),
    )
