"""Spans of whole runs: one for the run, one for each call, children of each other, through every driver."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.lib.tools import ToolError
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fsm_runner.testing import overloaded, reply, text
from tests.drivers.drive import SyncDrive, use, words
from tests.drivers.journals import journaled

RUN, TOOL = "anthropic.messages.tool_runner", "anthropic.custom_tool_use search"
CALL = use("search", q="ants")
CONTENT = {"traces": {"content_mode": "content"}}
SAID = ("gen_ai.tool.call.arguments", "anthropic.tool_result.content")


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


@pytest.fixture
def provider():
    """Where the spans of a test come from."""
    return TracerProvider()


@pytest.fixture
def ended(provider):
    """Return the ended spans of a name, oldest first; without a name, all of them."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def named(name: str | None = None) -> list[Any]:
        spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
        return [span for span in spans if name in (None, span.name)]

    return named


@pytest.fixture
def traced(drive, provider, ended):
    """Make a run whose client has tracing."""
    client_of = drive.client_of

    def made(replies: Any, *tools: Any, telemetry: Any = (), **more: Any) -> Any:
        option = {"tracer_provider": provider, **dict(telemetry)}
        drive.client_of = lambda model, **options: client_of(model, open_telemetry=option, **options)
        return drive.run(replies, *tools, **more)

    return made


async def search(q: str) -> str:
    """Search."""
    if q == "bad":
        raise ToolError("nothing there")
    return f"found {q}"


def parents(spans):
    """The name of each span's parent, by span."""
    names = {span.context.span_id: span.name for span in spans}
    return [(span.name, None if span.parent is None else names[span.parent.span_id]) for span in spans]


def rows(span):
    """The rows that a span tells of."""
    return [event.attributes["fsm.row"] for event in span.events if event.name == "fsm.transition"]


@pytest.mark.parametrize("stream", [False, True])
def test_requests_and_calls_are_children_of_the_run(traced, ended, stream):
    """Whether replies stream or not."""
    traced([CALL, text("done")], search, stream=stream).until_done()
    spans = ended()
    asked = [name for name, _ in parents(spans) if name not in (RUN, TOOL)]

    assert 2 == len(asked)
    assert (RUN, None) == parents(spans)[0]
    assert {RUN} == {parent for _, parent in parents(spans)[1:]}
    assert [TOOL] == [span.name for span in spans if span.name == TOOL]
    assert 1 == len({span.context.trace_id for span in spans})


def test_a_run_is_a_child_of_the_callers_span(drive, traced, ended, provider):
    """And what the caller does between two messages is its own."""
    if isinstance(drive, SyncDrive):  # the async drive plays in another thread, which has a context of its own
        with provider.get_tracer("app").start_as_current_span("app") as app:
            run = traced([CALL, text("done")], search)
            next(run)
            current = trace.get_current_span()
            run.until_done()

        assert current is app
        assert app.get_span_context().span_id == ended(RUN)[0].parent.span_id
        return
    traced([text("done")]).until_done()
    assert ended(RUN)[0].parent is None


def test_a_span_of_a_run_says_what_the_sdks_does(traced, ended):
    """The operation, the provider, the model; the kind of output where there is one."""
    traced([text("done")], search).until_done()
    [span] = ended(RUN)

    assert {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-haiku-4-5",
    } == dict(span.attributes)
    assert StatusCode.OK == span.status.status_code


def test_a_span_of_a_call_says_what_the_sdks_does(traced, ended):
    """And none of its content."""
    traced([CALL, text("done")], search).until_done()
    [span] = ended(TOOL)

    assert {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.description": "Search.",
        "gen_ai.tool.call.id": "toolu_0001",
        "gen_ai.tool.type": "function",
    } == dict(span.attributes)


def test_content_is_off_by_default(traced, ended):
    """No text of anyone is in any span."""
    traced([use("search", q="a secret"), text("a secret")], search, system="a secret").until_done()

    assert "secret" not in str(
        [(dict(span.attributes), [dict(event.attributes) for event in span.events]) for span in ended()]
    )


def test_content_is_there_when_the_client_asks_for_it(traced, ended):
    """The arguments, and what the model is sent."""
    traced([CALL, text("done")], search, telemetry=CONTENT).until_done()
    [span] = ended(TOOL)

    assert ('{"q":"ants"}', '[{"type":"text","text":"found ants"}]') == tuple(span.attributes[key] for key in SAID)


