"""Processes that tests begin: none outlives its test, however that ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 600
"""Seconds after which a process that a test waits for is taken to hang: far from what any takes on a loaded machine."""


@contextmanager
def spawned(line: Sequence[str], *, cwd: Path | None = None, alone: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Begin a process whose output is read as text; at the end it is killed, if it is still there.

    Args:
        line: the program and its arguments.
        cwd: the folder that it runs in; None: ours.
        alone: whether it has a process group of its own.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=cwd, stdout=pipe, stderr=pipe, text=True, start_new_session=alone) as process:
        try:
            yield process
        finally:
            process.kill()
