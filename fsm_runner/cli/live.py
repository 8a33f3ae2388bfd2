"""A run as lines on a screen while it happens: each transition, and below it what it did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from fsm_runner.cli.screen import Part, Screen, cleaned, shortened
from fsm_runner.loop.stop import FINE

if TYPE_CHECKING:
    from fsm_runner.engine.chart import Chart
    from fsm_runner.engine.rows import Transition
    from fsm_runner.loop.context import Usage
    from fsm_runner.loop.events import Event, Json
    from fsm_runner.loop.stop import Stop
    from fsm_runner.loop.tool_loop import Step

MARGIN = "    "
WHO = "Claude"
MORE = 24
"""Columns kept for what says how much more there is."""


class Watcher:
    """Shows the steps of one run."""

    def __init__(self, screen: Screen, chart: Chart) -> None:
        self._screen = screen
        self._chart = chart
        self._guards = {row.id: row.guard for row in chart.rows}
        self._state_width = max(len(state.name) for state in chart.states)
        self._row_width = max(len(row.id) for row in chart.rows)
        self._calls: dict[str, str] = {}
        self._streamed = False
        self._line_open = False

    def step(self, event: Event | None, step: Step) -> None:
        """Show the transitions of `step` and what `event` brought; a listener for `tool_runner`."""
        self.line_ended()
        first, *rest = step.transitions or (None,)
        if first is not None:
            self._transition(first)
        if event is not None:
            self._brought(event)
        for transition in rest:
            if transition is not None:
                self._transition(transition)

    def recall(self, messages: Iterable[Json]) -> None:
        """Remember the names of the calls in `messages`, so that their results can be shown with them."""
        for message in messages:
            for block in _blocks(message):
                if block.get("type") == "tool_use":
                    self._calls[str(block.get("id"))] = str(block.get("name"))

    def streamed(self, text: str) -> None:
        """Show a piece of a reply while it streams."""
        if not self._line_open:
            self._screen.part((f"{MARGIN}{WHO}  ", "who"))
        self._streamed = self._line_open = True
        indent = " " * (len(MARGIN) + len(WHO) + 2)
        self._screen.part(cleaned(text).replace("\n", f"\n{indent}"))

    def line_ended(self) -> None:
        """End the line of what has streamed so far."""
        if self._line_open:
            self._screen.line()
        self._line_open = False

    def ended(self, stop: Stop | None, usage: Usage) -> None:
        """Show why the run ended, and what it cost."""
        self._screen.line()
        if stop is not None:
            style = "good" if stop.reason in FINE else "bad"
            detail = f" ({cleaned(stop.detail)})" if stop.detail and stop.reason != "failed" else ""
            why = self._because(stop.row, stop.facts)
            row = f", by row '{stop.row}'" + (f" ({why})" if why else "")
            self._screen.line(("ended    ", "faint"), (stop.reason, style), detail, (row, "faint"))
        replies = "1 reply" if usage.replies == 1 else f"{usage.replies} replies"
        cached = usage.cache_read_input_tokens + usage.cache_creation_input_tokens
        read = f"{usage.input_tokens:,} in" + (f", {cached:,} cached" if cached else "")
        self._screen.line(("tokens   ", "faint"), f"{read}, {usage.output_tokens:,} out, in {replies}")

    # ── transitions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _transition(self, taken: Transition) -> None:
        why = self._because(taken.row, taken.facts)
        target = taken.target.ljust(self._state_width) if why else taken.target
        parts: tuple[Part, ...] = (
            taken.source.ljust(self._state_width),
            "  ",
            (taken.row.ljust(self._row_width), "row"),
            (" → ", "faint"),
            (target, "state"),
        )
        self._screen.line(*parts, *(((f"  {why}", "faint"),) if why else ()))

    def _because(self, row: str, facts: Mapping[str, str]) -> str:
        """The answers that the row's guard asked for."""
        from fsm_runner.charts.drawing.labels import condition

        guard = self._guards.get(row, ())
        return ", ".join(condition(self._chart, name, (facts[name],)) for name, _ in guard if name in facts)

    # ── what an event brought ───────────────────────────────────────────────────────────────────────────────────────

    def _brought(self, event: Event) -> None:
        from fsm_runner.loop.events import Failed, Replied, Reported, Summarised, ToolFinished

        match event:
            case Replied() | Summarised():
                self._message(event.message)
            case ToolFinished():
                self._result(event.result)
            case Reported():
                for result in event.results:
                    self._result(result)
            case Failed():
                self._screen.block((f"{MARGIN}failed  ", "bad"), f"{event.error}: {event.text}", indent=len(MARGIN) + 8)
            case _:
                pass

    def _message(self, message: Json) -> None:
        indent = len(MARGIN) + len(WHO) + 2
        head: Part = (f"{MARGIN}{WHO}  ", "who")
        streamed, self._streamed = self._streamed, False
        for block in _blocks(message):
            kind = block.get("type")
            if kind == "text" and not streamed:
                self._screen.block(head, str(block.get("text")), indent=indent)
            elif kind == "tool_use":
                name = str(block.get("name"))
                self._calls[str(block.get("id"))] = name
                call = f"{name}({self._arguments(block.get('input'), len(name))})"
                self._screen.line(head, "calls ", (cleaned(call), "call"))
            elif kind not in ("text", "thinking", "redacted_thinking"):
                self._screen.line(head, (f"[{cleaned(str(kind))}]", "faint"))
            head = " " * indent

    def _result(self, result: Json) -> None:
        text = _text(result.get("content")).strip()
        name = cleaned(self._calls.get(str(result.get("tool_use_id")), "tool"))
        lines = text.splitlines() or ["(nothing)"]
        more = f"  (and {len(lines) - 1} more lines)" if len(lines) > 2 else "  (and 1 more line)" if lines[1:] else ""
        style = "bad" if result.get("is_error") else "call"
        failed = "failed: " if result.get("is_error") else ""
        room = self._screen.width - len(MARGIN) - len(name) - len(failed) - MORE
        self._screen.line(MARGIN, (name, style), "  ", failed, shortened(lines[0], max(room, MORE)), (more, "faint"))

    def _arguments(self, given: object, taken: int) -> str:
        """The arguments of a call, shortened alike to fit on the rest of its line."""
        values = given if isinstance(given, Mapping) else {"input": given} if given is not None else {}
        room = self._screen.width - taken - MORE
        each = max(MORE, room // max(1, len(values)))
        texts = ((key, json.dumps(value, ensure_ascii=False, default=str)) for key, value in values.items())
        return ", ".join(f"{key}={shortened(text, each)}" for key, text in texts)


def _blocks(message: Json) -> Sequence[Json]:
    from fsm_runner.loop.messages import blocks_of

    return blocks_of(message)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    blocks = [block for block in content if isinstance(block, Mapping)]
    return "\n".join(str(block["text"]) if "text" in block else f"[{block.get('type')}]" for block in blocks)
