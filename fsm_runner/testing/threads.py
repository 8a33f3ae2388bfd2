"""Threads: the conversations that a scripted model keeps, as the API keeps message threads.

A request with ``thread: {"type": "create"}`` sends the whole conversation.  From then on the id of its reply stands for
it: a request with ``{"type": "continue", "previous_message_id": id}`` sends only what came after.  The rules about the
conversation are checked on both parts together.

For each reply in a thread the model keeps the conversation up to it, and the `system` and `tools` that the thread was
created with.  It does not keep a refused turn, nor one of a fallback model.  Each reply can be continued from once.

Source: anthropic SDK 2.12, `ErrorDetails` and the beta ``message-threads-2026-08-12``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fsm_runner.testing.faults import Fault, error, thread_error
from fsm_runner.testing.received import Held, ScriptedRequest

BETA = "message-threads-2026-08-12"
FIXED = ("system", "tools")
"""The fields that stay as they were when the thread was created."""


class Threads:
    """The threads of one model."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._continued: set[str] = set()

    def known(self, request: ScriptedRequest) -> ScriptedRequest:
        """Return the request, with what the server holds for it if it continues a known thread."""
        held = self._held.get(_previous(request) or "")
        return request if held is None else replace(request, held=held)

    def refusal(self, request: ScriptedRequest) -> Fault | None:
        """Return the error for a request whose `thread` is not possible; None when it is."""
        if request.body.get("thread") is None:
            return None
        if BETA not in request.betas or request.platform != "anthropic":
            return error(400, "invalid_request_error", message="thread: Extra inputs are not permitted")
        if not request.continues_thread:
            return None
        if request.held is None:
            return thread_error("thread_not_found")
        if _previous(request) in self._continued:
            return thread_error("thread_already_continued")
        changed = [
            name for name in FIXED if name in request.body and request.body[name] != request.held.fields.get(name)
        ]
        return thread_error("thread_fingerprint_mismatch", ", ".join(changed)) if changed else None

    def keep(self, request: ScriptedRequest, message: Mapping[str, Any]) -> None:
        """Keep the conversation that ends in `message`, the reply to `request`."""
        if request.body.get("thread") is None or message.get("stop_reason") == "refusal" or _by_fallback(message):
            return
        if request.continues_thread:
            self._continued.add(str(_previous(request)))
        said = ({"role": "assistant", "content": message["content"]},) if message["content"] else ()
        fields = {name: request.body[name] for name in FIXED if name in request.body}
        self._held[message["id"]] = Held(
            messages=(*request.conversation, *said), fields=request.held.fields if request.held else fields
        )


def _previous(request: ScriptedRequest) -> str | None:
    return request.body["thread"].get("previous_message_id") if request.continues_thread else None


def _by_fallback(message: Mapping[str, Any]) -> bool:
    usage = message.get("usage") or {}
    return any(each.get("type") == "fallback_message" for each in usage.get("iterations") or ())
