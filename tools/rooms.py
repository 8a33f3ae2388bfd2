"""The map of the rooms: the packages of fsm_runner and the imports allowed between them, from the import contracts.

The layers and the forbidden modules are in `pyproject.toml`, where the linter reads them.  The purpose of a room is the
first paragraph of its docstring.  `tools.docs` inserts the map into docs/design.md, and next to it writes:

    docs/design/rooms.svg, rooms-dark.svg
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from fsm_runner.charts.drawing.picture import render_svg
from fsm_runner.charts.drawing.theme import LETTERS, THEMES, Theme

ROOT = Path(__file__).parent.parent
PACKAGE = "fsm_runner"
HUES = ("inspect", "request", "call_tools", "compact", "done", "failed")
"""The hue of each group of rooms, from the outermost inwards; they repeat if there are more groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A package or a module at the top of `fsm_runner`: immutable.

    Attributes:
        name: its name, such as ``engine``.
        layer: its layer, counted from 0 for the outermost.
        imports: the rooms that it may import, outermost first.
        third_party: the third-party packages that it may import and that a contract forbids in other rooms.
        purpose: the first paragraph of its docstring.
    """

    name: str
    layer: int
    imports: tuple[str, ...]
    third_party: tuple[str, ...]
    purpose: str


def rooms(
    project: Mapping[str, object], purposes: Mapping[str, str], packages: Container[str] = ()
) -> tuple[Room, ...]:
    """Return the rooms that the contracts of `project` (a parsed pyproject.toml) declare, outermost first.

    Args:
        project: the contracts: one of type `layers`, any number of type `forbidden`.
        purposes: the purpose of each room; an unnamed room has an empty text.
        packages: the rooms that are packages.  Only these get third-party packages: the contracts do not say what
            single modules may import.
    """
    contracts = project["tool"]["importlinter"]["contracts"]  # type: ignore[index]
    (layers,) = [each for each in contracts if each["type"] == "layers" and each["containers"] == [PACKAGE]]
    ranked = [[name.strip() for name in layer.split("|")] for layer in layers["layers"]]
    forbidden: dict[str, set[str]] = {name: set() for rank in ranked for name in rank}
    for contract in contracts:
        if contract["type"] == "forbidden":
            modules = {name.removeprefix(f"{PACKAGE}.") for name in contract["forbidden_modules"]}
            for name in contract["source_modules"]:
                forbidden.get(name.removeprefix(f"{PACKAGE}."), set()).update(modules)  # modules inside do not matter
    placed = set().union(*forbidden.values()) - forbidden.keys() - sys.stdlib_module_names
    third_party = sorted(name for name in placed if not name.startswith(tuple(f"{room}." for room in forbidden)))
    return tuple(
        Room(
            name=name,
            layer=layer,
            imports=tuple(each for rank in ranked[layer + 1 :] for each in rank if each not in forbidden[name]),
            third_party=tuple(each for each in third_party if name in packages and each not in forbidden[name]),
            purpose=purposes.get(name, ""),
        )
        for layer, rank in enumerate(ranked)
        for name in rank
    )


def groups(found: Iterable[Room]) -> list[list[Room]]:
    """Return the rooms in groups, outermost first: rooms of one layer that may import the same rooms."""
    return [list(group) for _, group in groupby(found, key=lambda room: (room.layer, room.imports))]


def arrows(grouped: list[list[Room]]) -> list[tuple[int, int]]:
    """Return which group may import which, without those that follow from two others."""
    names = [{room.name for room in group} for group in grouped]
    allowed = {
        (outer, inner)
        for outer, group in enumerate(grouped)
        for inner in range(len(grouped))
        if names[inner] <= set(group[0].imports)
    }
    steps = range(len(grouped))
    return sorted((a, b) for a, b in allowed if not any((a, c) in allowed and (c, b) in allowed for c in steps))


def mermaid(found: Iterable[Room]) -> str:
    """Return the map as a Mermaid flowchart."""
    grouped = groups(found)
    lines = ["flowchart TB"]
    for number, group in enumerate(grouped):
        lines.append(f'  subgraph g{number}[" "]')
        lines.append("    direction LR")
        lines += [f'    {room.name}["{"<br>".join([f"<b>{room.name}</b>", *room.third_party])}"]' for room in group]
        lines.append("  end")
    lines += [f"  g{outer} --> g{inner}" for outer, inner in arrows(grouped)]
    return "\n".join([*lines, ""])


def dot(found: Iterable[Room], theme: Theme) -> str:
    """Return the map as a Graphviz drawing."""
    grouped = groups(found)
    lines = [
        "digraph rooms {",
        f'  graph [bgcolor="{theme.page}" compound=true fontname="{LETTERS}" nodesep=0.2 pad=0.2 ranksep=0.6]',
        f'  node [fontcolor="{theme.text}" fontname="{LETTERS}" fontsize=13 shape=box style="rounded,filled"'
        f' fillcolor="{theme.card}" margin="0.15,0.08" height=0.45]',
        f'  edge [color="{theme.quiet}" arrowsize=0.7]',
    ]
    for number, group in enumerate(grouped):
        paint = theme.named[HUES[number % len(HUES)]]
        lines.append(f"  subgraph cluster_{number} {{")
        lines.append(f'    graph [bgcolor="{paint.fill}" color="{paint.fill}" style=rounded margin=10]')
        for room in group:
            lives = "".join(
                f'<BR/><FONT COLOR="{theme.quiet}" POINT-SIZE="11">{escape(name)}</FONT>' for name in room.third_party
            )
            lines.append(f'    {room.name} [color="{paint.line}" label=<<B>{escape(room.name)}</B>{lives}>]')
        lines.append("  }")
    for outer, inner in arrows(grouped):
        source, target = (grouped[each][len(grouped[each]) // 2].name for each in (outer, inner))
        lines.append(f"  {source} -> {target} [ltail=cluster_{outer} lhead=cluster_{inner}]")
    return "\n".join([*lines, "}", ""])


def table(found: Iterable[Room]) -> str:
    """Return the rooms as a Markdown table: the purpose of each, and what it may import.  The innermost layer is 1."""
    every = tuple(found)
    innermost = max(room.layer for room in every)
    lines = ["| layer | room | what it is | may import of ours | may import of others |", "|---|---|---|---|---|"]
    for room in every:
        number = innermost - room.layer + 1
        is_free = set(room.imports) == {each.name for each in every if each.layer > room.layer}
        below = "layer 1" if number == 2 else f"layers 1 to {number - 1}"
        ours = below if room.imports and is_free else ", ".join(room.imports) or "nothing"
        lines.append(f"| {number} | `{room.name}` | {room.purpose} | {ours} | {', '.join(room.third_party)} |")
    return "\n".join([*lines, ""])


def declared() -> tuple[Room, ...]:
    """Return the rooms of this project."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    top = ROOT / PACKAGE
    packages = {path.parent.name: path for path in top.glob("*/__init__.py")}
    sources = {path.stem: path for path in top.glob("*.py")} | packages
    texts = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in sources.items()}
    return rooms(project, {name: purpose(ast.get_docstring(text) or "") for name, text in texts.items()}, packages)


def purpose(docstring: str) -> str:
    """Return the first paragraph of a docstring as one line of Markdown."""
    return " ".join(docstring.partition("\n\n")[0].replace("``", "`").split()).rstrip(".")


def pictures() -> dict[Path, str]:
    """Return the pictures of the map, by path."""
    folder = ROOT / "docs" / "design"
    return {
        folder / "rooms.svg": render_svg(dot(declared(), THEMES["light"])),
        folder / "rooms-dark.svg": render_svg(dot(declared(), THEMES["dark"])),
    }


BLOCKS = {
    "table": lambda: f"\n{table(declared())}\n",
    "drawing": lambda: f"```mermaid\n{mermaid(declared())}```\n",
}
"""What can stand in a page between `<!-- generated: tools.rooms NAME -->` and `<!-- end -->`."""
