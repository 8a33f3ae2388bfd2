"""A reply read once: one pass of pydantic-core makes the SDK's own objects of the bytes of a response.

The SDK reads the JSON, makes a `BetaMessage` of it field by field in Python, dumps that, and builds a
`ParsedBetaMessage` of what it dumped.  Here the type of each block names its class, and nothing is built twice.  A
reply that has a block of another type, or one that is not as its type says, is read by the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import pydantic
from anthropic.types.beta import BetaMessage
from anthropic.types.beta.parsed_beta_message import ParsedBetaContentBlock, ParsedBetaMessage

from fsm_runner.adapters.anthropic.requests import remade

if TYPE_CHECKING:
    import httpx2

    Block = Any
else:
    _KNOWN, *_ = get_args(ParsedBetaContentBlock)  # a union, and how the SDK tells its members apart
    Block = Annotated[_KNOWN, pydantic.Discriminator("type")]


class _Reply(BetaMessage):
    """A reply with the blocks of a `ParsedBetaMessage`, told apart by their types alone."""

    content: list[Block]


def read_once(response: httpx2.Response) -> ParsedBetaMessage[Any] | None:
    """Return the reply in `response`, as the SDK's runner hands it out; None when the SDK has to read it.

    Args:
        response: of status 2xx, read to its end.
    """
    if not response.headers.get("content-type", "").partition(";")[0].lower().endswith("json"):
        return None
    try:
        read = _Reply.model_validate_json(response.content, strict=True)
    except ValueError:
        return None
    _count_as_the_sdk(read)
    reply: ParsedBetaMessage[Any] = remade(ParsedBetaMessage, read)
    # Public in spite of their underscores: the SDK's documentation says so.
    reply._request_id = response.headers.get("request-id")
    reply._workspace_id = response.headers.get("anthropic-workspace-id")
    return reply


def _count_as_the_sdk(model: pydantic.BaseModel) -> None:
    """Take fields that this version of the SDK does not know out of the sets of given fields, as the SDK does."""
    if model.model_extra:
        model.model_fields_set.difference_update(model.model_extra)
    for value in model.__dict__.values():
        for each in value if type(value) is list else (value,):
            if isinstance(each, pydantic.BaseModel):
                _count_as_the_sdk(each)
