"""The difference of two charts: exact, and told apart from what makes none."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from fsm_runner.charts import load
from fsm_runner.charts.diff import Way, diff
from fsm_runner.engine.chart import (
    AlwaysReaches,
    Chart,
    CustomEffect,
    FactUse,
    Limit,
    Moment,
    Never,
    Precedes,
    Row,
    State,
)
from fsm_runner.engine.errors import ChartError
from tests.charts.random_charts import EVENTS, charts, combinations, holds, taken

CHART = load("states")

HERE = State(
    name="here",
    phase="request",
    transitions=(
        Row(id="again", event="replied", guard=(("turn", ("paused",)),), target="here"),
        Row(id="stop", event="replied", target="done"),
    ),
)
DONE = State(name="done", phase="done", final=True)
SMALL = Chart(
    name="small", initial="here", states=(HERE, DONE), facts=(FactUse(name="turn", answers=("none", "paused", "over")),)
)


def edited(*rows: Row, **fields: Any) -> Chart:
    """`SMALL` with other rows in its first state, and other fields."""
    state = replace(HERE, transitions=rows) if rows else HERE
    return replace(SMALL, **{"states": (state, DONE), **fields})


def told(old: Chart, new: Chart) -> list[tuple[str, str, str, str]]:
    """The changes, each as kind, subject, name and field."""
    return [(change.kind, change.subject, change.name, change.field) for change in diff(old, new).changes]


def moves(old: Chart, new: Chart) -> list[tuple[str, str | None, object, str, str]]:
    """The routes, each as state, event, patterns, and the rows before and now."""
    return [
        (route.state, route.event, route.patterns, _row(route.old), _row(route.new)) for route in diff(old, new).routes
    ]


def _row(way: Way) -> str:
    return way.row.id if way.row else str(way.absence)


@settings(max_examples=80)
@given(charts(), charts())
def test_routes_are_those_of_trying_every_combination(old, new):
    """For any two charts: each combination is on the one route that it takes, or on none when nothing changed."""
    routes = diff(old, new).routes
    for after in new.states:
        before = next((state for state in old.states if state.name == after.name), None)
        for event in EVENTS if before is not None else ():
            for point in combinations():
                was, now = taken(before, event, point), taken(after, event, point)
                expected = [] if _alike(was, now) else [(was, now)]
                here = [route for route in routes if (route.state, route.event) == (after.name, event)]
                on = [route for route in here if any(holds(pattern, point) for pattern in route.patterns)]
                assert expected == [(route.old.row, route.new.row) for route in on]


def _alike(was: Row | None, now: Row | None) -> bool:
    """Whether nothing differs; renames do not occur, since ids are numbers."""
    if was is None or now is None:
        return was is now
    return (was.id, was.target, was.output) == (now.id, now.target, now.output)


@settings(max_examples=30)
@given(charts())
def test_a_chart_does_not_differ_from_itself(chart):
    """Nothing is said where nothing was edited."""
    assert diff(chart, chart).empty


def test_comments_and_the_order_of_independent_rows_change_no_route():
    """Two rows whose guards exclude each other may change places; that is told, and does not matter."""
    first, stop = HERE.transitions
    second = replace(stop, guard=(("turn", ("none", "over")),))
    found = diff(edited(first, second), edited(second, first))

    assert (False, ()) == (found.matters, found.routes)
    assert [("changed", "state", "here", "order")] == told(edited(first, second), edited(second, first))


def test_answers_of_a_guard_in_another_order_are_no_difference():
    """A guard is what it means."""
    one = edited(replace(HERE.transitions[0], guard=(("turn", ("paused", "over")),)), HERE.transitions[1])
    other = edited(replace(HERE.transitions[0], guard=(("turn", ("over", "paused")),)), HERE.transitions[1])

    assert diff(one, other).empty


def test_an_order_that_decides_is_a_change_of_route():
    """The row without guard moved up takes what the other took."""
    again, stop = HERE.transitions

    assert [("here", "replied", ((("turn", ("paused",)),),), "again", "stop")] == moves(SMALL, edited(stop, again))


def test_another_target_is_a_change_of_route():
    """For exactly the answers that took the row."""
    again, stop = HERE.transitions
    found = diff(SMALL, edited(replace(again, target="done"), stop))

    assert [("here", "replied", ((("turn", ("paused",)),),), "again", "again")] == moves(
        SMALL, edited(replace(again, target="done"), stop)
    )
    assert [(1, 3, True)] == [(route.combinations, route.of, route.matters) for route in found.routes]


@pytest.mark.parametrize("field", [{"output": "message"}, {"spends": "money"}])
def test_what_a_row_hands_over_and_spends_belongs_to_its_route(field):
    """The same target with another output or limit is another way."""
    again, stop = HERE.transitions
    limits = (Limit(name="money", value=3),)

    assert diff(replace(SMALL, limits=limits), edited(replace(again, **field), stop, limits=limits)).matters


def test_a_renamed_row_is_told_from_one_that_leads_elsewhere():
    """Same state, event, guard and target: another id only.  With another target: one row less, one more."""
    again, stop = HERE.transitions
    renamed, rerouted = replace(again, id="resume"), replace(again, id="resume", target="done")

    assert [("renamed", "row", "resume", "id")] == told(SMALL, edited(renamed, stop))
    assert not diff(SMALL, edited(renamed, stop)).matters
    assert [("added", "row", "resume", ""), ("removed", "row", "again", "")] == told(SMALL, edited(rerouted, stop))
    assert diff(SMALL, edited(rerouted, stop)).matters


def test_a_row_split_in_two_goes_the_same_way():
    """Another row takes the answers and leads to the same state: told, and no route changed."""
    again, stop = HERE.transitions
    over = Row(id="over", event="replied", guard=(("turn", ("over",)),), target="done")
    found = diff(SMALL, edited(again, over, stop))

    assert not found.matters
    assert [("here", "replied", ((("turn", ("over",)),),), "stop", "over")] == moves(SMALL, edited(again, over, stop))


def test_a_renamed_state_is_told_from_one_added_and_one_removed():
    """What leads to it and what it does stays; only its name is another."""
    there = replace(HERE, name="there", transitions=(replace(HERE.transitions[0], target="there"), HERE.transitions[1]))
    new = replace(SMALL, initial="there", states=(there, DONE))

    assert [("renamed", "state", "there", "name")] == told(SMALL, new)
    assert not diff(SMALL, new).matters


def test_two_states_that_look_alike_are_no_rename():
    """Where nobody can tell which became which, both are removed and added."""
    old = replace(SMALL, states=(HERE, DONE, replace(DONE, name="over")))
    new = replace(SMALL, states=(HERE, DONE, replace(DONE, name="ended"), replace(DONE, name="closed")))

    assert [("added", "ended"), ("added", "closed"), ("removed", "over")] == [
        (change.kind, change.name) for change in diff(old, new).changes
    ]


@pytest.mark.parametrize(
    ("fields", "expected", "matters"),
    [
        ({"name": "other"}, ("changed", "chart", "other", "name"), False),
        ({"initial": "done"}, ("changed", "chart", "small", "first state"), True),
        ({"limits": (Limit(name="money", value=3),)}, ("added", "limit", "money", ""), True),
        ({"effects": (CustomEffect(name="wait", reports=("waited",)),)}, ("added", "effect", "wait", ""), False),
        ({"facts": (*SMALL.facts, FactUse(name="late", answers=("y", "n")))}, ("added", "fact", "late", ""), False),
        ({"states": (replace(HERE, effect="send_request"), DONE)}, ("changed", "state", "here", "effect"), True),
        ({"states": (replace(HERE, phase="inspect"), DONE)}, ("changed", "state", "here", "phase"), False),
        ({"states": (replace(HERE, phase="failed"), DONE)}, ("changed", "state", "here", "phase"), True),
        ({"states": (HERE, DONE, replace(DONE, name="over"))}, ("added", "state", "over", ""), False),
    ],
)
def test_what_is_declared_otherwise_is_told(fields, expected, matters):
    """Whether a run can differ is said of each; a state that nothing leads to changes no run."""
    assert [expected] == told(SMALL, replace(SMALL, **fields))
    assert matters == diff(SMALL, replace(SMALL, **fields)).matters


def test_a_change_is_told_the_other_way_round_backwards():
    """What was added is removed when the charts change places."""
    new = replace(SMALL, limits=(Limit(name="money", value=3),))

    assert [("removed", "limit", "money", "")] == told(new, SMALL)
    assert [("changed", "limit", "money", "value")] == told(new, replace(new, limits=(Limit(name="money"),)))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (AlwaysReaches(name="r", states=("done",)), "always reaches done"),
        (
            Never(name="r", enter=Moment(states=("here",)), after=Moment(rows=("stop",))),
            "never state here after row stop",
        ),
        (
            Precedes(
                name="r",
                first=Moment(rows=("again",), guard=(("turn", ("paused",)),)),
                then=Moment(states=("done",)),
                since=Moment(states=("here",)),
            ),
            "row again with turn = paused precedes state done, anew since state here",
        ),
    ],
)
def test_rules_are_told_and_change_no_run(rule, text):
    """A rule is for the check alone."""
    found = diff(SMALL, replace(SMALL, rules=(rule,)))

    assert [("added", "rule", "r", text, False)] == [
        (change.kind, change.subject, change.name, change.new, change.matters) for change in found.changes
    ]


def test_of_a_rule_that_was_changed_only_what_differs_is_told():
    """By the key that says it; a rule that became one of another kind is told as a whole."""
    never = Never(name="r", enter=Moment(states=("here",)), after=Moment(rows=("stop",)))
    later = replace(never, after=Moment(rows=("stop", "again")), until=Moment(states=("done",)))
    ends, both = AlwaysReaches(name="r", states=("done",)), AlwaysReaches(name="r", states=("done", "here"))
    told = [
        [(change.field, change.old, change.new) for change in diff(old, new).changes]
        for old, new in itertools.pairwise(replace(SMALL, rules=(rule,)) for rule in (never, later, ends, both))
    ]

    assert [("after", "row stop", "row stop or again"), ("until", "", "state done")] == told[0]
    assert [("text", "never state here after row stop or again until state done", "always reaches done")] == told[1]
    assert [("always_reaches", "done", "done or here")] == told[2]


def test_a_new_answer_is_a_route_that_was_not_there():
    """Before, the fact gave no such answer; where the rows ask it, it now leads somewhere."""
    new = replace(SMALL, facts=(FactUse(name="turn", answers=("none", "paused", "over", "odd")),))

    assert [("here", "replied", ((("turn", ("odd",)),),), "undeclared", "stop")] == moves(SMALL, new)
    assert [("here", "replied", ((("turn", ("odd",)),),), "stop", "undeclared")] == moves(new, SMALL)


def test_an_event_that_is_no_longer_taken_leads_nowhere():
    """All answers are refused at once: one route without conditions."""
    new = edited(*HERE.transitions, Row(id="go", event="continued", target="done"))

    assert [("here", "continued", ((),), "go", "refused")] == moves(new, SMALL)
    assert [("here", "continued", ((),), "refused", "go")] == moves(SMALL, new)


def test_combinations_that_cannot_happen_are_left_out():
    """Calls cannot be done while the turn wants tools: a row for that alone changes nothing."""
    facts = (FactUse(name="turn", answers=("none", "wants_tools")), FactUse(name="calls", answers=("open", "done")))
    never = Row(id="never", event="replied", guard=(("turn", ("wants_tools",)), ("calls", ("done",))), target="here")
    stop = HERE.transitions[1]

    assert not diff(edited(stop, facts=facts), edited(never, stop, facts=facts)).matters


def test_a_chart_with_a_name_that_does_not_resolve_is_refused():
    """A target that is not declared leads nowhere that could be compared."""
    with pytest.raises(ChartError, match="'nowhere'"):
        diff(SMALL, edited(replace(HERE.transitions[1], target="nowhere")))


def test_a_rule_that_names_a_row_that_is_gone_stands_in_no_ones_way():
    """The check refuses it; what the edit does to the runs is told all the same."""
    rules = (Never(name="kept", enter=Moment(states=("gone",), rows=(HERE.transitions[0].id,))),)
    old, new = (replace(chart, rules=rules) for chart in (SMALL, edited(HERE.transitions[1])))

    assert moves(SMALL, edited(HERE.transitions[1])) == moves(old, new) != []


def test_every_row_of_the_default_chart_that_is_removed_is_seen():
    """Each of them decides something, so that a run can differ without it."""
    unseen = []
    for row in CHART.rows:
        states = tuple(
            replace(
                state,
                always=tuple(each for each in state.always if each.id != row.id),
                transitions=tuple(each for each in state.transitions if each.id != row.id),
            )
            for state in CHART.states
        )
        if not diff(CHART, replace(CHART, states=states)).matters:
            unseen.append(row.id)

    assert [] == unseen
