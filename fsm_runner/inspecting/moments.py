"""Moments: when a record was written, and the time between two of them."""

from __future__ import annotations

from datetime import datetime


def moment(at: str | None) -> datetime | None:
    """Return when a record was written; None when it does not say so in ISO 8601."""
    try:
        return None if at is None else datetime.fromisoformat(at)
    except ValueError:
        return None


def since(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from `start` to `end`, never less than none; None when one of them is not known."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return None
    return max(0.0, (end - start).total_seconds())
