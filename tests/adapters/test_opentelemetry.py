"""Spans equal those of the SDK's own runner, and say more only in events of their own."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import beta_async_tool, beta_tool
from anthropic.lib.tools import BetaBuiltinFunctionTool, ToolError
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fsm_runner.adapters.opentelemetry import Spans, span_names
from fsm_runner.adapters.opentelemetry.attributes import (
    content_attributes,
    error_type,
    global_provider_loads,
    made_for_mcp,
    result_blocks,
)
from fsm_runner.engine.rows import Transition
from fsm_runner.loop.context import Context, Conversation, Settings
from fsm_runner.loop.history import History
from fsm_runner.loop.stop import Stop
from fsm_runner.loop.tool_loop import Snapshot, Step
from fsm_runner.testing import ScriptedModel, overloaded, reply, text, tool_use

ASKED: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 64}
HELLO = [{"role": "user", "content": "What is the weather?"}]
RUN_NAME, CALL_NAME, TOOL_NAME = span_names.RUN_SPAN, "anthropic.messages.create", "anthropic.custom_tool_use weather"
CONTENT = {"traces": {"content_mode": "content"}}


class Seen:
    """A tracer provider, and the spans that it was given."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("app")

    def option(self, **more: Any) -> dict[str, Any]:
        """The client's option for these spans."""
        return {"tracer_provider": self.provider, **more}

    def named(self, name: str) -> list[Any]:
        """The ended spans of that name, oldest first."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def one(self, name: str) -> Any:
        """The only span of that name."""
        [span] = self.named(name)
        return span

    def told(self) -> list[dict[str, Any]]:
        """All that the spans say, but for times, ids and what is ours."""
        ended = sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time)
        by_id = {span.context.span_id: span.name for span in ended}
        return [
            {
                "name": span.name,
                "kind": span.kind,
                "parent": None if span.parent is None else by_id[span.parent.span_id],
                "status": (span.status.status_code, span.status.description),
                "attributes": dict(span.attributes),
                "events": [event.name for event in span.events if not event.name.startswith("fsm.")],
                "links": len(span.links),
            }
            for span in ended
        ]


@pytest.fixture
def seen():
    """Where the spans of a test go."""
    return Seen()


def taken(row: str, target: str, stop: str | None = None, **facts: str) -> Step:
    """A step that took one row."""
    context = Context(conversation=Conversation(history=History(())), settings=Settings(params={}))
    one = Transition(row=row, source="inspect", target=target, event="replied", facts=facts)
    why = None if stop is None else Stop(reason=stop, row=row, facts=facts)  # type: ignore[arg-type]
    return Step(transitions=(one,), snapshot=Snapshot(state=target, context=context, stop=why))


def weather(city: str) -> str:
    """The weather in a city."""
    if city == "Atlantis":
        raise ToolError("no such city")
    return f"sunny in {city}"


def loop(client: Any, tool: Any, params: dict[str, Any]) -> None:
    """A tool loop in a few lines, with spans where a driver has them."""
    spans = Spans(client, run="run-1", chart="tool_loop")
    spans.begin({**ASKED, **params})
    messages: list[Any] = list(HELLO)
    with spans:
        while True:
            with spans.current():
                message = client.beta.messages.create(**ASKED, **params, messages=messages, tools=[tool.to_dict()])
            if message.stop_reason != "tool_use":
                break
            messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
            spans.step(taken("call_tools", "call_tools", turn="wants_tools"))
            with spans.current():
                results = [called(spans, tool, block.to_dict()) for block in message.content]
            messages.append({"role": "user", "content": results})
        spans.step(taken("finish", "done", stop="completed", turn="finished"))


def called(spans: Spans, tool: Any, block: Any) -> dict[str, Any]:
    """Run one call in its span."""
    with spans.tool(tool, block) as call:
        result = {"type": "tool_result", "tool_use_id": block["id"]}
        try:
            call.result = {**result, "content": tool.call(block["input"])}
        except ToolError as error:
            call.result = {**result, "content": error.content, "is_error": True}
    return call.result


def of_sdk(client: Any, tool: Any, params: dict[str, Any]) -> None:
    """The same conversation by the SDK's own runner."""
    client.beta.messages.tool_runner(**ASKED, **params, messages=HELLO, tools=[tool], thread=False).until_done()


