"""Mutation: what a mutant is, and that what is said of the shipped charts' mutants is so.

`python -m tools.mutation` judges all of them; here some of each kind are judged, and what the page counts is counted
again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.charts.loader import load, shipped_charts
from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.engine.errors import IllegalEvent, InternalError
from fsm_runner.loop.tool_loop import compile
from tests.charts.shipped.ways import every_world, way
from tests.charts.shipped.worlds import played
from tests.support.walks import walks
from tools.mutation.claims import CLAIMS
from tools.mutation.decisions import Decision, asking_all, decided, rows_of, taken
from tools.mutation.judging import Judge, Judged, met, points
from tools.mutation.mutants import KINDS, Mutant, mutants
from tools.mutation.page import HEAD, PAGE, told_charts

CHARTS = list(shipped_charts())
EVERY = {"removed": 12, "retargeted": 90, "widened": 12, "narrowed": 100, "swapped": 6}
"""Of how many mutants of a chart one is judged."""

TURN = FactUse(name="turn", answers=("none", "paused", "finished"))
LIMIT = FactUse(name="limit", answers=("free", "reached"))
SMALL = Chart(
    name="small",
    initial="here",
    facts=(TURN, LIMIT),
    states=(
        State(
            name="here",
            phase="inspect",
            always=(
                Row(id="stop", guard=(("turn", ("finished", "paused")), ("limit", ("reached",))), target="done"),
                Row(id="rest", target="there"),
            ),
        ),
        State(name="there", phase="request", transitions=(Row(id="back", event="continued", target="here"),)),
        State(name="done", phase="done", final=True),
    ),
)


@cache
def judge(name: str) -> Judge:
    """The judge of a shipped chart's mutants."""
    return Judge(name)


def sample(name: str) -> list[Mutant]:
    """Some mutants of a shipped chart, of each kind."""
    made = list(mutants(judge(name).chart))
    return [each for kind in KINDS for each in [some for some in made if some.kind == kind][:: EVERY[kind]]]


@cache
def judged(name: str) -> list[Judged]:
    """They, judged."""
    return [judge(name).judged(mutant) for mutant in sample(name)]


# ── mutants ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_fault_is_made_once():
    """All that a hand can do to the first row; none is like another, and none is like the chart."""
    made = list(mutants(SMALL))

    assert [
        "stop removed",
        "stop retargeted: to here",
        "stop retargeted: to there",
        "stop widened: turn not asked",
        "stop narrowed: turn not finished",
        "stop narrowed: turn not paused",
        "stop widened: limit not asked",
        "stop swapped: with rest",
    ] == [mutant.name for mutant in made if mutant.row == "stop"]
    assert len(made) == len({mutant.chart for mutant in made} - {SMALL})


def test_a_fact_that_is_not_asked_is_asked_for_each_of_its_answers():
    """That is what narrows a row without guard."""
    assert [
        "turn=none", "turn=paused", "turn=finished", "limit=free", "limit=reached",
    ] == [mutant.how for mutant in mutants(SMALL) if (mutant.row, mutant.kind) == ("back", "narrowed")]  # fmt: skip


def test_a_mutant_differs_from_its_chart_in_one_state():
    """The one that it names."""
    for mutant in mutants(SMALL):
        pairs = zip(SMALL.states, mutant.chart.states, strict=True)

        assert [mutant.state] == [was.name for was, now in pairs if was != now]


# ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_that_asks_everything_decides_as_before(name):
    """In every world it goes the same way."""
    chart = load(shipped_charts()[name])
    machine, other = compile(chart), asking_all(chart)

    assert {title: way(machine, world) for title, world in every_world().items()} == {
        title: way(other, world) for title, world in every_world().items()
    }


def test_a_decision_is_of_all_facts_and_of_states_that_rest():
    """A reply with a call: the run comes to `call_tools`, whose row does not hold yet."""
    machine = asking_all(load("states"))
    made = list(decided(machine, played(machine, every_world()["a tool runs"])))
    rested = next(each for each in made if each.row is None)

    assert ("call_tools", None, "open") == (rested.state, rested.event, dict(rested.answers)["calls"])
    assert {len(machine.facts)} == {len(each.answers) for each in made}


