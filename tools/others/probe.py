"""What each library makes of each broken chart; runs where they are installed, apart from fsm_runner.

    python -m tools.others.probe < cases.json > outcomes.json

A machine is defined, and then run under every combination of answers, with each event wherever it can happen.  What
is raised first counts; if nothing is, what was seen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Any

from statemachine.exceptions import InvalidDefinition

from tools.others import files, in_langgraph, in_statemachine, in_transitions
from tools.others.world import Endless, Rests, World, worlds

LIBRARIES: Mapping[str, ModuleType] = {
    "transitions": in_transitions,
    "python-statemachine": in_statemachine,
    "langgraph": in_langgraph,
}

UNWRITABLE: Mapping[tuple[str, str], str] = {
    **{(library, "duplicate-id"): "rows have no ids" for library in LIBRARIES},
    ("python-statemachine", "unknown-initial"): "a mark on a state",
}
"""By library and code: why a fault cannot be written there.  None of them has rules about order."""


def outcome(library: str, case: Mapping[str, Any]) -> dict[str, str]:
    """Return what `library` makes of `case`: ``when`` (unwritable, definition, running, nothing) and its words."""
    reason = "" if case["rules"] else UNWRITABLE.get((library, case["code"]))
    if reason is not None:
        return {"when": "unwritable", "what": reason}
    module = LIBRARIES[library]
    seen: list[tuple[World, str]] = []
    for world in worlds(case):
        try:
            machine = module.define(case, world)
        except Exception as error:
            return {"when": "definition", **_said(error)}
        try:
            module.run(case, machine, world)
            seen.append((world, "ended"))
        except Rests:
            seen.append((world, "rests"))
        except Endless:
            seen.append((world, "endless"))
            break
        except InvalidDefinition as error:  # python-statemachine looks names up when the first machine is made
            return {"when": "definition", **_said(error)}
        except Exception as error:
            return {"when": "running", **_said(error)}
    return {"when": "nothing", "what": what_was_seen(case, seen)}


def _said(error: Exception) -> dict[str, str]:
    text = " ".join(str(error).split())
    return {"what": type(error).__name__, "words": text}


# ── what was seen where nothing was said ────────────────────────────────────────────────────────────────────────────


def what_was_seen(case: Mapping[str, Any], seen: list[tuple[World, str]]) -> str:
    """Return what the runs did, in a few words; each is looked up in the runs, none is assumed."""
    about, states = case["about"], {state["name"]: state for state in case["states"]}
    runs = [world for world, _ in seen]
    if made_up := {state for world in runs for state in world.entered} - {*states}:
        return f"makes up a state `{made_up.pop()}`"
    if left := {state for world in runs for state in world.entered[:-1] if states[state]["final"]}:
        return f"leaves `{left.pop()}` again"
    if any(how == "endless" for _, how in seen):
        return "no end"
    if any(row["id"] == about for state in states.values() for row in state["rows"]):
        if not any(world.took[about] for world in runs):
            return f"`{about}` never taken"
    elif about in states and not any(about in world.entered for world in runs):
        return f"`{about}` never entered"
    if stuck := sorted((world.entered[-1], how) for world, how in seen if not states[world.entered[-1]]["final"]):
        state, how = stuck[0]
        return f"stays in `{state}`" if how == "rests" else f"ends in `{state}`"
    if unseen := [*{*case["answers"].get(about, ())} - {*case["declared"].get(about, ())}]:
        took = next(min(world.took) for world in runs if world.answers[about] == unseen[0])
        return f"`{unseen[0]}` takes `{took}`"
    last = {world.entered[-1] for world in runs}
    if about in last and states[about]["effect"]:
        return "performs the effect"
    return f"ends in `{'`, `'.join(sorted(last))}`"


def main() -> None:
    """Read cases, write versions and outcomes."""
    given = json.load(sys.stdin)
    machines = {
        case["name"]: {library: outcome(library, case) for library in LIBRARIES}
        for case in (*given["machines"], given["trusted"])
    }
    written = {name: {library: files.outcome(library, name) for library in LIBRARIES} for name in given["files"]}
    versions = {library: version(library) for library in LIBRARIES}
    json.dump({"versions": versions, "machines": machines, "files": written}, sys.stdout)


if __name__ == "__main__":
    main()
