"""Attributes: what spans say of a client and its option, of a tool, of an error, and of a call's content."""

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
    """Return the client's ``open_telemetry`` option; None when it wants no spans, or knows no such option."""
    options: anthropic.ResolvedOpenTelemetryOptions | None = getattr(client, "open_telemetry", None)
    return options if options is not None and options["traces"]["enabled"] else None


def provider_of(client: object) -> str:
    """Return the provider that the client's requests go to, as its own spans name it."""
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


@functools.cache
def global_provider_loads() -> bool:
    """Whether OpenTelemetry can give its global provider.

    Asked once: it logs an error each time that the provider which its environment names is not there.
    """
    try:
        trace.get_tracer_provider()
    except Exception:
        log.debug("could not load the global tracer provider", exc_info=True)
        return False
    return True


def wants_json(params: Mapping[str, object]) -> bool:
    """Whether the replies are to be JSON of a schema."""
    config = params.get("output_config")
    format_ = config.get("format") if isinstance(config, Mapping) else None
    return params.get("output_format") is not None or (
        isinstance(format_, Mapping) and text_in(format_, "type") == "json_schema"
    )


# ── tools ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def made_for_mcp(tool: object) -> bool:
    """Whether the SDK's MCP helper made `tool`: then its function stands in the helper's module."""
    function = tool.func if isinstance(tool, _DESCRIBED) else None
    return getattr(function, "__module__", None) == _MCP_HELPER


def description_of(tool: object) -> str | None:
    """Return what the model is told that `tool` does; None when it is told nothing, as of a toolset."""
    description: object = None
    if isinstance(tool, _DESCRIBED):
        description = tool.description
    elif isinstance(tool, _DEFINED):
        description = tool.to_dict().get("description")
    return description if isinstance(description, str) and description else None


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def error_type(error: Exception) -> str:
    """Return the ``error.type`` of a failure: the API's own word for it where it has one, else the HTTP status."""
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return span_names.TIMEOUT
    if isinstance(error, (anthropic.APIConnectionError, httpx2.TransportError)):
        return span_names.CONNECTION
    if isinstance(error, anthropic.APIStatusError):
        if error.type:
            return str(error.type)
        # An error within a stream has the status of the response that opened the stream.
        if error.status_code >= 400:
            return str(error.status_code)
    return span_names.CLIENT_ERROR


_WHOLE = ("text", "search_result")
_OPAQUE = "encrypted_"
_BINARY = ("image", "document")


def content_attributes(arguments: object, result: Json | None, *, limit: int) -> dict[str, str | bool]:
    """Return the content attributes of a tool's span.

    Arguments that alone are larger than `limit` are left out whole.  The result then loses whole blocks, the last one
    first, until both fit; an emptied list stays, also where it does not fit.

    Args:
        arguments: the input of the call; None: none.
        result: the ``tool_result`` block; None when the call was cut off, and then nothing is said of a result.
        limit: bytes of UTF-8, of all JSON together.

    Raises:
        ValueError, RecursionError: the content holds itself, so JSON cannot hold it.
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

    Text and search results keep their fields, but for opaque and binary ones; of any other block only its type stays.
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
    """How many of `items`, from the first one on, a JSON list within `limit` bytes holds."""
    total = len("[]")
    for count, item in enumerate(items):
        total += _size(item) + (len(",") if count else 0)
        if total > limit:
            return count
    return len(items)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _size(text: str) -> int:
    # An ASCII string knows that it is one, and needs no copy to be measured.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
