"""What spans say of others: of the client and its option, of a tool, of an error.  Read by public names only.

Source: anthropic 2.12, whose own spans say the same.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping

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

from fsm_runner import __version__
from fsm_runner.adapters.opentelemetry import names
from fsm_runner.loop.messages import text_in

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
    return next((name for kind, name in names.PROVIDERS.items() if isinstance(client, kind)), names.ANTHROPIC)


def tracer_of(options: anthropic.ResolvedOpenTelemetryOptions) -> Tracer | None:
    """Return a tracer of the provider that the client uses; None when OpenTelemetry cannot give one."""
    provider = options.get("tracer_provider")
    if provider is None and not global_provider_loads():
        return None
    try:
        return trace.get_tracer(names.SCOPE, __version__, tracer_provider=provider)
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
        return names.TIMEOUT
    if isinstance(error, (anthropic.APIConnectionError, httpx2.TransportError)):
        return names.CONNECTION
    if isinstance(error, anthropic.APIStatusError):
        if error.type:
            return str(error.type)
        # An error within a stream has the status of the response that opened the stream.
        if error.status_code >= 400:
            return str(error.status_code)
    return names.CLIENT_ERROR
