"""The short way: a reply is what the SDK's own runner makes of it, the request the same, all else as without it."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import anthropic
import httpx2
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

import fsm_runner
from fsm_runner.adapters.anthropic.reply_reading import read_once
from fsm_runner.adapters.anthropic.requests import parsed
from fsm_runner.adapters.anthropic.short_way import shortened

ASKED: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
SHELL: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2, "unheard_of": {"a": 1}},
}
CITED = {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None}
FOUND = {"type": "web_search_result", "encrypted_content": "e", "title": "t", "url": "u", "page_age": None}
RAN = {"type": "code_execution_result", "content": [], "return_code": 0, "stderr": "", "stdout": ""}
BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": "", "unheard_of": [1, {"b": None}]},
    {"type": "text", "text": "a", "citations": [{**CITED, "start_char_index": 0, "end_char_index": 1}]},
    {"type": "thinking", "thinking": "t", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "server_tool_use", "id": "i", "name": "web_search", "input": {"q": 1.5}},
    {"type": "web_search_tool_result", "tool_use_id": "i", "content": [FOUND]},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "i",
        "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
    },
    {"type": "code_execution_tool_result", "tool_use_id": "i", "content": RAN},
    {"type": "mcp_tool_use", "id": "i", "name": "n", "server_name": "s", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "i", "is_error": False, "content": "x"},
    {"type": "container_upload", "file_id": "f"},
]
FOREIGN: list[dict[str, Any]] = [{"type": "unheard_of", "x": 1}, {"type": "text"}, {"type": "text", "text": 1}]
MORE: list[dict[str, Any]] = [
    {},
    {"unheard_of": [{"a": None}]},
    {"container": {"id": "c", "expires_at": "2026-01-01T00:00:00Z", "skills": None}},
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.builds(lambda text: {"type": "text", "text": text}, st.text())
CALLS = st.builds(
    lambda given: {"type": "tool_use", "id": "toolu_1", "name": "n", "input": given},
    st.dictionaries(st.text(), VALUES, max_size=3),
)


class Server:
    """A transport that answers with one body after the other, the last one over and over, and keeps the requests."""

    def __init__(self, *answers: tuple[int, bytes], **client: Any) -> None:
        self.answers = list(answers)
        self.seen: list[httpx2.Request] = []
        transport = httpx2.MockTransport(self.answer)
        given = {"api_key": "none", "base_url": "https://api.invalid", "max_retries": 0, **client}
        self.client = anthropic.Anthropic(http_client=httpx2.Client(transport=transport), **given)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        headers = {"content-type": "application/json", "request-id": "req_1", "retry-after-ms": "1"}
        return httpx2.Response(status, headers=headers, content=body)


def reply(*blocks: object, **more: object) -> tuple[int, bytes]:
    """A message, as the API sends it."""
    return 200, json.dumps({**SHELL, "content": blocks, **more}).encode()


def looks(value: object) -> object:
    """All that can be seen of a model: classes, values, their types, and which fields were given."""
    if isinstance(value, pydantic.BaseModel):
        given = value.model_fields_set - {"parsed_output"}  # which the SDK counts as given, where nothing was parsed
        return shown(type(value)), sorted(given), looks(dict(value)), looks(value.model_extra)
    if isinstance(value, list):
        return [looks(each) for each in value]
    if isinstance(value, dict):
        return {key: looks(each) for key, each in value.items()}
    return type(value), value


def shown(value: object) -> str:
    """The repr of a reply.  The SDK's class is the generic one, unfilled, which equals ours."""
    return repr(value).replace("[~ResponseFormatT]", "")


def last(make: Any, client: Any, **asked: Any) -> Any:
    """The last message of a run."""
    return make(client, **{**ASKED, "thread": False, "tools": [], **asked}).until_done()


def of_the_sdk(client: Any, **asked: Any) -> Any:
    """The same by the SDK's own runner."""
    return last(lambda client, **asked: client.beta.messages.tool_runner(**asked), client, **asked)


def ours(client: Any, **asked: Any) -> Any:
    """The same by ours."""
    return last(fsm_runner.tool_runner, client, **asked)


@given(st.lists(st.sampled_from(BLOCKS) | TEXTS | CALLS, max_size=4), st.sampled_from(MORE))
def test_a_reply_is_read_once_into_what_the_sdk_makes_of_it(blocks, more):
    """Class, values, repr, dump, given fields and request id: of known blocks, and with fields that nobody knows."""
    server = Server(reply(*blocks, **more))
    headers = {"content-type": "application/json", "request-id": "req_1"}
    theirs = of_the_sdk(server.client, max_iterations=1)
    read = read_once(httpx2.Response(200, headers=headers, content=server.answers[0][1]))

    assert read is not None
    assert looks(theirs) == looks(read)
    assert (theirs, shown(theirs), theirs.to_json()) == (read, shown(read), read.to_json())
    assert (theirs._request_id, theirs._workspace_id) == (read._request_id, read._workspace_id)


