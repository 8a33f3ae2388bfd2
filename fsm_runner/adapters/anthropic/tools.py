"""The caller's tools: their definitions, and a call as the result that the API takes.

A tool is one of the SDK's tool objects, which can run, or a raw definition, which cannot.  Whatever happens
inside a tool becomes a result: the model is told, and the run goes on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from anthropic.lib.tools import (
    BetaAsyncBuiltinFunctionTool,
    BetaAsyncFunctionTool,
    BetaAsyncRunnableToolset,
    BetaBuiltinFunctionTool,
    BetaFunctionTool,
    BetaRunnableToolset,
    ToolError,
)

from fsm_runner.adapters.anthropic.plain import is_json_object, plain
from fsm_runner.core.events import Json

log = logging.getLogger("fsm_runner.tools")

SYNC_TOOLS = (BetaFunctionTool, BetaBuiltinFunctionTool)
ASYNC_TOOLS = (BetaAsyncFunctionTool, BetaAsyncBuiltinFunctionTool)
SYNC_TOOLSETS = (BetaRunnableToolset,)
ASYNC_TOOLSETS = (BetaAsyncRunnableToolset,)
_TOOLS = SYNC_TOOLS + ASYNC_TOOLS
_TOOLSETS = SYNC_TOOLSETS + ASYNC_TOOLSETS

ErrorText: TypeAlias = Literal["repr", "type"]
"""What the model is told of an exception that is no `ToolError`: its repr, as the SDK does, or its type's name."""

MAX_ERROR_TEXT = 4096
"""Characters of an exception's repr that the model is told.  Source: anthropic 2.12."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ToolBox:
    """The tools of one run, by name, as the caller gave them."""

    def __init__(self, tools: Iterable[object], *, flavour: Literal["sync", "async"]) -> None:
        """Sort `tools` into those that run and those that do not.

        Raises:
            TypeError: a tool of the other flavour, or something that is no tool.
        """
        self.flavour = flavour
        self.given: Sequence[object] = tools if isinstance(tools, list) else list(tools)
        self.by_name: dict[str, Any] = {}
        self.toolsets: dict[str, Any] = {}
        self.duplicates: list[str] = []
        for tool in self.given:
            self._admit(tool)
        self.sent = tuple(definition(tool) for tool in self.given)
        """What the requests say of the tools, in the caller's order."""

    def _admit(self, tool: object) -> None:
        wrong = SYNC_TOOLS + SYNC_TOOLSETS if self.flavour == "async" else ASYNC_TOOLS + ASYNC_TOOLSETS
        if isinstance(tool, wrong):
            raise TypeError(_wrong_flavour(tool, self.flavour))
        if isinstance(tool, _TOOLSETS):
            self.toolsets[tool.toolset_name] = tool
        elif isinstance(tool, _TOOLS):
            if tool.name in self.by_name:
                self.duplicates.append(tool.name)
            self.by_name[tool.name] = tool

    @property
    def runnable(self) -> frozenset[str]:
        """The names of the tools that run."""
        return frozenset(self.by_name)


def definition(tool: object) -> Json:
    """Return the entry of a request's ``tools`` for `tool`.

    Raises:
        TypeError: `tool` is neither a tool of the SDK nor a mapping.
    """
    to_dict = getattr(tool, "to_dict", None)
    data = plain(to_dict() if callable(to_dict) else tool)
    if not is_json_object(data):
        raise TypeError(f"tools: a tool is one of the SDK's tool objects or a dict, got {type(tool).__name__}")
    return data


def _wrong_flavour(tool: object, flavour: str) -> str:
    kind = type(tool).__name__
    if flavour == "sync":
        return (
            f"Received an async tool or toolset ({kind}) in the synchronous tool_runner. Create the runner from an "
            "AsyncAnthropic client, or pass a synchronous tool or toolset here."
        )
    return (
        f"Received a synchronous tool or toolset ({kind}) in the asynchronous tool_runner. Create the runner from an "
        "Anthropic client, or pass an async tool or toolset here."
    )


def well_formed(text: str) -> str:
    """Return `text` with each unpaired surrogate replaced by U+FFFD, so that it can be sent."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def result(id: str, content: object, *, is_error: bool = False) -> Json:
    """Return the ``tool_result`` block that answers the call `id`.

    Args:
        content: text, content blocks, or None, which is sent as null.
        is_error: whether the model is told that the call failed.
    """
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": id, "content": _content(content)}
    if is_error:
        block["is_error"] = True
    return block


def _content(content: object) -> object:
    if isinstance(content, str):
        return well_formed(content)
    if content is None:
        return None
    blocks = plain(content)
    if isinstance(blocks, list):
        for block in blocks:
            if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
                block["text"] = well_formed(block["text"])
    return blocks


def error_result(id: str, name: str, error: Exception, text: ErrorText) -> Json:
    """Return the result that tells the model of an exception of the tool `name`, and log what was not meant for it."""
    if isinstance(error, ToolError):
        return result(id, error.content, is_error=True)
    log.error("Error occurred while calling tool: %s", name, exc_info=error)
    told = type(error).__name__ if text == "type" else well_formed(repr(error))[:MAX_ERROR_TEXT]
    return result(id, told, is_error=True)


def unknown_tool_result(id: str, name: str) -> Json:
    """Return the result that tells the model of a tool that the runner does not have."""
    return result(id, f"Error: Tool '{name}' not found", is_error=True)


def unknown_tool_warning(name: str, available: Iterable[str], flavour: Literal["sync", "async"]) -> str:
    """Return what the caller is told of a tool that the runner does not have."""
    decorator = "beta_tool" if flavour == "sync" else "beta_async_tool"
    return (
        f"Tool '{name}' not found in tool runner. Available tools: {list(available)}. "
        "If using a raw tool definition, handle the tool call manually and use `append_messages()` to add the result. "
        f"Otherwise, pass the tool using `{decorator}(func)` or a `@{decorator}` decorated function."
    )
