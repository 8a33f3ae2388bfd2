"""The data: what is told of a run, frozen.  All spans of time are in seconds; None where the journal has no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fsm_runner.loop.context import Usage
from fsm_runner.loop.stop import CLOSED, FINE

Kind: TypeAlias = Literal["row", "event", "request", "lost", "note", "resumed", "torn", "ended", "sealed"]
"""What an entry is about.

row: a row was taken.  event: something was told that took no row: an act of the caller, or the last word before a kill.
request: a request was sent.  lost: an effect was cancelled or cut off.  torn: a killed process left the line before
unfinished.  The others are the journal's own words.
"""

Wait: TypeAlias = Literal["api", "tools", "caller", "effects", "other"]
"""Whom a run waits for: the API, its tools, its caller, effects of the user's own; other: nobody, or it is unknown."""

Sealed: TypeAlias = Literal["no", "hash", "key", "wrong"]
"""How a run's last line is sealed: not; as anyone could; with a key, which is not checked here; or so that it does not
fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """How a run began: immutable.

    Attributes:
        source: the file's name.
        run: the run's id.
        line: where its first record stands, counted from 1.
        at: when it began, in ISO 8601 and UTC.
        chart, sha256: the chart's name, and the hash of what it declares.
        model: the model that is asked; None when that is not on record.
        max_tokens: the longest reply; None when that is not on record.
        tools: the names of the tools that the driver runs.
        stream: whether replies are streamed.
        limits: how much may be spent of each limit; None: no end.
        versions: of fsm_runner, anthropic and python.
        content: what is written of payloads: ``full``, ``redacted`` or ``none``.
        forked_from: of a fork: the run, and the number of the last record, that it shares.
    """

    source: str
    run: str
    line: int
    at: str | None
    chart: str | None
    sha256: str | None
    model: str | None
    max_tokens: int | None
    tools: tuple[str, ...]
    stream: bool
    limits: Mapping[str, int | None]
    versions: Mapping[str, str | None]
    content: str
    forked_from: tuple[str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened in a run: immutable.

    Attributes:
        seq, line: the number of its record in the run, and where that stands in the file.
        at, offset: when, in ISO 8601 and UTC; and how long after the run's start.
        kind: what it is about.
        state, phase: where the run was, and the phase of that state.
        text: what happened, in few words; it may quote the model, a tool or an error as it was.
        row, target: of a row: its id, and the state that it led to.
        asked: of a row: the answers that its guard asked for, by fact.
        event: the event that was told; None where none was.
        took: how long the effect took that the event reports, or the caller with what it asks.
        turn: of a request: which turn it is of, counted from 1; None for one that compacts.
        bad: whether a person should look.
        detail: what `text` says, as data.
    """

    seq: int
    line: int
    at: str | None
    offset: float | None
    kind: Kind
    state: str | None
    phase: str | None
    text: str
    row: str | None = None
    target: str | None = None
    asked: Mapping[str, str]
    event: str | None = None
    took: float | None = None
    turn: int | None = None
    bad: bool = False
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """The calls of one tool: immutable.

    Attributes:
        calls: how many have a result.
        errors: how many of these are an error.
        lost: how many were cancelled or cut off.
        seconds, longest: how long those with a result took together, and the longest.
    """

    calls: int = 0
    errors: int = 0
    lost: int = 0
    seconds: float | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of a run, each counted whenever it was sent: immutable.

    Attributes:
        sent: how many, those that compact too.
        failed: how many failed.
        lost: how many were cancelled or cut off.
        seconds, longest: how long they took to their reply's end together, and the longest.
    """

    sent: int = 0
    failed: int = 0
    lost: int = 0
    seconds: float | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a run adds up to so far: immutable.

    Attributes:
        records: how many it has.
        turns: how many replies came; those that compact are not counted.
        compactions: how many summaries came.
        rows: how often each row was taken.
        visits: how often a row led to each state.
        tokens: of all replies, as the API counts them.
        tools: by name.
        requests: all of them.
        elapsed: from the first record to the last; the time in which nobody ran is left out.
        states: how long the run was in each state.
        waits: the same time, by whom the run waited for.
        idle: how long nobody ran between a kill and what followed.
        spent: how much was spent of each limit.
        resumed: how often it went on after it was cut off.
    """

    records: int
    turns: int
    compactions: int
    rows: Mapping[str, int]
    visits: Mapping[str, int]
    tokens: Usage
    tools: Mapping[str, ToolUse]
    requests: Requests
    elapsed: float | None
    states: Mapping[str, float]
    waits: Mapping[Wait, float]
    idle: float
    spent: Mapping[str, int]
    resumed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An effect that was scheduled, and of which nothing more is on record: immutable.

    Attributes:
        id, effect: as they are journaled.
        tool: of a tool call: the tool's name.
        at: when it was scheduled.
    """

    id: str
    effect: str
    tool: str | None
    at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Why a run stopped: immutable.

    Attributes:
        reason, row, detail: as they are journaled.
        facts: the answers that the row's guard asked for.
        final: false when asking for more tries again what failed.
    """

    reason: str
    row: str
    detail: str | None
    facts: Mapping[str, str]
    final: bool

    @property
    def good(self) -> bool:
        """Whether it stopped as somebody wished: nobody need look."""
        return self.reason in FINE or self.reason == CLOSED.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run as far as its records go: immutable.

    Attributes:
        header: how it began.
        totals: what it adds up to.
        ended: why it stopped; None when it goes on or was killed.
        state: where it is; None before its first row.
        at: when its last record was written.
        under_way: the effects that have no end on record.
        sealed: how its last line is sealed.
        torn: how many lines a killed process left unfinished in it, as later records say.
    """

    header: Header
    totals: Totals
    ended: Ended | None
    state: str | None
    at: str | None
    under_way: tuple[Open, ...]
    sealed: Sealed
    torn: int
