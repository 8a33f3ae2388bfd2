"""Secrets: planted wherever one may be, sent over HTTP by the real client, and in no journal.

Each is a text of its own that holds `PLANTED`, so what is found tells where it came from.
"""

from __future__ import annotations

import io
import os
import re
from contextlib import suppress
from functools import partial, wraps

import anthropic
import anyio
import httpx2
import pytest
from anthropic import beta_async_tool, beta_tool

import fsm_runner
from fsm_runner.journal import Journal
from fsm_runner.loop.events import Continued, Failed
from fsm_runner.testing import ScriptedModel, error, reply, text, tool_use
from tests.journal.worlds import Life, recorded

MODES = ("full", "none")
PLANTED = re.compile(rb"[\w-]*PLANTED[\w-]*")
KEY = "sk-ant-api03-PLANTED-environment"
TOKEN = "PLANTED-token"
HEADERS = {"x-team": "PLANTED-of-the-client", "cookie": "session=PLANTED-of-the-run"}
CREDENTIALS = {"from the environment": {}, "api_key": {"api_key": f"{KEY}-given"}, "auth_token": {"auth_token": TOKEN}}
"""How a client is given its credential."""

PARAMS = {
    "metadata": {"user_id": "u", "api_key": "PLANTED-parameter"},
    "mcp_servers": [
        {"type": "url", "name": "n", "url": "https://h", "authorization_token": "PLANTED-server"},
        {"type": "url", "name": "o", "url": "https://PLANTED-user:PLANTED-pass@h/?x=1&api_key=PLANTED-url"},
    ],
}
QUERY = {"signature": "PLANTED-query"}
BODY = {"gateway": {"credential": "PLANTED-body"}}
PASSWORD = "PLANTED-password"
IN_A_RESULT = ("/event/result/content", "/event/result/content/*/text")
"""Where a tool's error is written in full."""


def secretless(said):
    """What is written instead of what a tool said."""
    return re.sub(r"[\w-]*PLANTED[\w-]*", "***", said) if isinstance(said, str) else said


def warm(city: str) -> str:
    """Say how warm it is.

    Args:
        city: where.
    """
    return f"warm in {city}"


def indiscreet(city: str) -> str:
    """Say how warm it is.

    Args:
        city: where.
    """
    key, password = os.environ["ANTHROPIC_API_KEY"], os.environ["DATABASE_PASSWORD"]
    raise PermissionError(f"401 in {city} for {key} and {password}")


@pytest.fixture(params=["sync", "async"])
def flavour(request):
    """Of the driver and its client."""
    return request.param


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request):
    """Whether replies are streamed."""
    return request.param


@pytest.fixture
def written(tmp_path, monkeypatch, flavour, stream):
    """What is on disk of a run with secrets wherever one may be, by its replies, its tool and the journal's options."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)

    def run(replies, function=warm, credential=None, **options):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "run.jsonl"
        path.parent.mkdir()
        model = ScriptedModel(replies)
        client = {"default_headers": {"x-team": HEADERS["x-team"]}, "max_retries": 0, **(credential or {})}
        live = live_sync if flavour == "sync" else partial(anyio.run, live_async)
        with Journal.open(path, run="a", **options) as journal:
            live(model, client, function, given(journal, stream=stream))
        for request in model.requests:
            sent = {**request.headers}
            assert HEADERS.items() <= sent.items()
            assert [value for value in (credential or {"": KEY}).values() if value in str([*sent.values()])]
            assert "PLANTED-query" in request.url
            assert {**BODY, **PARAMS}.items() <= request.body.items()
        return b"".join(each.read_bytes() for each in sorted(path.parent.rglob("*")) if each.is_file())

    return run


def given(journal, *, stream):
    """What the run is made with, but for its tool."""
    return {
        "model": "any",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "How warm is Oslo? " * 30}],
        "stream": stream,
        "extra_headers": {"cookie": HEADERS["cookie"]},
        "extra_query": QUERY,
        "extra_body": BODY,
        "journal": journal,
        **PARAMS,
    }


def live_sync(model, options, function, arguments):
    """Live to the end, or to an error of the API's."""
    http = httpx2.Client(transport=model.transport)
    with anthropic.Anthropic(http_client=http, **options) as client, suppress(anthropic.APIStatusError):
        fsm_runner.tool_runner(client, tools=[beta_tool(function)], **arguments).until_done()


