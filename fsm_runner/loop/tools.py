"""Tools: which of those that the driver has may run now.

Tools are added and removed during a run by blocks in the history, which the model reads: ``tool_addition`` and
``tool_removal``, in system messages and in the ``tool_changes`` of a compaction.  The model may still call a tool that
was removed; the call is then answered like that of an unknown tool.

Source: anthropic 2.12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from fsm_runner.loop.context import Calls, CallState, Context, Conversation, Line, Settings
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import blocks_of, text_in

_CHANGES = ("tool_addition", "tool_removal")


def changes_in(messages: Iterable[Json]) -> tuple[Json, ...]:
    """Return the blocks of `messages` that add or remove tools, in their order."""
    found: list[Json] = []
    for message in messages:
        role = message.get("role")
        if role == "system":
            found += (block for block in blocks_of(message) if block.get("type") in _CHANGES)
        elif role == "assistant":
            for block in blocks_of(message):
                changes = block.get("tool_changes") if block.get("type") == "compaction" else None
                if isinstance(changes, Sequence):
                    found += (each for each in changes if isinstance(each, Mapping) and each.get("type") in _CHANGES)
    return tuple(found)


def changes_of(conversation: Conversation, history: History) -> tuple[Json, ...]:
    """Return the blocks of `history` that add or remove tools.

    The part that `conversation` has read before is not read again."""
    if not history.extends(conversation.history):
        return changes_in(history)
    if len(history) == len(conversation.history):
        return conversation.changes
    return conversation.changes + changes_in(history[len(conversation.history) :])


def with_history(conversation: Conversation, history: History) -> Conversation:
    """Return `conversation` with another history."""
    if history is conversation.history:
        return conversation
    return replace(conversation, history=history, changes=changes_of(conversation, history))


def without_draft(conversation: Conversation) -> Conversation:
    """Return `conversation` with its draft as its history, if it has a draft."""
    if conversation.draft is None:
        return conversation
    return with_history(replace(conversation, draft=None, owned=False), conversation.draft)


def available(context: Context) -> frozenset[str]:
    """Return the names of the tools that may run now."""
    conversation, runnable = context.conversation, context.settings.runnable
    changes = conversation.changes if conversation.draft is None else changes_of(conversation, conversation.draft)
    changes += context.settings.changes
    if not changes:
        return runnable
    names = set(runnable)
    for block in changes:
        name = _changed(block.get("tool"))
        if name is not None and block.get("type") == "tool_removal":
            names.discard(name)
        elif name in runnable:
            names.add(name)
    return frozenset(names)


def _changed(tool: object) -> str | None:
    """The name of the tool that a block adds or removes; None when the driver cannot run it."""
    if not isinstance(tool, Mapping):
        return None
    if tool.get("type") == "tool_reference":
        return text_in(tool, "name")
    definition = tool.get("definition") if tool.get("type") == "tool_definition" else None
    return text_in(definition, "name") if isinstance(definition, Mapping) else None


def toolset_of(line: Line, settings: Settings) -> str | None:
    """Return the toolset whose calls those of `line` have to wait for; None: they wait for none.

    A call with the name of a toolset, instead of that of one of its tools, counts as a call of the toolset.
    """
    toolset, name = line
    if toolset is not None:
        return toolset
    return name if name in settings.toolsets and name not in settings.runnable else None


def places_in(calls: Calls, toolset: str, settings: Settings, *states: CallState) -> list[int]:
    """Return the place of the first call in each of `states`, for each line of `toolset` that has one."""
    lines: list[Line] = [(toolset, "")]
    if toolset_of((None, toolset), settings) == toolset:
        lines.append((None, toolset))
    return [places[0] for state in states for line in lines if (places := calls.lines.get((state, line)))]
