"""Edits: a recorded chart beside the one that its runs are now followed on, and what that leaves of a journal.

A state of which only the name differs is known by the new one.  A limit that a run did not set itself, for it is what
the recorded chart says, is what the edited chart says.  An answer that a journal holds counts only where the edited
chart would have had it, too: not of a fact of another version, and not of one that counts what the edit counts
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fsm_runner.charts.diff import Way
from fsm_runner.charts.diff.declarations import renamed_states, with_new_names
from fsm_runner.engine.chart import Chart, Pattern, Row
from fsm_runner.journal import Record
from fsm_runner.loop.facts import FACTS, OWN_LIMITS, Fact
from fsm_runner.replaying.machines import Machines

_COUNTED: Mapping[str, Callable[[str], bool]] = {
    "limit": lambda name: name not in OWN_LIMITS,
    "last_request": lambda name: name == "last_requests",
    "reflection": lambda name: name == "reflections",
}
"""By built-in fact that reads what was spent: of which limits.  Of a fact of the user's own it may be any."""


class Edit:
    """How one recorded chart was edited.

    Attributes:
        old: the recorded chart, its renamed states under their new names.
        new: the edited chart.
    """

    def __init__(self, old: Chart, new: Chart) -> None:
        renamed = renamed_states(old, new)
        self.old = with_new_names(old, renamed)
        self.new = new
        self._names = {before: after for after, before in renamed.items()}
        self._rows = {row.id: row for row in self.old.rows}, {row.id: row for row in new.rows}
        self._old_states = {state.name: state for state in self.old.states}
        self._states = {state.name: state for state in new.states}

    def started(self, first: Record) -> tuple[Record, tuple[str, object] | None]:
        """Return the first record of a run with the limits that it has on the edited chart.

        Beside it the name and value of a limit that the run has set, and that the edited chart lacks; None mostly.
        """
        context = first.data.get("context")
        counters = context.get("counters") if isinstance(context, Mapping) else None
        recorded = counters.get("limits") if isinstance(counters, Mapping) else None
        if not (isinstance(context, Mapping) and isinstance(counters, Mapping) and isinstance(recorded, Mapping)):
            return first, None  # following it says what is wrong with it
        before = {limit.name: limit.value for limit in self.old.limits}
        limits: dict[str, object] = {limit.name: limit.value for limit in self.new.limits}
        set_here = {name: value for name, value in recorded.items() if name not in before or before[name] != value}
        lacking = next(((str(name), value) for name, value in set_here.items() if name not in limits), None)
        limits.update((name, value) for name, value in set_here.items() if name in limits)
        data = {**first.data, "context": {**context, "counters": {**counters, "limits": limits}}}
        return _with(first, data), lacking

    def unheld(self, versions: object, facts: Mapping[str, Fact]) -> frozenset[str]:
        """Return the facts whose recorded answers do not count on the edited chart.

        Args:
            versions: the versions of the facts that the run asked, as its journal says.
            facts: those that the edited chart asks, by name.
        """
        recorded = versions if isinstance(versions, Mapping) else {}
        others = {name for name, fact in facts.items() if name in recorded and recorded[name] != fact.version}
        counting = {name: _COUNTED.get(name, _any) for name in facts if name in _COUNTED or name not in FACTS}
        counted = {name for name, limits in counting.items() if not _same_counts(self.old, self.new, limits)}
        return frozenset(others | counted)

    def translated(self, record: Record, unheld: frozenset[str] = frozenset()) -> Record:
        """Return `record` with the new names of states, and without the answers to `unheld`."""
        if not self._names and not unheld:
            return record
        data = dict(record.data)
        for key in ("source", "target", "state"):
            name = data.get(key)
            if isinstance(name, str):
                data[key] = self._names.get(name, name)
        facts = data.get("facts")
        if record.type == "transition" and isinstance(facts, Mapping):
            data["facts"] = {name: answer for name, answer in facts.items() if name not in unheld}
        return _with(record, data)

    def effects(self, state: object) -> tuple[str | None, str | None]:
        """Return what is done in `state`: by the recorded chart, and by the edited one."""
        old, new = (states.get(str(state)) for states in (self._old_states, self._states))
        return None if old is None else old.effect, None if new is None else new.effect

    def moves_on(self, name: str) -> Row | None:
        """Return the first row of the edited chart that may hold where the run rested; None when it rests, too."""
        old, new = self._old_states.get(name), self._states.get(name)
        before = () if old is None else old.always
        for row in () if new is None else new.always:
            if not any(_within(row.guard, other.guard) for other in before):
                return row
        return None

    def was(self, record: Record) -> Way:
        """Return the way of a transition that was recorded."""
        return Way(row=self._rows[0].get(str(record.data.get("row"))) or _row_of(record))

    def goes(self, id: object) -> Way:
        """Return the way by the row `id` of the edited chart."""
        row = self._rows[1].get(str(id))
        return Way(absence="waits") if row is None else Way(row=row)

    def deciding(self, *ids: object) -> frozenset[str]:
        """Return the facts that rows called so ask, in either chart."""
        found = (rows[id] for rows in self._rows for id in ids if isinstance(id, str) and id in rows)
        return frozenset(name for row in found for name, _ in row.guard)


class Edits:
    """The edits of a file's recorded charts, each found once."""

    def __init__(self) -> None:
        self._found: dict[str, Edit] = {}

    def of(self, record: Record, machines: Machines) -> Edit:
        """Return the edit of the chart that `record` holds.

        Raises:
            ValueError: it holds none, or not the one that its hash was taken of.
            ChartError: that chart names what is not there.
        """
        sha256, chart = machines.recorded(record)
        if sha256 not in self._found:
            self._found[sha256] = Edit(chart, machines.of(record).chart)
        return self._found[sha256]


def _with(record: Record, data: Mapping[str, object]) -> Record:
    return Record(
        run=record.run,
        seq=record.seq,
        type=record.type,
        data=data,
        line=record.line,
        at=record.at,
        prev=record.prev,
    )


def _any(_: str) -> bool:
    return True


def _same_counts(old: Chart, new: Chart, counts: Callable[[str], bool]) -> bool:
    """Whether a run that goes the same way on both may spend, and has spent, the same of the limits that count."""
    before, now = _spending(old, counts), _spending(new, counts)
    alike = all(before[way] == now[way] and len(now[way]) == 1 for way in before.keys() & now.keys())
    return alike and _limits(old, counts) == _limits(new, counts)


def _limits(chart: Chart, counts: Callable[[str], bool]) -> dict[str, int | None]:
    return {limit.name: limit.value for limit in chart.limits if counts(limit.name)}


def _spending(chart: Chart, counts: Callable[[str], bool]) -> dict[tuple[object, ...], set[str | None]]:
    """By each way that a run can tell from others: what the rows that lead it spend."""
    found: dict[tuple[object, ...], set[str | None]] = {}
    for state in chart.states:
        for row in state.rows:
            spends = row.spends if row.spends is not None and counts(row.spends) else None
            found.setdefault((state.name, row.event, row.target, row.output), set()).add(spends)
    return found


def _within(guard: Pattern, other: Pattern) -> bool:
    """Whether `other` holds wherever `guard` does."""
    answers: Mapping[str, Iterable[str]] = dict(guard)
    return all(name in answers and set(answers[name]) <= set(allowed) for name, allowed in other)


def _row_of(record: Record) -> Row:
    output = record.data.get("output")
    return Row(
        id=str(record.data.get("row")),
        target=str(record.data.get("target")),
        output=output if isinstance(output, str) else None,
    )
