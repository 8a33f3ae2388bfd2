"""The verifier: one run of a journal, record by record, through the machine again."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from fsm_runner.engine.errors import IllegalEvent, JournalError
from fsm_runner.journal import Record
from fsm_runner.journal.codec import context_from, event_from
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.journal.records import DERIVED, Digests, Made, answers_of, asked, derived
from fsm_runner.loop.events import Json, Replied, ToolFinished
from fsm_runner.loop.messages import has_summary
from fsm_runner.loop.tool_loop import Step
from fsm_runner.replaying.json_diff import differences, same_way
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.report import Divergence, RunReport
from fsm_runner.replaying.under_way import OpenEffects


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
        under_way: its effects.
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
        self.under_way = OpenEffects()
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
        if self._off or self.under_way.open or self._expected:
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
        skipped = self.under_way.skipped(event)
        if skipped is not None:
            self._diverged(record, "", event.name, f"'{skipped.name}' is to be scheduled first")
        try:
            step = self.machine.step(self.snapshot, event)
        except IllegalEvent as error:
            self._diverged(record, "/event", event.name, str(error), end=True)
            return
        self.under_way.hear(event, moved=step.snapshot.state != self.snapshot.state)
        if isinstance(event, Replied):
            self._hand_out(event.message)
        self._stepped(step)

    def _hand_out(self, message: Json) -> None:
        if self.snapshot.context.compaction.config is None or has_summary(message):
            self.reply = message

    def _stepped(self, step: Step) -> None:
        self.snapshot = step.snapshot
        self._expected.extend(derived(step))
        self.under_way.ask(step.effects)

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
            recorded, made, renamed = same_way(record.type, recorded, made)
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
        effect = self.under_way.schedule(record, self.machine, self.snapshot)
        if effect is None:
            self._diverged(record, "/effect", record.data.get("effect"), NOTHING)
            return
        made = {"id": record.data["id"], **asked(effect, self._digests)}
        if record.data != made:
            self._agrees(record, made)

    def _finish(self, record: Record) -> None:
        if not self.under_way.finish(record):
            self._diverged(record, "/id", record.data.get("id"), NOTHING)

    def _resume(self, record: Record) -> None:
        """A killed process may have left off between an event and what follows from it."""
        self._expected.clear()
        if record.data.get("state") != self.snapshot.state:
            self._diverged(record, "/state", record.data.get("state", NOTHING), self.snapshot.state, end=True)
            return
        if record.data.get("chart") is not None:
            self._move(record)
        self.under_way.restart()
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
        divergence = Divergence.of(self._source, record, pointer, recorded, now)
        self.divergences.append(replace(divergence, recorded_facts=facts[0], facts=facts[1]))


def _versions(value: object) -> Mapping[str, object]:
    return {str(name): version for name, version in value.items()} if isinstance(value, Mapping) else {}