@pytest.mark.parametrize("name", CHARTS)
def test_the_tests_fail_on_a_mutant_exactly_when_a_decision_is_another(name):
    """Told from the decisions as it is by playing the mutant: it goes another way, or does not end."""
    chart = judge(name).chart
    machine, all_facts = compile(chart), asking_all(chart)
    worlds = ["the limit is reached", "a call runs early", "the second look fails", "a full end", "compacting streams"]
    for mutant in sample(name)[::2]:
        event = next(row.event for row in chart.rows if row.id == mutant.row)
        old, new = (rows_of(each.state(mutant.state), event) for each in (chart, mutant.chart))
        mutated = compile(mutant.chart)
        for title in worlds:
            made = decided(all_facts, played(all_facts, every_world()[title]))
            otherwise = any(
                _row(taken(old, dict(each.answers))) != _row(taken(new, dict(each.answers)))
                for each in made
                if (each.state, each.event) == (mutant.state, event)
            )

            assert otherwise == (way(machine, every_world()[title]) != _way(mutated, title)), (mutant.name, title)


def _row(row):
    return row and (row.id, row.target)


def _way(machine, title):
    """The way of a run that may have none: it goes round for ever, or meets what a checked chart would not."""
    try:
        return way(machine, every_world()[title])
    except (AssertionError, IllegalEvent, InternalError) as error:
        return str(error)


# ── the shipped charts ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CHARTS)
def test_a_mutant_of_a_shipped_chart_is_seen_or_has_a_reason(name):
    """`diff` names what trying every combination finds; what neither the check nor a test sees, no run shows."""
    some = judged(name)

    assert [] == [each.mutant.name for each in some if each.unexplained]
    assert set(KINDS) == {each.mutant.kind for each in some}
    assert all(each.same for each in some if not each.differs)


def test_no_test_fails_on_a_mutant_that_is_the_same():
    """What no combination shows no run can show."""
    assert [] == [each.mutant.name for name in CHARTS for each in judged(name) if each.tested and not each.differs]


def test_combinations_that_cannot_come_together_are_not_tried():
    """Of `turn` and `calls`, three: the facts' code says so."""
    names = frozenset({"calls"})

    assert 9 == len(list(points(load("states"), names)))


@pytest.mark.parametrize("name", CHARTS)
def test_no_run_of_the_tests_refutes_a_claim(name):
    """Not the worlds, not the moments, not the golden journals."""
    refuted = {(each, claim.why) for each in met(judge(name).chart) for claim in CLAIMS if covers(claim, name, each)}

    assert set() == refuted


@settings(max_examples=60)
@given(st.data(), st.sampled_from([name for name in CHARTS if name != "approval"]))
def test_no_generated_run_refutes_a_claim(data, name):
    """Whatever caller, model and tools do."""
    machine = asking_all(judge(name).chart)
    steps = [stride.step for stride in data.draw(walks(machine))]

    assert [] == [
        (each, claim.why) for each in decided(machine, steps) for claim in CLAIMS if covers(claim, name, each)
    ]


def covers(claim, name: str, decision: Decision) -> bool:
    """Whether the claim is that no run makes this decision."""
    return claim.covers(name, decision.state, decision.event, dict(decision.answers))


def test_a_claim_that_is_wrong_is_refuted():
    """Or the two tests above would prove nothing."""
    wrong = replace(CLAIMS[0], answers={"awaits": ("more",)})

    assert any(covers(wrong, "states", each) for each in met(judge("states").chart))


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_counts_all_mutants_and_worlds():
    """Of each chart and each kind; an edit of a chart, or a new world, asks for a new page."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, _ = HEAD.format(runs=len(every_world()), said="∎").partition("∎")
    counts = [
        f"| `{name}` | {kind} | {sum(mutant.kind == kind for mutant in mutants(judge(name).chart))} |"
        for name in CHARTS
        for kind in KINDS
    ]

    assert page.startswith(head)
    assert [] == [count for count in counts if count not in page]


def test_survivors_are_on_the_page():
    """By name, with the reason, as are mutants that change nothing."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    some = [each for name in CHARTS for each in judged(name) if each.survives or not each.differs]
    told = set()
    for each in some:
        row, _, fault = each.mutant.name.partition(" ")
        why = each.same or "; ".join(map(str, each.reasons))
        found = [line for line in lines if line.startswith(f"| `{row}` {fault} |") and line.endswith(f"| {why} |")]
        told |= {each.mutant.name} if len(found) == 1 else set()

    assert {False, True} == {each.survives for each in some}
    assert {each.mutant.name for each in some} == told


def test_the_charts_of_a_survivor_are_told_in_few_words():
    """All, all but one, or by name."""
    every = ["a", "b", "c"]

    assert "all" == told_charts(["a", "b", "c"], every)
    assert "all but `b`" == told_charts(["a", "c"], every)
    assert "`c`" == told_charts(["c"], every)
