"""Bounds: how much a reader takes in before it says that something is wrong, and how to raise each.

FSM_RUNNER_LONGEST_LINE   bytes of a line, 64,000,000; the API takes no request of more than half as many
FSM_RUNNER_MOST_UNPACKED  how many times its size a compressed journal may unpack to, 200; one of many runs that are the
                          same, but for their ids, unpacks to less than a hundred times
"""

from __future__ import annotations

import os

LINE = "FSM_RUNNER_LONGEST_LINE"
UNPACKED = "FSM_RUNNER_MOST_UNPACKED"
LITTLE = 16_000_000
"""Bytes that any compressed journal may unpack to."""

_DEFAULTS = {LINE: 64_000_000, UNPACKED: 200}


def bound(name: str) -> int:
    """Return a bound: what the environment says, if that is a whole number from 1 up."""
    said = os.environ.get(name, "").replace("_", "")
    return int(said) if said.isdecimal() and int(said) > 0 else _DEFAULTS[name]


class LineTooLong(ValueError):
    """A record takes more than a reader would take in."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(size, most)
        self.size = size
        self.most = most

    def __str__(self) -> str:
        return f"a record takes {self.size:,} bytes, and {self.most:,} are read (raise {LINE}, then resume the run)"
