"""The verifier: one run of a journal, record by record, through the machine again.

A run whose payloads are not all there is followed by its control flow alone.  Facts cannot be asked again, so the
recorded answers stand in for them: each event must be taken where the run is, and each decision must lead to the row
that the chart gives for those answers.  Answers, requests and the text of the end are taken as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from fsm_runner.engine.chart import Row
from fsm_runner.engine.errors import IllegalEvent, JournalError
from fsm_runner.engine.rows import may_take
from fsm_runner.journal import Record
from fsm_runner.journal.codec import context_from, event_from
from fsm_runner.journal.json_pointer import NOTHING, differences
from fsm_runner.journal.records import DERIVED, Digests, Made, answers_of, asked, derived
from fsm_runner.loop.events import ACTS, Json, Replied, ToolFinished
from fsm_runner.loop.messages import has_summary
from fsm_runner.loop.tool_loop import Step
from fsm_runner.replaying.in_flight import InFlight
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.report import Divergence, RunReport

_WAY = ("source", "event", "target", "output")
"""The fields of a row that was taken which a run, and its caller, can tell."""

_BY = ("row", "facts")
"""The fields of an end that say by which row and answers it came."""

_ACTS = frozenset(act.name for act in ACTS)


def lacks_payloads(first: Record) -> bool:
    """Whether the run that `first` starts was written without content or redacted."""
    return first.data.get("content", "full") != "full"


def verifier_of(first: Record, machines: Machines) -> RunVerifier:
    """Return what follows the run that `first` starts.

    Raises:
        JournalError: that record is no start, or cannot be read.
        ChartError: the chart asks a fact that has no code, or names what is not there.
    """
    return (ControlVerifier if lacks_payloads(first) else RunVerifier)(first, machines)


class RunVerifier:
    """One run of a file: mutable, fed record by record.

    Attributes:
        divergences: what does not agree so far, as far as it is kept.
        differs: how many divergences there were.
        rows: how often each row was taken and agreed, by the id that it has now.
        others: how often a row led the same way as the recorded one, which has another id: by both ids.
        machine: what it runs on now; a resumed run may have moved to another chart.
        snapshot: where it is.
        facts: the version of each fact that its chart asked when it last began or was resumed.
        in_flight: its effects.
        reply: the last message that its caller was handed; None before the first.
    """

    control_only = False

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
        self.in_flight = InFlight()
        self.reply: Json | None = None
        self._digests = Digests()
        try:
            if first.type != "run_started":
                raise ValueError(f"the first record of run '{first.run}' is '{first.type}', not 'run_started'")
            self.facts = _versions(first.data.get("facts"))
            self.machine = machines.of(first)
            self._begin(first)
        except ValueError as error:
            raise JournalError(self._source, first.line, f"{error} (restore the line from a copy)") from None

    def _begin(self, first: Record) -> None:
        self._stepped(self.machine.start(context_from(first.data.get("context"))))

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
            control_only=self.control_only,
        )

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it: it took another row, or is in a final state and nothing is open."""
        if self._off or self.in_flight.open or self._expected:
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
        skipped = self.in_flight.skipped(event)
        if skipped is not None:
            self._diverged(record, "", event.name, f"'{skipped.name}' is to be scheduled first")
        try:
            step = self.machine.step(self.snapshot, event)
        except IllegalEvent as error:
            self._diverged(record, "/event", event.name, str(error), end=True)
            return
        self.in_flight.hear(event, moved=step.snapshot.state != self.snapshot.state)
        if isinstance(event, Replied):
            self._hand_out(event.message)
        self._stepped(step)

    def _hand_out(self, message: Json) -> None:
        if self.snapshot.context.compaction.config is None or has_summary(message):
            self.reply = message

    def _stepped(self, step: Step) -> None:
        self.snapshot = step.snapshot
        self._expected.extend(derived(step))
        self.in_flight.ask(step.effects)

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
                self._count(str(made["row"]))
        elif kind == "ended":
            self._ended = str(made["reason"])

    def _count(self, row: str) -> None:
        self._transitions += 1
        self.rows[row] = self.rows.get(row, 0) + 1

    def _agrees(self, record: Record, made: Mapping[str, object]) -> bool:
        """Tell where a record differs from what is made now.  What a user's processors added does not count."""
        recorded: Mapping[str, object] = {key: record.data.get(key, NOTHING) for key in made}
        if self._machines.edited:
            recorded, made, renamed = _same_way(record.type, recorded, made)
            if renamed is not None:
                self.others[renamed] = self.others.get(renamed, 0) + 1
        if recorded == made:
            return True
        if record.type == "transition" and recorded.get("row") != made.get("row"):
            facts = answers_of(recorded["facts"]), answers_of(made["facts"])
            self._diverged(record, "/row", recorded["row"], made["row"], facts=facts, end=True)
            return False
        for pointer, then, now in differences(recorded, made):
            self._diverged(record, pointer, then, now)
        return False

    def _schedule(self, record: Record) -> None:
        effect = self.in_flight.schedule(record, self.machine, self.snapshot)
        if effect is None:
            self._diverged(record, "/effect", record.data.get("effect"), NOTHING)
            return
        made = {"id": record.data["id"], **asked(effect, self._digests)}
        if record.data != made:
            self._agrees(record, made)

    def _finish(self, record: Record) -> None:
        if not self.in_flight.finish(record):
            self._diverged(record, "/id", record.data.get("id"), NOTHING)

    def _resume(self, record: Record) -> None:
        """A killed process may have left off between an event and what follows from it."""
        self._expected.clear()
        if record.data.get("state") != self.snapshot.state:
            self._diverged(record, "/state", record.data.get("state", NOTHING), self.snapshot.state, end=True)
            return
        if record.data.get("chart") is not None:
            self._move(record, self.snapshot.state)
        self.in_flight.restart()
        self._stepped(self.machine.resume(self.snapshot))

    def _move(self, record: Record, state: str | None = None) -> None:
        """The run went on by another chart, in `state`.

        Raises:
            JournalError: the record holds no chart, or one without that state.
        """
        try:
            self.machine = self._machines.of(record)
            if state is not None:
                self.machine.chart.state(state)
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
        divergence = Divergence.of(self._source, record, pointer, recorded, now)
        self.divergences.append(replace(divergence, recorded_facts=facts[0], facts=facts[1]))


