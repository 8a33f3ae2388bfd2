"""OpenTelemetry: the spans of a run, as the SDK's own runner makes them, with the transitions as span events.

spans       Spans: the span of a run and of its tool calls
span_names  the name of every span, event and attribute
attributes  the values of attributes: of clients, tools, errors, arguments and results
"""

from fsm_runner.adapters.opentelemetry.spans import Spans, ToolCall

__all__ = ["Spans", "ToolCall"]
