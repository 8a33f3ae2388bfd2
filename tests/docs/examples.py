"""The Python blocks of the documentation, as programs.

A comment before a block says what it needs:

    <!-- example: after=NAME -->            runs preludes/NAME.py first, in the same namespace
    <!-- example: skip reason="..." -->     it cannot run here, and why
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
PRELUDES = Path(__file__).parent / "preludes"
MARKER = re.compile(r'<!-- example: (?:skip reason="(?P<reason>[^"]+)"|after=(?P<after>\w+)) -->')


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A Python block: immutable.

    Attributes:
        path: the file it stands in.
        line: its first line in that file, counted from 1.
        code: its text.
        reason: why it cannot run; None when it can.
        after: the prelude that runs before it; None for none.
    """

    path: Path
    line: int
    code: str
    reason: str | None = None
    after: str | None = None


class MarkerProblem(ValueError):
    """A comment that begins as a marker does and says nothing known."""


def marked(comment: str, place: str) -> dict[str, str | None]:
    """Return what `comment` says of the block after it.

    Raises:
        MarkerProblem: it begins with ``<!-- example`` and is no marker.
    """
    if found := MARKER.fullmatch(comment.strip()):
        return found.groupdict()
    if comment.startswith("<!-- example"):
        raise MarkerProblem(f'{place}: unknown marker (write after=NAME, or skip reason="...")')
    return {}


def examples_of(path: Path) -> Iterator[Example]:
    """Yield the Python blocks of the Markdown file at `path`, in order."""
    marks: dict[str, str | None] = {}
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence" and token.info.split()[:1] == ["python"]:
            yield Example(path=path, line=line + 1, code=token.content, **marks)
        marks = marked(token.content, f"{path.name}:{line}") if token.type == "html_block" else {}


def documents(root: Path = ROOT) -> list[Path]:
    """Return the README and every page under docs/ of the project at `root`."""
    return [path for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))] if path.is_file()]


def run(example: Example) -> None:
    """Run `example` in a fresh namespace; ``await`` at its top level is allowed."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    if example.after is not None:
        prelude = PRELUDES / f"{example.after}.py"
        execute(prelude.read_text(encoding="utf-8"), str(prelude), namespace)
    lines = "\n" * (example.line - 1)  # so that a traceback points into the page
    execute(lines + example.code, str(example.path), namespace)


def execute(code: str, filename: str, namespace: dict[str, object]) -> None:
    """Run `code` in `namespace`."""
    program = compile(code, filename, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(program, namespace)  # not exec: it would drop the coroutine of a top-level await
    if inspect.iscoroutine(result):
        asyncio.run(result)
