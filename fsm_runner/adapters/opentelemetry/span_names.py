"""The names of the spans, events and attributes that a run can emit.

The first half is anthropic's: its own tool runner emits the same, and its tests compare them exactly.  The second half
is ours: span events and their attributes, all of which begin with ``fsm.``.

Source: anthropic 2.12; OpenTelemetry's conventions for generative AI.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import anthropic

SCOPE: Final = "fsm_runner"
"""The instrumentation scope: who made the span."""

# ── spans ───────────────────────────────────────────────────────────────────────────────────────────────────────────

RUN_SPAN: Final = "anthropic.messages.tool_runner"
TOOL_SPAN: Final = "anthropic.custom_tool_use"
"""Followed by a space and the tool's name."""
MCP_TOOL_SPAN: Final = "anthropic.mcp_tool_use"
"""The same, for a tool that the SDK's MCP helper made."""

# ── their attributes ────────────────────────────────────────────────────────────────────────────────────────────────

OPERATION: Final = "gen_ai.operation.name"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"

PROVIDER: Final = "gen_ai.provider.name"
ANTHROPIC: Final = "anthropic"
PROVIDERS: Final[Mapping[type, str]] = MappingProxyType(
    {
        anthropic.AnthropicVertex: "gcp.vertex_ai",
        anthropic.AsyncAnthropicVertex: "gcp.vertex_ai",
        anthropic.AnthropicBedrock: "aws.bedrock",
        anthropic.AsyncAnthropicBedrock: "aws.bedrock",
        anthropic.AnthropicBedrockMantle: "aws.bedrock",
        anthropic.AsyncAnthropicBedrockMantle: "aws.bedrock",
    }
)
"""The provider of each client class that has its own; of all others it is `ANTHROPIC`."""

MODEL: Final = "gen_ai.request.model"
CONVERSATION: Final = "gen_ai.conversation.id"
OUTPUT_TYPE: Final = "gen_ai.output.type"
JSON_OUTPUT: Final = "json"

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL: Final = "gen_ai.tool.call.id"
TOOL_TYPE: Final = "gen_ai.tool.type"
FUNCTION: Final = "function"
TOOLSET: Final = "anthropic.toolset.name"

ARGUMENTS: Final = "gen_ai.tool.call.arguments"
"""Content: the input of a call, as JSON."""
RESULT: Final = "anthropic.tool_result.content"
"""Content: what the model is sent, as the JSON of a list of blocks."""
TRUNCATED: Final = "anthropic.content.truncated"
"""True where content was left out to stay within the client's ``max_content_bytes``."""

ERROR_TYPE: Final = "error.type"
TOOL_ERROR: Final = "tool_error"
TIMEOUT: Final = "client_timeout_error"
CONNECTION: Final = "connection_error"
CLIENT_ERROR: Final = "client_error"

# ── ours: events, and their attributes ──────────────────────────────────────────────────────────────────────────────

TRANSITION_EVENT: Final = "fsm.transition"
"""On the run's span, for each row taken."""
STOP_EVENT: Final = "fsm.stop"
"""On the run's span, where the run stops."""
CALL_EVENT: Final = "fsm.call"
"""On a tool's span: which run called it, and where the run was."""

RUN: Final = "fsm.run"
CHART: Final = "fsm.chart"
STATE: Final = "fsm.state"
"""The state that the run is in, after the transition if there was one."""
SOURCE: Final = "fsm.source"
"""The state that a transition led from."""
ROW: Final = "fsm.row"
EVENT: Final = "fsm.event"
"""The event that a row took; absent for an ``always`` row."""
FACT: Final = "fsm.fact."
"""Followed by the name of a fact; its value is the answer that decided."""
STOP_REASON: Final = "fsm.stop.reason"