class ControlVerifier(RunVerifier):
    """A run whose payloads are not all there: its control flow.  There is at most one divergence, for the rest follows
    from it."""

    control_only = True

    def _begin(self, first: Record) -> None:
        self._event: str | None = None
        self._state = self.machine.chart.state(self.machine.chart.initial)

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it: its last state is final, or it took another row."""
        return self._off or self._state.final

    def take(self, record: Record) -> None:
        """Follow one more record."""
        if self._off:
            return
        match record.type:
            case "event":
                self._hear(record)
            case "transition":
                self._decide(record)
            case "ended":
                self._ended = str(record.data.get("reason"))
            case "resumed":
                self._resume(record)

    def _hear(self, record: Record) -> None:
        event = record.data.get("event")
        event = record.data.get("name") if event == "reported" else event
        if self._event is not None:
            self._diverged(record, "", event, f"a row for '{self._event}' first", end=True)
        elif not isinstance(event, str) or (event not in _ACTS and event not in self._state.events):
            takes = ", ".join(self._state.events) or "none"
            self._diverged(record, "/event", event, f"state '{self._state.name}' takes: {takes}", end=True)
        elif event not in _ACTS:
            self._event = str(event)

    def _decide(self, record: Record) -> None:
        event, facts = record.data.get("event"), answers_of(record.data.get("facts"))
        if event != self._event:
            self._diverged(record, "/event", event, self._event, end=True)
            return
        rows = self._state.always if event is None else [row for row in self._state.transitions if row.event == event]
        possible, missing = may_take(rows, facts)
        recorded = record.data.get("row")
        row = next((each for each in possible if each.id == recorded), possible[0] if possible else None)
        alike = row is not None and all(self._leads_alike(record, each) for each in possible)
        if missing is not None and not (self._machines.edited and alike):
            self._diverged(record, f"/facts/{missing}", NOTHING, "an answer, for a row asks it", end=True)
        elif row is None or not (row.id == recorded or (self._machines.edited and alike)):
            self._diverged(record, "/row", recorded, NOTHING if row is None else row.id, facts=(facts, facts), end=True)
        else:
            self._enter(record, row)

    def _leads_alike(self, record: Record, row: Row) -> bool:
        """Whether `row` leads where the recorded one led, whatever it is called."""
        then = record.data.get("source"), record.data.get("target"), record.data.get("output")
        return then == (self._state.name, row.target, row.output)

    def _enter(self, record: Record, row: Row) -> None:
        made = {"source": self._state.name, "target": row.target, "output": row.output}
        for key, now in made.items():
            if record.data.get(key, NOTHING) != now:
                self._diverged(record, f"/{key}", record.data.get(key, NOTHING), now, end=True)
                return
        self._count(row.id)
        recorded = str(record.data.get("row"))
        if recorded != row.id:
            self.others[recorded, row.id] = self.others.get((recorded, row.id), 0) + 1
        self._event = None
        self._state = self.machine.chart.state(row.target)

    def _resume(self, record: Record) -> None:
        """A killed process may have left off before the rows that led to where the run goes on."""
        behind = self._event is not None or bool(self._state.always)
        if record.data.get("chart") is not None:
            self._move(record)
        name = record.data.get("state")
        found = next((state for state in self.machine.chart.states if state.name == name), None)
        if found is None or not (behind or name == self._state.name):
            self._diverged(record, "/state", name, self._state.name, end=True)
            return
        self._event = None
        self._state = found


def _versions(value: object) -> Mapping[str, object]:
    return {str(name): version for name, version in value.items()} if isinstance(value, Mapping) else {}


def _same_way(
    kind: str, recorded: Mapping[str, object], made: Mapping[str, object]
) -> tuple[Mapping[str, object], Mapping[str, object], tuple[str, str] | None]:
    """Return both without what an edited chart may have otherwise while a run goes the same way.

    It may ask more facts, fewer, or of another limit; when it takes another row, the ids of both come third.
    """
    if kind == "ended":
        return {**recorded, **dict.fromkeys(_BY, None)}, {**made, **dict.fromkeys(_BY, None)}, None
    if kind != "transition":
        return recorded, made, None
    then, now = recorded["row"], made["row"]
    if then != now and any(recorded[key] != made[key] for key in _WAY):
        return recorded, made, None
    renamed = None if then == now else (str(then), str(now))
    return {key: recorded[key] for key in _WAY}, {key: made[key] for key in _WAY}, renamed
