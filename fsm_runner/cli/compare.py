"""`fsm-runner compare`: compares two recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fsm_runner.cli.exits import FOUND, Exit
from fsm_runner.cli.screen import show_json

if TYPE_CHECKING:
    from fsm_runner.cli.journals import Source
    from fsm_runner.inspecting import Comparison


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A journal; - is standard input.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="Another. Left out: two runs of A.")] = None,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", "--run-id", metavar="ID", help="Which run, where there are several: of A, then of B."),
    ] = None,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json"], typer.Option(help="For a person, or a program.")
    ] = "text",
) -> None:
    """Compare two recorded runs: where they first differ, where their rows part, and what each adds up to.

    Times, versions of packages, and ids that are made up anew for each run do not count. Exits with 1 when anything
    else differs, and with 2 when a journal cannot be read.
    """
    from fsm_runner.engine.errors import JournalError

    try:
        found = _compared(a, b, run or [])
    except JournalError as error:
        raise Exit(str(error)) from error
    if format == "json":
        from fsm_runner.cli.compare_text import as_json

        show_json(as_json(found))
    else:
        from fsm_runner.cli.compare_text import as_text
        from fsm_runner.cli.screen import Screen

        as_text(Screen(), found)
    if not found.equal:
        raise Exit(None, FOUND)


def _compared(a: str, b: str | None, runs: list[str]) -> Comparison:
    from fsm_runner.cli.journals import source_of
    from fsm_runner.inspecting import compare as compared

    if len(runs) > 2:
        raise Exit("compare: --run names a run of A, then one of B (give it twice at most)")
    left = source_of(a)
    right = left if b in (None, a) else source_of(b or a)
    ours = _chosen(left, runs[0] if runs else None, "A")
    theirs = _chosen(right, runs[-1] if runs and (len(runs) == 2 or runs[-1] in right.runs) else None, "B")
    if b is None and ours == theirs:
        raise Exit("compare: one run is not two (name another journal, or two runs by --run)")
    return compared(left.opened(run=ours), right.opened(run=theirs))


def _chosen(source: Source, run: str | None, which: str) -> str:
    """The run of `source` that is meant.

    Raises:
        Exit: it is not there, or not clear.
    """
    from fsm_runner.cli.journals import run_in, run_names

    if source.census.problem is not None:
        raise source.census.problem
    if run is not None:
        run_in([source], run)
        return run
    if len(source.runs) > 1:
        raise Exit(f"compare: {which} '{source.name}' holds several runs (choose by --run: {run_names(source.runs)})")
    return next(iter(source.runs))