SCHEMA = {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": False}}


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({}, {}),
        (CONTENT, {}),
        ({"traces": {"content_mode": "content", "max_content_bytes": 60}}, {}),
        ({"traces": {"content_mode": "content", "max_content_bytes": 10}}, {}),
        ({"conversation_id": "conversation-1"}, {}),
        ({}, {"output_config": {"format": SCHEMA}}),
        ({"traces": False}, {}),
    ],
    ids=["default", "content", "cut-result", "cut-arguments", "conversation", "json", "off"],
)
def test_spans_equal_those_of_the_sdks_runner(options, params):
    """Names, kinds, parents, statuses, attributes and content are the SDK's, for the same conversation."""
    both = []
    for play in (of_sdk, loop):
        seen = Seen()
        calls = reply(tool_use("weather", {"city": "Zürich"}), tool_use("weather", {"city": "Atlantis"}))
        with ScriptedModel([calls, text("Mixed.")]) as model:
            play(model.sync_client(open_telemetry=seen.option(**options)), beta_tool(weather), params)
        both.append(seen.told())

    sdk, ours = both
    expected = [] if options.get("traces") is False else [RUN_NAME, CALL_NAME, TOOL_NAME, TOOL_NAME, CALL_NAME]
    assert expected == [span["name"] for span in sdk]
    assert sdk == ours


def test_a_failed_request_is_the_error_of_the_run_as_in_the_sdks_runner():
    """The run's span ends with the API's word for the failure."""
    both = []
    for play in (of_sdk, loop):
        seen = Seen()
        with ScriptedModel([overloaded()]) as model, pytest.raises(anthropic.APIStatusError):
            play(model.sync_client(open_telemetry=seen.option()), beta_tool(weather), {})
        both.append(seen.told())

    sdk, ours = both
    assert "overloaded_error" == sdk[0]["attributes"]["error.type"]
    assert sdk == ours


# ── the run ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def spans_of(seen: Seen, **options: Any) -> Spans:
    """Spans of a run on a client that is asked nothing."""
    return Spans(ScriptedModel([]).sync_client(open_telemetry=seen.option(**options)), run="run-1", chart="tool_loop")


def test_every_attribute_of_a_span_is_the_sdks_and_what_is_ours_stands_on_events(seen):
    """A transition is an event with the run, its row, states, event and facts; so is the stop."""
    with spans_of(seen) as spans:
        spans.begin(ASKED)
        spans.step(taken("call_tools", "call_tools", turn="wants_tools"))
        with spans.tool(beta_tool(weather), {"id": "toolu_1", "name": "weather", "input": {}}):
            pass
        spans.step(taken("finish", "done", stop="completed", turn="finished"))

    run, call = seen.one(RUN_NAME), seen.one(TOOL_NAME)
    whose = {"fsm.run": "run-1", "fsm.chart": "tool_loop"}
    moved = whose | {"fsm.source": "inspect", "fsm.event": "replied"}
    assert [] == [key for span in (run, call) for key in span.attributes if key.startswith("fsm.")]
    assert [
        (
            "fsm.transition",
            moved | {"fsm.row": "call_tools", "fsm.state": "call_tools", "fsm.fact.turn": "wants_tools"},
        ),
        ("fsm.transition", moved | {"fsm.row": "finish", "fsm.state": "done", "fsm.fact.turn": "finished"}),
        ("fsm.stop", whose | {"fsm.row": "finish", "fsm.state": "done", "fsm.stop.reason": "completed"}),
    ] == [(event.name, dict(event.attributes)) for event in run.events]
    assert [("fsm.call", whose | {"fsm.row": "call_tools", "fsm.state": "call_tools"})] == [
        (event.name, dict(event.attributes)) for event in call.events
    ]


