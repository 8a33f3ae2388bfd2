"""Following: one run of a journal, record by record, beside the machine.

An event steps the machine, and what must follow from it is expected next.  An effect that a step asks for is pending
until it is scheduled, then open until it has ended in one way or another.  One that failed or was cut off is pending
again: unless an event says otherwise, the run goes on by performing it anew.

Once a run has taken another row, what follows in its journal answers questions that were not asked: the first such
divergence is told, and the comparison of that run ends there.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from copy import copy

from fsm_runner.core.chart import Chart
from fsm_runner.core.check_names import name_problems
from fsm_runner.core.effects import CallTool, Effect, SendRequest, Summarise
from fsm_runner.core.errors import ChartError, IllegalEvent, JournalError
from fsm_runner.core.events import Event, Failed, Json, Opened, Replied, Summarised, ToolFinished
from fsm_runner.core.facts import Fact
from fsm_runner.core.machine import Machine, Step, compile
from fsm_runner.core.messages import has_summary
from fsm_runner.journal import Record
from fsm_runner.journal.codec import chart_from, chart_hash, context_from, event_from
from fsm_runner.journal.digest import Digests
from fsm_runner.journal.records import DERIVED, Made, asked, derived
from fsm_runner.replaying.compare import differences
from fsm_runner.replaying.report import NOTHING, Divergence, RunReport

_WAY = ("source", "event", "target", "output")
"""The fields of a row that was taken which a run, and its caller, can tell."""

_BY = ("row", "facts")
"""The fields of an end that say by which row and answers it came."""


class Machines:
    """The machines of a file's runs, each compiled once."""

    def __init__(self, source: str, chart: Chart | None, facts: tuple[Fact, ...], *, keep: int | None = None) -> None:
        """See `replay`; of the divergences of a run, the first `keep` are kept, or all."""
        self.source = source
        self.keep = sys.maxsize if keep is None else keep
        self._facts = facts
        self._given = None if chart is None else compile(chart, facts)
        self.edited = chart is not None
        self._charts: dict[str, Chart] = {}
        self._compiled: dict[str, Machine] = {}

    def in_file(self, source: str) -> Machines:
        """The same for another file: what is compiled once serves both."""
        other = copy(self)
        other.source = source
        return other

    def of(self, record: Record) -> Machine:
        """The machine for a run that starts with `record`.

        Raises:
            ValueError: the record holds no chart, or not the one that its hash was taken of.
            ChartError: the chart asks a fact that has no code, or names what is not there.
        """
        if self._given is not None:
            return self._given
        sha256, chart = self.recorded(record)
        if sha256 not in self._compiled:
            self._compiled[sha256] = compile(chart, self._facts)
        return self._compiled[sha256]

    def recorded(self, record: Record) -> tuple[str, Chart]:
        """The chart that `record` holds, and its hash.

        Raises:
            ValueError: it holds no chart, or not the one that its hash was taken of.
            ChartError: the chart names what is not there.
        """
        held = record.data.get("chart")
        data, recorded = (held.get("data"), held.get("sha256")) if isinstance(held, Mapping) else (None, None)
        sha256 = chart_hash(data)
        if recorded != sha256:
            raise ValueError("the chart is not the one that its hash was taken of")
        if sha256 not in self._charts:
            self._charts[sha256] = _named(chart_from(data))
        return sha256, self._charts[sha256]


