"""The context: all that a run knows, in parts, as `runner.snapshot.context` has it and your own facts read it.

    Context         the whole
    Conversation    the messages; `History` is the list of them
    Turn            the last reply and its tool calls, each a `Call`
    Compaction      whether the history is being compacted, and how far that is
    Settings        what requests are made of; `SummaryControl`: when the client summarises
    Counters        limits, what is spent of them, and `Usage`, the tokens
    Thread          what the server holds of the conversation
    RunStatus       whether it was closed, what the caller waits for, what failed last
    Note            something that a person should know

All of it is immutable.
"""

from fsm_runner.engine.domain import Note
from fsm_runner.loop.context import (
    Call,
    Compaction,
    Context,
    Conversation,
    Counters,
    RunStatus,
    Settings,
    SummaryControl,
    Thread,
    Turn,
    Usage,
)
from fsm_runner.loop.history import History

__all__ = [
    "Call", "Compaction", "Context", "Conversation", "Counters", "History", "Note", "RunStatus", "Settings",
    "SummaryControl", "Thread", "Turn", "Usage",
]  # fmt: skip