def test_an_always_row_has_no_event_and_an_act_of_the_caller_leaves_no_trace(seen):
    """What did not happen is not said."""
    with spans_of(seen) as spans:
        spans.begin(ASKED)
        step = taken("ask", "request")
        always = Transition(row="ask", source="inspect", target="request", event=None, facts={})
        spans.step(Step(transitions=(always,), snapshot=step.snapshot))
        spans.step(Step(transitions=(), snapshot=step.snapshot))

    [event] = seen.one(RUN_NAME).events
    assert "fsm.event" not in event.attributes


@pytest.mark.parametrize(
    ("reason", "error", "expected", "error_type"),
    [
        ("completed", None, StatusCode.OK, None),
        ("limit", None, StatusCode.OK, None),
        ("refused", None, StatusCode.OK, None),
        ("closed", None, StatusCode.UNSET, None),
        (None, None, StatusCode.UNSET, None),
        ("failed", None, StatusCode.ERROR, "client_error"),
        ("failed", ValueError("no"), StatusCode.ERROR, "client_error"),
        ("completed", ValueError("no"), StatusCode.ERROR, "client_error"),
        (None, asyncio.CancelledError(), StatusCode.UNSET, None),
        ("completed", GeneratorExit(), StatusCode.UNSET, None),
    ],
)
def test_the_status_says_how_the_run_ended(seen, reason, error, expected, error_type):
    """OK at its end, an error for an `Exception`, unset when the caller closed, cancelled or left it."""
    spans = spans_of(seen)
    spans.begin(ASKED)
    spans.step(taken("finish", "done", stop=reason))
    spans.end(error)

    run = seen.one(RUN_NAME)
    assert (expected, error_type) == (run.status.status_code, run.attributes.get("error.type"))
    assert [] == [event for event in run.events if event.name == "exception"]


def test_a_run_that_goes_on_after_a_failure_gets_a_span_linked_to_the_last(seen):
    """Ending and beginning again do nothing twice; what failed before is not the new span's."""
    spans = spans_of(seen)
    spans.end()
    spans.begin(ASKED)
    spans.begin(ASKED)
    spans.step(taken("request_failed", "failed", stop="failed"))
    spans.end(ValueError("no"))
    spans.end(ValueError("no"))
    spans.begin(ASKED)
    spans.step(taken("try_again", "request"))
    spans.step(taken("finish", "done", stop="completed"))
    spans.end()

    first, second = seen.named(RUN_NAME)
    assert (StatusCode.ERROR, StatusCode.OK) == (first.status.status_code, second.status.status_code)
    assert [first.context] == [link.context for link in second.links]
    assert () == first.links


def test_the_runs_span_is_current_in_the_runners_own_code_only(seen):
    """The caller's code keeps the caller's span, and each step finds the run's again."""
    spans = spans_of(seen)
    with seen.tracer.start_as_current_span("app") as app:
        spans.begin(ASKED)
        assert app is trace.get_current_span()
        with spans.current():
            seen.tracer.start_span("inner").end()
        assert app is trace.get_current_span()
    with pytest.raises(StopIteration), spans.current():
        raise StopIteration
    spans.end()

    run = seen.one(RUN_NAME)
    assert app.get_span_context().span_id == run.parent.span_id
    assert run.context.span_id == seen.one("inner").parent.span_id
    assert (SpanKind.INTERNAL, span_names.SCOPE) == (run.kind, run.instrumentation_scope.name)


# ── tool calls ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_that_the_caller_runs_is_a_child_of_the_callers_span(seen):
    """The parent is whatever span is current: without one, there is no parent."""
    spans = spans_of(seen)
    block = {"id": "toolu_1", "name": "weather", "input": {}}
    with seen.tracer.start_as_current_span("app") as app, spans.tool(beta_tool(weather), block):
        pass
    with spans.tool(beta_tool(weather), block):
        pass

    by_caller, alone = seen.named(TOOL_NAME)
    assert app.get_span_context().span_id == by_caller.parent.span_id
    assert None is alone.parent


