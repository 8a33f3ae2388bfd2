"""Tool calls: the work that a call stands for, and the result that the API takes.

Whatever happens inside a tool becomes a result: the model is told, and the run goes on.  The one exception is
`ToolsetUsageError`, which is raised to the caller: the toolset's interface was used wrongly.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast

import pydantic
from anthropic.lib.tools import ToolError
from anthropic.tools import ToolsetUsageError
from anthropic.types.beta import BetaToolUseBlock

from fsm_runner.adapters.anthropic.json_values import NotJson, copied, json_object, json_value, well_formed
from fsm_runner.adapters.anthropic.plain import said
from fsm_runner.adapters.anthropic.tool_box import Flavour, ToolBox, quoted
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import text_in
from fsm_runner.loop.tools import available

log = logging.getLogger("fsm_runner.tools")

ErrorText: TypeAlias = Literal["repr", "type"]
"""What the model is told of an exception that is not a `ToolError`: its repr, as the SDK does, or only its type."""

MAX_ERROR_TEXT = 4096
"""How many characters of an exception's repr the model is told.  Source: anthropic 2.12."""

_MAX_ACTIONS = 10
_SKIPPED = {"computer": "Not executed: an earlier computer action in this turn failed."}
_SKIPPED_ELSEWHERE = "Not executed: an earlier action in this turn failed."
_MALFORMED = "Error: the input of this call is not a whole JSON object, so the tool was not run. Call it again."


class Unsendable(dict[str, object]):
    """The error result for a return value that the API would not take.  The tool itself succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done for one call: immutable.

    Attributes:
        id: the id of the call.
        name: the tool's name.
        tool: the tool or toolset to call; None when nothing is to run.
        call: a function without arguments that runs it; returns a result or an awaitable.  None: nothing is to run.
        settled: the finished result, when nothing is to run.
        error_text: how much of an exception the model and the log are told.
        private: whether the log gets only the exception's type, because the journal holds no payloads either.
        member: whether it is a member of a toolset, which makes its own result.
    """

    id: str
    name: str
    tool: Any = None
    call: Callable[[], Any] | None = None
    settled: Json = field(default_factory=dict)
    error_text: ErrorText = "repr"
    private: bool = False
    member: bool = False

    def done(self, value: object) -> Json:
        """Return the result of a call that returned `value`; an error result if the API would not take it."""
        try:
            if self.member and isinstance(value, Mapping):
                return json_object(value, "", "a result is a dict")
            return result(self.id, value)
        except NotJson as error:
            return self._unusable("returned", error)

    def _unusable(self, what: str, error: NotJson) -> Json:
        text = f"Error: tool '{quoted(self.name)}' {what} no tool result: {error}"
        log.error("%s", text)
        return Unsendable(result(self.id, text, is_error=True))

    def failed(self, error: BaseException) -> Json:
        """Return the result of a call that raised `error`.  An `error` that is not a `ToolError` is logged.

        Raises:
            ToolsetUsageError: `error` itself, if a toolset's interface was used wrongly.
        """
        if isinstance(error, ToolsetUsageError) and self.member:
            raise error
        if isinstance(error, ToolError):
            try:
                return result(self.id, error.content, is_error=True)
            except NotJson as wrong:
                return self._unusable("raised", wrong)
        if self.private or self.error_text == "type":
            log.error("Error occurred while calling tool: %s (%s)", self.name, type(error).__name__)
        else:
            log.error("Error occurred while calling tool: %s", self.name, exc_info=error)
        told = type(error).__name__ if self.error_text == "type" else well_formed(said(error, repr))[:MAX_ERROR_TEXT]
        return result(self.id, told, is_error=True)


def work_of(effect: CallTool, box: ToolBox, error_text: ErrorText, *, private: bool = False) -> Work:
    """Return the work for the call that `effect` orders.

    Args:
        effect: the call to run.
        box: the run's tools.
        error_text: what the model is told of an exception.
        private: whether the log gets only the exception's type.
    """
    id, name = effect.id, text_in(effect.block, "name") or ""
    family = text_in(effect.block, "toolset_name")
    if family is not None:
        return replace(_member_work(effect, box, family, name), private=private)
    tool = box.by_name.get(name) if effect.kind == "run" else None
    if tool is None and name in box.toolsets:
        return Work(id=id, name=name, settled=_malformed(id, name, effect.block.get("input")))
    if effect.kind == "malformed":
        return Work(id=id, name=name, settled=result(id, _MALFORMED, is_error=True))
    if tool is None:
        return Work(id=id, name=name, settled=result(id, f"Error: Tool '{name}' not found", is_error=True))
    given = copied(effect.block.get("input"))  # a tool may change it
    return Work(id=id, name=name, tool=tool, call=lambda: tool.call(given), error_text=error_text, private=private)


