"""A chart in python-statemachine: a class made from data by `create_machine_class_from_definition`.

What is strict is on: its three checks of the graph, an event that no row takes raises, and an error in a callback
is not swallowed.  (Its loader of files, `load`, turns the three checks off, so it is not used here.)  Rows without
an event and alternatives in a condition are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statemachine import StateChart
from statemachine.io import create_machine_class_from_definition

from tools.others.world import World, named

STRICT = {
    "validate_disconnected_states": True,
    "validate_trap_states": True,
    "validate_final_reachability": True,
    "allow_event_without_transition": False,
    "catch_errors_as_events": False,
}


def define(case: Mapping[str, Any], world: World) -> type[StateChart[World]]:
    """Return the class of the machine; `world` is needed only to run it."""
    states = {state["name"]: _state(state, case["initial"]) for state in case["states"]}
    return create_machine_class_from_definition("Broken", states, **STRICT)


def _state(state: Mapping[str, Any], initial: str) -> Any:
    said: dict[str, Any] = {"transitions": [_row(row) for row in state["rows"]]}
    if state["name"] == initial:
        said["initial"] = True
    if state["final"]:
        said["final"] = True
    if state["effect"]:
        said["enter"] = [state["effect"]]
    return said


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    guard = [" or ".join(f"{fact}_is_{answer}" for answer in answers) for fact, answers in row["guard"]]
    return {"event": row["event"], "target": row["target"], "cond": guard, "on": named(row)}


def run(case: Mapping[str, Any], made: type[StateChart[World]], world: World) -> None:
    """Run a machine of the class to a final state."""
    machine = made(model=world)
    while True:
        (state,) = machine.configuration_values
        world.entered.append(state)
        if machine.is_terminated:
            return
        machine.send(world.next_event(state))