async def test_calls_side_by_side_have_each_their_own_span(seen):
    """What a tool does is a child of its own span, also while another one runs."""
    spans = spans_of(seen)
    spans.begin(ASKED)
    both = asyncio.Barrier(2)

    async def work(name: str) -> str:
        await both.wait()
        seen.tracer.start_span(f"inside {name}").end()
        return name

    tool = beta_async_tool(work, description="Work.")

    async def call(name: str) -> None:
        with spans.tool(tool, {"id": name, "name": name, "input": {"name": name}}) as under_way:
            under_way.result = {"type": "tool_result", "tool_use_id": name, "content": await tool.call({"name": name})}

    with spans, spans.current():
        await asyncio.gather(call("a"), call("b"))

    for name in ("a", "b"):
        outer = seen.one(f"anthropic.custom_tool_use {name}")
        assert outer.context.span_id == seen.one(f"inside {name}").parent.span_id
        assert seen.one(RUN_NAME).context.span_id == outer.parent.span_id


def test_a_call_that_was_cut_off_has_no_status_and_no_result(seen):
    """A cancellation is the caller's doing: no failure of the tool."""
    spans = spans_of(seen, **CONTENT)
    with (
        pytest.raises(KeyboardInterrupt),
        spans.tool(beta_tool(weather), {"id": "t", "name": "weather", "input": {"city": "Rome"}}),
    ):
        raise KeyboardInterrupt

    call = seen.one(TOOL_NAME)
    assert StatusCode.UNSET is call.status.status_code
    assert '{"city":"Rome"}' == call.attributes["gen_ai.tool.call.arguments"]
    assert "anthropic.tool_result.content" not in call.attributes
    assert ["fsm.call"] == [event.name for event in call.events]


class OwnDefinition(BetaBuiltinFunctionTool):
    """A tool that is its own definition."""

    def __init__(self, description: object) -> None:
        self.description = description

    def to_dict(self) -> Any:
        return {"name": "weather", "description": self.description, "input_schema": {"type": "object"}}

    def call(self, input: object) -> str:  # noqa: A002  (the SDK's own name)
        return "sunny"


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (beta_tool(weather), "The weather in a city."),
        (beta_tool(weather, description="Given."), "Given."),
        (beta_tool(lambda: "", name="weather"), None),
        (OwnDefinition("Defined."), "Defined."),
        (OwnDefinition(None), None),
        (object(), None),
    ],
    ids=["docstring", "given", "none", "defined", "undefined", "toolset"],
)
def test_the_description_is_what_the_model_is_told(seen, tool, expected):
    """It is no content: the span has it always, unless it is empty."""
    spans = spans_of(seen)
    with spans.tool(tool, {"id": "t", "name": "weather", "input": {}, "toolset_name": "browser"}):
        pass

    attributes = seen.one(TOOL_NAME).attributes
    assert expected == attributes.get("gen_ai.tool.description")
    assert "browser" == attributes["anthropic.toolset.name"]


def test_a_tool_of_the_mcp_helper_is_known_by_the_module_of_its_function(seen):
    """The helper makes its function in its own module; nobody else's stands there."""

    def call_mcp() -> str:
        return ""

    own = beta_tool(call_mcp, name="weather")
    call_mcp.__module__ = "anthropic.lib.tools.mcp"
    with spans_of(seen).tool(own, {"id": "t", "name": "weather", "input": {}}):
        pass

    assert ["anthropic.mcp_tool_use weather"] == [span.name for span in seen.exporter.get_finished_spans()]
    assert not made_for_mcp(beta_tool(weather))


# ── on and off ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("knows", [True, False], ids=["turned off", "no such option"])
def test_without_tracing_a_run_has_no_span_and_everything_else_as_ever(seen, knows):
    """A client that turned it off, or knows no such option, costs nothing and breaks nothing."""
    client = ScriptedModel([]).sync_client(open_telemetry=False) if knows else SimpleNamespace()
    with seen.tracer.start_as_current_span("app") as app, Spans(client, run="run-1", chart="c") as spans:
        spans.begin(ASKED)
        spans.step(taken("finish", "done", stop="completed"))
        with spans.current(), spans.tool(beta_tool(weather), {"id": "t", "name": "weather", "input": {}}) as call:
            call.result = {"type": "tool_result"}
            assert app is trace.get_current_span()

    assert ["app"] == [span.name for span in seen.exporter.get_finished_spans()]