def _member_work(effect: CallTool, box: ToolBox, family: str, name: str) -> Work:
    def refusal(text: str) -> Work:
        told: Json = {
            "type": "tool_result",
            "tool_use_id": effect.id,
            "toolset_name": family,
            "content": text,
            "is_error": True,
        }
        return Work(id=effect.id, name=name, settled=told)

    if effect.kind == "skip":
        return refusal(_SKIPPED.get(family, _SKIPPED_ELSEWHERE))
    if effect.kind == "malformed":
        return refusal(_MALFORMED)
    toolset = box.toolsets.get(family)
    if toolset is None or effect.kind == "unknown":
        return refusal(f"Error: Toolset '{quoted(family)}' member '{quoted(name)}' not found")
    (block,) = call_blocks([effect.block])
    return Work(id=effect.id, name=name, tool=toolset, call=lambda: toolset.tool_result(block), member=True)


def call_blocks(blocks: Iterable[Json]) -> list[BetaToolUseBlock]:
    """Return ``tool_use`` blocks as objects of the SDK.  They are copies, so the receiver may change them."""
    return [BetaToolUseBlock.construct(**cast(Any, copied(block))) for block in blocks]


def result(id: str, content: object, *, is_error: bool = False) -> Json:
    """Return the ``tool_result`` block that answers the call `id`.

    Args:
        id: the id of the ``tool_use`` block.
        content: text, content blocks, or None, which is sent as null.
        is_error: whether the model is told that the call failed.

    Raises:
        NotJson: `content` is something else.
    """
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": id, "content": _content(content)}
    if is_error:
        block["is_error"] = True
    return block


def _content(content: object) -> object:
    """Accepts what ``BetaFunctionToolResultType`` of anthropic 2.12 accepts, and None."""
    if content is None:
        return None
    if isinstance(content, str):
        return well_formed(str.__str__(content))
    if not isinstance(content, Iterable) or isinstance(content, _NO_BLOCKS):
        raise NotJson("", f"{type(content).__name__} {_HINT}")
    blocks = list(content)
    for at, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, Mapping) else getattr(block, "type", None)
        if not isinstance(kind, str) or not isinstance(block, (Mapping, pydantic.BaseModel)):
            raise NotJson("", f"{type(content).__name__} with {type(block).__name__} at [{at}] {_HINT}")
    made = json_value(blocks, type(content).__name__)
    return cast("list[object]", made)


_NO_BLOCKS = (Mapping, Set, bytes, bytearray, memoryview, pydantic.BaseModel, io.IOBase)
_HINT = "(return text, a list of content blocks, or None)"


def _malformed(id: str, family: str, given: object) -> Json:
    """The result for a call that has a toolset's name and holds a batch of actions.

    It says what is wrong and names the actions.  It repeats nothing else that the model wrote."""
    text = f"Error: the '{quoted(family)}' toolset could not run this call{_batch_problem(given)}; nothing in the batch"
    return result(id, f"{text} was executed", is_error=True)


def _batch_problem(given: object) -> str:
    batch = given if isinstance(given, Mapping) else {}
    if "actions" not in batch:
        action = batch.get("action")
        named = f" (action: '{quoted(action)}')" if isinstance(action, str) else ""
        return f": the call has no 'actions' list{named}"
    actions = batch["actions"]
    if isinstance(actions, str):
        return ": 'actions' is text, not a list of actions"
    if not isinstance(actions, list):
        return ": 'actions' is not a list of actions"
    if not actions:
        return ": the 'actions' list is empty"
    names = []
    for index, entry in enumerate(actions):
        name = entry.get("action") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            return f": action {index} must be an object with a string 'action' field"
        names.append(f"'{quoted(name)}'")
    more = f", and {len(names) - _MAX_ACTIONS} more" if len(names) > _MAX_ACTIONS else ""
    return f": its actions could not be run as sent (actions: {', '.join(names[:_MAX_ACTIONS])}{more})"


def unknown_warning(block: Json, box: ToolBox, context: Context) -> str | None:
    """Return the warning for a call that this run has no tool for; None if the toolset tells the model itself."""
    name, family = text_in(block, "name") or "", text_in(block, "toolset_name")
    hint = "run it yourself and `append_messages()` its result, or give the runner {}"
    if family is not None:
        return (
            f"Toolset '{quoted(family)}' (member '{quoted(name)}') not found in tool runner. It has: "
            f"{', '.join(sorted(context.settings.toolsets)) or 'none'} ({hint.format('the toolset')})"
        )
    if name in context.settings.toolsets:
        return None
    runnable = available(context)
    known = [each for each in box.by_name if each in runnable]
    maker = _MAKERS[box.flavour]
    return (
        f"Tool '{name}' not found in tool runner. It has: {', '.join(known) or 'none'} "
        f"({hint.format(f'a tool made by `{maker}`')})"
    )


_MAKERS: Mapping[Flavour, str] = {"sync": "beta_tool", "async": "beta_async_tool"}
