"""`fsm-runner init`: writes a chart to start from, and the schema by which an editor completes it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from fsm_runner.cli.exits import Exit
from fsm_runner.cli.output_file import write
from fsm_runner.cli.screen import say, shortened

SCHEMA = "chart.schema.json"
LONGEST = 200
"""Characters of a file's name in the head of a chart."""

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
    from fsm_runner.charts.chart_schema import schema_text
    from fsm_runner.charts.loader import loads, shipped_charts, text_of

    if str(path) in shipped_charts():
        raise Exit(f"{path}: a shipped chart is called that, and would be read in its place (try {path}.yaml)")
    text = text_of(source)
    name = loads(text, source).name
    made = copied(text, source=source, name=_name(path) or name, file=path.name)
    files = {path: made, path.parent / SCHEMA: schema_text()}
    for file, content in files.items():
        if file.exists() and not force and _differs(file, content):
            raise Exit(f"{file}: the file is there already (--force overwrites it)")
    for file, content in files.items():
        write(file, content)
    say(f"wrote {path}, a copy of '{source}', and {path.parent / SCHEMA}")
    say(f"after each edit: fsm-runner check {shlex.quote(str(path))}")


def copied(text: str, *, source: str, name: str, file: str) -> str:
    """Return the text of a chart under another name, with a head that says where it comes from."""
    _, _, rest = text.partition("\n") if text.startswith("# yaml-language-server:") else ("", "", text)
    quoted = shortened(shlex.quote(file), LONGEST)
    head = [
        MODELINE,
        "#",
        f"# {name}: begun as a copy of '{shortened(source, LONGEST)}'.  After each edit: fsm-runner check {quoted}",
        f'# Run it with tool_runner(..., chart="{shortened(file, LONGEST)}").',
    ]
    renamed = re.sub(r"^name:.*$", f"name: {name}", rest, count=1, flags=re.MULTILINE)
    return "\n".join(head) + "\n" + (renamed if renamed.startswith("#") else f"\n{renamed.lstrip()}")


def _name(path: Path) -> str:
    """Return the name that a chart in the file `path` gets; empty if a chart cannot be called that."""
    from fsm_runner.charts.model import TITLE

    return path.stem if re.fullmatch(TITLE, path.stem) else ""


def _differs(file: Path, content: str) -> bool:
    return not file.is_file() or file.read_bytes() != content.encode()
