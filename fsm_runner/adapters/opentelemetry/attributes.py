"""Attributes: what spans say about a client, a tool, an error, and the content of a call."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping, Sequence

import anthropic
import httpx2
from anthropic.lib.tools import (
    BetaAsyncBuiltinFunctionTool,
    BetaAsyncFunctionTool,
    BetaBuiltinFunctionTool,
    BetaFunctionTool,
)
from opentelemetry import trace
from opentelemetry.trace import Tracer

from fsm_runner.adapters.opentelemetry import span_names
from fsm_runner.adapters.opentelemetry.span_names import ARGUMENTS, RESULT, TRUNCATED
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import text_in
from fsm_runner.version import VERSION

log = logging.getLogger("fsm_runner.spans")

_MCP_HELPER = "anthropic.lib.tools.mcp"
_DESCRIBED = (BetaFunctionTool, BetaAsyncFunctionTool)
_DEFINED = (BetaBuiltinFunctionTool, BetaAsyncBuiltinFunctionTool)


# ── the client ──────────────────────────────────────────────────────────────────────────────────────────────────────


def options_of(client: object) -> anthropic.ResolvedOpenTelemetryOptions | None:
    """Return the client's ``open_telemetry`` option; None when it is off or the client has no such option."""
    options: anthropic.ResolvedOpenTelemetryOptions | None = getattr(client, "open_telemetry", None)
    return options if options is not None and options["traces"]["enabled"] else None


def provider_of(client: object) -> str:
    """Return the name of the provider that the client sends its requests to, as its own spans have it."""
    return next((name for kind, name in span_names.PROVIDERS.items() if isinstance(client, kind)), span_names.ANTHROPIC)


def tracer_of(options: anthropic.ResolvedOpenTelemetryOptions) -> Tracer | None:
    """Return a tracer of the provider that the client uses; None when OpenTelemetry cannot give one."""
    provider = options.get("tracer_provider")
    if provider is None and not global_provider_loads():
        return None
    try:
        return trace.get_tracer(span_names.SCOPE, VERSION, tracer_provider=provider)
    except Exception:
        log.debug("could not get a tracer", exc_info=True)
        return None


def keeps_spans(options: anthropic.ResolvedOpenTelemetryOptions) -> bool:
    """Whether the provider that the client uses may keep a span: OpenTelemetry's own stand-ins keep none."""
    provider = options.get("tracer_provider")
    if provider is None and not global_provider_loads():
        return False
    return not isinstance(provider or trace.get_tracer_provider(), _STAND_INS)


_STAND_INS = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)


@functools.cache
def global_provider_loads() -> bool:
    """Whether OpenTelemetry can give its global provider.

    Asked only once, since it logs an error each time if the provider that the environment names is missing.
    """
    try:
        trace.get_tracer_provider()
    except Exception:
        log.debug("could not load the global tracer provider", exc_info=True)
        return False
    return True


def wants_json(params: Mapping[str, object]) -> bool:
    """Whether the parameters ask for replies as JSON of a schema."""
    config = params.get("output_config")
    format_ = config.get("format") if isinstance(config, Mapping) else None
    return params.get("output_format") is not None or (
        isinstance(format_, Mapping) and text_in(format_, "type") == "json_schema"
    )


# ── tools ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def made_for_mcp(tool: object) -> bool:
    """Whether the SDK's MCP helper made `tool`: then its function is in the helper's module."""
    function = tool.func if isinstance(tool, _DESCRIBED) else None
    return getattr(function, "__module__", None) == _MCP_HELPER


def description_of(tool: object) -> str | None:
    """Return the description of `tool` that the model gets; None when it gets none, as for a toolset."""
    description: object = None
    if isinstance(tool, _DESCRIBED):
        description = tool.description
    elif isinstance(tool, _DEFINED):
        description = tool.to_dict().get("description")
    return description if isinstance(description, str) and description else None


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def error_type(error: Exception) -> str:
    """Return the ``error.type`` of a failure: the API's own word for it if it has one, else the HTTP status."""
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return span_names.TIMEOUT
    if isinstance(error, (anthropic.APIConnectionError, httpx2.TransportError)):
        return span_names.CONNECTION
    if isinstance(error, anthropic.APIStatusError):
        if error.type:
            return str(error.type)
        # An error within a stream comes with the status of the response, which is 200.
        if error.status_code >= 400:
            return str(error.status_code)
    return span_names.CLIENT_ERROR


_WHOLE = ("text", "search_result")
_OPAQUE = "encrypted_"
_BINARY = ("image", "document")


def content_attributes(arguments: object, result: Json | None, *, limit: int) -> dict[str, str | bool]:
    """Return the content attributes of a tool's span.

    Arguments that are larger than `limit` are left out.  Of the result, whole blocks are left out, the last one first,
    until both fit; an empty list stays even if it does not fit.

    Args:
        arguments: the input of the call; None: none.
        result: the ``tool_result`` block; None when the call was cut off: then there is no attribute for it.
        limit: how many bytes of UTF-8 all of the JSON may have.

    Raises:
        ValueError, RecursionError: the content contains itself, so it is not JSON.
    """
    given = None if arguments is None else _json(arguments)
    items = None if result is None else [_json(block) for block in result_blocks(result.get("content"))]
    attributes: dict[str, str | bool] = {}
    truncated = False
    if given is not None:
        truncated = _size(given) > limit
        if not truncated:
            attributes[ARGUMENTS] = given
            limit -= _size(given)
    if items is not None:
        kept = _fitting(items, limit)
        truncated = truncated or kept < len(items)
        attributes[RESULT] = f"[{','.join(items[:kept])}]"
    if truncated:
        attributes[TRUNCATED] = True
    return attributes


def result_blocks(content: object) -> list[object]:
    """Return the content of a result as the blocks that may be recorded.

    Text and search results keep their fields, except opaque and binary ones.  Of any other block only the type stays.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, (list, tuple)):
        return []
    return [_block(block) for block in content]


def _block(block: object) -> object:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if kind in _WHOLE:
        return _readable(block)
    return {"type": kind if isinstance(kind, str) else "unknown"}


def _readable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_readable(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("type") in _BINARY:
        return {"type": value["type"]}
    return {key: _readable(item) for key, item in value.items() if not key.startswith(_OPAQUE)}


def _fitting(items: Sequence[str], limit: int) -> int:
    """How many of `items`, from the first one on, fit into a JSON list of `limit` bytes."""
    total = len("[]")
    for count, item in enumerate(items):
        total += _size(item) + (len(",") if count else 0)
        if total > limit:
            return count
    return len(items)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _size(text: str) -> int:
    # An ASCII string has one byte for each character, so it need not be encoded to be measured.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