class Run:
    """One run of a file: mutable, fed record by record.

    Attributes:
        divergences: what does not agree so far, as far as it is kept.
        differs: how many divergences there were.
        rows: how often each row was taken and agreed, by the id that it has now.
        others: how often a row led the same way as the recorded one, which has another id: by both ids.
        machine: what it runs on now; a resumed run may have moved to another chart.
        snapshot: where it is.
        facts: the version of each fact that its chart asked when it last began or was resumed.
        begun: the ids of the tool calls that were scheduled, and have no result.
        numbered: how many effects other than tool calls were scheduled.
        reply: the last message that its caller was handed; None before the first.
    """

    def __init__(self, first: Record, machines: Machines) -> None:
        """Begin with its first record.

        Raises:
            JournalError: that record is no start, or cannot be read.
            ChartError: the chart asks a fact that has no code, or names what is not there.
        """
        self.divergences: list[Divergence] = []
        self.differs = 0
        self.rows: dict[str, int] = {}
        self.others: dict[tuple[str, str], int] = {}
        self._source = machines.source
        self._machines = machines
        self._run = first.run
        self._transitions = 0
        self._told: str | None = None
        self._ended: str | None = None
        self._off = False
        self._expected: deque[Made] = deque()
        self._pending: dict[str, Effect] = {}
        self._anew = False
        self._open: dict[str, tuple[str, Effect]] = {}
        self.begun: set[str] = set()
        self.numbered = 0
        self.reply: Json | None = None
        self._digests = Digests()
        try:
            if first.type != "run_started":
                raise ValueError(f"the first record of run '{first.run}' is '{first.type}', not 'run_started'")
            self.facts = _versions(first.data.get("facts"))
            self.machine = machines.of(first)
            step = self.machine.start(context_from(first.data.get("context")))
        except ValueError as error:
            raise JournalError(self._source, first.line, f"{error} (restore the line from a copy)") from None
        self._stepped(step)

    def report(self) -> RunReport:
        """What became of it."""
        first = self.divergences[0].seq if self.divergences else None
        return RunReport(
            run=self._run,
            transitions=self._transitions,
            ended=self._ended,
            diverges_at=first,
            kind="value" if first is not None else None,
            differs=self.differs,
            rows=self.rows,
            others=self.others,
        )

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it: it took another row, or is in a final state and nothing is open."""
        if self._off or self._open or self._expected:
            return self._off
        return self.machine.chart.state(self.snapshot.state).final

    @property
    def due(self) -> Made | None:
        """The record that has to come next; None when that is for the world to say."""
        return self._expected[0] if self._expected else None

    @property
    def owed(self) -> tuple[Made, ...]:
        """The records that follow from the last event and are not there."""
        return tuple(self._expected)

    def take(self, record: Record) -> None:
        """Follow one more record.

        Raises:
            JournalError: it holds an event that cannot be read.
        """
        kind = record.type
        if self._off or kind == "sealed":
            return
        if kind in DERIVED:
            self._compare(record)
        elif kind == "resumed":
            self._resume(record)
        elif kind == "completed" and record.data.get("id") == self._told:
            self._finish(record)  # of a tool, it stands between its result and what follows from that
        elif self._expected:
            self._diverged(record, "", kind, self._expected[0][0], end=True)
        elif kind == "event":
            self._step(record)
        elif kind == "scheduled":
            self._schedule(record)
        else:
            self._finish(record)

    def _step(self, record: Record) -> None:
        try:
            event = event_from(record.data.get("event"), record.data)
        except ValueError as error:
            raise JournalError(self._source, record.line, f"{error} (restore the line from a copy)") from None
        self._told = event.id if isinstance(event, ToolFinished) else None
        for key, effect in self._pending.items():
            if _comes_of(event, effect):
                if key not in self.begun:
                    self._diverged(record, "", event.name, f"'{effect.name}' is to be scheduled first")
                break
        try:
            step = self.machine.step(self.snapshot, event)
        except IllegalEvent as error:
            self._diverged(record, "/event", event.name, str(error), end=True)
            return
        if isinstance(event, Failed) or step.snapshot.state != self.snapshot.state:
            self._pending.clear()
            self._anew = False
        self._note(event)
        self._stepped(step)

    def _note(self, event: Event) -> None:
        if isinstance(event, ToolFinished):
            self.begun.discard(event.id)
            self._pending.pop(event.id, None)
        elif isinstance(event, Replied):
            self.begun.clear()
            if self.snapshot.context.compaction.config is None or has_summary(event.message):
                self.reply = event.message

    def _stepped(self, step: Step) -> None:
        self.snapshot = step.snapshot
        self._expected.extend(derived(step))
        for effect in step.effects:
            self._pending[_key(effect)] = effect

    def _compare(self, record: Record) -> None:
        if not self._expected:
            self._diverged(record, "", record.type, NOTHING, end=True)
            return
        kind, made = self._expected.popleft()
        if kind != record.type:
            self._diverged(record, "", record.type, kind, end=True)
            return
        agreed = record.data == made or self._agrees(record, made)
        if kind == "transition":
            if agreed:
                self._transitions += 1
                row = str(made["row"])
                self.rows[row] = self.rows.get(row, 0) + 1
        elif kind == "ended":
            self._ended = str(made["reason"])

    def _agrees(self, record: Record, made: Mapping[str, object]) -> bool:
        """Tell where a record differs from what is made now.  What a user's processors added does not count."""
        recorded: Mapping[str, object] = {key: record.data.get(key, NOTHING) for key in made}
        if self._machines.edited:
            recorded, made = self._same_way(record, recorded, made)
        if recorded == made:
            return True
        if record.type == "transition" and recorded.get("row") != made.get("row"):
            facts = _facts(recorded["facts"]), _facts(made["facts"])
            self._diverged(record, "/row", recorded["row"], made["row"], facts=facts, end=True)
            return False
        for pointer, then, now in differences(recorded, made):
            self._diverged(record, pointer, then, now)
        return False

    def _same_way(
        self, record: Record, recorded: Mapping[str, object], made: Mapping[str, object]
    ) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """Both, without what an edited chart may have otherwise while a run goes the same way."""
        if record.type == "ended":
            return {**recorded, **dict.fromkeys(_BY, None)}, {**made, **dict.fromkeys(_BY, None)}
        if record.type != "transition":
            return recorded, made
        then, now = recorded["row"], made["row"]
        if then != now and any(recorded[key] != made[key] for key in _WAY):
            return recorded, made
        if then != now:
            ids = str(then), str(now)
            self.others[ids] = self.others.get(ids, 0) + 1
        kept = {key: made[key] for key in _WAY}  # it may ask more facts, fewer, or a limit that is another
        return {key: recorded[key] for key in _WAY}, kept

    def _schedule(self, record: Record) -> None:
        id, name = record.data.get("id"), record.data.get("effect")
        key = id if name == CallTool.name else name
        effect = self._pending.pop(key, None) if isinstance(key, str) else None
        if effect is None or not isinstance(id, str) or not isinstance(key, str):
            self._diverged(record, "/effect", name, NOTHING)
            return
        if self._anew:
            effect = self._made_anew(key, effect)
        self._open[id] = key, effect
        if isinstance(effect, CallTool):
            self.begun.add(id)
        else:
            self.numbered += 1
        made = {"id": id, **asked(effect, self._digests)}
        if record.data != made:
            self._agrees(record, made)

    def _finish(self, record: Record) -> None:
        id = record.data.get("id")
        if not isinstance(id, str) or id not in self._open:
            self._diverged(record, "/id", id, NOTHING)
            return
        key, effect = self._open.pop(id)
        if record.type != "completed":
            self._pending[key] = effect
            self._anew = True

    def _made_anew(self, key: str, effect: Effect) -> Effect:
        """`effect` as it is asked for now: what is performed again takes along what the caller did in between."""
        again = self.machine.resume(self.snapshot).effects
        return next((each for each in again if key == _key(each)), effect)

    def _resume(self, record: Record) -> None:
        """A killed process may have left off between an event and what follows from it."""
        self._expected.clear()
        if record.data.get("state") != self.snapshot.state:
            self._diverged(record, "/state", record.data.get("state", NOTHING), self.snapshot.state, end=True)
            return
        if record.data.get("chart") is not None:
            self._move(record)
        self._pending.clear()
        self._open.clear()
        self._anew = True
        self._stepped(self.machine.resume(self.snapshot))

    def _move(self, record: Record) -> None:
        """The run went on by another chart.

        Raises:
            JournalError: the record holds none that has the state in which the run is.
        """
        try:
            self.machine = self._machines.of(record)
            self.machine.chart.state(self.snapshot.state)
        except (ValueError, KeyError) as error:
            raise JournalError(self._source, record.line, f"{error} (restore the line from a copy)") from None
        self.facts = _versions(record.data.get("facts"))

    def _diverged(
        self,
        record: Record,
        pointer: str,
        recorded: object,
        now: object,
        *,
        facts: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
        end: bool = False,
    ) -> None:
        self._off = end
        self.differs += 1
        if len(self.divergences) >= self._machines.keep:
            return
        divergence = Divergence(
            source=self._source,
            line=record.line,
            run=record.run,
            seq=record.seq,
            pointer=pointer,
            recorded=recorded,
            now=now,
            recorded_facts=facts[0],
            facts=facts[1],
        )
        self.divergences.append(divergence)


def _named(chart: Chart) -> Chart:
    """`chart`: one without loose names cannot break the machine, whoever forged it."""
    problems = tuple(name_problems(chart, None))
    if problems:
        raise ChartError(chart.name, problems)
    return chart


def _key(effect: Effect) -> str:
    """By which an effect is known until it is scheduled."""
    return effect.id if isinstance(effect, CallTool) else effect.name


def _comes_of(event: Event, effect: Effect) -> bool:
    """Whether `event` can only be the outcome of `effect`."""
    match event:
        case Replied() | Opened():
            return isinstance(effect, SendRequest)
        case ToolFinished():
            return isinstance(effect, CallTool) and event.id == effect.id
        case Summarised():
            return isinstance(effect, Summarise)
        case _:
            return False


def _versions(value: object) -> Mapping[str, object]:
    return {str(name): version for name, version in value.items()} if isinstance(value, Mapping) else {}


def _facts(value: object) -> Mapping[str, str]:
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, Mapping) else {}
