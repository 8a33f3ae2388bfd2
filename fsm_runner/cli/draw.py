"""`fsm-runner draw`: a chart as Mermaid, DOT, SVG or PNG."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from fsm_runner.cli.quitting import Quit

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png"]
SUFFIXES: Mapping[str, Format] = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png"}


def draw(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A file, or a shipped chart's name.")] = "states",
    format: Annotated[  # noqa: A002  the option's name
        Format | None, typer.Option(help="Left out: by the suffix of the output, else mermaid.", show_default=False)
    ] = None,
    level: Annotated[Literal["states", "phases"], typer.Option(help="Every state, or the phases alone.")] = "states",
    theme: Annotated[Literal["light", "dark"], typer.Option(help="For dot, svg and png.")] = "light",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; left out: standard output.")
    ] = None,
) -> None:
    """Draw a chart. Pictures (svg, png) need the extra `fsm-runner[pictures]`."""
    from fsm_runner.charts import load
    from fsm_runner.charts.drawing import dot, mermaid, png, svg

    chosen = format or _by_suffix(output)
    if chosen == "png" and output is None and sys.stdout.isatty():
        raise Quit("draw: a PNG is no text (write it to a file: -o chart.png)")
    declared = load(chart)
    match chosen:
        case "mermaid":
            content = mermaid(declared, level=level).encode()
        case "dot":
            content = dot(declared, level=level, theme=theme).encode()
        case "svg":
            content = svg(declared, level=level, theme=theme).encode()
        case _:
            content = png(declared, level=level, theme=theme)
    if output is None:
        typer.echo(content, nl=False)
    else:
        _write(output, content)


def _by_suffix(output: Path | None) -> Format:
    if output is None:
        return "mermaid"
    if output.suffix not in SUFFIXES:
        raise Quit(f"draw: '{output}': the suffix tells no format (give --format, or one of: {', '.join(SUFFIXES)})")
    return SUFFIXES[output.suffix]


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Quit(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
