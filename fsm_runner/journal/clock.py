"""The clock: when a record was written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from fsm_runner.journal.render import iso_time

Clock: TypeAlias = Callable[[], datetime]
"""Says what time it is, with a time zone."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def stamp(clock: Clock) -> str:
    """Return what time `clock` says it is, in UTC and ISO 8601."""
    now = clock()
    return iso_time(now if now.tzinfo is UTC else now.astimezone(UTC))
