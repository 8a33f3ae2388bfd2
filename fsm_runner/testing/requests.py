"""Requests: what the client asked a scripted model, parsed, for assertions and for rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx2

from fsm_runner.testing.replies import shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRequest:
    """One request as the model received it: immutable; its body must not be changed.

    Attributes:
        number: counted from 1, per model, retries included.
        method, url: of the request.
        headers: by name, in any case.
        body: the parsed JSON; empty when it is no JSON object.
        readable: whether the body is a JSON object.
        resumes: whether the final assistant message is a reply that this script had paused.
    """

    number: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    readable: bool = True
    resumes: bool = False

    @property
    def path(self) -> str:
        """The URL's path."""
        return httpx2.URL(self.url).path

    @property
    def stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return self.body.get("stream") is True

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages sent, oldest first."""
        sent = self.body.get("messages")
        return sent if isinstance(sent, list) else ()

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """The tools offered."""
        offered = self.body.get("tools")
        return [tool for tool in offered if isinstance(tool, Mapping)] if isinstance(offered, list) else ()

    @property
    def betas(self) -> tuple[str, ...]:
        """The betas asked for in the ``anthropic-beta`` header, in its order."""
        named = self.headers.get("anthropic-beta", "")
        return tuple(beta.strip() for beta in named.split(",") if beta.strip())

    @property
    def continues_thread(self) -> bool:
        """Whether the server holds the messages before these."""
        thread = self.body.get("thread")
        return isinstance(thread, Mapping) and thread.get("type") == "continue"

    @property
    def tool_results(self) -> tuple[Mapping[str, Any], ...]:
        """The ``tool_result`` blocks of the last message, in their order."""
        if not self.messages:
            return ()
        return tuple(block for block in blocks(self.messages[-1]) if block.get("type") == "tool_result")

    def resuming(self, resumes: bool) -> Self:
        """Return the same request, with `resumes` known."""
        return replace(self, resumes=resumes)

    def __str__(self) -> str:
        if not self.messages:
            return f"{self.method} {self.path}, no messages"
        last = self.messages[-1]
        said = last.get("content")
        words = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        model = self.body.get("model")
        return f"'{model}', {len(self.messages)} messages, the last from '{last.get('role')}': {shorten(words)}"


def blocks(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the content as blocks: a string is one text block; anything that is not a block is left out."""
    content = message.get("content")
    if isinstance(content, str):
        return ({"type": "text", "text": content},)
    if not isinstance(content, list):
        return ()
    return tuple(block for block in content if isinstance(block, Mapping))


def parse(request: httpx2.Request, number: int) -> ScriptedRequest:
    """Return the parsed request; it must have been read."""
    try:
        body = json.loads(request.content)
    except ValueError:
        body = None
    readable = isinstance(body, dict)
    return ScriptedRequest(
        number=number,
        method=request.method,
        url=str(request.url),
        headers=request.headers,
        body=body if readable else {},
        readable=readable,
    )
