"""OpenTelemetry: a run's spans, equal to those of the SDK's own runner, with the chart's transitions as events.

`spans`     Spans: the span of a run and of its tool calls
`names`     every name of a span, event and attribute
`content`   what of a tool's arguments and result is recorded
`reading`   what spans say of clients, tools and errors
"""

from fsm_runner.adapters.opentelemetry.spans import Spans, ToolCall

__all__ = ["Spans", "ToolCall"]
