"""`fsm-runner init`: a chart to start from, with the schema beside it that editors complete by."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from fsm_runner.cli.quitting import Quit
from fsm_runner.cli.schema import write

SCHEMA = "chart.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}"


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write.")] = Path("chart.yaml"),
    source: Annotated[
        str, typer.Option("--from", metavar="CHART", help="A shipped chart's name, or a file.")
    ] = "states",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a chart to start from: a copy of a shipped one, named after its file.

    The JSON Schema of the format is written beside it, so that an editor completes and checks as you type.
    """
    from fsm_runner.charts.loader import loads, text_of
    from fsm_runner.charts.schema import schema_text

    text = text_of(source)
    name = loads(text, source).name
    made = copied(text, source=source, name=_name(path) or name, file=path.name)
    files = {path: made, path.parent / SCHEMA: schema_text()}
    for file, content in files.items():
        if file.exists() and not force and _differs(file, content):
            raise Quit(f"{file}: the file is there already (--force overwrites it)")
    for file, content in files.items():
        write(file, content)
    typer.echo(f"wrote {path}, a copy of '{source}', and {path.parent / SCHEMA}")
    typer.echo(f"after each edit: fsm-runner check {path}")


def copied(text: str, *, source: str, name: str, file: str) -> str:
    """Return the text of a chart under another name, with a head that says where it comes from."""
    _, _, rest = text.partition("\n") if text.startswith("# yaml-language-server:") else ("", "", text)
    head = [
        MODELINE,
        "#",
        f"# {name}: begun as a copy of '{source}'.  After each edit: fsm-runner check {file}",
        f'# Run it with tool_runner(..., chart="{file}").',
    ]
    renamed = re.sub(r"^name:.*$", f"name: {name}", rest, count=1, flags=re.MULTILINE)
    return "\n".join(head) + "\n" + (renamed if renamed.startswith("#") else f"\n{renamed.lstrip()}")


def _name(path: Path) -> str:
    """Return the name that a chart in the file `path` gets; empty when the file's is none for a chart."""
    from fsm_runner.charts.shapes import TITLE

    return path.stem if re.fullmatch(TITLE, path.stem) else ""


def _differs(file: Path, content: str) -> bool:
    return not file.is_file() or file.read_bytes() != content.encode()
