"""The data that is shown of a run, frozen.  All times spent are in seconds; None if the journal has no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fsm_runner.loop.context import Usage
from fsm_runner.loop.stop import CLOSED, FINE

Kind: TypeAlias = Literal["row", "event", "request", "lost", "note", "resumed", "torn", "ended", "sealed"]
"""What an entry is about.

row: a row was taken.  event: an event took no row: an act of the caller, or the last event before a kill.
request: a request was sent.  lost: an effect was cancelled or cut off.  torn: a killed process left the previous line
unfinished.  The others are words of the journal.
"""

Wait: TypeAlias = Literal["api", "tools", "caller", "effects", "other"]
"""Whom a run waits for: the API, its tools, its caller, the user's own effects; other: nobody, or it is not known."""

Sealed: TypeAlias = Literal["no", "hash", "key", "wrong"]
"""The seal of a run's last line.  no: there is none.  hash: one that anyone could make.  key: one made with a key,
which is not checked here.  wrong: one that does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """How a run began: immutable.

    Attributes:
        source: the file's name.
        run: the run's id.
        line: the line of its first record, counted from 1.
        at: when it began, in ISO 8601 and UTC.
        chart, sha256: the chart's name, and the hash of its content.
        model: the model; None if it is not on record.
        max_tokens: the longest reply; None if it is not on record.
        tools: the names of the tools that the driver runs.
        stream: whether replies are streamed.
        limits: how much of each limit may be spent; None: no limit.
        versions: of fsm_runner, anthropic and python.
        content: what is written of payloads: ``full``, ``redacted`` or ``none``.
        forked_from: for a fork: the older run, and the number of the last record that both share.
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
        seq, line: the number of its record in the run, and its line in the file.
        at, offset: when it happened, in ISO 8601 and UTC; and the time since the run's start.
        kind: what it is about.
        state, phase: where the run was, and the phase of that state.
        text: what happened, in a few words; it may quote the model, a tool or an error unchanged.
        row, target: for a row: its id, and the state it led to.
        asked: for a row: the answers that its guard asked for, by fact.
        event: the event's name; None if there was none.
        took: how long the reported effect took, or how long the caller took to ask for more.
        turn: for a request: its turn, counted from 1; None for one that compacts.
        bad: whether a person should look.
        detail: the content of `text`, as data.
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
        errors: how many of these results are errors.
        lost: how many were cancelled or cut off.
        seconds, longest: how long calls with a result took in total, and the longest one.
    """

    calls: int = 0
    errors: int = 0
    lost: int = 0
    seconds: float | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of a run, with every retry counted: immutable.

    Attributes:
        sent: how many, including those that compact.
        failed: how many failed.
        lost: how many were cancelled or cut off.
        seconds, longest: how long they took until the end of the reply, in total and the longest one.
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
        records: the number of records.
        turns: the number of replies, without those that compact.
        compactions: the number of summaries.
        rows: how often each row was taken.
        visits: how often a row led to each state.
        tokens: of all replies, as the API counts them.
        tools: the use of each tool, by name.
        requests: all requests.
        elapsed: from the first record to the last, without the time in which no process ran.
        states: how long the run was in each state.
        waits: the same time, by whom the run waited for.
        idle: how long no process ran, between a kill and the next process.
        spent: how much of each limit was spent.
        resumed: how often it was resumed.
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
    """An effect that was scheduled and whose end is not on record: immutable.

    Attributes:
        id, effect: as in the journal.
        tool: the tool's name, for a tool call.
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
        reason, row, detail: as in the journal.
        facts: the answers that the row's guard asked for.
        final: false if asking for more tries again what failed.
    """

    reason: str
    row: str
    detail: str | None
    facts: Mapping[str, str]
    final: bool

    @property
    def good(self) -> bool:
        """Whether it stopped as intended, so that nobody need look."""
        return self.reason in FINE or self.reason == CLOSED.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run, as far as its records go: immutable.

    Attributes:
        header: how it began.
        totals: what it adds up to.
        ended: why it stopped; None if it goes on or was killed.
        state: where it is; None before its first row.
        at: when its last record was written.
        under_way: the effects without an end on record.
        sealed: the seal of its last line.
        torn: how many unfinished lines killed processes left in it, as later records say.
    """

    header: Header
    totals: Totals
    ended: Ended | None
    state: str | None
    at: str | None
    under_way: tuple[Open, ...]
    sealed: Sealed
    torn: int
