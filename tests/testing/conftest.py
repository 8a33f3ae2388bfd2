"""One request that every model of this folder takes, and both clients behind one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fsm_runner.testing import ScriptedModel

ASKED: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
SEARCH: dict[str, Any] = {"name": "search", "input_schema": {"type": "object"}}


async def create_sync(model: ScriptedModel, /, **asked: Any) -> Any:
    return model.sync_client().beta.messages.create(**{**ASKED, **asked})


async def create_async(model: ScriptedModel, /, **asked: Any) -> Any:
    return await model.client().beta.messages.create(**{**ASKED, **asked})


async def stream_sync(model: ScriptedModel, /, **asked: Any) -> Any:
    with model.sync_client().beta.messages.stream(**{**ASKED, **asked}) as stream:
        return stream.get_final_message()


async def stream_async(model: ScriptedModel, /, **asked: Any) -> Any:
    async with model.client().beta.messages.stream(**{**ASKED, **asked}) as stream:
        return await stream.get_final_message()


@pytest.fixture(params=[create_sync, create_async])
def create(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Ask for a message as JSON."""
    return request.param


@pytest.fixture(params=[stream_sync, stream_async])
def stream(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Ask for a message as events, and add them up with the SDK's helper."""
    return request.param


@pytest.fixture(params=[create_sync, create_async, stream_sync, stream_async])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Ask for a message, in each of the four ways."""
    return request.param