def test_the_global_provider_without_an_sdk_makes_no_spans():
    """An application that never set up OpenTelemetry has no current span."""
    with Spans(ScriptedModel([]).sync_client(), run="run-1", chart="c") as spans:
        spans.begin(ASKED)
        with spans.current():
            assert not trace.get_current_span().get_span_context().is_valid


def test_a_global_provider_that_is_not_installed_is_asked_for_once(monkeypatch, caplog):
    """OpenTelemetry logs an error each time it is asked; runs have no spans, and go on."""
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "not_installed")
    global_provider_loads.cache_clear()
    try:
        for _ in range(2):
            with Spans(ScriptedModel([]).sync_client(), run="run-1", chart="c") as spans:
                spans.begin(ASKED)
    finally:
        global_provider_loads.cache_clear()

    assert 1 == len([record for record in caplog.records if record.levelname == "ERROR"])


class FailingSampler(sampling.Sampler):
    """Fails where a span starts."""

    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("cannot sample")

    def get_description(self) -> str:
        return "failing"


class FailingProcessor(SpanProcessor):
    """Fails where a span starts, or ends."""

    def __init__(self, at: str) -> None:
        self.at = at

    def on_start(self, *args: Any, **kwargs: Any) -> None:
        if self.at == "start":
            raise RuntimeError("cannot start")

    def on_end(self, span: Any) -> None:
        if self.at == "end":
            raise RuntimeError("cannot end")


@pytest.mark.parametrize("at", ["sampler", "start", "end", "provider"])
def test_tracing_that_fails_leaves_the_run_as_it_is(at):
    """No exception of tracing reaches the run, and calls have their results."""
    provider: Any = TracerProvider(sampler=FailingSampler()) if at == "sampler" else TracerProvider()
    if at in ("start", "end"):
        provider.add_span_processor(FailingProcessor(at))
    elif at == "provider":
        provider = SimpleNamespace()
    client = ScriptedModel([]).sync_client(open_telemetry={"tracer_provider": provider, **CONTENT})
    with Spans(client, run="run-1", chart="c") as spans:
        spans.begin(ASKED)
        spans.step(taken("finish", "done", stop="completed"))
        result = called(spans, beta_tool(weather), {"id": "t", "name": "weather", "input": {"city": "Rome"}})

    assert "sunny in Rome" == result["content"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (anthropic.AnthropicVertex, "gcp.vertex_ai"),
        (anthropic.AsyncAnthropicBedrock, "aws.bedrock"),
        (anthropic.AnthropicFoundry, "anthropic"),
    ],
)
def test_the_provider_is_the_platforms_as_its_own_spans_name_it(seen, kind, expected):
    """What the client's spans of requests say, the run's says too."""
    given: dict[Any, dict[str, Any]] = {
        anthropic.AnthropicVertex: {"region": "r", "project_id": "p", "access_token": "t"},
        anthropic.AsyncAnthropicBedrock: {"aws_region": "r", "aws_access_key": "k", "aws_secret_key": "s"},
        anthropic.AnthropicFoundry: {"resource": "r", "api_key": "k"},
    }
    with Spans(kind(**given[kind], open_telemetry=seen.option()), run="run-1", chart="c") as spans:
        spans.begin(ASKED)

    assert expected == seen.one(RUN_NAME).attributes["gen_ai.provider.name"]


REQUEST = httpx2.Request("POST", "https://api.anthropic.com/v1/messages")


