"""Bounds: how much a reader takes in before it reports a problem, and the variables that raise each bound.

FSM_RUNNER_LONGEST_LINE   bytes of a line: 64,000,000, twice the largest request that the API takes
FSM_RUNNER_MOST_UNPACKED  how many times its size a compressed journal may unpack to: 200.  A journal of many runs that
                          are equal except for their ids unpacks to less than 100 times its size
"""

from __future__ import annotations

import os

LINE = "FSM_RUNNER_LONGEST_LINE"
UNPACKED = "FSM_RUNNER_MOST_UNPACKED"
LITTLE = 16_000_000
"""How many bytes any compressed journal may unpack to, whatever its size."""

_DEFAULTS = {LINE: 64_000_000, UNPACKED: 200}


def bound(name: str) -> int:
    """Return a bound: the environment's value if that is a whole number from 1, else the default."""
    said = os.environ.get(name, "").replace("_", "")
    return int(said) if said.isdecimal() and int(said) > 0 else _DEFAULTS[name]


class LineTooLong(ValueError):
    """A record is longer than a reader would take in."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(size, most)
        self.size = size
        self.most = most

    def __str__(self) -> str:
        return f"a record takes {self.size:,} bytes, and {self.most:,} are read (raise {LINE}, then resume the run)"
