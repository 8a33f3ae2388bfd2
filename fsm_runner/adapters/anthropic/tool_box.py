"""The caller's tools: their definitions, and which of them run.

There are three kinds of tools: the SDK's tool objects, which can run; toolsets, whose members can run; and raw
definitions, which cannot.  The loop knows tools only by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from anthropic.lib.tools import (
    BetaAsyncBuiltinFunctionTool,
    BetaAsyncFunctionTool,
    BetaAsyncRunnableToolset,
    BetaBuiltinFunctionTool,
    BetaFunctionTool,
    BetaRunnableToolset,
)
from anthropic.tools import ToolsetContractError

from fsm_runner.adapters.anthropic.json_values import json_object, structure, well_formed
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import text_in

SYNC_TOOLS = (BetaFunctionTool, BetaBuiltinFunctionTool)
ASYNC_TOOLS = (BetaAsyncFunctionTool, BetaAsyncBuiltinFunctionTool)
TOOLS = SYNC_TOOLS + ASYNC_TOOLS
TOOLSETS = (BetaRunnableToolset, BetaAsyncRunnableToolset)

Flavour: TypeAlias = Literal["sync", "async"]

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069' ]+")
_DATE = re.compile(r"_\d{8}$")
_MAX_NAME = 200


class ToolBox:
    """The tools of one run: as the caller gave them, and with the run's changes."""

    def __init__(self, tools: Iterable[object], *, flavour: Flavour) -> None:
        """Sort `tools` into those that can run and those that cannot.

        Raises:
            TypeError: a tool of the other flavour, or something that is not a tool.
            ToolsetContractError: a toolset of the other flavour.
        """
        self.flavour = flavour
        self.given: Sequence[object] = tools if isinstance(tools, list) else list(tools)
        self.by_name: dict[str, Any] = {}
        self.toolsets: dict[str, Any] = {}
        self.duplicates: list[str] = []
        self.sent: tuple[Json, ...] = ()
        """The definitions that requests send, in the caller's order."""
        self.to_send: list[object] = []
        """The same for the SDK, which reads helpers' names off its own tool objects.  Only what can be sent is here."""
        self._read: list[object] = []
        self._said: list[object] = []
        self._listed: frozenset[str] = frozenset()
        self.read()
        self.runnable = frozenset(self.by_name)
        """The names of the tools that can run, as the caller first gave them."""

    def replace(self, tools: Iterable[object]) -> None:
        """Take another list from the caller, who may edit it in place.  Tools that could run before still can."""
        known = dict(self.by_name), dict(self.toolsets)
        self.given = tools if isinstance(tools, list) else list(tools)
        self.read()
        self.by_name, self.toolsets = {**self.by_name, **known[0]}, known[1]

    def read(self) -> bool:
        """Read the caller's list again, since it may have been edited in place.  Return whether it was."""
        if self._is_as_read():
            return False
        names: set[str] = set()
        toolsets: dict[str, Any] = {}
        for tool in self.given:
            self.admit(tool)
            if isinstance(tool, TOOLSETS):
                toolsets[tool.toolset_name] = tool
            elif isinstance(tool, TOOLS):
                if tool.name in names:
                    self.duplicates.append(tool.name)
                names.add(tool.name)
                self.by_name[tool.name] = tool
        self.gone, self.come = self._listed - names, frozenset(names) - self._listed
        """The names that the last reading found removed from the list, and added to it."""
        self.toolsets = toolsets
        self._listed = frozenset(names)
        self._read = list(self.given)
        self._said = [structure(tool) if isinstance(tool, dict) else None for tool in self.given]
        self.sent = tuple(definition(tool, f"tools[{at}]") for at, tool in enumerate(self.given))
        self.to_send = [_as_sent(tool, sent) for tool, sent in zip(self.given, self.sent, strict=True)]
        return True

    def _is_as_read(self) -> bool:
        """Whether the list still holds the same tools: by identity, or by value for raw definitions."""
        if len(self._read) != len(self.given):
            return False
        return all(
            tool is known and (not isinstance(tool, dict) or structure(tool) == said)
            for tool, known, said in zip(self.given, self._read, self._said, strict=True)
        )

    def admit(self, tool: object) -> None:
        """Check that `tool` is not of the other flavour.

        Raises:
            TypeError: it is.  For a toolset it is a `ToolsetContractError`, which is a TypeError too.
        """
        wrong: tuple[type, ...] = (*SYNC_TOOLS, BetaRunnableToolset)
        if self.flavour == "sync":
            wrong = (*ASYNC_TOOLS, BetaAsyncRunnableToolset)
        if isinstance(tool, wrong):
            text = _WRONG_FLAVOUR[self.flavour].format(type(tool).__name__)
            raise ToolsetContractError(text) if isinstance(tool, TOOLSETS) else TypeError(text)


