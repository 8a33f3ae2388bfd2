"""Control flow: one run of a journal whose payloads are not all there, beside its chart.

Facts cannot be asked again without the payloads, so the recorded answers stand in for them: each event must be taken
where the run is, and each decision must lead to the row that the chart gives for those answers.  What the answers
were, the requests that were sent and the text of the end are taken as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fsm_runner.engine.chart import Chart, Row
from fsm_runner.engine.errors import JournalError
from fsm_runner.journal import Record
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.journal.records import answers_of
from fsm_runner.loop.events import ACTS
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.report import Divergence, RunReport

_ACTS = frozenset(act.name for act in ACTS)


def lacks_payloads(first: Record) -> bool:
    """Whether the run that `first` starts was written without content or redacted."""
    return first.data.get("content", "full") != "full"


class ControlRun:
    """One run of a file: mutable, fed record by record.

    Attributes:
        divergences: what does not agree; at most one, for the rest follows from it.
        rows: how often each row was taken and agreed, by the id that it has now.
        others: how often a row led the same way as the recorded one, which has another id: by both ids.
    """

    def __init__(self, first: Record, machines: Machines) -> None:
        """Begin with its first record.

        Raises:
            JournalError: that record holds no chart.
            ChartError: the chart asks a fact that has no code, or names what is not there.
        """
        self.divergences: list[Divergence] = []
        self.rows: dict[str, int] = {}
        self.others: dict[tuple[str, str], int] = {}
        self._machines = machines
        self._run = first.run
        self._transitions = 0
        self._ended: str | None = None
        self._event: str | None = None
        self._chart = self._chart_of(first)
        self._state = self._chart.state(self._chart.initial)

    def report(self) -> RunReport:
        """What became of it."""
        first = self.divergences[0].seq if self.divergences else None
        return RunReport(
            run=self._run,
            transitions=self._transitions,
            ended=self._ended,
            diverges_at=first,
            kind="value" if first is not None else None,
            differs=len(self.divergences),
            rows=self.rows,
            others=self.others,
            control_only=True,
        )

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it: its last state is final, or it took another row."""
        return bool(self.divergences) or self._state.final

    def take(self, record: Record) -> None:
        """Follow one more record."""
        if self.divergences:
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
            self._diverged(record, "", event, f"a row for '{self._event}' first")
        elif not isinstance(event, str) or (event not in _ACTS and event not in self._state.events):
            takes = ", ".join(self._state.events) or "none"
            self._diverged(record, "/event", event, f"state '{self._state.name}' takes: {takes}")
        elif event not in _ACTS:
            self._event = str(event)

    def _decide(self, record: Record) -> None:
        event, facts = record.data.get("event"), answers_of(record.data.get("facts"))
        if event != self._event:
            self._diverged(record, "/event", event, self._event)
            return
        rows = self._state.always if event is None else [row for row in self._state.transitions if row.event == event]
        possible, missing = _possible(rows, facts)
        recorded = record.data.get("row")
        row = next((each for each in possible if each.id == recorded), possible[0] if possible else None)
        alike = row is not None and all(self._same_way(record, each) for each in possible)
        if missing is not None and not (self._machines.edited and alike):
            self._diverged(record, f"/facts/{missing}", NOTHING, "an answer, for a row asks it")
        elif row is None or not (row.id == recorded or (self._machines.edited and alike)):
            self._diverged(record, "/row", recorded, NOTHING if row is None else row.id, facts)
        else:
            self._enter(record, row)

    def _same_way(self, record: Record, row: Row) -> bool:
        """Whether `row` leads where the recorded one led, whatever it is called."""
        then = record.data.get("source"), record.data.get("target"), record.data.get("output")
        return then == (self._state.name, row.target, row.output)

    def _enter(self, record: Record, row: Row) -> None:
        made = {"source": self._state.name, "target": row.target, "output": row.output}
        for key, now in made.items():
            if record.data.get(key, NOTHING) != now:
                self._diverged(record, f"/{key}", record.data.get(key, NOTHING), now)
                return
        self._transitions += 1
        self.rows[row.id] = self.rows.get(row.id, 0) + 1
        recorded = str(record.data.get("row"))
        if recorded != row.id:
            self.others[recorded, row.id] = self.others.get((recorded, row.id), 0) + 1
        self._event = None
        self._state = self._chart.state(row.target)

    def _resume(self, record: Record) -> None:
        """A killed process may have left off before the rows that led to where the run goes on."""
        behind = self._event is not None or bool(self._state.always)
        if record.data.get("chart") is not None:
            self._chart = self._chart_of(record)
        name = record.data.get("state")
        found = next((state for state in self._chart.states if state.name == name), None)
        if found is None or not (behind or name == self._state.name):
            self._diverged(record, "/state", name, self._state.name)
            return
        self._event = None
        self._state = found

    def _chart_of(self, record: Record) -> Chart:
        try:
            if record.type not in ("run_started", "resumed"):
                raise ValueError(f"the first record of run '{record.run}' is '{record.type}', not 'run_started'")
            return self._machines.of(record).chart
        except ValueError as error:
            source = self._machines.source
            raise JournalError(source, record.line, f"{error} (restore the line from a copy)") from None

    def _diverged(
        self, record: Record, pointer: str, recorded: object, now: object, facts: Mapping[str, str] | None = None
    ) -> None:
        divergence = Divergence.of(self._machines.source, record, pointer, recorded, now)
        self.divergences.append(replace(divergence, recorded_facts=facts or {}, facts=facts or {}))


def _possible(rows: Sequence[Row], facts: Mapping[str, str]) -> tuple[list[Row], str | None]:
    """The rows that may be the first to hold for `facts`; and a fact that it takes to say which, if one is missing."""
    possible: list[Row] = []
    lacking: str | None = None
    for row in rows:
        if any(facts.get(name, answers[0]) not in answers for name, answers in row.guard):
            continue
        possible.append(row)
        missing = next((name for name, _ in row.guard if name not in facts), None)
        if missing is None:
            break
        lacking = lacking or missing
    return possible, lacking
