"""Runs that are killed and resumed: nothing is lost, nothing that is done is done again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("FSM_RUNNER_KILLS", "25"))
SECONDS_A_KILL = 10


@pytest.mark.timeout(60 + KILLS * SECONDS_A_KILL)
def test_a_run_killed_anywhere_ends_as_if_nobody_had_killed_it():
    """The same final messages, no completed tool run twice, every acknowledged record there."""
    line = [sys.executable, "-m", "tests.crash", str(KILLS)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    assert 0 == done.returncode, done.stderr[-4000:]
    told = dict(row.rsplit(maxsplit=1) for row in done.stdout.splitlines())
    assert str(KILLS) == told["kills"]
