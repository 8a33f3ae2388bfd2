"""The screen: lines in colour and wrapped on a terminal, plain and whole everywhere else.

A line is made of parts, each a text with the name of its style.  Text of a model or a tool is cleaned on the way: a
terminal obeys control characters, and they are not ours to pass on.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

Part: TypeAlias = str | tuple[str, str]
"""A text, or a text and the name of its style."""

STYLES: Mapping[str, str] = {
    "state": "bold cyan",
    "row": "cyan",
    "faint": "dim",
    "who": "bold magenta",
    "call": "green",
    "good": "bold green",
    "bad": "bold red",
    "note": "yellow",
}
"""The styles, in rich's words."""

PLAIN_WIDTH = 120
"""Columns that a line should keep to where there is no terminal."""

NARROWEST = 40
"""Columns below which nothing is wrapped any further."""


class Screen:
    """Standard output as a place for lines."""

    def __init__(self, *, terminal: bool | None = None) -> None:
        """Take what standard output is, or is to be taken for."""
        self.terminal = sys.stdout.isatty() if terminal is None else terminal

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, force_terminal=self.terminal)

    @property
    def width(self) -> int:
        """The columns that a line of one's own should keep to."""
        return max(NARROWEST, self._console.width) if self.terminal else PLAIN_WIDTH

    def line(self, *parts: Part) -> None:
        """Print one line."""
        self._print(parts, "\n")

    def part(self, *parts: Part) -> None:
        """Print a piece of a line at once."""
        self._print(parts, "")

    def block(self, head: Part, text: str, *, indent: int) -> None:
        """Print `text` behind `head`, all lines but the first indented by `indent` columns."""
        lines = self._wrapped(text, indent)
        self.line(head, lines[0])
        for line in lines[1:]:
            self.line(" " * indent + line if line else "")

    def _wrapped(self, text: str, indent: int) -> list[str]:
        lines = cleaned(text).splitlines() or [""]
        if not self.terminal:
            return lines
        width = max(NARROWEST, self.width - indent)
        return [piece for line in lines for piece in textwrap.wrap(line, width, replace_whitespace=False) or [""]]

    def _print(self, parts: tuple[Part, ...], end: str) -> None:
        if not self.terminal:
            sys.stdout.write("".join(part if isinstance(part, str) else part[0] for part in parts) + end)
            sys.stdout.flush()
            return
        from rich.text import Text

        styled = [part if isinstance(part, str) else (part[0], STYLES[part[1]]) for part in parts]
        self._console.print(Text.assemble(*styled, end=end), end=end)


def cleaned(text: str) -> str:
    """Return `text` with each control character but a line break replaced by a space or ``?``."""
    return "".join(
        char if char.isprintable() or char == "\n" else " " if char.isspace() else "?"
        for char in text.replace("\r\n", "\n")
    )


def shortened(text: str, length: int) -> str:
    """Return `text` on one line of at most `length` characters."""
    line = " ".join(cleaned(text).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
