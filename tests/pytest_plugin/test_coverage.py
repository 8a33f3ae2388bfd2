"""What is counted of a chart: rows, and the combinations of answers by which each is taken."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner import load
from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.loop.context import Context
from fsm_runner.loop.events import Closed, Continued
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import compile
from fsm_runner.pytest_plugin.coverage import coverage_of, share
from fsm_runner.pytest_plugin.recorder import Driven, Recorder, Said
from tests.charts.random_charts import charts, combinations, holds, taken


@pytest.fixture
def recorder():
    """A recorder that counts every chart, and watches."""
    recorder = Recorder(others=True)
    recorder.watch()
    yield recorder
    recorder.stop()


def covered(recorder):
    """What was driven of the one chart."""
    (driven,) = recorder.driven
    return coverage_of(driven)


def row(chart, id):
    """The coverage of one row."""
    return next(each for each in chart.rows if each.row.id == id)


def test_rows_and_answers_are_counted(recorder):
    """As often as they were taken; two runs with the same answers are one combination."""
    machine = compile(load("states"))
    for _ in range(2):
        machine.step(machine.start(Context()).snapshot, Continued())
    chart = covered(recorder)

    assert {"begin": 2, "ask": 2} == {each.row.id: each.times for each in chart.rows if each.times}
    assert (1, 1) == (row(chart, "begin").driven_count, row(chart, "ask").driven_count)
    assert (2, 46) == (chart.taken, len(chart.rows))


def test_other_answers_are_another_combination(recorder):
    """By which the same row is taken."""
    machine = compile(load("states"))
    begun = machine.start(Context()).snapshot
    machine.step(begun, Continued())
    machine.step(machine.step(begun, Closed()).snapshot, Continued())

    assert 1 == row(covered(recorder), "stop_closed").driven_count
    assert {"begin": 2, "ask": 1, "stop_closed": 1} == Counter(
        {each.row.id: each.times for each in covered(recorder).rows if each.times}
    )


def test_charts_that_say_the_same_are_one(recorder):
    """A chart that is loaded for each test is still one chart."""
    for _ in range(2):
        machine = compile(load("states"))
        machine.step(machine.start(Context()).snapshot, Continued())

    assert 2 == row(covered(recorder), "begin").times


def test_only_the_charts_that_were_given_count():
    """A test's own little chart proves nothing about the one that is asked for."""
    recorder = Recorder([load("reflect")])
    recorder.watch()
    machine = compile(load("states"))
    machine.step(machine.start(Context()).snapshot, Continued())
    recorder.stop()

    assert ("reflect", 0) == (covered(recorder).name, covered(recorder).taken)


def test_a_chart_that_is_given_twice_is_one():
    """By its name and by its file, say."""
    assert 1 == len(Recorder([load("states"), load("states")]).driven)


def test_after_it_stops_the_machine_is_as_it_was(recorder):
    """And nothing counts any more."""
    recorder.stop()
    machine = compile(load("states"))
    machine.step(machine.start(Context()).snapshot, Continued())

    assert () == recorder.driven


# ── what can be ─────────────────────────────────────────────────────────────────────────────────────────────────────


def by_hand(chart):
    """For each row the combinations by which it is taken, each of the facts that its decision asks."""
    found = {each.id: set() for each in chart.rows}
    for state in chart.states:
        for event in {each.event for each in state.rows}:
            asked = {fact for each in state.rows if each.event == event for fact, _ in each.guard}
            for point in combinations():
                if (winner := taken(state, event, point)) is not None:
                    found[winner.id].add(frozenset((fact, point[fact]) for fact in asked))
    return found


@given(charts())
@settings(max_examples=50)
def test_the_combinations_of_a_row_are_those_that_take_it(chart):
    """Found one by one, less what the facts declare impossible, also where another fact is what makes it so."""
    expected = {id: len(points) for id, points in by_hand(chart).items()}

    assert expected == {each.row.id: each.possible_count for each in coverage_of(Driven(chart)).rows}


