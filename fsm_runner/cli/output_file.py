"""Output files: writes them; and a picture's format by the name of its file, and its drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from fsm_runner.cli.exits import Exit
from fsm_runner.engine.text import why

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Level, Overlay, ThemeName
    from fsm_runner.engine.chart import Chart

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png"]
SUFFIXES: Mapping[str, Format] = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png"}


def format_of(path: Path, command: str, hint: str = "") -> Format:
    """Return the format that the file's suffix tells.

    Args:
        path: the file.
        command: who asks.
        hint: what else there is to do, for the message.

    Raises:
        Exit: it tells none.
    """
    if path.suffix not in SUFFIXES:
        known = f"one of: {', '.join(SUFFIXES)}"
        raise Exit(f"{command}: '{path}': the suffix tells no format ({hint or 'choose'} {known})")
    return SUFFIXES[path.suffix]


def content_of(
    chart: Chart,
    overlay: Overlay,
    format: Format,  # noqa: A002  the option's name
    *,
    level: Level = "states",
    theme: ThemeName = "light",
) -> bytes:
    """Return `chart` with its marks, drawn.

    Raises:
        PictureError: the `pictures` extra is not installed.
    """
    from fsm_runner.charts.drawing import drawn

    return drawn(chart, format, level=level, theme=theme, overlay=overlay)


def write(path: Path, content: bytes | str) -> None:
    """Write a file; a text in UTF-8.

    Raises:
        Exit: it cannot be written.
    """
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise Exit(f"{path}: cannot be written: {why(error)}") from error
