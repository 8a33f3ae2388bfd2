"""Counting: how much work a function does, without a clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def calls(function: Callable[[], object]) -> int:
    """Return how many functions `function` calls, of Python and of C; the same on a fast machine and on a busy one."""
    number = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return number


def is_linear(work: Callable[[int], Callable[[], object]], size: int) -> bool:
    """Whether twice `size` is at most little more than twice the work; `work` prepares what is counted."""
    for each in (size, 2 * size):
        work(each)()  # what is made once, and kept, is made now
    return calls(work(2 * size)) < 2.3 * calls(work(size))
