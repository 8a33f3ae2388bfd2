"""The short way of a request: a client derived from the caller's, whose one middleware sends messages that are encoded
already, and reads the reply once.

It is derived once, and anew when the caller has set something on its own client.  It is taken only where nothing is
lost by it; anything else goes by the caller's client.
"""

from __future__ import annotations

import functools
import logging
import weakref
from typing import Any, cast

import anthropic
from anthropic.types.beta import BetaMessage

from fsm_runner.adapters.anthropic.encoded import body_of
from fsm_runner.adapters.anthropic.reply_reading import read_once

_RAW = "X-Stainless-Raw-Response"
"""The header by which the SDK asks itself for a response that it has not read."""

_SDK_LOG = logging.getLogger("anthropic")


class _ShortWay(anthropic.Middleware):
    """What stands between the SDK and the wire.  It sees each attempt, and leaves retries and errors to the SDK."""

    def handle(self, request: anthropic.APIRequest, call_next: Any) -> Any:
        return _read(call_next(_sent(request, anthropic.APIResponse[BetaMessage])))

    async def handle_async(self, request: anthropic.APIRequest, call_next: Any) -> Any:
        return _read(await call_next(_sent(request, anthropic.AsyncAPIResponse[BetaMessage])))


_SHORT_WAY = _ShortWay()

_DERIVED: weakref.WeakKeyDictionary[Any, tuple[object, Any]] = weakref.WeakKeyDictionary()
"""What was derived from each client, and what the client held then of what can be set on it."""


def shortened(client: Any) -> Any:
    """Return the client to send a request by whose reply is neither streamed, nor parsed, nor traced: one that reads it
    once, or `client` itself.

    That is where it is a kind of its own (Bedrock, Vertex, a mock), finds its credentials itself, has middleware, has
    something in a method's place, or has the SDK log its requests.
    """
    if type(client) not in (anthropic.Anthropic, anthropic.AsyncAnthropic) or client.middleware:
        return client
    if not (client.api_key or client.auth_token) or _SDK_LOG.isEnabledFor(logging.DEBUG):
        return client
    parts: tuple[Any, ...] = (client, client.beta, client.beta.messages)
    if any(vars(part).keys() & _methods(cast(Any, type(part))) for part in parts):
        return client
    told = (client.api_key, client.auth_token, client.base_url, client.timeout, client.max_retries)
    known = _DERIVED.get(client)
    if known is None or known[0] != told:
        known = _DERIVED[client] = told, client.with_middleware(_SHORT_WAY)
    return known[1]


@functools.cache
def _methods(kind: Any) -> frozenset[str]:
    return frozenset(name for name in dir(kind) if callable(getattr(kind, name)))


def _sent(request: anthropic.APIRequest, response: Any) -> anthropic.APIRequest:
    """Have the SDK return an unread `response`, by its type: the header that asks for one stays off the wire."""
    update: dict[str, object] = {"headers": {_RAW: "raw", **request.headers, _RAW.lower(): anthropic.omit}}
    body = body_of(request.json)
    if body is not None:
        update |= {"json_data": None, "content": body}
    options = request.options.model_copy(update=update)
    return anthropic.APIRequest(
        options=options,
        cast_to=response,
        stream=request.stream,
        stream_cls=request.stream_cls,
        retries_taken=request.retries_taken,
    )


def _read(response: Any) -> Any:
    """The reply, or the response itself, which the SDK reads then, or raises an error for."""
    return (read_once(response.http_response) if response.http_response.is_success else None) or response
