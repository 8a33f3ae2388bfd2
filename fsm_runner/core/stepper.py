"""The stepper: a chart's rows as pytransitions keeps them.

pytransitions is built with no model, so it binds no methods to anything; each choice hands it a throw-away `Cursor`,
which holds the state and the answers that the guards ask for.  A row is one `Branch`, whose guard is a look-up per
fact: conditions and callbacks found by name would cost ten times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import transitions as _pt

from fsm_runner.core.chart import Chart, Row, State
from fsm_runner.core.events import Entered

ALWAYS = "(always)"
"""The trigger of rows without an event.  No event can be called so: names hold no brackets."""


class Cursor:
    """What pytransitions moves: mutable, and thrown away after one choice.

    Attributes:
        state: the name of the state that the run is in.
        answers: the answers of the facts that the rows of this decision may ask.
        branch: the row that was taken; None before any was.
    """

    __slots__ = ("answers", "branch", "state")

    def __init__(self, state: str, answers: Mapping[str, str]) -> None:
        self.state = state
        self.answers = answers
        self.branch: Branch | None = None


class Branch(_pt.Transition):
    """A row as pytransitions keeps it.

    Attributes:
        row: the row.
        entry: what happens on entering its target by it.
    """

    def __init__(self, source: str, dest: str, *_: None, row: Row, entry: Entered) -> None:
        super().__init__(source, dest)
        self.row = row
        self.entry = entry
        self._guard = tuple((name, frozenset(answers)) for name, answers in row.guard)

    def execute(self, event_data: _pt.EventData) -> bool:
        """Take the row if its guard holds, and leave it on the cursor; return whether it did."""
        cursor = cast(Cursor, event_data.model)
        for name, answers in self._guard:
            if cursor.answers[name] not in answers:
                return False
        cursor.state, cursor.branch = self.row.target, self
        return True


class Stepper(_pt.Machine):
    """pytransitions' machine, of branches."""

    transition_cls = Branch

    @classmethod
    def of(cls, chart: Chart) -> Stepper:
        """Return the stepper that holds the rows of `chart`."""
        stepper = cls(
            model=None,
            states=[state.name for state in chart.states],
            initial=chart.initial,
            auto_transitions=False,
            send_event=True,
        )
        for state in chart.states:
            for row in state.rows:
                entry = entry_of(chart.state(row.target), row)
                stepper.add_transition(trigger_of(row), state.name, row.target, row=row, entry=entry)
        return stepper

    def take(self, state: str, trigger: str, answers: Mapping[str, str]) -> Branch | None:
        """Return the first row of `state` and `trigger` whose guard holds for `answers`; None when none does."""
        cursor = Cursor(state, answers)
        return cursor.branch if self.events[trigger].trigger(cursor) else None


def trigger_of(row: Row) -> str:
    """Return what pytransitions calls the event of `row`."""
    return ALWAYS if row.event is None else row.event


def entry_of(state: State, row: Row | None = None) -> Entered:
    """Return what happens on entering `state` by `row`; by none at the start."""
    return Entered(
        state=state.name,
        phase=state.phase,
        effect=state.effect,
        final=state.final,
        output=None if row is None else row.output,
        spends=None if row is None else row.spends,
    )
