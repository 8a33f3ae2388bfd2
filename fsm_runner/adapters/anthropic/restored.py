"""Replies out of a journal, as the SDK's own messages again."""

from __future__ import annotations

from typing import Any, cast

from anthropic.types.beta import BetaMessage
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

from fsm_runner.adapters.anthropic.requests import OutputFormat, parsed
from fsm_runner.loop.events import Json


def restored(reply: Json, output_format: OutputFormat | None) -> ParsedBetaMessage[Any]:
    """Return a reply as it was handed out when it came, but for the ids of its HTTP response.

    Args:
        reply: the API's message object.
        output_format: what its text is parsed into.
    """
    message = BetaMessage.construct(**cast(Any, reply))
    # Public in spite of their underscores: the SDK's documentation says so.
    message._request_id = message._workspace_id = None
    return parsed(message, output_format)
