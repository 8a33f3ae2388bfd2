"""Decisions: where a row is chosen, and what was chosen for which answers.

Which row is taken follows from the state, the event and the answers alone, and there are only so many answers.  So
pytransitions is asked once for each combination that occurs, and what it said is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsm_runner.core.context import Context
from fsm_runner.core.events import Entered
from fsm_runner.core.facts import Fact
from fsm_runner.core.stepper import Stepper


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A row that was taken: immutable.

    Attributes:
        row: the row's id.
        source, target: the states it led from and to.
        event: the event that it took; None for an ``always`` row.
        facts: the answers of every fact that the rows of this decision may ask, by name.  Equal transitions share
            them, so whoever gets them must not change them.
        output: what it hands to the caller: ``message``, ``stream`` or None.
    """

    row: str
    source: str
    target: str
    event: str | None
    facts: Mapping[str, str]
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a row is chosen: in one state, for one event or for none.

    Attributes:
        state: the state's name.
        trigger: the event's, or that of ``always`` rows.
        facts: the facts that any of the rows may ask, each once, in the rows' order.
        known: by their answers, the transition that was chosen and what happens on entering its target; None where no
            row holds.  It is filled as combinations occur, of which there are finitely many.
    """

    state: str
    trigger: str
    facts: tuple[Fact, ...]
    known: dict[tuple[str, ...], tuple[Transition, Entered] | None]

    def taken(self, context: Context, stepper: Stepper) -> tuple[Transition, Entered] | None:
        """Return the row to take, as a transition, and what happens on entering its target; None when none holds."""
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
