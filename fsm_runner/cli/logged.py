"""Logged: what the package logs and warns of while a run is shown, a line each.

Where a module of the user's has set up logging, that is left as it is.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from fsm_runner.cli.screen import say, shortened

LONGEST = 1_000
"""Characters of a line."""


@contextmanager
def logged() -> Iterator[None]:
    """Say on standard error what is logged meanwhile, and what is warned of."""
    log = logging.getLogger("fsm_runner")
    handler = logging.NullHandler() if log.hasHandlers() else _Lines()
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _warn
            yield
    finally:
        log.removeHandler(handler)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    say(f"warning: {shortened(str(message), LONGEST)}", err=True)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() + ("" if error is None else f": {type(error).__name__}: {error}{_where(error)}")
        say(f"{record.levelname.lower()}: {shortened(text, LONGEST)}", err=True)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""
