"""The machine: takes an event; returns the transitions, the new snapshot and the effects to start.

pytransitions keeps the rows and picks one (see `rows`), and each `Decision` remembers what it picked for which answers.
A machine keeps nothing of a run, so one machine serves any number of runs.

The law of a step:

1. An act of the caller is folded into the context, and that is all.  The end of a run does not change this.
2. A report or an ask is folded; then the first row of the state for this event whose guard holds is taken.
3. On entering a state, `Entered` is folded; then the ``always`` rows are tried.  This repeats until none holds.
4. If the state takes no such event, `IllegalEvent` is raised and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Generic

from fsm_runner.engine.chart import Chart, State
from fsm_runner.engine.domain import Domain, EffectT, NamedEvent, Note, StopT
from fsm_runner.engine.errors import ChartError, IllegalEvent, InternalError, Problem
from fsm_runner.engine.fact import ContextT, Fact, answering
from fsm_runner.engine.frozen import Frozen
from fsm_runner.engine.rows import ALWAYS, Decision, Stepper, Transition, entry_of, trigger_of
from fsm_runner.engine.text import clipped


class Snapshot(Frozen, Generic[ContextT, StopT], frozen=True, kw_only=True):
    """Where a run is and what it knows, which is all that is needed to go on: immutable.

    Attributes:
        state: the name of the state that the run is in.
        context: all that the run knows.
        stop: why the run stopped here; None while it goes on.
    """

    state: str
    context: ContextT
    stop: StopT | None = None

    def __repr__(self) -> str:
        stop = "" if self.stop is None else f", stop={clipped(repr(self.stop), 50)}"
        return clipped(f"Snapshot(state={self.state!r}{stop}, context={self.context!r})")


class Step(Frozen, Generic[ContextT, EffectT, StopT], frozen=True, kw_only=True):
    """All that one event did: immutable.

    Attributes:
        transitions: the rows taken, in order; none for an act of the caller.
        snapshot: where the run is now.
        effects: what a driver starts now; others may still be in flight.
        notes: what a person should know.
        final: whether the run has ended.
    """

    transitions: tuple[Transition, ...]
    snapshot: Snapshot[ContextT, StopT]
    effects: tuple[EffectT, ...] = ()
    notes: tuple[Note, ...] = ()
    final: bool = False

    @property
    def output(self) -> str | None:
        """What the caller is handed: ``message``, ``stream`` or None."""
        return next((t.output for t in self.transitions if t.output is not None), None)

    def __repr__(self) -> str:
        effects = [type(each).__name__ for each in self.effects]
        stop = "" if self.snapshot.stop is None else f", stop={self.snapshot.stop!r}"
        rows = [each.row for each in self.transitions[-3:]]
        return clipped(f"Step(state={self.snapshot.state!r}, rows={rows}, effects={effects}{stop})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place(Generic[ContextT]):
    """A state with its decisions by event; `always` is None when it has no always rows."""

    state: State
    decisions: Mapping[str, Decision[ContextT]]
    always: Decision[ContextT] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Generic[ContextT, EffectT, StopT]):
    """A compiled chart, shared by all its runs: immutable.  Made by `compile`.

    Attributes:
        chart: what it was compiled from.
        facts: the facts that its guards ask, by name.
    """

    chart: Chart
    facts: Mapping[str, Fact[ContextT]]
    _domain: Domain[ContextT, EffectT, StopT] = field(repr=False)
    _places: Mapping[str, _Place[ContextT]] = field(repr=False, compare=False)
    _stepper: Stepper = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return clipped(f"Machine(chart={self.chart!r}, facts={len(self.facts)})")

    def start(self, context: ContextT) -> Step[ContextT, EffectT, StopT]:
        """Return the first step of a run: it is in the initial state and waits for the caller."""
        initial = self._places[self.chart.initial]
        return self._settle(initial, self._domain.fold(context, entry_of(initial.state)), [])

    def step(self, snapshot: Snapshot[ContextT, StopT], event: NamedEvent) -> Step[ContextT, EffectT, StopT]:
        """Return what `event` does to a run that is at `snapshot`; the snapshot itself does not change.

        Raises:
            IllegalEvent: the state takes no such event.
        """
        place, domain = self._places[snapshot.state], self._domain
        decision, acts = place.decisions.get(event.name), type(event) in domain.acts
        if decision is None and not acts:
            raise IllegalEvent(snapshot.state, event.name, self.takes(snapshot))
        context = domain.fold(domain.fresh(snapshot.context), event)
        if acts or decision is None:
            moved = Snapshot(state=snapshot.state, context=context, stop=snapshot.stop)
            notes = domain.notes(context)
            return Step(transitions=(), snapshot=moved, notes=notes, final=place.state.final)
        taken = decision.taken(context, self._stepper)
        if taken is None:
            answers = ", ".join(f"{each.name}={each.ask(context)}" for each in decision.facts)
            raise InternalError(f"state '{snapshot.state}': no row holds for event '{event.name}' ({answers})")
        transition, entry = taken
        return self._settle(self._places[transition.target], domain.fold(context, entry), [transition])

    def resume(self, snapshot: Snapshot[ContextT, StopT]) -> Step[ContextT, EffectT, StopT]:
        """Return the step that starts the effects of the state again, for a run that was cut off at `snapshot`."""
        state = self._places[snapshot.state].state
        effects = () if state.effect is None else self._domain.effects_again(state.effect, snapshot.context)
        return Step(transitions=(), snapshot=snapshot, effects=effects, final=state.final)

    def takes(self, snapshot: Snapshot[ContextT, StopT]) -> tuple[str, ...]:
        """Return the names of the events that the run takes where it is; it takes acts of the caller anywhere."""
        return self._places[snapshot.state].state.events

    def _settle(
        self, place: _Place[ContextT], context: ContextT, taken: list[Transition]
    ) -> Step[ContextT, EffectT, StopT]:
        """Take ``always`` rows until none of a state holds."""
        for _ in self._places:
            chosen = None if place.always is None else place.always.taken(context, self._stepper)
            if chosen is None:
                return self._step(place.state, context, taken)
            transition, entry = chosen
            context = self._domain.fold(context, entry)
            taken.append(transition)
            place = self._places[transition.target]
        raise InternalError(f"always rows led back to state '{place.state.name}'; a checked chart has none that do")

    def _step(self, state: State, context: ContextT, taken: list[Transition]) -> Step[ContextT, EffectT, StopT]:
        domain = self._domain
        return Step(
            transitions=tuple(taken),
            snapshot=Snapshot(
                state=state.name, context=context, stop=domain.stopped(state, context, taken[-1]) if taken else None
            ),
            effects=() if state.effect is None else domain.effects_of(state.effect, context),
            notes=domain.notes(context),
            final=state.final,
        )


def compile(
    chart: Chart, domain: Domain[ContextT, EffectT, StopT], facts: Iterable[Fact[ContextT]] = ()
) -> Machine[ContextT, EffectT, StopT]:
    """Compile a chart to a machine.

    Args:
        chart: a chart in which `check` has found no problem.
        domain: what the chart is about.
        facts: the user's own facts; one with the name of a built-in fact takes its place.

    Raises:
        ChartError: the chart asks a fact that has no code, or one whose code gives other answers.

    A step raises `RunError` when one of these facts gives an answer that it does not declare.
    """
    known = domain.with_facts(replace(each, ask=answering(each)) for each in facts)
    problems = tuple(_fact_problems(chart, known))
    if problems:
        raise ChartError(chart.name, problems)
    used = {use.name: known[use.name] for use in chart.facts}
    return Machine(
        chart=chart,
        facts=MappingProxyType(used),
        _domain=domain,
        _places={state.name: _place(state, used) for state in chart.states},
        _stepper=Stepper.of(chart),
    )


def _place(state: State, facts: Mapping[str, Fact[ContextT]]) -> _Place[ContextT]:
    decisions: dict[str, Decision[ContextT]] = {}
    names: dict[str, dict[str, None]] = {}
    for row in state.rows:
        names.setdefault(trigger_of(row), {}).update(dict.fromkeys(name for name, _ in row.guard))
    for trigger, some in names.items():
        asked = tuple(facts[name] for name in some)
        decisions[trigger] = Decision(state=state.name, trigger=trigger, facts=asked, known={})
    return _Place(state=state, always=decisions.pop(ALWAYS, None), decisions=decisions)


def _fact_problems(chart: Chart, known: Mapping[str, Fact[ContextT]]) -> Iterable[Problem]:
    for index, use in enumerate(chart.facts):
        if use.name not in known:
            message = f"fact '{use.name}': it is not built in; give its function with facts=[...]"
            yield Problem(code="unknown-fact", path=("facts", index), message=message)
        elif set(use.answers) != set(known[use.name].answers):
            message = f"fact '{use.name}': its function answers: {', '.join(known[use.name].answers)}"
            yield Problem(code="other-answers", path=("facts", index), message=message)
