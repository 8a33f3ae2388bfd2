"""The export to XState v5: a machine as JSON, which `createMachine` takes and Stately's editor opens.

A guard is the one named ``answers``, with the answers that it requires as its parameters; an effect is an invoked actor
that sends the events it reports.  Rows keep their ids in ``description``, phases are tags, and what a row spends,
consumes or hands out is in ``meta``.

Source: https://stately.ai/docs/machines, and the JSON schema of xstate 5.
"""

from __future__ import annotations

from fsm_runner.engine.chart import Chart, Row, State


def xstate(chart: Chart) -> dict[str, object]:
    """Return `chart` as the configuration of an XState v5 machine."""
    return {
        "id": chart.name,
        "initial": chart.initial,
        "context": {"limits": {limit.name: limit.value for limit in chart.limits}},
        "states": {state.name: _state(state) for state in chart.states},
    }


def _state(state: State) -> dict[str, object]:
    made: dict[str, object] = {"tags": [state.phase]}
    if state.final:
        made["type"] = "final"
    if state.effect is not None:
        made["invoke"] = {"src": state.effect, "id": state.effect}
    if state.always:
        made["always"] = [_row(state, row) for row in state.always]
    if state.events:
        made["on"] = {
            event: [_row(state, row) for row in state.transitions if row.event == event] for event in state.events
        }
    return made


def _row(state: State, row: Row) -> dict[str, object]:
    made: dict[str, object] = {"target": row.target, "description": row.id}
    if row.guard:
        made["guard"] = {"type": "answers", "params": {name: list(answers) for name, answers in row.guard}}
    if row.target == state.name:
        made["reenter"] = True  # its effect starts anew
    meta = {"output": row.output, "spends": row.spends, "consumes": row.consumes}
    if known := {name: value for name, value in meta.items() if value is not None}:
        made["meta"] = known
    return made
