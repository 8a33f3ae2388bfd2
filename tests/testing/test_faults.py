"""Each fault is, for the SDK's clients, what the real one is."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest

from fsm_runner.testing import (
    ScriptedModel,
    disconnect,
    error,
    malformed,
    overloaded,
    rate_limited,
    reply,
    server_error,
    stall,
    text,
    tool_use,
    truncated,
)
from tests.testing.conftest import ASKED

WORDS = text("a reply of a few words, long enough for pieces")


@pytest.mark.parametrize(
    ("fault", "kind", "status", "name"),
    [
        (overloaded(), anthropic.InternalServerError, 529, "overloaded_error"),
        (server_error(), anthropic.InternalServerError, 500, "api_error"),
        (rate_limited(), anthropic.RateLimitError, 429, "rate_limit_error"),
        (error(413, "request_too_large", message="too large"), anthropic.APIStatusError, 413, "request_too_large"),
    ],
)
async def test_an_error_answer_has_the_apis_shape(fault, kind, status, name, ask):
    """The SDK raises its class for the status, with the API's body and a request id."""
    with pytest.raises(kind) as raised:
        await ask(ScriptedModel([fault]))

    body = raised.value.body
    assert (status, "error", name, "req_0001") == (
        raised.value.status_code,
        body["type"],
        body["error"]["type"],
        body["request_id"],
    )
    assert "req_0001" == raised.value.request_id


@pytest.mark.parametrize(("seconds", "expected"), [(1, "1"), (2.5, "2.5"), (None, None)])
async def test_a_rate_limit_says_when_to_come_back(seconds, expected, ask):
    """The header has seconds; None leaves it out."""
    with pytest.raises(anthropic.RateLimitError) as raised:
        await ask(ScriptedModel([rate_limited(retry_after=seconds)]))

    assert expected == raised.value.response.headers.get("retry-after")


async def test_retries_play_the_script_on():
    """Faults are entries: the SDK's retries use them up in order."""
    model = ScriptedModel([rate_limited(retry_after=0.001), overloaded(retry_after=0.001), text("at last")])
    with model:
        message = await model.client(max_retries=2).beta.messages.create(**ASKED)

    assert "at last" == message.content[0].text
    assert [1, 2, 3] == [request.number for request in model.requests]


@pytest.mark.parametrize(
    ("fault", "kind", "cause"),
    [
        (disconnect(), anthropic.APIConnectionError, httpx2.RemoteProtocolError),
        (stall(), anthropic.APITimeoutError, httpx2.ReadTimeout),
    ],
)
async def test_a_failure_before_the_answer_is_wrapped_by_the_sdk(fault, kind, cause, ask):
    """A dropped or a silent connection, before anything arrived."""
    with pytest.raises(kind) as raised:
        await ask(ScriptedModel([fault]))

    assert isinstance(raised.value.__cause__, cause)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (disconnect(WORDS), httpx2.RemoteProtocolError),
        (disconnect(after=2), httpx2.RemoteProtocolError),
        (stall(WORDS), httpx2.ReadTimeout),
        (stall(after=2), httpx2.ReadTimeout),
        (malformed(WORDS), json.JSONDecodeError),
    ],
)
async def test_a_failure_within_the_stream_reaches_the_reader(fault, kind, stream):
    """Bare, as httpx2 or json raised it: the SDK wraps and retries nothing there."""
    with pytest.raises(kind):
        await stream(ScriptedModel([fault]))


async def test_a_truncated_stream_ends_without_a_word(stream):
    """No error, half the text, and the stop reason None."""
    message = await stream(ScriptedModel([truncated(WORDS)]))

    assert None is message.stop_reason
    assert WORDS["text"].startswith(message.content[0].text)
    assert WORDS["text"] != message.content[0].text


async def test_a_truncated_call_has_half_its_arguments(stream):
    """What a runner meets when the connection ends within a call: `after` counts every event."""
    message = await stream(ScriptedModel([truncated(tool_use("search", {"query": "ants and bees"}), after=6)]))

    assert (None, "tool_use") == (message.stop_reason, message.content[0].type)
    assert {"query": "ants and bees"} != message.content[0].input


@pytest.mark.parametrize("after", [1, 3, 4])
def test_the_fault_comes_after_so_many_events(after):
    """message_start, content_block_start, ping, content_block_delta: pings count, though the SDK hides them."""
    client = ScriptedModel([disconnect(WORDS, after=after)]).sync_client()
    order = ["message_start", "content_block_start", "ping", "content_block_delta"]
    with client.beta.messages.create(**ASKED, stream=True) as raw:
        for expected in order[:after]:
            if expected != "ping":
                assert expected == next(raw).type
        with pytest.raises(httpx2.RemoteProtocolError):
            next(raw)


@pytest.mark.parametrize(
    ("fault", "name"), [(overloaded(WORDS), "overloaded_error"), (server_error(WORDS), "api_error")]
)
async def test_an_error_event_ends_a_stream_that_began_well(fault, name, stream):
    """The status was 200 already; the error comes as an event."""
    with pytest.raises(anthropic.APIStatusError) as raised:
        await stream(ScriptedModel([fault]))

    assert (200, name) == (raised.value.status_code, raised.value.body["error"]["type"])


async def test_an_error_within_an_answer_that_is_not_streamed_is_an_error_answer(create):
    """Without a stream there is no event to put it in."""
    with pytest.raises(anthropic.InternalServerError) as raised:
        await create(ScriptedModel([overloaded(WORDS)]))

    assert 529 == raised.value.status_code


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (disconnect(WORDS), anthropic.APIConnectionError),
        (stall(WORDS), anthropic.APITimeoutError),
        (truncated(WORDS), json.JSONDecodeError),
        (malformed(WORDS), json.JSONDecodeError),
    ],
)
async def test_an_answer_that_is_not_streamed_breaks_off_in_the_middle(fault, kind, create):
    """Half of the JSON arrives."""
    with pytest.raises(kind):
        await create(ScriptedModel([fault]))


async def test_an_error_may_have_headers(ask):
    """Such as the one that forbids a retry."""
    with pytest.raises(anthropic.InternalServerError) as raised:
        await ask(ScriptedModel([error(500, "api_error", message="no", x_should_retry="false")]))

    assert "false" == raised.value.response.headers["x-should-retry"]


def test_a_fault_says_what_it_is():
    """So that an unused one can be found in the script."""
    assert [
        "529 overloaded_error",
        "stall",
        "truncated after 4 events of: text 'hello'; stop reason end_turn",
    ] == [str(overloaded()), str(stall()), str(truncated(reply(text("hello"))))]
