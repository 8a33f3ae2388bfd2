"""The report: what replay found, as frozen data that reads well.

run.jsonl: 1 of 2 runs diverges
  run 'a': 9 transitions, ended: completed
  run 'b': diverges at seq 4, after 2 transitions
run.jsonl:7: seq 4: recorded row 'summarise' (compaction=due); now 'ask' (compaction=none)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from fsm_runner.engine.text import counted
from fsm_runner.journal import Record, Torn

if TYPE_CHECKING:
    from fsm_runner.charts.diff import Way


Kind: TypeAlias = Literal["value", "row", "effect", "stuck", "unknown"]
"""What a divergence is about.

value: anything in a record.  On an edited chart, besides: row: the run goes another way.  effect: the state that it
reaches does something else.  stuck: the chart takes no such event there, or lacks what the run needs.  unknown: it
cannot be told, for it takes a fact that the journal does not hold.
"""

Verdict: TypeAlias = Literal["conforms", "diverges", "stuck", "unknown"]
"""What became of a run."""

VERDICTS: Mapping[Verdict, tuple[str, str]] = MappingProxyType(
    {
        "conforms": ("conforms", "conform"),
        "diverges": ("diverges", "diverge"),
        "stuck": ("is stuck", "are stuck"),
        "unknown": ("cannot be told", "cannot be told"),
    }
)
"""Each verdict, as it is said of one run and of several, in the order in which they are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """A record that no longer agrees: immutable.

    Attributes:
        source: the file's name.
        line: the record's line, counted from 1.
        run: the run's id.
        seq: the record's number in the run.
        pointer: the JSON pointer of the value in the record; empty for the record as a whole.
        recorded: what the journal says.
        now: what replay makes of the same events.
        recorded_facts, facts: the answers that decided, when the value is a row; else empty.
        kind: what it is about.
        state, event: where the run was, and what happened; None: it entered the state.  Told on an edited chart.
        was, goes: the way that was taken, and the one on the edited chart; None unless `kind` is ``row``.
    """

    source: str
    line: int
    run: str
    seq: int
    pointer: str
    recorded: object
    now: object
    recorded_facts: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "value"
    state: str = ""
    event: str | None = None
    was: Way | None = None
    goes: Way | None = None

    @classmethod
    def of(cls, source: str, record: Record, pointer: str, recorded: object, now: object) -> Divergence:
        """Return the divergence of a value in `record`, which stands in the file `source`."""
        return cls(
            source=source, line=record.line, run=record.run, seq=record.seq, pointer=pointer, recorded=recorded, now=now
        )

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}: seq {self.seq}"
        if self.kind == "unknown":
            return f"{place}: cannot be told: state '{self.state}' asks '{self.now}', which the journal does not hold"
        if self.kind == "stuck":
            return f"{place}: stuck: {self.now}"
        if self.pointer == "/row":
            then, now = _differing(self.recorded_facts, self.facts, every=self.kind == "row")
            return f"{place}: recorded row {self.recorded!r}{then}; now {self.now!r}{now}"
        where = f" {self.pointer}:" if self.pointer else ""
        if self.was is not None and self.was.row is not None:
            where = f" row '{self.was.row.id}':{where}"
        return f"{place}:{where} recorded {_short(self.recorded)}; now {_short(self.now)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of one run: immutable.

    Attributes:
        run: its id.
        transitions: how many rows were taken and agreed.
        ended: the reason that the journal ends with; None when the run goes on or was killed.
        diverges_at: the seq of the first record that no longer agrees; None when all do.
        kind: what the first of them is about; None if it conforms.
        differs: how many divergences there are in it; not all of them may have been kept.
        rows: how often each row was taken and agreed, by the id that it has in the chart it was replayed on.
        others: how often a row led the same way as the recorded one, which has another id: by both ids.
        lacks: the facts that an edited chart asks, and that the journal does not hold.
        control_only: whether only its control flow was compared, for the journal does not hold its payloads.
    """

    run: str
    transitions: int
    ended: str | None
    diverges_at: int | None
    kind: Kind | None = None
    differs: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    control_only: bool = False

    @property
    def conforms(self) -> bool:
        """Whether every record of it was reproduced; when `control_only`, every row."""
        return self.diverges_at is None

    @property
    def verdict(self) -> Verdict:
        """What became of it, in a word."""
        if self.diverges_at is None:
            return "conforms"
        return self.kind if self.kind == "stuck" or self.kind == "unknown" else "diverges"

    def __str__(self) -> str:
        taken = counted(self.transitions, "transition")
        if self.diverges_at is not None:
            return f"run '{self.run}': {VERDICTS[self.verdict][0]} at seq {self.diverges_at}; {taken} reproduced"
        how = "it has not ended" if self.ended is None else f"ended: {self.ended}"
        only = " (control flow only: the journal lacks payloads)" if self.control_only else ""
        return f"run '{self.run}': {taken}, {how}{only}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """What replay found in a journal: immutable.

    Attributes:
        source: the file's name.
        runs: the runs in it, in the order in which they started; at least one.
        divergences: every record that no longer agrees, in the file's order.
        torn: the lines that a killed process left unfinished.
    """

    source: str
    runs: tuple[RunReport, ...]
    divergences: tuple[Divergence, ...]
    torn: tuple[Torn, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether every derived record was reproduced: ``assert replay("run.jsonl").conforms``."""
        return not self.divergences

    @property
    def transitions(self) -> int:
        """How many rows were taken and agreed, in all runs."""
        return sum(run.transitions for run in self.runs)

    def __bool__(self) -> bool:
        """The same as `conforms`, for a test that asserts the report itself."""
        return self.conforms

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        bad = sum(not run.conforms for run in self.runs)
        total = counted(len(self.runs), "run")
        if bad:
            yield f"{self.source}: {bad} of {total} {'diverges' if bad == 1 else 'diverge'}"
        else:
            what = "row" if any(run.control_only for run in self.runs) else "record"
            yield f"{self.source}: {total}, {counted(self.transitions, 'transition')}: every {what} reproduced"
        yield from (f"  {run}" for run in self.runs)
        yield from map(str, self.divergences)
        more = sum(run.differs for run in self.runs) - len(self.divergences)
        if more > 0:
            yield f"{self.source}: {counted(more, 'divergence')} more"
        for torn in self.torn:
            size = counted(torn.size, "byte")
            yield f"{self.source}:{torn.line}: the line was not written to its end ({size}); left out"


_LONGEST = 200


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _differing(recorded: Mapping[str, str], now: Mapping[str, str], *, every: bool) -> tuple[str, str]:
    """The answers that differ, as `` (fact=answer)``; all of them when none does, or `every` is wanted."""
    names = [] if every else [name for name in {**recorded, **now} if recorded.get(name) != now.get(name)]

    def shown(facts: Mapping[str, str]) -> str:
        kept = [f"{name}={answer}" for name, answer in facts.items() if not names or name in names]
        return f" ({', '.join(kept)})" if kept else ""

    return shown(recorded), shown(now)
