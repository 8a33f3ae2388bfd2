"""Three tools over the documentation: list, search, read.  They read only Markdown files of this project."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from anthropic import beta_async_tool
from anthropic.lib.tools import ToolError

ROOT = Path(__file__).parents[2]
HITS = 5
"""How many passages a search returns."""


def pages() -> dict[str, Path]:
    """Every page by the name that the tools use: the README and what is below docs/, without the decision records.

    Links that lead out of the project are left out."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    inside = [path for path in found if path.is_file() and path.resolve().is_relative_to(ROOT.resolve())]
    return {path.relative_to(ROOT).as_posix(): path for path in inside if path.parent.name != "adr"}


def text_of(name: str) -> str:
    """Return the text of the page `name`; for a wrong name the model gets an error result."""
    known = pages()
    if name not in known:
        close = get_close_matches(name, known, n=1, cutoff=0.4)
        raise ToolError(f"there is no page '{name}'" + (f" (did you mean '{close[0]}'?)" if close else ""))
    return known[name].read_text(encoding="utf-8")


def words_in(text: str) -> set[str]:
    """Return the words of a text, cut so that 'kill', 'kills' and 'killed' are one."""
    return {word[:5].rstrip("se") for word in re.findall(r"[a-z]{3,}", text.lower())}


def passages(text: str) -> Iterator[tuple[int, str]]:
    """Yield each paragraph of a page on one line, with the number of its first line; code and headings left out."""
    line = 1
    for number, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        start = line
        for paragraph in part.split("\n\n") if number % 2 == 0 else ():
            prose = " ".join(paragraph.split())
            if prose and prose[0] not in "#|<!":
                yield start + len(paragraph) - len(paragraph.lstrip("\n")), prose
            start += paragraph.count("\n") + 2
        line += part.count("\n")


@beta_async_tool
async def list_documents() -> str:
    """List the pages of the documentation, each with its title."""
    titles = {name: text_of(name).partition("\n")[0].lstrip("# ") for name in pages()}
    return "\n".join(f"{name}: {title}" for name, title in titles.items())


@beta_async_tool
async def search_documents(words: str) -> str:
    """Search all pages and return the passages that fit best, the best first, as `page:line: passage`.

    Args:
        words: what to look for; rare words count more.
    """
    places = [(name, line, each) for name in pages() for line, each in passages(text_of(name))]
    wanted = words_in(words)
    if not wanted:
        raise ToolError("no word to look for (give words of at least three letters)")
    held = [wanted & words_in(passage) for _, _, passage in places]
    common = Counter(word for each in held for word in each)
    scores = [sum(1 / common[word] for word in each) for each in held]
    best = sorted(range(len(places)), key=lambda index: -scores[index])[:HITS]
    hits = [places[index] for index in best if scores[index]]
    return "\n".join(f"{name}:{line}: {passage}" for name, line, passage in hits) or "nothing was found"


@beta_async_tool
async def read_document(page: str) -> str:
    """Return the whole text of a page.

    Args:
        page: its name, as list_documents and search_documents give it.
    """
    return text_of(page)


TOOLS = [list_documents, search_documents, read_document]