@pytest.mark.parametrize("body", [*map(reply, FOREIGN), reply(stop_reason="unheard_of")])
def test_what_this_version_does_not_know_is_read_by_the_sdk(body):
    """A block of an unknown type, or one that is not as its type says: a run hands out what it would otherwise."""
    client = Server(body).client
    sdk_read = client.beta.messages.create(**ASKED)
    short = shortened(client).beta.messages.create(**ASKED)

    assert type(short) is type(sdk_read)
    assert repr(parsed(sdk_read, None)) == repr(ours(client))


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
def test_what_is_not_said_to_be_json_is_read_by_the_sdk(headers):
    """Whatever the body."""
    assert read_once(httpx2.Response(200, headers=headers, content=reply()[1])) is None


def test_the_request_is_the_same_to_the_byte():
    """The header by which the SDK asks itself for an unread response does not go out."""
    server = Server(reply())
    server.client.beta.messages.create(**ASKED)
    shortened(server.client).beta.messages.create(**ASKED)
    plain, short = server.seen

    assert shortened(server.client) is not server.client
    assert plain.headers.raw == short.headers.raw
    assert plain.content == short.content


@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_errors_are_those_of_the_sdk(status):
    """With their body, and after as many attempts."""
    told = json.dumps({"type": "error", "error": {"type": "api_error", "message": "no"}}).encode()
    found = []
    for make in (of_the_sdk, ours):
        server = Server((status, told), max_retries=1)
        with pytest.raises(anthropic.APIStatusError) as caught:
            make(server.client)
        found.append((type(caught.value), str(caught.value), caught.value.body, len(server.seen)))

    assert found[0] == found[1]


def test_what_failed_is_tried_again_by_the_sdk():
    """As often as the client says."""
    server = Server((500, b"{}"), (500, b"{}"), reply({"type": "text", "text": "done"}), max_retries=2)

    assert "done" == ours(server.client).content[0].text
    assert ["0", "1", "2"] == [request.headers["x-stainless-retry-count"] for request in server.seen]


def test_what_is_set_on_the_client_holds_for_the_next_request():
    """A key that was changed goes out."""
    server = Server(reply())
    for key in ("first", "second", "second"):
        server.client.api_key = key
        ours(server.client)

    sent = [request.headers["authorization"] for request in server.seen]

    assert ["Bearer first", "Bearer second", "Bearer second"] == sent


def through(request: anthropic.APIRequest, call_next: Any) -> Any:
    """A middleware that does nothing."""
    return call_next(request)


def test_one_client_is_derived_for_many_requests():
    """From a client of which nothing has changed."""
    client = Server(reply()).client

    assert shortened(client) is shortened(client)


@pytest.mark.parametrize(
    "client",
    [
        anthropic.Anthropic(api_key="none", middleware=[through]),
        anthropic.AnthropicVertex(region="r", project_id="p", access_token="t"),
        anthropic.AnthropicBedrock(aws_region="r", aws_access_key="a", aws_secret_key="s"),
        anthropic.AnthropicFoundry(api_key="none", resource="r"),
        type("Own", (anthropic.Anthropic,), {})(api_key="none"),
        mock.Mock(spec=anthropic.Anthropic),
    ],
    ids=["middleware", "vertex", "bedrock", "foundry", "subclass", "mock"],
)
def test_other_clients_are_used_as_they_are(client):
    """Nothing is known of what they do with a request."""
    assert shortened(client) is client


@pytest.mark.parametrize("part", ["create", "with_raw_response"])
def test_a_client_with_something_in_a_methods_place_is_used_as_it_is(part, monkeypatch):
    """As tests do it."""
    client = Server(reply()).client
    monkeypatch.setattr(client.beta.messages, part, mock.Mock(), raising=False)

    assert (shortened(client) is client) == (part == "create")


def test_a_client_whose_requests_are_logged_is_used_as_it_is(caplog):
    """The log shows the data that goes out, not bytes."""
    client = Server(reply()).client
    with caplog.at_level("DEBUG", logger="anthropic"):
        assert shortened(client) is client


@pytest.mark.parametrize(
    "more", [{}, {"output_format": int}, {"open_telemetry": {"tracer_provider": TracerProvider()}}]
)
def test_formats_and_spans_go_the_long_way(more, monkeypatch):
    """A reply that is parsed, or told of in a span, is the SDK's own reading."""
    taken = []
    monkeypatch.setattr("fsm_runner.drivers.base.shortened", lambda client: taken.append(client) or client)
    client = Server(
        reply({"type": "text", "text": "1"}), **{k: v for k, v in more.items() if k == "open_telemetry"}
    ).client
    ours(client, **{k: v for k, v in more.items() if k == "output_format"})

    assert len(taken) == (not more)
