"""A chart in transitions: a `Machine` of states and transitions, with conditions and callbacks by name.

What is strict is on: no automatic transitions, an event that no row takes raises.  transitions knows no row without
an event, so those wait for the event ``always``, which is sent on entering; and no alternatives in a condition, so
a row whose guard lists answers becomes one for each.  A state that begins with an effect is entered from the state
``initial``, as its documentation proposes, since it enters no initial state by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from transitions import Machine

from tools.others.world import Rests, World, named

ALWAYS = "always"
BEGIN = "begin"


def define(case: Mapping[str, Any], world: World) -> Machine:
    """Return the machine, with `world` as its model."""
    states: list[dict[str, Any]] = [_state(state) for state in case["states"]]
    rows = [_row(state, row, guard) for state in case["states"] for row in state["rows"] for guard in _guards(row)]
    initial = case["initial"]
    if any(state["effect"] for state in case["states"] if state["name"] == initial):
        states.insert(0, {"name": "initial"})
        rows.append({"trigger": BEGIN, "source": "initial", "dest": initial})
        initial = "initial"
    return Machine(
        model=world,
        states=states,
        transitions=rows,
        initial=initial,
        auto_transitions=False,
        ignore_invalid_triggers=False,
    )


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": state["name"], "final": state["final"], "on_enter": [state["effect"]] if state["effect"] else []}


def _guards(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the guards whose alternatives make up that of `row`."""
    return list(product(*([f"{fact}_is_{answer}" for answer in answers] for fact, answers in row["guard"])))


def _row(state: Mapping[str, Any], row: Mapping[str, Any], guard: tuple[str, ...]) -> dict[str, Any]:
    return {
        "trigger": row["event"] or ALWAYS,
        "source": state["name"],
        "dest": row["target"],
        "conditions": list(guard),
        "before": named(row),
    }


def run(case: Mapping[str, Any], machine: Machine, world: World) -> None:
    """Run `machine` to a final state.

    Raises:
        Rests: nothing moves it any more.
    """
    states = {state["name"]: state for state in case["states"]}
    if world.state == "initial" and "initial" not in states:
        machine.dispatch(BEGIN)
    while True:
        world.entered.append(world.state)
        state = states.get(world.state)
        if state is None:
            raise Rests
        if any(row["event"] is None for row in state["rows"]) and machine.dispatch(ALWAYS):
            continue
        if machine.get_state(world.state).final:
            return
        if not machine.dispatch(world.next_event(world.state)):
            raise Rests  # no condition held: it says False, and the event is gone
