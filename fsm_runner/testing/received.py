"""Received requests: what a client sent to a scripted model, parsed, for assertions and for rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

import httpx2

from fsm_runner.testing.replies import shorten

Platform: TypeAlias = Literal["anthropic", "bedrock", "vertex"]
"""The form of a request.  Foundry's is that of the first-party API.  Source: the clients of anthropic SDK 2.12."""

_PATHS: Mapping[Platform, re.Pattern[str]] = {
    "anthropic": re.compile(r"/v1/messages$"),
    "bedrock": re.compile(r"/model/(?P<model>[^/]+)/invoke$"),
    "vertex": re.compile(r"/publishers/anthropic/models/(?P<model>[^/]+):(?:rawPredict|streamRawPredict)$"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the server holds for a request that continues a thread: immutable.

    Attributes:
        messages: the conversation up to the reply that the request continues from.
        fields: the ``system`` and ``tools`` that the thread was created with.
    """

    messages: tuple[Mapping[str, Any], ...]
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Held(messages={len(self.messages)}, fields={len(self.fields)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRequest:
    """One request as the model received it: immutable; its body must not be changed.

    Attributes:
        number: counted from 1, per model, retries included.
        method, url: of the request.
        headers: by name, in any case.
        body: the parsed JSON; empty when it is not a JSON object.
        readable: whether the body is a JSON object.
        resumes: whether the final assistant message is a reply that this script had paused.
        held: what the server holds of the conversation; None when the request continues no known thread.
    """

    number: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    readable: bool = True
    resumes: bool = False
    held: Held | None = None

    def __repr__(self) -> str:
        return f"ScriptedRequest(number={self.number}, path={shorten(self.path)!r}, messages={len(self.messages)})"

    @property
    def path(self) -> str:
        """The URL's path."""
        return httpx2.URL(self.url).path

    @property
    def platform(self) -> Platform | None:
        """The form of the request, by its path; None when the path is not one for messages."""
        found = (platform for platform, form in _PATHS.items() if form.search(self.path))
        return next(found, None) if self.method == "POST" else None

    @property
    def model(self) -> object:
        """The model asked for, from the body or, on some platforms, from the path; None when it is missing."""
        form = _PATHS[self.platform or "anthropic"].search(self.path)
        return self.body.get("model") if form is None else form.groupdict().get("model", self.body.get("model"))

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
    def conversation(self) -> Sequence[Mapping[str, Any]]:
        """The messages that the server holds, and those sent."""
        return self.messages if self.held is None else [*self.held.messages, *self.messages]

    @property
    def whole(self) -> Self:
        """The same request as it would be without a thread."""
        if self.held is None:
            return self
        body = {**self.body, **self.held.fields, "messages": self.conversation}
        return replace(self, body={key: value for key, value in body.items() if key != "thread"})

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """The tools offered."""
        offered = self.body.get("tools")
        return [tool for tool in offered if isinstance(tool, Mapping)] if isinstance(offered, list) else ()

    @property
    def betas(self) -> tuple[str, ...]:
        """The betas asked for, in their order: from the ``anthropic-beta`` header or, on some platforms, the body."""
        named = self.headers.get("anthropic-beta") or ",".join(self.body.get("anthropic_beta") or ())
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
        return f"'{self.model}', {len(self.messages)} messages, the last from '{last.get('role')}': {shorten(words)}"


def blocks(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the content as blocks.  A string becomes a text block; what is not a block is left out."""
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
