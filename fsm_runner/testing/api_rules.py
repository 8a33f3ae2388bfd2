"""Rules: which requests the Messages API refuses, as a table with sources.

They are checked in the order of the table, and the first one that a request breaks decides the answer: a 400 (or 401)
in the API's error shape.  When a request continues a thread, the rules about the conversation are checked on what the
server holds and what is sent, together.

Not checked: field types and unknown fields beyond those named; what a model supports, except prefill; the contents of
images, documents, schemas, blocks within tool results and server tools' blocks; thinking blocks and their signatures;
sizes, token counts and the context window; `cache_control` on the body itself and its ttl; betas and their fields.  A
history with tool blocks in a request without `tools` is accepted: the Claude API was reported to accept it (Amazon
Bedrock does not), and a request for a summary relies on it.
"""

from __future__ import annotations

from fsm_runner.testing.call_rules import CALL_RULES
from fsm_runner.testing.field_rules import FIELD_RULES
from fsm_runner.testing.message_rules import ENDING_RULES, MESSAGE_RULES
from fsm_runner.testing.received import ScriptedRequest
from fsm_runner.testing.rule import Rule

RULES: tuple[Rule, ...] = (*FIELD_RULES, *MESSAGE_RULES, *CALL_RULES, *ENDING_RULES)
"""Every rule: code, sentence, source."""


def broken(request: ScriptedRequest) -> tuple[Rule, str] | None:
    """Return the first rule that `request` breaks, with the API's message; None when it breaks none."""
    for rule in RULES:
        message = rule.check(request if rule in FIELD_RULES else request.whole)
        if message is not None:
            return rule, message
    return None
