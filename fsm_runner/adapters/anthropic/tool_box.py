"""The caller's tools: their definitions, and which of them run.

A tool is one of the SDK's tool objects, which can run, a toolset, whose members can, or a raw definition, which
cannot.  What the loop knows of them is their names.
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
    """The tools of one run, as the caller gave them and as the run changes them."""

    def __init__(self, tools: Iterable[object], *, flavour: Flavour) -> None:
        """Sort `tools` into those that run and those that do not.

        Raises:
            TypeError: a tool of the other flavour, or something that is no tool.
            ToolsetContractError: a toolset of the other flavour.
        """
        self.flavour = flavour
        self.given: Sequence[object] = tools if isinstance(tools, list) else list(tools)
        self.by_name: dict[str, Any] = {}
        self.toolsets: dict[str, Any] = {}
        self.duplicates: list[str] = []
        self.sent: tuple[Json, ...] = ()
        """What the requests say of the tools, in the caller's order."""
        self.to_send: list[object] = []
        """The same for the SDK, which reads the names of helpers off its own tools; never what cannot be sent."""
        self._read: list[object] = []
        self._said: list[object] = []
        self._listed: frozenset[str] = frozenset()
        self.read()
        self.runnable = frozenset(self.by_name)
        """The names of the tools that run, as the caller gave them."""

    def replace(self, tools: Iterable[object]) -> None:
        """Take another list of the caller's, which may edit it in place from now on.  What runs stays what it was."""
        known = dict(self.by_name), dict(self.toolsets)
        self.given = tools if isinstance(tools, list) else list(tools)
        self.read()
        self.by_name, self.toolsets = {**self.by_name, **known[0]}, known[1]

    def read(self) -> bool:
        """Read the caller's list anew, which it may have edited in place; return whether it had."""
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
        """The names that the last reading found taken out of the list, and put into it."""
        self.toolsets = toolsets
        self._listed = frozenset(names)
        self._read = list(self.given)
        self._said = [structure(tool) if isinstance(tool, dict) else None for tool in self.given]
        self.sent = tuple(definition(tool, f"tools[{at}]") for at, tool in enumerate(self.given))
        self.to_send = [_as_sent(tool, sent) for tool, sent in zip(self.given, self.sent, strict=True)]
        return True

    def _is_as_read(self) -> bool:
        """Whether the list holds what it held, tools by identity and raw definitions by value."""
        if len(self._read) != len(self.given):
            return False
        return all(
            tool is known and (not isinstance(tool, dict) or structure(tool) == said)
            for tool, known, said in zip(self.given, self._read, self._said, strict=True)
        )

    def admit(self, tool: object) -> None:
        """Refuse a tool of the other flavour.

        Raises:
            TypeError: it is one; `ToolsetContractError`, which is a TypeError too, for a toolset.
        """
        wrong: tuple[type, ...] = (*SYNC_TOOLS, BetaRunnableToolset)
        if self.flavour == "sync":
            wrong = (*ASYNC_TOOLS, BetaAsyncRunnableToolset)
        if isinstance(tool, wrong):
            text = _WRONG_FLAVOUR[self.flavour].format(type(tool).__name__)
            raise ToolsetContractError(text) if isinstance(tool, TOOLSETS) else TypeError(text)


# The SDK's words, letter for letter: its own tests compare them.
_WRONG_FLAVOUR: Mapping[Flavour, str] = {
    "sync": "Received an async tool or toolset ({}) in the synchronous tool_runner. Create the runner from an "
    "AsyncAnthropic client (and await its result), or pass a synchronous tool or toolset here.",
    "async": "Received a synchronous tool or toolset ({}) in the asynchronous tool_runner. Create the runner from an "
    "Anthropic client, or pass an async tool or toolset here.",
}


def definition(tool: object, where: str = "tools") -> Json:
    """Return the entry of a request's ``tools`` for `tool`; `where` is what it is called in an error.

    Raises:
        TypeError: `tool` is neither a tool of the SDK nor a mapping, or JSON cannot hold it.
    """
    to_dict = getattr(tool, "to_dict", None)
    return json_object(to_dict() if callable(to_dict) else tool, where, _A_TOOL)


_A_TOOL = "a tool is one of the SDK's tool objects or a dict"


def _as_sent(tool: object, sent: Json) -> object:
    """The SDK's own tool, when what it says of itself is what can be sent."""
    return tool if isinstance(tool, (*TOOLS, *TOOLSETS)) and tool.to_dict() == sent else sent


def family_of(tool: Json) -> str:
    """Return the family of a definition: its type without the date and without ``_toolset``.

    Source: the API reads a definition of a toolset's family as that toolset; the rule is anthropic 2.12's."""
    return _DATE.sub("", text_in(tool, "type") or "custom").removesuffix("_toolset")


def declared_name(tool: Json) -> str:
    """Return the name of a definition; of a toolset, which has none, its family."""
    return text_in(tool, "name") or family_of(tool)


def quoted(name: str) -> str:
    """Return a name that the model chose as it may stand between single quotes on one line, at most 200 characters."""
    return _UNSAFE.sub(" ", well_formed(name)[:_MAX_NAME]).strip()


def added_tools(box: ToolBox, tools: Iterable[object]) -> list[tuple[str | None, object, Json]]:
    """Return the name, the tool and its definition of each of `tools`, for `add_tools`.

    Raises:
        ToolsetContractError: one of them is a toolset, is a definition of a toolset that the run has, or has its name.
        TypeError: one of them is no tool, or of the other flavour.
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
        ToolsetContractError: one of them is a toolset, or the name of one.
        TypeError: one of them is neither a tool nor a name.
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
