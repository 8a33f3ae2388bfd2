"""Reaching: what cannot be reached is proved, and each reason is told."""

from __future__ import annotations

from hypothesis import given, settings

from fsm_runner.charts import load
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.exploring import explore
from fsm_runner.exploring.reachability import ways
from fsm_runner.loop.facts import FACTS as CODE
from tests.charts.random_charts import charts, combinations, taken
from tests.exploring.charts import FACTS, FINISH, GO_ON, LONELY, LOST, chart


def why(mine, row):
    """Why `row` can never be taken."""
    return next(ways(mine).why_not(state.name, each) for state in mine.states for each in state.rows if each.id == row)


def test_all_states_and_rows_of_shipped_charts_can_be_reached():
    """The search over states and answers says no less than conversations show."""
    for name in shipped_charts():
        shipped = load(name)
        found = ways(shipped)

        assert {state.name for state in shipped.states} == set(found.paths)
        assert {} == found.blocked


def test_a_state_that_nothing_leads_to():
    """The cut is all that is reached; no row leaves it."""
    found = ways(chart(LONELY, verify=False)).to("lonely")

    assert None is found.path
    assert ((), ()) == (found.leaving, found.toward)
    assert "lonely" not in found.reached
    assert 13 == len(found.reached)


def test_every_row_across_the_cut_has_its_reason():
    """Dead, impossible, with an event that does not come, or of a state that is not reached itself."""
    mine = chart(*LOST, verify=False)
    found = ways(mine).to("lonely")

    assert {
        "dead": "it is dead: 'go_on' before it cover all of it",
        "idle": "nothing reports 'summarised' while a run is in 'compact'",
        "odd": "it wants turn=wants_tools, calls=done, which cannot happen",
        "over": "state 'beside' cannot be reached",
    } == {each.row.id: each.why for each in found.toward}
    assert {"dead", "idle", "odd"} == {each.row.id for each in found.leaving}


def test_a_fact_about_a_limit_that_is_not_declared_answers_none():
    """So a row that wants another answer is never taken; and with such a limit it may be."""
    row = (FINISH, "      - {id: again, guard: {turn: finished, reflection: due}, target: done}\n" + FINISH)
    declared = (FACTS, "facts:\n  reflection: [none, due]\n  #")
    said = "it wants reflection=due, but the chart declares no limit 'reflections', so the answer is always none"

    assert said == why(chart(declared, row), "again")
    assert "" == why(chart(declared, row, ("limits:\n", "limits:\n  reflections: 1\n")), "again")


def test_a_users_fact_of_the_same_name_may_answer_anything():
    """The proof is of the built-in one."""
    row = (FINISH, "      - {id: again, guard: {turn: finished, reflection: due}, target: done}\n" + FINISH)
    mine = chart((FACTS, "facts:\n  reflection: [none, due]\n  #"), row)
    (own,) = [each for each in CODE.values() if each.name == "limit"]
    other = {**CODE, "reflection": type(own)(name="reflection", answers=("none", "due"), ask=lambda _: "due")}

    assert {} == ways(mine, other).blocked


def test_a_state_that_never_rests_takes_no_event():
    """Its always rows hold whatever the facts answer."""
    mine = chart(
        ("  request:\n", "    transitions:\n      - {id: late, event: continued, target: done}\n\n  request:\n")
    )

    assert "a run never rests in 'inspect': some always row holds whatever the facts answer" == why(mine, "late")


def test_what_may_come_late_is_no_proof():
    """A tool that runs beside another can end after the run has gone on; a stream can be read on by the caller."""
    rows = [
        f"      - {{id: {event}_late, event: {event}, target: inspect}}\n" for event in ("tool_finished", "replied")
    ]

    assert {} == ways(chart((GO_ON, GO_ON + "".join(rows)))).blocked


def test_a_row_that_is_proved_impossible_is_told_as_such():
    """And is not searched for."""
    mine = chart((GO_ON, GO_ON + "      - {id: odd, event: summarised, target: inspect}\n"))
    (path,) = explore(mine, rows=["odd"]).missing

    assert ("impossible", "nothing reports 'summarised' while a run is in 'offered'") == (path.without, path.why)


@settings(max_examples=60)
@given(charts())
def test_what_is_reached_is_what_all_combinations_reach(mine):
    """Taken one by one: the rows that some combination takes, from where the run can be."""
    reached, waiting = {mine.initial}, [mine.initial]
    while waiting:
        state = mine.state(waiting.pop())
        always = [taken(state, None, point) for point in combinations()]
        events = () if None not in always and state.always else state.events
        rows = [*always, *(taken(state, event, point) for event in events for point in combinations())]
        targets = {row.target for row in rows if row is not None and row.event in (None, "failed")} - reached
        reached |= targets
        waiting += targets

    assert reached == set(ways(mine).paths)
