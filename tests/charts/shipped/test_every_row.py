"""Every row of every shipped chart, taken: one set of worlds, played through each chart's machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.engine.chart import Row
from fsm_runner.loop import events as ev
from fsm_runner.loop.tool_loop import compile
from tests.charts.shipped.worlds import ASKED, GO, TOOL, World, played, worlds
from tests.support.build import PARAMS, reply, use

FILES = shipped_charts()
CHARTS = sorted(FILES)


def never_taken(chart):
    """The rows of `chart` that no world takes."""
    machine = compile(chart)
    rows = {t.row for world in worlds().values() for step in played(machine, world) for t in step.transitions}
    return {row.id for row in chart.rows} - rows


@pytest.mark.parametrize("name", CHARTS)
def test_every_row_is_taken(name):
    """In some world, and every world comes to an end, also that of a model that always wants more."""
    assert set() == never_taken(load(FILES[name]))


@pytest.mark.parametrize("name", CHARTS)
def test_a_new_row_without_a_world_of_its_own_is_noticed(name):
    """Whoever adds one to a chart adds what takes it."""
    chart = load(FILES[name])
    new = Row(id="new", guard=(("closed", ("true",)), ("turn", ("paused",))), target="done")
    states = tuple(
        replace(state, always=(new, *state.always)) if state.name == "inspect" else state for state in chart.states
    )

    assert {"new"} == never_taken(replace(chart, states=states))


ENDS = {
    "what is asked after the tools fails, three times": "stop_limit",
    "the server has no threads for the answer": "stop_limit",
    "the caller changes what the thread keeps": "stop_closed",
    "the caller closes": "stop_closed",
    "the caller closes while it reads": "leave_stream",
    "the limit is reached": "stop_limit",
    "the limit is reached, and the model wants tools for ever": "stop_limit",
    "the limit is reached in streams": "stop_limit",
    "the reply cannot be read": "unreadable",
    "compacting fails": "give_up",
}
"""The rows that end the runs of the default chart; not named: `finish`."""

OTHER_ENDS = {
    ("anthropic-0.75", "the turn is paused"): "stop_paused",
    ("finalise", "what is asked after the tools fails, three times"): "finalised",
    ("finalise", "the server has no threads for the answer"): "finalised",
    ("finalise", "the limit is reached"): "finalised",
    ("finalise", "the limit is reached in streams"): "finalised",
}
"""Where a chart's runs end by another row than those of the default chart."""


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("world", worlds())
def test_runs_end_as_those_of_the_default_chart_but_where_it_is_meant(name, world):
    """By the row that is listed, and in a final state."""
    machine = compile(load(FILES[name]))
    *_, last = played(machine, worlds()[world])

    assert OTHER_ENDS.get((name, world), ENDS.get(world, "finish")) == last.snapshot.stop.row
    assert machine.chart.state(last.snapshot.state).final


@pytest.mark.parametrize(("name", "row"), [("finalise", "last_replied"), ("reflect", "reflected")])
def test_what_the_caller_had_compacted_comes_after_the_extra_request(name, row):
    """So that the model has before it what it is to speak of."""
    at_limit = World(replies=[TOOL], caller=[GO, ASKED, GO], limit=1)
    world = at_limit if name == "finalise" else World(caller=[GO, ASKED, GO])
    rows = [t.row for step in played(compile(load(FILES[name])), world) for t in step.transitions]

    assert rows.index(row) < rows.index("compacted")


def test_a_last_request_on_a_thread_leaves_the_tools_to_the_thread():
    """The server has them; the choice goes out all the same."""
    machine = compile(load("finalise"))
    world = World(replies=[ev.Replied(message=reply(use("a"), id="msg_1"))], limit=1, thread="new")
    start = world.context(machine.chart)
    start = structs.replace(start, settings=structs.replace(start.settings, tools=({"name": "search"},)))
    step = machine.start(start)
    while step.snapshot.state != "finalise":
        effect = machine.chart.state(step.snapshot.state).effect
        step = machine.step(step.snapshot, world.next(effect, step.snapshot))
    (request,) = step.effects

    assert (None, {"type": "none"}) == (request.tools, request.params["tool_choice"])
    assert {"type": "continue", "previous_message_id": "msg_1"} == request.thread


def test_a_second_look_that_would_lose_the_callers_change_is_not_taken():
    """The thread keeps what it was created with; the run ends as it does by default."""
    changed = ev.ParamsReplaced(params={**PARAMS, "system": "other"})
    world = World(caller=[GO, changed, GO], thread="new")
    *_, last = played(compile(load("reflect")), world)

    assert ("finish", {"iterations": 1}) == (last.snapshot.stop.row, dict(last.snapshot.context.counters.spent))
