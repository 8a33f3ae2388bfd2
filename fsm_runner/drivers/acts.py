"""The caller's acts: what it does to a run between turns, as events.

They work at any time and from any thread: before the start of the run, while an effect is under way, and after its
end, where they change the conversation that is handed on, and the run does not go on by them.  Each is read, made and
told in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from fsm_runner.adapters.anthropic.calls import call_blocks
from fsm_runner.adapters.anthropic.json_values import copied, json_object
from fsm_runner.adapters.anthropic.plain import message_param
from fsm_runner.adapters.anthropic.streams import CallWatch
from fsm_runner.adapters.anthropic.tool_box import added_tools, removed_names
from fsm_runner.drivers.given import Given, check_can_compact, refuse_while_compacting
from fsm_runner.drivers.session import Session
from fsm_runner.loop.context import Usage
from fsm_runner.loop.enter import handed_on
from fsm_runner.loop.events import Appended, CallDeferred, CompactionAsked, Json, ToolsChanged
from fsm_runner.loop.stop import Stop
from fsm_runner.loop.tool_loop import Snapshot

if TYPE_CHECKING:
    from anthropic.types.beta import BetaToolUseBlock


class Acts:
    """What a run knows, and what the caller can do to it."""

    def __init__(self, session: Session, given: Given) -> None:
        self._session = session
        self._given = given
        self._watch: CallWatch | None = None

    # ── what the run knows ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def run(self) -> str:
        """The run's id, which its journal carries."""
        return self._session.run

    @property
    def snapshot(self) -> Snapshot:
        """A copy of where the run is, and of all that it knows."""
        return self._session.copy_of(self._session.snapshot)

    @property
    def stop(self) -> Stop | None:
        """Why the run stopped; None while it goes on."""
        return self._session.copy_of(self._session.snapshot.stop)

    @property
    def usage(self) -> Usage:
        """The tokens of all replies so far, summaries and compactions too."""
        return self._session.context.counters.usage

    @property
    def messages(self) -> list[Json]:
        """A copy of the whole conversation, as plain data, to go on from in this run or in another.

        The message that the caller holds is not part of it yet.  A call in it that has no result, for the run was
        closed, cut off or cancelled before, is answered as not run.
        """
        return cast("list[Json]", copied(handed_on(self._session.context)))

    def _conversation(self) -> list[Json]:
        """The history as it is, for the caller to change."""
        return list(self._session.context.conversation.current)

    # ── what the caller does ───────────────────────────────────────────────────────────────────────────────────────

    def append_messages(self, *messages: object) -> None:
        """Add messages to the conversation: dicts, or replies as they were handed out.

        While a reply is handled, the history becomes the caller's: neither the reply nor its tool results are added
        by the runner, and tools that `generate_tool_call_response` ran will run again.

        Raises:
            ValueError: the API is compacting the conversation; its response replaces the messages.
        """
        added = Appended(
            messages=tuple(message_param(message, f"messages[{at}]") for at, message in enumerate(messages))
        )
        with self._session.acting():
            refuse_while_compacting(self._session.context)
            self._session.act(added)

    def set_messages_params(self, params: Any) -> None:
        """Replace the parameters of the requests to come.

        Args:
            params: all of them, ``messages`` included, as a dict; or a function that makes it from the current ones.
                A parameter that is left out is no longer sent, except ``betas``, ``user_profile_id`` and
                ``workspace_id``, which stay.

        Raises:
            ValueError: ``compaction`` among them; or other messages, while the API is compacting.
            TypeError: ``thread`` among them, with a value.
        """
        with self._session.acting():
            replaced = self._given.replace(params, self._session.context, self._conversation())
            if replaced is not None:
                self._session.act(replaced)

    def compact_before_next_turn(self, compaction: Mapping[str, object] | None = None) -> None:
        """Have the API compact the conversation before the model's next turn.

        It happens once the turn is over, its tools included.  The response is handed out like any message, with
        ``stop_reason == "compaction"``.  Asking again before then replaces what was asked.

        Args:
            compaction: the ``compaction`` parameter to send; None: ``{"type": "summarize"}``.

        Raises:
            ValueError: ``context_management`` has a ``compact_*`` edit, which the API does not take beside it.
        """
        config = {"type": "summarize"} if compaction is None else compaction
        asked = CompactionAsked(config=json_object(config, "compaction", "a dict"))
        with self._session.acting():
            if self._session.context.compaction.config is not None:
                return
            check_can_compact(self._session.context.settings.params)
            self._session.act(asked)

    def add_tools(self, *tools: object) -> None:
        """Give the model more tools, without changing the ``tools`` parameter, which would miss the prompt cache.

        The model is told with the next request, by ``tool_addition`` blocks.  A tool of the SDK runs from now on, in
        place of any of its name, also for a call that the caller holds.  A raw definition is sent and never run.

        Raises:
            ToolsetContractError: one of them is a toolset, defines one that the run has, or has its name.
            TypeError: one of them is no tool, or of the other flavour.
        """
        with self._session.acting():
            added = added_tools(self._given.tools, tools)
            definitions = ({"type": "tool_definition", "definition": data} for *_, data in added)
            blocks = tuple({"type": "tool_addition", "tool": tool} for tool in definitions)
            runs = [(name, tool) for name, tool, _ in added if name is not None and not isinstance(tool, dict)]
            raw = [name for name, tool, _ in added if name is not None and isinstance(tool, dict)]
            self._given.tools.by_name.update(runs)
            self._session.act(ToolsChanged(blocks=blocks, added=tuple(name for name, _ in runs), removed=tuple(raw)))

    def remove_tools(self, *tools: object) -> None:
        """Take tools away from the model, without changing the ``tools`` parameter.

        They stop running at once; the model is told with the next request, by ``tool_removal`` blocks.

        Args:
            tools: tools, or their names.

        Raises:
            ToolsetContractError: one of them is a toolset, or the name of one.
            TypeError: one of them is neither a tool nor a name.
        """
        with self._session.acting():
            names = removed_names(self._given.tools, tools)
            blocks = tuple({"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}} for name in names)
            self._session.act(ToolsChanged(blocks=blocks, removed=tuple(names)))

    def defer_tool_call(self, tool_use: Any) -> None:
        """Hold a call of the reply that streams until the caller is done with the reply.

        Without ``run_tools_eagerly`` all calls wait anyway, and this does nothing; nor does it for a call that has
        started.

        Args:
            tool_use: the ``tool_use`` block, or its id.
        """
        with self._session.acting():
            if self._session.context.settings.eager and not self._session.final:
                self._session.act(CallDeferred(id=tool_use if isinstance(tool_use, str) else tool_use.id))

    @property
    def deferred_tool_calls(self) -> list[BetaToolUseBlock]:
        """The calls of the current reply that are held and complete, in the model's order."""
        turn = self._session.context.turn
        held = {call.id for call in (*turn.arriving, *turn.calls) if call.held and call.status == "waiting"}
        complete = self._watch.finished if self._watch is not None else []
        return call_blocks(block for block in complete if block.get("id") in held)
