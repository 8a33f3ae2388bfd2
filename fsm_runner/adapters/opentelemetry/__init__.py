"""OpenTelemetry: a run's spans, equal to those of the SDK's own runner, with the chart's transitions as events.

spans       Spans: the span of a run and of its tool calls
span_names  the name of every span, event and attribute
attributes  what spans say of clients, tools, errors, arguments and results
"""

from fsm_runner.adapters.opentelemetry.spans import Spans, ToolCall

__all__ = ["Spans", "ToolCall"]
