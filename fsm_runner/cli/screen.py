"""The screen: the one way to the terminal, and it cleans.

A terminal obeys control characters, and text of a model, a tool, a journal or a chart can hold them.  So each command
runs in `clean_output`: whatever is written to standard output or standard error meanwhile, by whom ever, passes through
a `CleanStream`, which shows ``?`` in their place.  What a command prints goes through `say`, `show` or a `Screen`:

    say("wrote run.jsonl")                    a line
    show(as_markdown(found))                  a text of several lines, with its own end
    show_json(json.dumps(found))              the same, with each such character as its escape, so nothing is lost
    Screen().line(("state", "bold"), text)    a line in colour where there is a terminal

Only a `Screen` reaches the terminal itself, for the colours that it adds to parts that are clean.
"""

from __future__ import annotations

import json
import logging
import sys
import textwrap
import traceback
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias, cast

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


# ── cleaning ────────────────────────────────────────────────────────────────────────────────────────────────────────


def cleaned(text: str) -> str:
    """Return `text` with each control character but a line break replaced by a space or ``?``.

    Control characters are those of C0 and C1, DEL, the marks that turn the direction of writing, and all others that
    are no letter, sign or space: as `str.isprintable` has it.
    """
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join([line if line.isprintable() else "".join(map(_cleaned, line)) for line in lines])


def shortened(text: str, length: int) -> str:
    """Return `text` on one line of at most `length` characters."""
    line = " ".join(cleaned(text).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def escaped(document: str) -> str:
    r"""Return the JSON text `document` with what `cleaned` replaces as escapes, such as ``\u001b``."""
    return "\n".join(
        line if line.isprintable() else "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)
        for line in document.split("\n")
    )


def _cleaned(char: str) -> str:
    return char if char.isprintable() else " " if char.isspace() else "?"


class CleanStream:
    """A text stream in front of another: it cleans what is written, and passes everything else on."""

    def __init__(self, stream: TextIO) -> None:
        self.behind = stream

    def write(self, text: str) -> int:
        """Write `text`, cleaned; return its length.

        Raises:
            TypeError: it is no text.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.behind.write(cleaned(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each of `lines`, cleaned."""
        for line in lines:
            self.write(line)

    def __iter__(self) -> Iterator[str]:
        return iter(self.behind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


def made_clean(stream: TextIO) -> TextIO:
    """Return a stream that cleans what is written to `stream`; `stream` itself if it does so already."""
    return stream if isinstance(stream, CleanStream) else cast("TextIO", CleanStream(stream))


@contextmanager
def clean_output() -> Iterator[None]:
    """Put a `CleanStream` in front of standard output and standard error."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(made_clean, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


# ── printing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def say(text: str, *, err: bool = False) -> None:
    """Print one line; `err`: on standard error.  Line breaks become spaces, so no name can begin a line."""
    show(f"{' '.join(cleaned(text).splitlines())}\n", err=err)


def show(text: str, *, err: bool = False) -> None:
    """Print a text of any number of lines, cleaned of control characters; `err`: on standard error."""
    stream = sys.stderr if err else sys.stdout
    stream.write(cleaned(text))
    stream.flush()


def show_json(document: str) -> None:
    """Print a JSON text, and a line's end behind it."""
    show(f"{escaped(document)}\n")


def console(stream: TextIO, **options: Any) -> Console:
    """Return rich's console on `stream` itself, so that its colours pass; what is printed on it must be clean."""
    from rich.console import Console

    return Console(file=stream.behind if isinstance(stream, CleanStream) else stream, emoji=False, **options)


class Screen:
    """Standard output, line by line: in colour and wrapped on a terminal, plain and unwrapped elsewhere."""

    def __init__(self, *, terminal: bool | None = None) -> None:
        """Take what standard output is, or is to be taken for."""
        self.terminal = sys.stdout.isatty() if terminal is None else terminal

    @cached_property
    def _console(self) -> Console:
        return console(sys.stdout, highlight=False, markup=False, soft_wrap=True, force_terminal=self.terminal)

    @property
    def width(self) -> int:
        """The columns that a line of one's own should keep to."""
        return max(NARROWEST, get_terminal_size().columns) if self.terminal else PLAIN_WIDTH

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

    def table(self, rows: Sequence[Sequence[Part]], *, right: Collection[int] = (), indent: int = 2) -> None:
        """Print `rows` as columns, two spaces apart; those at `right` are set to the right."""
        widths = [max(len(_text(part)) for part in column) for column in zip(*rows, strict=True)]
        for row in rows:
            end = max((at for at, part in enumerate(row) if _text(part)), default=0)
            parts: list[Part] = [" " * indent]
            for at, (part, width) in enumerate(zip(row[: end + 1], widths, strict=False)):
                text = _text(part)
                text = text.rjust(width) if at in right else text if at == end else text.ljust(width)
                parts += ["  "] * (at > 0) + [text if isinstance(part, str) else (text, part[1])]
            self.line(*parts)

    def _wrapped(self, text: str, indent: int) -> list[str]:
        lines = cleaned(text).splitlines() or [""]
        if not self.terminal:
            return lines
        width = max(NARROWEST, self.width - indent)
        return [piece for line in lines for piece in textwrap.wrap(line, width, replace_whitespace=False) or [""]]

    def _print(self, parts: tuple[Part, ...], end: str) -> None:
        clean = [cleaned(part) if isinstance(part, str) else (cleaned(part[0]), STYLES[part[1]]) for part in parts]
        if not self.terminal:
            show("".join(part if isinstance(part, str) else part[0] for part in clean) + end)
            return
        from rich.text import Text

        self._console.print(Text.assemble(*clean, end=end), end=end)


def _text(part: Part) -> str:
    return cleaned(part if isinstance(part, str) else part[0])


LONGEST = 1_000
"""Characters of a line."""


@contextmanager
def logged() -> Iterator[None]:
    """Print log records and warnings on standard error for as long as this lasts."""
    log = logging.getLogger("fsm_runner")
    handler = logging.NullHandler() if log.hasHandlers() else _Lines()
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _warn
            yield
    finally:
        log.removeHandler(handler)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    say(f"warning: {shortened(str(message), LONGEST)}", err=True)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() + ("" if error is None else f": {type(error).__name__}: {error}{_where(error)}")
        say(f"{record.levelname.lower()}: {shortened(text, LONGEST)}", err=True)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""
