"""Runs that are killed and resumed: nothing is lost, nothing that is done is done again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from fsm_runner.journal import read
from tests.crash.killing import answered, check_life, lost
from tests.crash.lives import LIVES, live

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("FSM_RUNNER_KILLS", "25"))
SECONDS_A_KILL = 10
SIGNS = {
    "parallel": ("transition", "all_answered"),
    "streaming": ("event", "opened"),
    "early": ("transition", "early_done"),
    "compaction": ("event", "summarised"),
    "approval": ("transition", "decided"),
    "sync": ("transition", "one_answered"),
    "shared": ("transition", "all_answered"),
    "fork": ("event", "params_replaced"),
}
"""By life, a record that only what it is named after leaves: the type, and the event's name or the row."""


@pytest.mark.timeout(60 + KILLS * SECONDS_A_KILL)
def test_a_run_killed_anywhere_ends_as_if_nobody_had_killed_it():
    """The same final messages, no completed tool run twice, every acknowledged record there.

    With as many kills as there are moments, each moment had its own."""
    line = [sys.executable, "-m", "tests.crash", str(KILLS)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    assert 0 == done.returncode, done.stderr[-4000:]
    told = dict(row.rsplit(maxsplit=1) for row in done.stdout.splitlines())
    assert str(KILLS) == told["kills"]
    assert KILLS < int(told["moments"]) or told["moments"] == told["moments killed at"]


@pytest.mark.parametrize("name", LIVES)
def test_a_life_has_what_it_is_named_after(name, tmp_path):
    """And tools that write a line for each call, once."""
    journal, noted = tmp_path / "run.jsonl", tmp_path / "noted"
    live(LIVES[name], journal, noted, lambda: None, idempotent=False)
    left = [(record.type, record.data.get("row", record.data.get("event"))) for record in read(journal)]
    keys = noted.read_text(encoding="utf-8").split()

    assert SIGNS[name] in left
    assert sorted(answered(tmp_path)) == sorted(keys)
    assert len(keys) > 1


def test_what_ran_again_or_twice_is_seen(tmp_path):
    """What had been answered may not run in another life; what had not may, once."""
    (tmp_path / "noted").write_text("a\nb\nb\n")

    check_life(tmp_path, {"a"}, Counter("ab"))
    with pytest.raises(AssertionError, match=r"tools that had completed ran again: \['b'\]"):
        check_life(tmp_path, {"b"}, Counter("ab"))
    with pytest.raises(AssertionError, match="a tool ran more than once in one life"):
        check_life(tmp_path, set(), Counter("a"))


def test_a_record_that_was_acknowledged_and_is_not_there_is_seen(tmp_path):
    """As it was written, to the byte; what the death cut off of an acknowledgement is none."""
    lines = [b'{"seq":1}', b'{"seq":2}', b'{"seq":3}']
    told = b"".join(sha256(line).hexdigest().encode() for line in lines)
    (tmp_path / "run.jsonl").write_bytes(b'{"seq":1}\n{"seq": 2}\n{"seq":3}\n')

    assert [told[64:128]] == lost(told, tmp_path) == lost(told + b"00", tmp_path)
    assert [] == lost(told[:100], tmp_path)