async def live_async(model, options, function, arguments):
    """The same with the async client and driver."""

    @wraps(function)
    async def answer(city: str) -> str:
        return function(city)

    http = httpx2.AsyncClient(transport=model.transport)
    async with anthropic.AsyncAnthropic(http_client=http, **options) as client:
        with suppress(anthropic.APIStatusError):
            await fsm_runner.tool_runner(client, tools=[beta_async_tool(answer)], **arguments).until_done()


def turn(function):
    """A reply that calls the tool, and one that ends the run."""
    return [reply(tool_use(function.__name__, {"city": "Oslo"})), text("Well.")]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("content", MODES)
def test_a_secret_of_the_client_the_headers_the_parameters_or_the_environment_is_in_no_journal(
    written, content, credential
):
    """Whatever is written of payloads."""
    found = written(turn(warm), credential=CREDENTIALS[credential], content=content)

    assert b'"reason":"completed"' in found
    assert [] == PLANTED.findall(found)


@pytest.mark.parametrize("content", MODES)
def test_a_secret_in_a_tools_error_is_written_in_full_only_and_there_unless_it_is_redacted(written, content):
    """In full, what a tool says is written as it is: only its caller knows that it is a secret."""
    found = written(turn(indiscreet), indiscreet, content=content)
    redacted = written(turn(indiscreet), indiscreet, content=content, redact=dict.fromkeys(IN_A_RESULT, secretless))

    assert ({KEY.encode(), PASSWORD.encode()} if content == "full" else set()) == set(PLANTED.findall(found))
    assert [] == PLANTED.findall(redacted)


@pytest.mark.parametrize("content", MODES)
def test_a_key_that_the_api_repeats_in_an_error_is_in_no_journal(written, content):
    """In none of the records that tell of the failure."""
    refusal = error(401, "authentication_error", message=f"no such key: {KEY}; Authorization: Bearer {TOKEN}")
    found = written([refusal], content=content)

    assert b'"ended"' in found
    assert [] == PLANTED.findall(found)


def test_a_key_in_an_errors_text_is_masked_by_its_looks():
    """Such as that of an HTTP library, which quotes the header that it could not send."""
    said = f"Illegal header value b'Bearer {KEY}'; Bearer abcdefgh12345"

    def fails(journal):
        (id,) = Life(journal).tell(Continued()).schedule()
        journal.failed(id, ValueError(said))
        Life(journal).tell(Continued()).tell(Failed(error="E", text=said))

    found = recorded(fails)

    assert b"PLANTED" not in found
    assert b"abcdefgh" not in found
    assert 3 == found.count(b"Illegal header value b'Bearer [masked]'")


@pytest.mark.parametrize(
    ("options", "content"), [({"tool_errors": "type"}, "full"), ({}, "none")], ids=["tool_errors=type", "content=none"]
)
@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_the_log_is_told_no_more_than_the_model_or_the_journal(flavour, options, content, monkeypatch, caplog):
    """Of an exception, its type: its text, and the traceback, which ends with it, are not logged."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    model = ScriptedModel(turn(indiscreet))
    live = live_sync if flavour == "sync" else partial(anyio.run, live_async)
    with Journal.open(io.BytesIO(), run="a", content=content) as journal:
        live(model, {"max_retries": 0}, indiscreet, {**given(journal, stream=False), **options})

    assert "Error occurred while calling tool: indiscreet (PermissionError)" in caplog.text
    assert [] == PLANTED.findall(caplog.text.encode())
