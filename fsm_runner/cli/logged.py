"""Logged: what the package logs while a run is shown, a line each, without control characters.

Where a module of the user's has set up logging, that is left as it is.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from fsm_runner.cli.screen import shortened

LONGEST = 1_000
"""Characters of a line."""


@contextmanager
def logged() -> Iterator[None]:
    """Say on standard error what is logged meanwhile."""
    log = logging.getLogger("fsm_runner")
    if log.hasHandlers():
        yield
        return
    handler = _Lines()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() + ("" if error is None else f": {type(error).__name__}: {error}{_where(error)}")
        typer.echo(f"{record.levelname.lower()}: {shortened(text, LONGEST)}", err=True)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""
