"""Testing: a scripted model that stands in for the Messages API behind the real SDK client.

scripted_model  ScriptedModel: plays a script, records requests
replies         text, tool_use, reply ...: what it answers
faults          overloaded, disconnect ...: what goes wrong
api_rules       RULES: the requests that the API refuses, each a `rule` with its source: `call_rules`, `field_rules`,
                `message_rules`
received        a request, parsed
transport       a message as the API streams it; answers that are whole, in pieces, or broken off
threads         the conversations that the model keeps for requests with `thread`
disagreements   the errors of a script and a run that do not fit
"""

from fsm_runner.testing.api_rules import RULES
from fsm_runner.testing.disagreements import Refused, ScriptExhausted, UnusedReplies
from fsm_runner.testing.faults import (
    Fault,
    disconnect,
    error,
    malformed,
    overloaded,
    rate_limited,
    server_error,
    stall,
    thread_error,
    truncated,
)
from fsm_runner.testing.received import Held, ScriptedRequest
from fsm_runner.testing.replies import (
    Block,
    Reply,
    compaction,
    cut_off,
    pause_turn,
    refusal,
    reply,
    server_tool_use,
    text,
    thinking,
    tool_use,
    without_stop_reason,
)
from fsm_runner.testing.rule import Rule
from fsm_runner.testing.scripted_model import ScriptedModel

__all__ = [
    "RULES",
    "Block",
    "Fault",
    "Held",
    "Refused",
    "Reply",
    "Rule",
    "ScriptExhausted",
    "ScriptedModel",
    "ScriptedRequest",
    "UnusedReplies",
    "compaction",
    "cut_off",
    "disconnect",
    "error",
    "malformed",
    "overloaded",
    "pause_turn",
    "rate_limited",
    "refusal",
    "reply",
    "server_error",
    "server_tool_use",
    "stall",
    "text",
    "thinking",
    "thread_error",
    "tool_use",
    "truncated",
    "without_stop_reason",
]