@given(charts(), st.data())
@settings(max_examples=50)
def test_what_was_not_driven_is_said_exactly(chart, data):
    """Where the row is taken, the patterns hold for what was not driven and for nothing that was."""
    every = by_hand(chart)
    seen = {
        id: data.draw(st.sets(st.sampled_from(sorted(points, key=sorted)))) if points else set()
        for id, points in every.items()
    }
    counts = Counter({(id, tuple(sorted(point))): 1 for id, points in seen.items() for point in points})

    for each in coverage_of(Driven(chart, counts=counts)).rows:
        told = {point for point in every[each.row.id] if any(holds(some, dict(point)) for some in each.missing())}
        assert every[each.row.id] - seen[each.row.id] == told
        assert len(seen[each.row.id]) == each.driven_count


def test_only_answers_by_which_the_row_can_be_taken_are_named():
    """What a row above takes is not what a test should try."""
    chart = small((("late", ("yes",)),), ())
    counts = Counter([("row_1", (("late", "no"), ("tired", "no")))])
    three = FactUse(name="tired", answers=("no", "a bit", "very"))
    above = Row(id="above", guard=(("tired", ("very",)),), target="here")
    state = State(name="here", phase="p", always=(above, *chart.rows))
    wider = Chart(name="wider", initial="here", states=(state,), facts=(FACTS[0], three))

    assert ((("tired", ("a bit",)),),) == row(coverage_of(Driven(wider, counts=counts)), "row_1").missing()


FACTS = (FactUse(name="late", answers=("yes", "no")), FactUse(name="tired", answers=("yes", "no")))
IMPOSSIBLE = ((("late", ("yes",)), ("tired", ("no",))),)


def small(*guards):
    """A chart of one state with a row for each guard."""
    rows = tuple(Row(id=f"row_{at}", guard=guard, target="here") for at, guard in enumerate(guards))
    return Chart(name="small", initial="here", states=(State(name="here", phase="p", always=rows),), facts=FACTS)


def driven(chart, *answers):
    """The first row of `chart`, taken with these answers."""
    facts = {"late": Said(name="late", answers=("yes", "no"), impossible=IMPOSSIBLE)}
    return Driven(chart, facts=facts, counts=Counter([("row_0", tuple(answers))]))


def test_what_is_declared_impossible_and_was_driven_is_told():
    """The declaration is wrong; the combination counts neither as possible nor as driven."""
    chart = small((("late", ("yes",)),), (("tired", ("no",)),))
    first, _ = coverage_of(driven(chart, ("late", "yes"), ("tired", "no"))).rows

    assert ((("late", ("yes",)), ("tired", ("no",))),) == first.impossible()
    assert (0, 1) == (first.driven_count, first.possible_count)


def test_what_may_happen_is_not_told():
    """Nothing is said of a declaration that holds."""
    chart = small((("late", ("yes",)),), (("tired", ("no",)),))
    first, _ = coverage_of(driven(chart, ("late", "yes"), ("tired", "yes"))).rows

    assert () == first.impossible()
    assert (1, 1) == (first.driven_count, first.possible_count)


def test_a_machine_tells_what_its_facts_declare(recorder):
    """The facts of a user's own as well as the built-in ones."""
    impossible = ((("late", ("yes",)), ("closed", ("true",))),)
    late = Fact(name="late", answers=("yes", "no"), ask=lambda _: "no", impossible=impossible)
    chart = load("states")
    inspect = chart.state("inspect")
    rows = (Row(id="too_late", guard=(("late", ("yes",)),), target="done"), *inspect.always)
    states = [
        State(name=state.name, phase=state.phase, always=rows) if state is inspect else state for state in chart.states
    ]
    with_late = Chart(
        name="late",
        initial="start",
        states=tuple(states),
        facts=(*chart.facts, FactUse(name="late", answers=("yes", "no"))),
        limits=chart.limits,
    )
    machine = compile(with_late, facts=[late])
    machine.step(machine.start(Context()).snapshot, Continued())

    assert row(covered(recorder), "too_late").possible_count == row(covered(recorder), "stop_closed").possible_count


def test_the_share_is_of_the_rows_of_all_charts():
    """Not of the charts' shares; and without a chart nothing was driven."""
    two = coverage_of(driven(small((("late", ("yes",)),), ()), ("late", "yes")))
    one = coverage_of(driven(small(())))

    assert 50.0 == share([two])
    assert pytest.approx(200 / 3) == share([two, one])
    assert 0.0 == share([])


def test_a_chart_without_rows_is_driven_whole():
    """There is nothing that could be missing."""
    chart = Chart(name="still", initial="here", states=(State(name="here", phase="p", final=True),))

    assert 100.0 == share([coverage_of(Driven(chart))])
