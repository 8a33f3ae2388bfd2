"""`fsm-runner show`: what happened in recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fsm_runner.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsm_runner.cli.journals import Shows, Source
    from fsm_runner.cli.screen import Screen


MANY = 5
"""Runs above which they are listed, and none is shown from its beginning to its end."""


def show(
    journals: Annotated[list[str], typer.Argument(metavar="JOURNAL", help="Journals; - is standard input.")],
    run: Annotated[str | None, typer.Option("--run", "--run-id", metavar="ID", help="Only this run.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"Show each run, where more than {MANY} would only be listed.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as the journal grows, until its run has ended.")
    ] = False,
    format: Annotated[  # noqa: A002  the option's name
        Literal["text", "json"], typer.Option(help="For a person, or a program: a document a run, each on a line.")
    ] = "text",
) -> None:
    """Show what happened in recorded runs: each row, what came of it, how long it took, and why the run stopped.

    Nothing is replayed, so journals whose chart or facts are not here can be shown, and those without payloads.
    """
    to = _shower(format)
    if follow:
        from fsm_runner.cli.follow import follow as followed

        if len(journals) > 1:
            raise Exit("show: --follow: one journal at a time")
        followed(journals[0], to, run)
        return
    from fsm_runner.cli.journals import play, run_in, source_of

    sources = [source_of(name) for name in journals]
    if run is not None:
        run_in(sources, run)
    if format == "text" and run is None and not every and sum(len(source.runs) for source in sources) > MANY:
        _list(sources)
        return
    for source in sources:
        play(source, to, run)
        _torn(source)


def _shower(format: str) -> Shows:  # noqa: A002  the option's name
    if format == "json":
        from fsm_runner.cli.timeline_text import Documents

        return Documents()
    from datetime import UTC, datetime

    from fsm_runner.cli.timeline_text import Timeline

    return Timeline(_screen(), datetime.now(UTC))


def _screen() -> Screen:
    from fsm_runner.cli.screen import Screen

    return Screen()


def _list(sources: Sequence[Source]) -> None:
    """Print one line for each run."""
    from fsm_runner.cli.timeline_text import listed

    screen = _screen()
    for source in sources:
        listed(screen, source)
        _torn(source)
    screen.line()
    screen.line(("--run ID shows one of them, --all shows each", "faint"))
    for source in sources:
        if source.census.problem is not None:
            raise source.census.problem


def _torn(source: Source) -> None:
    """Tell of a last line that was not written to its end; others are told of in their run."""
    from fsm_runner.cli.screen import say

    end = max(found.last for found in source.census.runs.values())
    for torn in source.census.torn:
        if torn.line > end:
            said = f"{source.name}:{torn.line}: the line was not written to its end ({torn.size} bytes); left out"
            say(said, err=True)