def test_calls_side_by_side_have_each_a_span(drive, traced, ended):
    """Which overlap, and end with their own result."""
    meet = drive.meeting(2)

    async def search(q: str) -> str:
        """Search."""
        await meet()
        if q == "bad":
            raise ToolError("nothing there")
        return q

    traced([reply(use("search", q="a"), use("search", q="bad")), text("done")], search).until_done()
    spans = {span.attributes["gen_ai.tool.call.id"]: span for span in ended(TOOL)}

    assert [StatusCode.OK, StatusCode.ERROR] == [spans[f"toolu_000{at}"].status.status_code for at in (1, 2)]
    assert max(span.start_time for span in spans.values()) < min(span.end_time for span in spans.values())
    assert {RUN} == {parent for name, parent in parents(ended()) if name == TOOL}


def test_a_tool_finds_its_own_span(drive, traced, ended):
    """What it starts is a child of it, in a thread as in a task."""
    seen = {}

    async def search(q: str) -> str:
        """Search."""
        seen[q] = trace.get_current_span().get_span_context().span_id
        return q

    traced([reply(use("search", q="a"), use("search", q="b")), text("done")], search).until_done()

    assert {span.context.span_id for span in ended(TOOL)} == set(seen.values())
    assert 2 == len(set(seen.values()))


def test_a_call_that_runs_early_is_a_child_of_the_run(drive, traced, ended):
    """Although the caller is reading the stream."""
    run = traced([reply(CALL, text("so")), text("done")], search, stream=True, run_tools_eagerly=True)
    for stream in run:
        for _ in stream:
            pass

    assert "call_early" in drive.rows
    assert [(TOOL, RUN)] == [pair for pair in parents(ended()) if pair[0] == TOOL]


def test_a_call_without_a_tool_has_no_span(traced, ended):
    """Nothing runs."""
    run = traced([use("other"), text("done")], search)
    with pytest.warns(UserWarning, match="'other' not found"):
        run.until_done()

    assert [] == [span for span in ended() if "tool_use" in span.name]


# ── ours ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_taken_is_an_event_of_the_run(drive, traced, ended):
    """With its states and facts, and the run's id; then why it stopped."""
    run = traced([CALL, text("done")], search, run_id="run-7")
    run.until_done()
    [span] = ended(RUN)
    last = span.events[-1]

    assert drive.rows == rows(span)
    assert {"run-7"} == {event.attributes["fsm.run"] for event in span.events}
    assert ("fsm.stop", "completed", "finish") == (
        last.name,
        last.attributes["fsm.stop.reason"],
        last.attributes["fsm.row"],
    )
    taken = next(event for event in span.events if event.attributes["fsm.row"] == "call_tools")
    assert ("inspect", "call_tools", "wants_tools") == tuple(
        taken.attributes[key] for key in ("fsm.source", "fsm.state", "fsm.fact.turn")
    )
    assert [event.timestamp for event in span.events] == sorted(event.timestamp for event in span.events)


def test_a_call_says_where_the_run_was(traced, ended):
    """On an event of its own span."""
    traced([CALL, text("done")], search, run_id="run-7").until_done()
    [event] = ended(TOOL)[0].events

    assert ("fsm.call", "run-7", "call_tools") == (
        event.name,
        event.attributes["fsm.run"],
        event.attributes["fsm.state"],
    )


# ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_request_is_the_runs_error_and_going_on_is_another_span(traced, ended):
    """Linked to the first; together they tell every row."""
    run = traced([CALL, overloaded(), text("done")], search)
    with pytest.raises(Exception, match="Overloaded"):
        run.until_done()
    run.until_done()
    first, second = ended(RUN)

    assert (StatusCode.ERROR, "overloaded_error") == (first.status.status_code, first.attributes["error.type"])
    assert StatusCode.OK == second.status.status_code
    assert [first.context.span_id] == [link.context.span_id for link in second.links]
    assert ("request_failed", "try_again") == (rows(first)[-1], rows(second)[0])


def test_a_closed_run_has_no_status(traced, ended):
    """It neither came to its end nor failed."""
    run = traced([CALL], search)
    next(run)
    run.close()
    [span] = ended(RUN)

    assert StatusCode.UNSET == span.status.status_code
    assert "closed" == span.events[-1].attributes["fsm.stop.reason"]


def test_a_run_that_is_left_ends_its_span(drive, traced, ended):
    """When its caller lets go of it."""
    run = traced([CALL], search)
    for _ in run:
        break
    before = len(ended(RUN))
    run.close()

    assert (0, 1) == (before, len(ended(RUN)))


def test_a_run_that_was_not_begun_has_no_span(traced, ended):
    """Making a runner traces nothing."""
    traced([], search).close()

    assert [] == ended()


def test_without_tracing_nothing_differs(drive, traced, ended):
    """The client says so."""
    client_of = drive.client_of
    drive.client_of = lambda model, **options: client_of(model, open_telemetry=False, **options)

    assert "done" == words(drive.run([CALL, text("done")], search).until_done())
    assert [] == ended()