# The SDK's text, letter for letter: the SDK's own tests compare it.
_WRONG_FLAVOUR: Mapping[Flavour, str] = {
    "sync": "Received an async tool or toolset ({}) in the synchronous tool_runner. Create the runner from an "
    "AsyncAnthropic client (and await its result), or pass a synchronous tool or toolset here.",
    "async": "Received a synchronous tool or toolset ({}) in the asynchronous tool_runner. Create the runner from an "
    "Anthropic client, or pass an async tool or toolset here.",
}


def definition(tool: object, where: str = "tools") -> Json:
    """Return the entry for `tool` in a request's ``tools``; `where` is its place, for errors.

    Raises:
        TypeError: `tool` is neither one of the SDK's tools nor a mapping, or JSON cannot hold it.
    """
    to_dict = getattr(tool, "to_dict", None)
    return json_object(to_dict() if callable(to_dict) else tool, where, _A_TOOL)


_A_TOOL = "a tool is one of the SDK's tool objects or a dict"


def _as_sent(tool: object, sent: Json) -> object:
    """Return the SDK's own tool object if its definition can be sent as it is; else the definition."""
    return tool if isinstance(tool, (*TOOLS, *TOOLSETS)) and tool.to_dict() == sent else sent


def family_of(tool: Json) -> str:
    """Return the toolset family of a definition: its type without the date and the ending ``_toolset``.

    Source: the API treats such a definition as that toolset; the rule is the one of anthropic 2.12."""
    return _DATE.sub("", text_in(tool, "type") or "custom").removesuffix("_toolset")


def declared_name(tool: Json) -> str:
    """Return the name of a definition; for a toolset, which has no name, its family."""
    return text_in(tool, "name") or family_of(tool)


def quoted(name: str) -> str:
    """Return a name that the model chose, safe to show on one line between single quotes; at most 200 characters."""
    return _UNSAFE.sub(" ", well_formed(name)[:_MAX_NAME]).strip()


def added_tools(box: ToolBox, tools: Iterable[object]) -> list[tuple[str | None, object, Json]]:
    """Return the name, the tool and the definition of each of `tools`, for `add_tools`.

    Raises:
        ToolsetContractError: one is a toolset, defines a toolset that the run has, or has the name of one.
        TypeError: one is not a tool, or is of the other flavour.
    """
    added = []
    for tool in tools:
        if isinstance(tool, TOOLSETS):
            raise _fixed("add_tools", "add", tool.toolset_name)
        box.admit(tool)
        data = definition(tool)
        if isinstance(tool, dict) and family_of(data) in box.toolsets:
            raise _fixed("add_tools", "replace", family_of(data))
        name = tool.name if isinstance(tool, TOOLS) else text_in(data, "name")
        if name is not None and name in box.toolsets:
            shown = quoted(name)
            raise ToolsetContractError(
                f"add_tools() can't add a tool named '{shown}': the runner's {shown} toolset has that name; "
                "give the tool another name"
            )
        added.append((name, tool, data))
    return added


def removed_names(box: ToolBox, tools: Iterable[object]) -> list[str]:
    """Return the names of `tools`, for `remove_tools`.

    Raises:
        ToolsetContractError: one is a toolset, or the name of one.
        TypeError: one is neither a tool nor a name.
    """
    names = []
    for tool in tools:
        if isinstance(tool, TOOLSETS):
            raise _fixed("remove_tools", "remove", tool.toolset_name)
        name = tool if isinstance(tool, str) else getattr(tool, "name", None)
        if not isinstance(name, str):
            raise TypeError(f"remove_tools: a tool or its name, got {type(tool).__name__}")
        if name in box.toolsets:
            raise _fixed("remove_tools", "remove", name)
        names.append(name)
    return names


def _fixed(method: str, action: str, toolset: str) -> ToolsetContractError:
    instead = "without it" if action == "remove" else "to use a different toolset"
    return ToolsetContractError(
        f"{method}() can't {action} the '{quoted(toolset)}' toolset: a tool runner's toolsets are fixed when it is "
        f"created; build a new runner {instead}"
    )
