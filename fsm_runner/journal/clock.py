"""The clock: the time at which a record is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from fsm_runner.journal.render import iso_time

Clock: TypeAlias = Callable[[], datetime]
"""A function that returns the time, with a time zone."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def stamps(clock: Clock) -> Callable[[], str]:
    """Return a function that gives the time of `clock` as text, in UTC and ISO 8601."""
    return _Seconds().now if clock is utc_now else lambda: _stamp(clock)


def _stamp(clock: Clock) -> str:
    now = clock()
    return iso_time(now if now.tzinfo is UTC else now.astimezone(UTC))


class _Seconds:
    """A fast `utc_now` as text: mutable, because it makes the text of each second only once."""

    def __init__(self) -> None:
        self._known = (0, "")

    def now(self) -> str:
        micros = time.time_ns() // 1_000
        second = micros // 1_000_000
        known, text = self._known  # both in one read: another thread may replace the pair
        if second != known:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._known = (second, text)
        return f"{text}.{micros % 1_000_000:06}+00:00"
