"""Call ids: the keys by which results name their calls, looked at before anything is done by them.

The API takes a conversation only if each ``tool_use`` has an id of its own.  A reply that breaks this cannot be
answered, and must not become part of the history: nothing after it would be taken.
"""

from __future__ import annotations

from collections.abc import Iterable

from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import blocks_of, call_problem, text_in


class CallIds:
    """The ids of the calls in a history: mutable, and what it has read of a history it does not read again."""

    def __init__(self) -> None:
        self._read = History()
        self._known: set[str] = set()

    def check(self, message: Json, history: History) -> None:
        """Refuse a reply one of whose calls no result could name.

        Args:
            message: the reply, or as much of it as has arrived.
            history: what it replies to.

        Raises:
            ReplyError: a call has no id, or that of an earlier one, or no name.
        """
        calls = [block for block in blocks_of(message) if block.get("type") == "tool_use"]
        if not calls:
            return
        known, seen = self._of(history), set[str]()
        for call in calls:
            problem, id = call_problem(call), text_in(call, "id") or ""
            if problem is None and id in seen:
                problem = f"two of its calls have the id {id!r}"
            if problem is None and id in known:
                problem = f"a call has the id {id!r}, which an earlier call has"
            if problem is not None:
                raise ReplyError(f"the reply cannot be answered: {problem}; none of its calls was run", message)
            seen.add(id)

    def _of(self, history: History) -> set[str]:
        new: Iterable[Json] = history
        if history.extends(self._read):
            new = history[len(self._read) :]
        else:
            self._known = set()
        self._read = history
        for message in new:
            if message.get("role") == "assistant":
                ids = (text_in(block, "id") for block in blocks_of(message) if block.get("type") == "tool_use")
                self._known.update(id for id in ids if id)
        return self._known
