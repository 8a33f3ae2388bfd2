"""The clients of other platforms: the same loop in their form, with a thread only where the platform keeps one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

import fsm_runner
from fsm_runner.testing import ScriptedModel, text
from tests.drivers.drive import SyncDrive, use, words
from tests.drivers.journals import journaled

CALL = use("search", q="ants")
MODEL = "claude-opus-4-6"


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch):
    """No platform is set up by the environment of whoever runs the tests."""
    for name in ("ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


async def search(q: str) -> str:
    """Search."""
    return f"found {q}"


PLATFORMS: dict[str, tuple[str, dict[str, Any], str]] = {
    "bedrock": ("AnthropicBedrock", {"aws_region": "eu-west-1", "api_key": "k"}, f"/model/{MODEL}/invoke"),
    "mantle": ("AnthropicBedrockMantle", {"aws_region": "eu-west-1", "api_key": "k"}, "/v1/messages"),
    "vertex": (
        "AnthropicVertex",
        {"region": "europe-west1", "project_id": "ants", "access_token": "k"},
        f"/publishers/anthropic/models/{MODEL}:rawPredict",
    ),
    "foundry": ("AnthropicFoundry", {"resource": "ants", "api_key": "k"}, "/anthropic/v1/messages"),
}
STREAMED = {**PLATFORMS, "vertex": (*PLATFORMS["vertex"][:2], f"/models/{MODEL}:streamRawPredict")}
del STREAMED["bedrock"]  # it streams in a format of its own, which a scripted model does not speak


@pytest.fixture
def on(drive) -> Callable[..., Any]:
    """Make a run on a platform."""

    def made(platform: str, replies: Any, **more: Any) -> Any:
        name, options, _ = PLATFORMS[platform]
        is_sync = isinstance(drive, SyncDrive)

        def client(model: ScriptedModel, *, max_retries: int) -> Any:
            http = httpx2.Client if is_sync else httpx2.AsyncClient
            kind = getattr(anthropic, name if is_sync else f"Async{name}")
            return kind(**options, max_retries=max_retries, http_client=http(transport=model.transport))

        drive.client_of = client
        return drive.run(replies, search, **{"model": MODEL, "thread": None, **more})

    return made


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_loop_runs_on_every_platform(drive, on, platform):
    """The same messages, tools and results, at the platform's own address."""
    last = on(platform, [CALL, text("done")], system="be brief").until_done()
    first, second = drive.model.requests

    assert "done" == words(last)
    assert first.path.endswith(PLATFORMS[platform][2])
    assert ["user", "assistant", "user"] == [message["role"] for message in second.conversation]
    assert "found ants" == second.tool_results[0]["content"]
    assert (MODEL, "be brief", ["search"]) == (
        first.model,
        first.body["system"],
        [tool["name"] for tool in first.tools],
    )


@pytest.mark.parametrize("platform", STREAMED)
def test_replies_stream_on_every_platform(drive, on, platform):
    """And tools run early, where the caller wants it."""
    run = on(platform, [CALL, text("done")], stream=True, run_tools_eagerly=True)
    said = ["".join(stream.text_stream) for stream in run]

    assert ["", "done"] == said
    assert drive.model.requests[0].path.endswith(STREAMED[platform][2])
    assert "found ants" == drive.model.requests[1].tool_results[0]["content"]


@pytest.mark.parametrize("thread", [None, False])
@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "foundry"])
def test_a_platform_without_threads_is_not_asked_for_one(drive, on, platform, thread):
    """The whole history goes with every request."""
    on(platform, [CALL, CALL, text("done")], thread=thread).until_done()

    assert [1, 3, 5] == [len(body["messages"]) for body in drive.requests]
    for request in drive.model.requests:
        assert "thread" not in request.body
        assert () == request.betas
        assert "BetaToolRunner" == request.headers["x-stainless-helper"]


@pytest.mark.parametrize(("thread", "expected"), [(None, [1, 1, 1]), (False, [1, 3, 5])])
def test_foundry_keeps_threads(drive, on, thread, expected):
    """As the first-party API, and as in the SDK's runner."""
    on("foundry", [CALL, CALL, text("done")], thread=thread).until_done()

    assert expected == [len(body["messages"]) for body in drive.requests]
    assert 5 == len(drive.model.requests[-1].conversation)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_betas_go_where_the_platform_wants_them(drive, on, platform):
    """In the header, or in the body."""
    on(platform, [text("done")], betas=["files-api-2025-04-14"], thread=False).until_done()

    assert ("files-api-2025-04-14",) == drive.model.requests[0].betas


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_journal_of_a_platform_says_nothing_of_its_keys(on, tmp_path, platform):
    """As with every client."""
    path = tmp_path / "secret.jsonl"
    run = on(platform, [CALL, text("done")], journal=path, extra_headers={"x-secret": "very-secret"})
    run.until_done()

    assert "very-secret" not in path.read_text(encoding="utf-8")
    assert fsm_runner.replay(path).conforms
