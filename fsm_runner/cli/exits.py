"""Exits: the exit codes, and errors as one line each instead of a traceback."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer

from fsm_runner.cli.screen import clean_output, made_clean, say, show

FINE, FOUND, WRONG, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141

CODES: Mapping[int, str] = {
    FINE: "fine",
    FOUND: "found something: broken chart, diverging journal, run not completed",
    WRONG: "used wrongly: unknown option, missing file or key",
    INTERRUPTED: "interrupted with Ctrl-C",
    UNREAD: "nobody reads the output any more",
}
"""What each exit code means."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""The errors of a write to standard output, other than that the reader is gone."""

_NOT_FOUND = frozenset({"unreadable-file", "unknown-chart"})


class Exit(Exception):
    """A command ends early.

    Attributes:
        text: what is said on standard error; None: nothing.
        code: the exit code.
    """

    def __init__(self, text: str | None, code: int = WRONG) -> None:
        super().__init__(text, code)
        self.text = text
        self.code = code


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with its output cleaned and its ends made exit codes."""

    @functools.wraps(command)
    @clean_output()
    def ending(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except Exit as end:
            _end(end.text, end.code)
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(UNREAD) from None
        except KeyboardInterrupt:
            _end("interrupted", INTERRUPTED)
        except Exception as error:
            from fsm_runner.engine.errors import FsmRunnerError

            if not isinstance(error, FsmRunnerError):
                raise
            _end(str(error), code_of(error))

    return ending


def code_of(error: Exception) -> int:
    """Return the exit code for one of the package's own errors: a file that cannot be opened counts as wrong usage."""
    from fsm_runner.engine.errors import ChartError, InternalError, JournalError, RunError

    match error:
        case ChartError():
            return WRONG if any(problem.code in _NOT_FOUND for problem in error.problems) else FOUND
        case JournalError():
            return WRONG if error.line is None else FOUND
        case RunError() | InternalError():
            return FOUND
        case _:
            return WRONG


def to_its_end(program: Callable[[], None]) -> None:
    """Call `program`.  If standard output cannot be written any more, it ends with one line on standard error."""
    try:
        program()
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        _discard_output()
        say(f"standard output: cannot be written: {os.strerror(error.errno).lower()}", err=True)
        sys.exit(WRONG)


def lenient_output() -> None:
    """Let an output that lacks a character show ``?``, and one that is closed take everything; clean both."""
    nothing = Path(os.devnull)
    sys.stdin = sys.stdin or nothing.open(encoding="utf-8")
    sys.stdout = sys.stdout or nothing.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nothing.open("w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.stdout, sys.stderr = made_clean(sys.stdout), made_clean(sys.stderr)  # to the end: tracebacks come last


def _end(text: str | None, code: int) -> None:
    if text:
        show(f"{text}\n", err=True)
    raise typer.Exit(code) from None


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not fail again."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
