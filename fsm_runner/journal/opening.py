"""Opening: the arguments of `Journal.open`, checked before a file is made."""

from __future__ import annotations

import io
import os

from fsm_runner.engine.expected import check_count, check_function, check_mapping, check_type, wrong_type


def check_target(name: str, target: object) -> None:
    """Refuse what cannot be written to as a journal.

    Raises:
        TypeError: it is neither a path nor an open binary file.
    """
    is_text = isinstance(target, io.TextIOBase)
    if is_text or not (isinstance(target, (str, os.PathLike)) or callable(getattr(target, "write", None))):
        raise wrong_type(name, "a file's path, or an open binary file", target)


def check_opening(target: object, *, run: object, clock: object, redact: object, after: object, head: object) -> None:
    """Refuse what cannot be right.

    Raises:
        TypeError, ValueError: the error names the argument, and says what it takes.
    """
    check_target("target", target)
    check_type("run", run, str, "a run's id")
    check_function("clock", clock, "a function that says what time it is", none=True)
    check_mapping("redact", redact, "a dict of paths")
    check_count("after", after, least=0, none=False)
    check_type("head", head, (str, type(None)), "a record's hash, or None")
