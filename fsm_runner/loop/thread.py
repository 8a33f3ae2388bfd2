"""The thread: which part of the conversation the server holds, and what the next request says about it.

By default the server keeps the conversation, and a request sends only what is new.  The context has the whole history
all the same, so that a run can go on without the server's copy, and can be replayed.

    off          there is no thread: every request sends the whole history
    new          the next request sends the whole history and creates a thread
    created      that request is in flight, or has failed before its reply
    continue     the server holds the history up to the last reply
    unthreaded   the server could not keep a thread: from now on requests go without one

Source: anthropic 2.12 (message threads, beta ``message-threads-2026-08-12``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from fsm_runner.loop.context import Context, Settings, Thread
from fsm_runner.loop.events import Failed, Json
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import text_in
from fsm_runner.loop.stop import stop_reason_of

CREATE_ONLY = ("system", "tools")
"""The parameters that a thread keeps, and that a request which continues it must not have."""

LOST = "thread_not_found"
UNSUPPORTED = "thread_unsupported_request"
REPLAYED_AFTER = frozenset({LOST, "thread_already_continued", "thread_continue_in_flight"})
"""The API's error codes after which the whole history is sent again, as a new thread."""

_BLOCK_KEYS = frozenset({"content", "source", "tool", "definition", "tool_references"})
_CREATE: Json = {"type": "create"}


def is_threading(thread: Thread) -> bool:
    """Whether requests have a ``thread`` parameter."""
    return thread.mode not in ("off", "unthreaded")


def refused_fields(context: Context) -> tuple[str, ...]:
    """Return the fields that the caller changed although the thread keeps its own."""
    thread = context.thread
    if thread.mode != "continue":
        return ()
    now = fields_now(context.settings)
    return tuple(name for name in CREATE_ONLY if now.get(name) != thread.created_with.get(name))


def fields_now(settings: Settings) -> Json:
    """Return the fields that a thread created now would keep."""
    now = {name: settings.params[name] for name in CREATE_ONLY if name in settings.params}
    return now if settings.tools is None else {**now, "tools": list(settings.tools)}


def departing(context: Context, *, compacting: bool, again: bool) -> Thread:
    """Return the thread as a request is sent.

    A compaction does not continue the thread: it sends the whole history and begins a thread of its own.
    """
    thread = context.thread
    if compacting:
        beside = thread.beside if again else is_threading(thread)
        return thread if beside == thread.beside else replace(thread, beside=beside)
    if thread.mode in ("new", "created"):
        return replace(thread, mode="created", created_with=fields_now(context.settings))
    return thread


def replied(thread: Thread, message: Json) -> Thread:
    """Return the thread after a reply.  It does not keep a refused turn, nor one of a fallback model."""
    if thread.mode not in ("created", "continue"):
        return thread
    if not _is_kept(message):
        return replace(thread, mode="new", replaces_lost=False) if thread.mode == "continue" else thread
    lost = thread.mode == "created" and thread.replaces_lost
    if _by_fallback(message):
        return replace(thread, mode="new", previous=None, replaces_lost=False)
    return replace(thread, mode="continue", previous=text_in(message, "id"), replaces_lost=lost)


def _by_fallback(message: Json) -> bool:
    usage = message.get("usage")
    iterations = usage.get("iterations") if isinstance(usage, Mapping) else None
    if not isinstance(iterations, Iterable):
        return False
    return any(isinstance(each, Mapping) and each.get("type") == "fallback_message" for each in iterations)


def is_recorded(thread: Thread, message: Json) -> bool:
    """Whether a reply becomes part of the history.  In a thread, a refused turn does not."""
    return thread.mode == "off" or _is_kept(message)


def _is_kept(message: Json) -> bool:
    reason = stop_reason_of(message)
    return reason is None or reason.kept


def after_failure(context: Context, failure: Failed, *, compacting: bool, streaming: bool) -> tuple[Thread, bool]:
    """Return the thread after a failure, and whether the request can be sent again without the caller.

    A thread that is lost again right after it was sent anew may be one that the server cannot store, so the run goes on
    without.  Of a reply that was lost while it streamed the caller has seen a part, so the caller must ask again.
    """
    thread, at_once = context.thread, not streaming
    if compacting:
        can = failure.code == UNSUPPORTED and thread.beside
        return (replace(thread, beside=False), at_once) if can else (thread, False)
    if failure.code == UNSUPPORTED and is_threading(thread):
        return replace(thread, mode="unthreaded"), at_once
    if failure.code in REPLAYED_AFTER and thread.mode == "continue":
        if failure.code == LOST and thread.replaces_lost:
            return replace(thread, mode="unthreaded"), at_once
        return replace(thread, mode="new", replaces_lost=failure.code == LOST), at_once
    if streaming and thread.mode == "continue":
        return replace(thread, mode="new", replaces_lost=False), False
    return thread, False


def moved(thread: Thread, held: History, history: History) -> Thread:
    """Return the thread after the history was replaced by `history`; the server holds `held`.

    A history that begins with what the server holds continues the thread.  Any other starts a new one.
    """
    if thread.mode == "off":
        return thread
    if history.extends(held) or history[: len(held)] == tuple(held):
        return thread if thread.held == len(held) else replace(thread, held=len(held))
    return replace(thread, held=0, mode="new" if is_threading(thread) else thread.mode, replaces_lost=False)


def request_parts(context: Context, *, compacting: bool) -> tuple[tuple[Json, ...] | History, Json | None, bool]:
    """Return the messages of a request, its ``thread`` parameter, and whether it continues the thread."""
    thread, history = context.thread, context.conversation.history
    if thread.mode == "off":
        return history, None, False
    if thread.mode == "continue" and not compacting:
        position: Json = {"type": "continue", "previous_message_id": thread.previous}
        return history[thread.held :], position, True
    creates = thread.beside if compacting else thread.mode == "created"
    return _sent_again(history, thread.held), _CREATE if creates else None, False


def _sent_again(history: History, held: int) -> tuple[Json, ...] | History:
    """The whole history, for a request that sends all of it.  What the server has seen before is sent without its cache
    markers: they were meant for earlier requests, and a request may have only a few."""
    if held == 0:
        return history
    return (*(_without_cache_control_in(message) for message in history[:held]), *history[held:])


def _without_cache_control_in(message: Json) -> Json:
    cleaned = _without_cache_control(message)
    return cleaned if isinstance(cleaned, Mapping) else message


def _without_cache_control(value: object) -> object:
    """A copy without the cache markers of blocks.  Free-form data, such as a tool's input, stays as it is."""
    if isinstance(value, Mapping):
        return {
            key: _without_cache_control(item) if key in _BLOCK_KEYS else item
            for key, item in value.items()
            if key != "cache_control"
        }
    return [_without_cache_control(item) for item in value] if isinstance(value, (list, tuple)) else value
