"""What if: one recorded run, followed on an edited chart up to where it would go another way.

The chart is asked nothing that the journal cannot answer.  Of a run with its payloads every fact is asked again.  Of
one without them the recorded answers stand in; where it takes another one to decide, the verdict is that it cannot be
told.  A row that leads the same way is no divergence, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fsm_runner.charts.diff import Way
from fsm_runner.engine.chart import Row
from fsm_runner.engine.errors import InternalError, JournalError
from fsm_runner.journal import Record
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.journal.records import Made, answers_of
from fsm_runner.replaying.edits import Edit, Edits
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.report import Divergence, Kind, RunReport
from fsm_runner.replaying.verifier import verifier_of

_OF_ROWS = frozenset({"", "/row", "/source", "/target", "/event", "/output"})
"""The pointers by which a transition is another one."""


class WhatIf:
    """One run of a file on an edited chart: mutable, fed record by record.

    Attributes:
        divergences: where it goes another way, or why that cannot be told; at most one.
    """

    def __init__(self, first: Record, machines: Machines, edits: Edits) -> None:
        """Begin with its first record.

        Raises:
            JournalError: that record is no start, or cannot be read.
            ChartError: a chart asks a fact that has no code, or names what is not there.
        """
        self.divergences: list[Divergence] = []
        self._machines = machines
        self._edits = edits
        self._edit = self._edit_of(first)
        started, lacking = self._edit.started(first)
        self._run = verifier_of(started, machines)
        self._at = self._edit.new.initial
        self._rested = True
        self._learn(first)
        if lacking is not None:
            name, value = lacking
            now = f"chart '{self._edit.new.name}' has no limit '{name}', which the run has set"
            self.divergences.append(self._told(first, "stuck", f"/context/counters/limits/{name}", value, now))

    def report(self) -> RunReport:
        """What became of it."""
        found = self.divergences[0] if self.divergences else None
        return replace(
            self._run.report(),
            diverges_at=None if found is None else found.seq,
            kind=None if found is None else found.kind,
            differs=len(self.divergences),
            lacks=self._lacks,
        )

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it: its last state is final, or it goes another way."""
        return bool(self.divergences) or self._run.over

    def take(self, record: Record) -> None:
        """Follow one more record.

        Raises:
            JournalError: it holds an event that cannot be read.
        """
        if self.divergences or record.type == "sealed":
            return
        if record.type == "resumed" and record.data.get("chart") is not None:
            self._edit = self._edit_of(record)
            self._learn(record)
        record = self._edit.translated(record, self._unheld)
        due = self._run.due
        try:
            self._run.take(record)
        except InternalError as error:
            self.divergences.append(self._told(record, "stuck", "/event", record.data.get("event"), str(error)))
            return
        if self._run.divergences:
            self._judge(record, self._run.divergences[0], due)
        else:
            self._look(record)

    def _edit_of(self, record: Record) -> Edit:
        try:
            return self._edits.of(record, self._machines)
        except ValueError as error:
            problem = f"{error} (restore the line from a copy)"
            raise JournalError(self._machines.source, record.line, problem) from None

    def _learn(self, record: Record) -> None:
        """What the journal holds from here on."""
        machine = self._machines.of(record)
        versions = record.data.get("facts")
        self._unheld = self._edit.unheld(versions, machine.facts) if self._run.control_only else frozenset()
        known = versions if isinstance(versions, Mapping) else {}
        self._lacks = tuple(name for name in machine.facts if name not in known or name in self._unheld)

    def _look(self, record: Record) -> None:
        """What following does not see: a state that does something else, or one that would not rest."""
        if record.type == "transition":
            self._at, self._rested = str(record.data.get("target")), False
            was, now = self._edit.effects(self._at)
            if was != now:
                effect = self._told(record, "effect", "/effect", was, now)
                self.divergences.append(replace(effect, state=self._at))
        elif record.type == "resumed":
            self._at, self._rested = str(record.data.get("state")), True
        elif self._run.control_only and not self._rested and record.type in ("event", "scheduled"):
            self._rested = True
            self._leave(record, self._edit.moves_on(self._at))

    def _leave(self, record: Record, row: Row | None) -> None:
        """Where the run rested, `row` may hold now; without a guard it does."""
        if row is not None and row.guard:
            self._untold(record, row.guard[0][0])
        elif row is not None:
            told = self._told(record, "row", "/row", NOTHING, row.id)
            self.divergences.append(replace(told, was=Way(absence="waits"), goes=Way(row=row)))

    def _judge(self, record: Record, found: Divergence, due: Made | None) -> None:
        """Tell in the words of charts how the run differs."""
        if record.type == "event" and found.pointer == "/event":
            self.divergences.append(self._told(record, "stuck", "/event", found.recorded, found.now))
        elif record.type == "transition" and found.recorded is NOTHING and found.pointer.startswith("/facts/"):
            self._untold(record, found.pointer.removeprefix("/facts/"))
        elif record.type == "transition" and found.pointer in _OF_ROWS:
            row = record.data.get("row")
            now = found.now if found.pointer == "/row" else NOTHING if found.pointer == "" else row
            self._turned(record, found, self._edit.was(record), now)
        elif due is not None and due[0] == "transition" and record.type != "transition":
            self._turned(record, found, Way(absence="waits"), due[1].get("row"))
        else:
            self.divergences.append(replace(found, state=self._at))

    def _turned(self, record: Record, found: Divergence, was: Way, now: object) -> None:
        """Another row, with the facts that rows called like either of the two ask."""
        recorded = NOTHING if was.row is None else was.row.id
        asked = self._edit.deciding(recorded, now)

        def decided(facts: Mapping[str, str]) -> Mapping[str, str]:
            return {name: answer for name, answer in facts.items() if name in asked}

        taken = record.type == "transition"
        then = answers_of(record.data.get("facts")) if taken else {}
        event = record.data.get("event") if taken else None
        told = self._told(record, "row", found.pointer, found.recorded, found.now)
        if recorded != now:
            told = replace(told, pointer="/row", recorded=recorded, now=now)
        self.divergences.append(
            replace(
                told,
                recorded_facts=decided(found.recorded_facts or then),
                facts=decided(found.facts if found.pointer == "/row" else then),
                event=event if isinstance(event, str) else None,
                was=was,
                goes=self._edit.goes(now),
            )
        )

    def _untold(self, record: Record, fact: str) -> None:
        self.divergences.append(self._told(record, "unknown", f"/facts/{fact}", NOTHING, fact))

    def _told(self, record: Record, kind: Kind, pointer: str, recorded: object, now: object) -> Divergence:
        state = record.data.get("source") if record.type == "transition" else self._at
        told = Divergence.of(self._machines.source, record, pointer, recorded, now)
        return replace(told, kind=kind, state=str(state))
