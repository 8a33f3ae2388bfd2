"""The clock: what time it is, as a record says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from fsm_runner.journal.clock import stamps, utc_now


def test_the_usual_clock_says_the_time_to_the_microsecond_in_order():
    """It takes a shorter way than any other clock, and says the same."""
    now = stamps(utc_now)
    before = utc_now()
    said = [now() for _ in range(1_000)]
    times = [datetime.fromisoformat(each) for each in said]

    assert before <= times[0] <= times[-1] <= utc_now()
    assert sorted(times) == times
    assert {timedelta(0)} == {each.utcoffset() for each in times}
    assert said == [each.isoformat(timespec="microseconds") for each in times]


def test_another_clock_says_the_time_in_utc():
    """Whatever zone it is in, and with what it knows of a second."""
    east = timezone(timedelta(hours=2))

    assert "2026-01-01T12:00:00+00:00" == stamps(lambda: datetime(2026, 1, 1, 14, tzinfo=east))()
    assert "2026-01-01T12:00:00.000001+00:00" == stamps(lambda: datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC))()
