"""The edits of a chart that pages show, applied, so that what a page says of the edited chart can be held to it.

A ``diff`` block without line numbers: a context line says where, ``+`` lines are put after it, a ``-`` line is taken
out.  Spaces do not count in context and ``-`` lines, and "…" stands for the rest of the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from fsm_runner import find_chart

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> Iterator[str]:
    """Yield the text of each block in `language` of a page, by its path in the project."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.info.split()[:1] == [language]:
            yield token.content


def squeezed(line: str) -> str:
    """Return `line` without leading space, and with single spaces."""
    return " ".join(line.split())


def edited(text: str, diff: str) -> str:
    """Return `text` after the edits of `diff`.

    Raises:
        ValueError: a context or ``-`` line is not there, or there more than once.
    """
    lines = text.splitlines()
    at = 0
    for edit in diff.splitlines():
        mark, line = edit[:1], edit[1:]
        if mark == "+":
            lines.insert(at, line)
            at += 1
        elif line.strip() not in ("", "…"):
            found = [i for i, each in enumerate(lines) if matches(each, line)]
            if len(found) != 1:
                raise ValueError(f"{len(found)} lines match: {line}")
            at = found[0] + 1
            if mark == "-":
                at -= 1
                del lines[at]
    return "\n".join(lines) + "\n"


def matches(line: str, shown: str) -> bool:
    """Whether `shown`, which may end in "…", is how a page shows `line`."""
    start, cut, _ = squeezed(shown).partition("…")
    return squeezed(line).startswith(start.rstrip()) if cut else squeezed(line) == start


def shown_chart(page: str, *numbers: int) -> str:
    """Return the default chart after the edits that a page shows, those of its diffs `numbers`, counted from 0."""
    text = find_chart("states").read_text(encoding="utf-8")
    diffs = list(blocks(page, "diff"))
    for number in numbers:
        text = edited(text, diffs[number])
    return text
