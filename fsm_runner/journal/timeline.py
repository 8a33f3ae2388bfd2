"""The timeline: adds up the records of one run, one record at a time.

    timeline = Timeline()
    for record in read("run.jsonl"):
        timeline.take(record)
    timeline.state, timeline.seconds, timeline.open

Reading is tolerant: a field that is missing, redacted or of another version is skipped.  Nothing is compiled or
replayed.  Memory does not grow with the length of the run: counters are kept by row and by state, and effects only as
long as they are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fsm_runner.loop.context import Usage
from fsm_runner.loop.effects import REQUESTS
from fsm_runner.loop.messages import usage_of


class TimelineRecord(Protocol):
    """The fields of a record that a timeline reads."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, object]: ...
    @property
    def at(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEffect:
    """An effect that was scheduled and whose end is not on record: immutable.

    Attributes:
        id, effect: as in the journal.
        tool: the tool's name, for a tool call.
        at, began: when it was scheduled, in ISO 8601 and as a time; None if the record does not say.
        kind: how a tool call is answered, as in the journal.
        early: whether a tool call began while the reply was still streaming.
    """

    id: str
    effect: str
    tool: str | None
    at: str | None
    began: datetime | None
    kind: object
    early: bool


class Timeline:
    """What the records of one run add up to so far: mutable.  All times spent are in seconds.

    Attributes:
        records: how many records were taken.
        state: where the run is; before its first row, the initial state or None.
        entered: when it entered that state; None if that is not known.
        rows: how often each row was taken.
        visits: how often a row led to each state.
        seconds: how long the run was in each state, as far as records have times.
        elapsed: how long the run took; None without a clock.  Time in which no process ran does not count.
        idle: the time in which no process ran: from a process's last record to the next one's `resumed`.
        resumed: how often it was resumed.
        usage: the tokens of all replies, as the API counts them.
        turns, compactions: the number of replies, and of summaries.
        asked: when the last request was scheduled.
        compacts: whether the last request compacts.
        open: the effects without an end, by id, in the order in which they were scheduled.
        closed: the effects that the last record ended: one, all open ones if the run was resumed, or none.
        lasted: how long the last effect took that completed, failed or was cancelled; None if that is not known.
        stop: the fields of the last `ended` record; None while the run goes on.
        began: the time of the first record that has one.
        at: the time of the last record that has one, in ISO 8601.
        passed: the time between the last record and the one before; None if that is not known.
    """

    def __init__(self, initial: str | None = None, usage: Usage | None = None) -> None:
        """Begin before the first record.

        Args:
            initial: the state before the first row; None: time before the first row counts for no state.
            usage: the tokens that a forked run had used before; None: none.
        """
        self.records = 0
        self.state = initial
        self.entered: datetime | None = None
        self.rows: Counter[str] = Counter()
        self.visits: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.elapsed: float | None = None
        self.idle = 0.0
        self.resumed = 0
        self.usage = usage or Usage()
        self.turns = self.compactions = 0
        self.asked: datetime | None = None
        self.compacts = False
        self.open: dict[str, OpenEffect] = {}
        self.closed: tuple[OpenEffect, ...] = ()
        self.lasted: float | None = None
        self.stop: Mapping[str, object] | None = None
        self.began: datetime | None = None
        self.at: str | None = None
        self.passed: float | None = None
        self._seen: datetime | None = None

    def take(self, record: TimelineRecord) -> None:
        """Add one record."""
        now = moment(record.at)
        self._pass(record, now)
        self.records += 1
        self.closed = ()
        match record.type:
            case "transition":
                self._row(record.data, now)
            case "event":
                self._event(record.data)
            case "scheduled":
                self._schedule(record, now)
            case "completed" | "failed" | "cancelled":
                effect = self._close(str(record.data.get("id")))
                self.lasted = None if effect is None else since(effect.began, now)
            case "resumed":
                self._resume(record.data, now)
            case "ended":
                self.stop = record.data

    def _pass(self, record: TimelineRecord, now: datetime | None) -> None:
        self.passed = since(self._seen, now)
        if self.passed is not None and record.type == "resumed":
            self.idle += self.passed
        elif self.passed is not None:
            self.elapsed = (self.elapsed or 0.0) + self.passed
            if self.state is not None:
                self.seconds[self.state] = self.seconds.get(self.state, 0.0) + self.passed
        if self.records == 0:
            self.entered = now
        self._seen = now or self._seen
        self.began = self.began or now
        self.at = record.at or self.at

    def _row(self, data: Mapping[str, object], now: datetime | None) -> None:
        target = str(data.get("target"))
        self.rows[str(data.get("row"))] += 1
        self.visits[target] += 1
        if target != self.state:
            self.entered = now
        self.state, self.stop = target, None

    def _event(self, data: Mapping[str, object]) -> None:
        event = str(data.get("event"))
        if event == "tool_finished":
            self._close(str(data.get("id")))
        elif event in ("replied", "summarised"):
            message = data.get("message")
            self.usage = _sum(self.usage, usage_of(message if isinstance(message, Mapping) else {}))
            self.compactions += self.compacts
            self.turns += not self.compacts

    def _schedule(self, record: TimelineRecord, now: datetime | None) -> None:
        data = record.data
        id, effect, tool = str(data.get("id")), str(data.get("effect")), data.get("tool")
        self.open[id] = OpenEffect(
            id=id,
            effect=effect,
            tool=tool if isinstance(tool, str) else None,
            at=record.at,
            began=now,
            kind=data.get("kind"),
            early=data.get("early") is True,
        )
        if effect in REQUESTS:
            self.asked, self.compacts = now, data.get("purpose") != "reply"

    def _close(self, id: str) -> OpenEffect | None:
        effect = self.open.pop(id, None)
        self.closed = () if effect is None else (effect,)
        return effect

    def _resume(self, data: Mapping[str, object], now: datetime | None) -> None:
        """Another process goes on: open effects were cut off, and are asked for anew."""
        self.closed = tuple(self.open.values())
        self.open.clear()
        state = data.get("state")
        self.state = state if isinstance(state, str) else self.state
        self.entered = self.asked = now
        self.lasted = self.stop = None
        self.resumed += 1


def _sum(was: Usage, more: Usage) -> Usage:
    return Usage(
        input_tokens=was.input_tokens + more.input_tokens,
        output_tokens=was.output_tokens + more.output_tokens,
        cache_creation_input_tokens=was.cache_creation_input_tokens + more.cache_creation_input_tokens,
        cache_read_input_tokens=was.cache_read_input_tokens + more.cache_read_input_tokens,
        replies=was.replies + more.replies,
    )


def moment(at: str | None) -> datetime | None:
    """Return when a record was written; None if `at` is not in ISO 8601."""
    try:
        return None if at is None else datetime.fromisoformat(at)
    except ValueError:
        return None


def since(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from `start` to `end`, at least 0; None if one of them is not known."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return None
    return max(0.0, (end - start).total_seconds())
