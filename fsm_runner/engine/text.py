"""Text: what messages, tables and documents have in common.

counted, duration, clipped           numbers and lengths as a person reads them
did_you_mean, why                    the way out of a wrong name; what the system says of a file
printable, printable_lines           text that a terminal and a picture may show
markdown_cell, markdown_table        text and tables for a pull request
json_text                            a report as JSON, from its dataclasses
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

NEAR = 200
"""Names up to which the nearest is looked for: among more it would take longer than all else."""


def counted(number: int, noun: str) -> str:
    """Return ``1 run``, ``2 runs`` or ``1,200 runs``; `noun` is one whose plural ends in a plain s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return the way out for a word that is none of `choices`: the closest, all of them if they are few, or nothing."""
    known = sorted(set(choices))
    if len(known) > NEAR:
        return ""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if known and len(known) <= 8:
        return f" (there is: {', '.join(known)})"
    return ""


def clipped(text: str, most: int = 120) -> str:
    """Return `text`, cut off with an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def duration(seconds: float) -> str:
    """Return a span of time as a person says it: ``120 ms``, ``8.1 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def why(error: OSError) -> str:
    """Return what the system says of a file that cannot be read or written: ``no such file or directory``."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def printable(text: str) -> str:
    """Return `text` on one line, with ``?`` for each character that cannot be printed."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def printable_lines(lines: Iterable[str]) -> str:
    """Return `lines` as a terminal may show them, each with its indent and a line break at its end."""
    return "".join(f"{line[: len(line) - len(line.lstrip())]}{printable(line)}\n" for line in lines)


def markdown_cell(text: str) -> str:
    """Return `text` for one line of Markdown, escaped.  Underscores inside a word need no escape."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"[\\`*\[\]|~#]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> list[str]:
    """Return the lines of a Markdown table.

    Args:
        head: the columns' names.
        rows: the cells, escaped.
        numbers: the columns that are set to the right.
    """
    rule = ["---:" if name in numbers else "---" for name in head]
    return [f"| {' | '.join(map(str, cells))} |" for cells in (head, rule, *rows)]


def json_text(report: object, *, indent: int | None = 2) -> str:
    """Return `report` as JSON: dataclasses as objects by field, spans of time to the microsecond, as clocks have them.

    What JSON cannot hold is told by its text.  On one line (`indent` None) it is ASCII, which no terminal obeys.
    """
    return json.dumps(_plain(report), indent=indent, ensure_ascii=indent is None, default=str)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
