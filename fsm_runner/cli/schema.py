"""`fsm-runner schema`: the JSON Schema of the chart format, for an editor to complete and check by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fsm_runner.cli.output_file import write
from fsm_runner.cli.screen import say, show


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; left out: standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema (draft-07) of the chart format.

    An editor with YAML support completes and checks a chart by it, when this is the chart's first line:

    # yaml-language-server: $schema=chart.schema.json
    """
    from fsm_runner.charts.chart_schema import schema_text

    if output is None:
        show(schema_text())
        return
    write(output, schema_text())
    say(f"wrote {output}")
