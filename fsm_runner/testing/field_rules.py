"""Rules about the headers, the fields and the tools of a request.

The messages are the API's own where they are known; sources quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fsm_runner.testing.received import ScriptedRequest
from fsm_runner.testing.rule import DOCS, ISSUES, rule

CREATE = f"Create a Message, {DOCS}/api/messages/create"
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
BREAKPOINTS = 4


@rule(
    "the request has an api key, as `x-api-key`, as Azure's `api-key` or as a bearer token",
    f"API overview, authentication, {DOCS}/api/overview; quoted in {ISSUES}/n8n-io/n8n/issues/37930",
    status=401,
    error="authentication_error",
)
def api_key(request: ScriptedRequest) -> str | None:
    """Refuse a request without a key; any key is good."""
    known = any(request.headers.get(name) for name in ("x-api-key", "authorization", "api-key"))
    return None if known else "x-api-key header is required"


@rule(
    "the request has the header `anthropic-version`, or on other platforms the field `anthropic_version`",
    f"Versions, {DOCS}/api/versioning; quoted in {ISSUES}/Pasta-Devs/Marinara-Engine/issues/120",
)
def api_version(request: ScriptedRequest) -> str | None:
    """Refuse a request without a version; any version is good."""
    known = request.headers.get("anthropic-version") or request.body.get("anthropic_version")
    return None if known else "anthropic-version: header is required"


@rule("the body is a JSON object", f"Errors, `invalid_request_error`, {DOCS}/api/errors")
def json_body(request: ScriptedRequest) -> str | None:
    """Refuse a body that is not JSON, or not an object."""
    return None if request.readable else "The request body is not valid JSON"


@rule("`model` is there and not empty", CREATE)
def model_given(request: ScriptedRequest) -> str | None:
    """Refuse a missing model; any name is good."""
    model = request.model
    if model is None and "model" not in request.body:
        return "model: Field required"
    return None if isinstance(model, str) and model else "model: String should have at least 1 character"


@rule(
    "`max_tokens` is there, and a whole number of at least 0; 0 warms the cache",
    f"{CREATE}; anthropic SDK 2.12, `MessageCreateParams.max_tokens`",
)
def max_tokens(request: ScriptedRequest) -> str | None:
    """Refuse a missing, fractional or negative `max_tokens`."""
    if "max_tokens" not in request.body:
        return "max_tokens: Field required"
    limit = request.body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        return "max_tokens: Input should be a valid integer"
    return None if limit >= 0 else "max_tokens: Input should be greater than or equal to 0"


@rule("`temperature` lies between 0 and 1, both included", f"{CREATE}, `temperature`: range from 0.0 to 1.0")
def temperature(request: ScriptedRequest) -> str | None:
    """Refuse a temperature out of range; null and none are good."""
    heat = request.body.get("temperature")
    if heat is None:
        return None
    if isinstance(heat, bool) or not isinstance(heat, int | float):
        return "temperature: Input should be a valid number"
    return None if 0 <= heat <= 1 else "temperature: range: 0..1"


@rule(
    "a custom tool's name has 1 to 128 letters, digits, `_` or `-`",
    f"Define tools, {DOCS}/agents-and-tools/tool-use/define-tools; quoted in "
    f"{ISSUES}/apify/tester-mcp-client/issues/11 (there with the former limit of 64)",
)
def tool_name(request: ScriptedRequest) -> str | None:
    """Refuse a custom tool with such a name; the API's own tools are not checked."""
    for index, tool in enumerate(request.tools):
        if tool.get("type", "custom") not in {"custom", None}:
            continue
        name = tool.get("name")
        if not isinstance(name, str):
            return f"tools.{index}.custom.name: Field required"
        if not TOOL_NAME.fullmatch(name):
            return f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
    return None


@rule(
    "no two tools have the same name",
    f"quoted in {ISSUES}/anthropics/claude-code/issues/10687 and {ISSUES}/danny-avila/LibreChat/issues/13162",
)
def tool_names_unique(request: ScriptedRequest) -> str | None:
    """Refuse two tools of one name, whatever their types."""
    names = [tool["name"] for tool in request.tools if "name" in tool]
    return None if len(set(names)) == len(names) else "tools: Tool names must be unique."


@rule(
    "`tool_choice` of type `any` comes with tools, and of type `tool` names one of them",
    "anthropic SDK 2.12, `BetaToolChoiceToolParam`; both messages are quoted in public repositories",
)
def tool_choice(request: ScriptedRequest) -> str | None:
    """Refuse a choice of a tool that is not there; nothing is refused if tools can come from elsewhere."""
    choice = request.body.get("tool_choice")
    if not isinstance(choice, Mapping) or _tools_elsewhere(request):
        return None
    if choice.get("type") == "any" and not request.tools:
        return "tool_choice.any may only be specified while providing tools"
    named = choice.get("name")
    if choice.get("type") == "tool" and named not in {tool.get("name") for tool in request.tools}:
        return f"Tool '{named}' not found in provided tools"
    return None


def _tools_elsewhere(request: ScriptedRequest) -> bool:
    sent: Sequence[Any] = request.messages  # not yet known to be objects
    added = any(isinstance(message, Mapping) and message.get("role") == "system" for message in sent)
    toolset = any("name" not in tool for tool in request.tools)
    return added or toolset or bool(request.body.get("mcp_servers")) or request.continues_thread


@rule(
    "at most 4 blocks have `cache_control`",
    f"Prompt caching, {DOCS}/build-with-claude/prompt-caching; quoted in {ISSUES}/tghamm/Anthropic.SDK/issues/50",
)
def cache_breakpoints(request: ScriptedRequest) -> str | None:
    """Refuse more than 4 in system, tools, messages and tool results together; one on the body does not count."""
    parts = [request.body.get(part) for part in ("system", "tools", "messages")]
    found = sum(1 for block in _objects(parts) if block.get("cache_control"))
    if found <= BREAKPOINTS:
        return None
    return f"A maximum of {BREAKPOINTS} blocks with cache_control may be provided. Found {found}."


def _objects(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the content blocks and tools in `part`, but nothing in a call's input or a tool's schema."""
    if isinstance(part, list):
        for item in part:
            yield from _objects(item)
    elif isinstance(part, Mapping):
        yield part
        yield from _objects(part.get("content"))


FIELD_RULES = (
    api_key,
    api_version,
    json_body,
    model_given,
    max_tokens,
    temperature,
    tool_name,
    tool_names_unique,
    tool_choice,
    cache_breakpoints,
)
"""In the order in which they are checked."""
