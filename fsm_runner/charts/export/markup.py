"""The export to pytransitions: the keywords of a plain `transitions.Machine`, as data.

    class Loop:
        def turn_is_wants_tools(self, event): ...      # one method for each condition

    machine = transitions.Machine(Loop(), **markup(chart))

Rows keep their order, so the first whose conditions hold is taken there, too.  Rows without an event wait for the
trigger `always`.  Effects, outputs, limits and supplies have no word in a plain machine, and are left out.
"""

from __future__ import annotations

from fsm_runner.engine.chart import Chart, Pattern

ALWAYS = "always"
"""The trigger of rows without an event: call it after entering a state, until no row holds."""


def markup(chart: Chart) -> dict[str, object]:
    """Return `chart` as keywords of `transitions.Machine`."""
    return {
        "name": chart.name,
        "states": [{"name": state.name, "final": state.final} for state in chart.states],
        "initial": chart.initial,
        "transitions": [
            {
                "trigger": row.event or ALWAYS,
                "source": state.name,
                "dest": row.target,
                "conditions": conditions(row.guard),
            }
            for state in chart.states
            for row in state.rows
        ],
        "auto_transitions": False,
        "send_event": True,
    }


def conditions(guard: Pattern) -> list[str]:
    """Return the names of a guard's conditions: ``turn_is_finished_or_unreadable``."""
    return [f"{name}_is_{'_or_'.join(answers)}" for name, answers in guard]
