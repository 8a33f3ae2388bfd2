"""The rules that the shipped charts declare: each holds, and a chart in which one row breaks it is refused by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fsm_runner import load
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.tool_loop import check

NAMES = list(shipped_charts())
OF_ALL = ("inspected_first", "closed_begins_nothing", "refused_change_stops")
STOPS = {"closed_begins_nothing": ("stop_closed", "leave_stream"), "refused_change_stops": ("refuse_change",)}
"""By rule, the rows that keep it: what it forbids is tried after them."""


def rule(chart, name):
    """The rule of that name."""
    return next(each for each in chart.rules if each.name == name)


def led_to(chart, row, target):
    """The chart, with a row that leads elsewhere."""
    return rewritten(chart, lambda rows: [replace(each, target=target) if each.id == row else each for each in rows])


def tried_first(chart, row, fact):
    """The chart, with a row tried before the others of its table, whatever a fact answers."""

    def change(rows):
        """The rows of a state, that one first."""
        made = [
            replace(each, guard=tuple(asked for asked in each.guard if asked[0] != fact)) if each.id == row else each
            for each in rows
        ]
        return sorted(made, key=lambda each: each.id != row)

    return rewritten(chart, change)


def rewritten(chart, change):
    """The chart, with the rows of each state as `change` makes them."""
    states = tuple(
        replace(each, always=tuple(change(each.always)), transitions=tuple(change(each.transitions)))
        for each in chart.states
    )
    return replace(chart, states=states)


def broken(chart):
    """The rows of a shortest path that breaks a rule, by the name of the rule."""
    return {each.rule: each.rows for each in check(chart, facts=FACTS).violations}


def leaving(chart, state):
    """The row that leaves a state first."""
    return next(row.id for row in chart.state(state).rows if row.target != state)


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_of_a_shipped_chart_is_proved(name):
    """The same three in each, with what the chart adds to the states and rows that they name."""
    chart = load(name)

    assert tuple(each.name for each in chart.rules) == check(chart, facts=FACTS).rules
    assert OF_ALL == tuple(each.name for each in chart.rules)[:3]


@pytest.mark.parametrize("name", NAMES)
def test_an_act_that_does_not_come_out_of_inspect_breaks_a_rule(name):
    """From each state that the rule counts from anew, to each act that it speaks of."""
    chart = load(name)
    asked = rule(chart, "inspected_first")

    for state in asked.since.states:
        for act in set(asked.then.states) - {state}:
            row = leaving(chart, state)
            assert row == broken(led_to(chart, row, act)).get("inspected_first", ("",))[-1], (state, act)


@pytest.mark.parametrize("name", NAMES)
def test_every_state_between_two_acts_is_counted_from(name):
    """But for those in which an act may be done again, as a request that is sent again, and the way to the tools."""
    chart = load(name)
    asked = rule(chart, "inspected_first")
    resting = {each.name for each in chart.states if not each.final} - {chart.initial, "inspect"}

    assert resting - set(asked.since.states) == {*asked.then.states, "call_tools"} - {"summarise"}


@pytest.mark.parametrize("of", STOPS)
@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_tried_before_the_one_that_stops_breaks_a_rule(name, of):
    """Each row that the rule names, put above the row that keeps it, and asking nothing of the kind itself."""
    chart = load(name)
    forbidden = rule(chart, of).enter
    ((fact, _),) = forbidden.guard

    for row in forbidden.rows:
        assert row == broken(tried_first(chart, row, fact)).get(of, ("",))[-1], row


@pytest.mark.parametrize("of", STOPS)
@pytest.mark.parametrize("name", NAMES)
def test_a_guard_that_asks_for_more_breaks_a_rule(name, of):
    """A closed run, or one with a refused change, that goes on for some other answer."""
    chart = load(name)

    for row in STOPS[of]:
        narrowed = rewritten(
            chart,
            lambda rows, row=row: [
                replace(each, guard=(*each.guard, ("awaits", ("more",)))) if each.id == row else each for each in rows
            ],
        )
        assert of in broken(narrowed), row


@pytest.mark.parametrize("name", NAMES)
def test_each_way_on_from_inspect_is_forbidden_to_a_closed_run(name):
    """Whatever does not lead to the end: a row that is added to the table has to be added to the rule."""
    chart = load(name)
    onward = {row.id for row in chart.state("inspect").rows if row.target != "done"}

    assert {*onward, "drain"} == set(rule(chart, "closed_begins_nothing").enter.rows)


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_after_the_refusal_of_a_change_is_forbidden_to_a_run_with_one(name):
    """The rows of the table below `refuse_change`, and above it a second look; what else is above goes beside the
    thread."""
    chart = load(name)
    ids = [row.id for row in chart.state("inspect").rows if row.target != "done"]
    below = ids[ids.index("refuse_change") + 1 :]

    assert {*below, *({"reflect"} & set(ids))} == set(rule(chart, "refused_change_stops").enter.rows)
