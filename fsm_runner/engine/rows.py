"""The rows: how pytransitions keeps a chart's rows and picks one of them.

pytransitions does two things for us.  It keeps the rows of each state and event in the order of the file, and it picks
the first whose guard holds.  It is built without a model, so it adds no methods to any object; for each choice it gets
a `Cursor`, which has the state and the facts' answers and is thrown away afterwards.  A row is a `Branch`, whose guard
is one look-up for each fact.

The state, the event and the answers decide which row is taken, and there are few combinations of answers.  So
pytransitions is asked once for each combination that occurs, and a `Decision` remembers the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, cast

import transitions as _pt

from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.engine.fact import ContextT, Fact
from fsm_runner.engine.frozen import Frozen

ALWAYS = "(always)"
"""The trigger of rows without an event.  No event can be called so: names hold no brackets."""


class Entered(Frozen, frozen=True, kw_only=True):
    """The machine entered a state.  It follows from the rows, so it is never journaled.

    Attributes:
        state: the state's name.
        phase: its phase.
        effect: its effect; None when it has none.
        final: whether the run ends here.
        output: what the row taken hands to the caller; None when nothing.
        spends: the limit that the row taken spends; None when it spends none.
    """

    name: ClassVar[str] = "entered"
    state: str
    phase: str
    effect: str | None = None
    final: bool = False
    output: str | None = None
    spends: str | None = None


class Cursor:
    """The model that pytransitions moves: mutable, and thrown away after one choice.

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
        """Take the row if its guard holds: put it on the cursor and return True."""
        cursor = cast(Cursor, event_data.model)
        for name, answers in self._guard:
            if cursor.answers[name] not in answers:
                return False
        cursor.state, cursor.branch = self.row.target, self
        return True


class Stepper(_pt.Machine):
    """A machine of pytransitions whose transitions are branches."""

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
        states = {state.name: state for state in chart.states}
        for state in chart.states:
            for row in state.rows:
                entry = entry_of(states[row.target], row)
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
    """Return the event of entering `state` by `row`; None: at the start of the run."""
    return Entered(
        state=state.name,
        phase=state.phase,
        effect=state.effect,
        final=state.final,
        output=None if row is None else row.output,
        spends=None if row is None else row.spends,
    )


class Transition(Frozen, frozen=True, kw_only=True):
    """A row that was taken: immutable.

    Attributes:
        row: the row's id.
        source, target: the states it led from and to.
        event: the event that it took; None for an ``always`` row.
        facts: the answers of all facts that the rows of this decision ask, by name.  Do not change them: equal
            transitions share them.
        output: what it hands to the caller: ``message``, ``stream`` or None.
    """

    row: str
    source: str
    target: str
    event: str | None
    facts: Mapping[str, str]
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[ContextT]):
    """The choice between the rows of one state for one event, or between its ``always`` rows.

    Attributes:
        state: the state's name.
        trigger: the event's name, or `ALWAYS`.
        facts: the facts that the rows ask, each once, in the rows' order.
        known: for each combination of answers that has occurred, the transition and the event of entering its target;
            None where no row holds.
    """

    state: str
    trigger: str
    facts: tuple[Fact[ContextT], ...]
    known: dict[tuple[str, ...], tuple[Transition, Entered] | None]

    def taken(self, context: ContextT, stepper: Stepper) -> tuple[Transition, Entered] | None:
        """Return the transition to take and the event of entering its target; None when no row holds."""
        answers = tuple([each.ask(context) for each in self.facts]) if self.facts else ()
        try:
            return self.known[answers]
        except KeyError:
            return self.known.setdefault(answers, self._chosen(answers, stepper))

    def _chosen(self, answers: tuple[str, ...], stepper: Stepper) -> tuple[Transition, Entered] | None:
        facts = {each.name: answer for each, answer in zip(self.facts, answers, strict=True)}
        branch = stepper.take(self.state, self.trigger, facts)
        if branch is None:
            return None
        row = branch.row
        transition = Transition(
            row=row.id, source=self.state, target=row.target, event=row.event, facts=facts, output=row.output
        )
        return transition, branch.entry


def may_take(rows: Iterable[Row], facts: Mapping[str, str]) -> tuple[list[Row], str | None]:
    """Return which of `rows` may be the first to hold when not all answers are known, and a fact that would tell.

    Args:
        rows: in the order in which they are tried.
        facts: the known answers, by fact.

    Returns:
        One row and None where the answers suffice, or none and None where no row holds.
    """
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
