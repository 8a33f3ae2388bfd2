"""Journals of scenarios: every run of a drive writes one, and every one replays."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsm_runner
from tests.drivers.drive import Drive


def journaled(drive: Drive, folder: Path) -> Iterator[Drive]:
    """Yield `drive` with a journal for each of its runs; when the scenario is over, replay them.

    Raises: AssertionError.
    """
    paths: list[Path] = []
    run = drive.run

    @functools.wraps(run)
    def with_journal(*args: Any, **arguments: Any) -> Any:
        path = arguments.setdefault("journal", folder / f"run-{len(paths)}.jsonl")
        made = run(*args, **arguments)
        paths.append(path)
        return made

    drive.run = with_journal  # type: ignore[method-assign]
    yield drive
    for path in paths:
        report = fsm_runner.replay(path)
        assert report.conforms, str(report)
