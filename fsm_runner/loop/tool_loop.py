"""Claude's tool loop as a domain, and `compile` and `check` for its charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from msgspec.structs import replace

from fsm_runner.engine import check as _check
from fsm_runner.engine import machine as _machine
from fsm_runner.engine.chart import Chart, State
from fsm_runner.engine.domain import Domain, NamedEvent, Note
from fsm_runner.engine.fact import Fact
from fsm_runner.engine.rows import Entered, Transition
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import VOCABULARY, Effect, effects_again, effects_of
from fsm_runner.loop.facts import FACTS, calls, closed, reached_limits, turn
from fsm_runner.loop.fold import fold
from fsm_runner.loop.stop import CLOSED, FAILED, LIMIT, STOPPED, UNREADABLE, Stop, StopReason, stop_reason_of

if TYPE_CHECKING:
    Machine: TypeAlias = _machine.Machine[Context, Effect, Stop]
    Snapshot: TypeAlias = _machine.Snapshot[Context, Stop]
    Step: TypeAlias = _machine.Step[Context, Effect, Stop]
else:  # in Python 3.11, an alias of a frozen generic class cannot be called
    Machine, Snapshot, Step = _machine.Machine, _machine.Snapshot, _machine.Step


def _fold(context: Context, event: NamedEvent | Entered) -> Context:
    return fold(context, cast("ev.Event | Entered", event))


def _stopped(state: State, context: Context, last: Transition) -> Stop | None:
    """Why the run stops in `state`; None while it goes on.  It also stops where it rests after a failure."""
    rests = context.stand.failure is not None and state.effect is None
    return stop_of(state, context, last) if state.final or rests else None


def stop_of(state: State, context: Context, last: Transition) -> Stop:
    """Return why the run ended in `state`, which `last` led to."""
    failure = context.stand.failure
    if failure is not None and not (state.final and closed(context) == "true"):
        return Stop(reason=FAILED.reason, row=last.row, facts=last.facts, detail=f"{failure.error}: {failure.text}")
    reason, detail = _reason(context)
    return Stop(reason=reason.reason, row=last.row, facts=last.facts, detail=detail)


def _reason(context: Context) -> tuple[StopReason, str | None]:
    if closed(context) == "true":
        return CLOSED, None
    said, asked_for = stop_reason_of(context.turn.reply), turn(context)
    if asked_for == "finished" and said is not None:
        return said, None
    if context.turn.reply is not None and said is None:
        given = context.turn.reply.get("stop_reason")
        return UNREADABLE, "the reply has no stop reason" if given is None else f"stop reason {given!r}"
    if reached := reached_limits(context):
        return LIMIT, ", ".join(f"{name}: {context.counters.limits[name]}" for name in reached)
    return STOPPED, None


def _notes(context: Context) -> tuple[Note, ...]:
    return context.notes


def _fresh(context: Context) -> Context:
    return replace(context, notes=()) if context.notes else context


TOOL_LOOP: Domain[Context, Effect, Stop] = Domain(
    vocabulary=VOCABULARY,
    facts=FACTS,
    fold=_fold,
    acts=frozenset(ev.ACTS),
    effects_of=effects_of,
    effects_again=effects_again,
    stopped=_stopped,
    notes=_notes,
    fresh=_fresh,
)
"""Claude's tool loop."""


def with_built_in(given: Iterable[Fact[Context]]) -> dict[str, Fact[Context]]:
    """Return the built-in facts and `given`, by name; a given fact takes the place of a built-in one of its name."""
    return TOOL_LOOP.with_facts(given)


def reopened(machine: Machine, snapshot: Snapshot) -> Snapshot | None:
    """Return where the open calls of a run that has ended can still be answered, without going on with the run.

    That is the state in which the chart hands out a message.  From there the calls take the same way as during the run,
    also past a person's approval if the chart asks for one.  None: the run has not ended, no call is open, or the chart
    does not answer calls there.
    """
    states = {state.name: state for state in machine.chart.states}
    if not states[snapshot.state].final or calls(snapshot.context) != "open":
        return None
    for row in machine.chart.rows:
        if row.output == "message" and ev.AnswerAsked.name in states[row.target].events:
            return replace(snapshot, state=row.target, stop=None)
    return None


def closed_again(ended: Snapshot, beside: Snapshot) -> Snapshot:
    """Return `ended` with the calls that were answered after the end, at `beside`."""
    return replace(ended, context=replace(beside.context, stand=ended.context.stand))


def compile(chart: Chart, facts: Iterable[Fact[Context]] = ()) -> Machine:
    """Compile a chart of the tool loop to a machine.

    Args:
        chart: a chart in which `check` has found no problem.
        facts: your own facts; one with the name of a built-in fact takes its place.

    Raises:
        ChartError: the chart asks a fact that has no code, or one whose code gives other answers.

    A step raises `RunError` when one of your facts gives an answer that it does not declare.
    """
    return _machine.compile(chart, TOOL_LOOP, facts)


def check(chart: Chart, *, facts: Mapping[str, _check.FactCode] | None = None, strict: bool = False) -> _check.Verdict:
    """Prove that a chart of the tool loop can run, or find everything that is wrong with it.

    Args:
        chart: the chart; nothing of it is run.
        facts: the facts by name.  The chart must then declare their answers, and combinations that they call impossible
            are left out.  None: only those that the built-in facts call impossible are.
        strict: whether overlapping rows are problems, too.
    """
    return _check.check(chart, TOOL_LOOP, facts=facts, strict=strict)
