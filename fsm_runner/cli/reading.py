"""Reading: where a command looks for what is beside a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Payloads: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--payloads",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Where large payloads are.  [default: where the journal says]",
    ),
]
MorePayloads: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--payloads",
        metavar="DIR",
        help="Where large payloads are, and more go.  [default: where the journal says, and into it]",
    ),
]
"""The same, where the rest of the run is written, too: what is not in it is looked for where the journal says."""