def status(code: int, kind: str | None) -> anthropic.APIStatusError:
    """An error of the API."""
    body = None if kind is None else {"type": "error", "error": {"type": kind, "message": "no"}}
    return anthropic.APIStatusError("no", response=httpx2.Response(code, request=REQUEST), body=body)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (anthropic.APITimeoutError(REQUEST), "client_timeout_error"),
        (httpx2.ReadTimeout("slow"), "client_timeout_error"),
        (anthropic.APIConnectionError(request=REQUEST), "connection_error"),
        (httpx2.RemoteProtocolError("gone"), "connection_error"),
        (status(429, "rate_limit_error"), "rate_limit_error"),
        (status(399, None), "client_error"),
        (status(400, None), "400"),
        (status(500, None), "500"),
        (ValueError("no"), "client_error"),
    ],
)
def test_an_error_is_named_by_the_api_else_by_its_status_else_as_the_clients(error, expected):
    """The status of a stream that had opened well is no error's."""
    assert expected == error_type(error)


# ── content ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limit", "arguments", "kept", "truncated"),
    [
        (52, '{"a":"é"}', 2, False),
        (51, '{"a":"é"}', 1, True),
        (28, '{"a":"é"}', 1, True),
        (27, '{"a":"é"}', 0, True),
        (10, '{"a":"é"}', 0, True),
        (9, None, 0, True),
        (1, None, 0, True),
    ],
)
def test_content_loses_whole_blocks_from_the_end_then_nothing_more(limit, arguments, kept, truncated):
    """Beside 10 bytes of arguments, blocks of 16 and 23: one byte less costs a block, or the arguments."""
    blocks = [{"type": "image", "source": {}}, {"type": "a_tool_call_"}]
    told = content_attributes({"a": "é"}, {"content": blocks}, limit=limit)
    expected = ['{"type":"image"}', '{"type":"a_tool_call_"}'][:kept]

    assert arguments == told.get("gen_ai.tool.call.arguments")
    assert f"[{','.join(expected)}]" == told["anthropic.tool_result.content"]
    assert truncated == told.get("anthropic.content.truncated", False)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("sunny", [{"type": "text", "text": "sunny"}]),
        (None, []),
        ([], []),
        ([{"type": "image", "source": {"data": "aGk="}}], [{"type": "image"}]),
        (["no block"], [{"type": "unknown"}]),
        (
            [{"type": "text", "text": "a", "citations": [{"encrypted_index": "x", "cited_text": "b"}]}],
            [{"type": "text", "text": "a", "citations": [{"cited_text": "b"}]}],
        ),
        (
            [{"type": "search_result", "content": [{"type": "document", "source": {}}, {"type": "text", "text": "c"}]}],
            [{"type": "search_result", "content": [{"type": "document"}, {"type": "text", "text": "c"}]}],
        ),
    ],
    ids=["text", "none", "empty", "image", "unknown", "citations", "search"],
)
def test_what_is_recorded_of_a_result_is_text_and_never_data(content, expected):
    """Opaque and binary fields are left out at any depth; of other blocks only the type stays."""
    assert expected == result_blocks(content)


def test_content_that_json_cannot_hold_is_not_recorded(seen):
    """The call has its status, and nothing of its content."""
    circle: dict[str, Any] = {"type": "text"}
    circle["text"] = circle
    spans = spans_of(seen, **CONTENT)
    with spans.tool(beta_tool(weather), {"id": "t", "name": "weather", "input": {}}) as call:
        call.result = {"content": [circle]}

    ended = seen.one(TOOL_NAME)
    assert StatusCode.OK is ended.status.status_code
    assert [] == [
        key for key in ended.attributes if key in (span_names.ARGUMENTS, span_names.RESULT, span_names.TRUNCATED)
    ]


def test_a_call_without_input_has_no_arguments():
    """Nothing is not the empty object."""
    assert {"anthropic.tool_result.content": "[]"} == content_attributes(None, {"content": None}, limit=1)


def test_content_is_compact_json_with_letters_as_they_are():
    """What JSON does not know becomes its text."""
    told = content_attributes({"when": object, "city": "Zürich"}, None, limit=1000)

    assert {"gen_ai.tool.call.arguments"} == told.keys()
    assert {"when": "<class 'object'>", "city": "Zürich"} == json.loads(str(told["gen_ai.tool.call.arguments"]))
    assert "Zürich" in str(told["gen_ai.tool.call.arguments"])
