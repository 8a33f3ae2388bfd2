"""A rule: something that the Messages API requires of a request, with its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.testing.received import ScriptedRequest

Check: TypeAlias = Callable[[ScriptedRequest], str | None]
"""Returns the API's message when the request breaks the rule; None when it does not."""

DOCS = "https://platform.claude.com/docs/en"
ISSUES = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: immutable.

    Attributes:
        code: its stable name.
        sentence: what a good request does.
        source: where the API's own rule is written, or where its error message is quoted.
        check: the rule as a function.
        status, error: of the answer to a request that breaks it.
    """

    code: str
    sentence: str
    source: str
    check: Check
    status: int = 400
    error: str = "invalid_request_error"


def rule(
    sentence: str, source: str, *, status: int = 400, error: str = "invalid_request_error"
) -> Callable[[Check], Rule]:
    """Make a rule of a check function; the function's name is the rule's code."""

    def made(check: Check) -> Rule:
        return Rule(
            code=check.__name__,
            sentence=sentence,
            source=source,
            check=check,
            status=status,
            error=error,
        )

    return made
