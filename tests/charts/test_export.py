"""Export: what other tools read is the same machine."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
import transitions

from fsm_runner.charts.export import ALWAYS, claim_of, conditions, markup, promela, xstate
from fsm_runner.charts.loader import load, loads, shipped_charts
from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.engine.rows import Stepper
from fsm_runner.loop.tool_loop import TOOL_LOOP, check
from tools import second_opinion
from tools.mutation.mutants import mutants

CHARTS = {name: load(path) for name, path in shipped_charts().items()}
spin = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("cc")), reason="SPIN or a C compiler is not installed"
)


class Loop:
    """A model of pytransitions that answers every condition from given answers."""

    def __init__(self, chart: Chart, answers: dict[str, str]) -> None:
        for row in chart.rows:
            for (name, wanted), condition in zip(row.guard, conditions(row.guard), strict=True):
                setattr(self, condition, lambda _, name=name, wanted=wanted: answers[name] in wanted)


def tables(chart: Chart) -> Iterator[tuple[State, str | None, list[Row]]]:
    """The rows of each state that are tried together."""
    for state in chart.states:
        for event in dict.fromkeys(row.event for row in state.rows):
            yield state, event, [row for row in state.rows if row.event == event]


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_plain_machine_of_transitions_goes_where_ours_goes(chart):
    """For every state and event, and every combination of the answers that its rows ask."""
    stepper, answers = Stepper.of(chart), {fact.name: fact.answers for fact in chart.facts}
    for state, event, rows in tables(chart):
        names = list(dict.fromkeys(name for row in rows for name, _ in row.guard))
        for given in itertools.product(*(answers[name] for name in names)):
            facts = dict(zip(names, given, strict=True))
            model = Loop(chart, facts)
            machine = transitions.Machine(model, **{**markup(chart), "initial": state.name})
            taken = stepper.take(state.name, event or "(always)", facts)
            moved = model.trigger(event or ALWAYS)

            assert (taken is not None, taken.row.target if taken else state.name) == (moved, model.state)
            assert machine.get_state(state.name).final == state.final


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_an_xstate_machine_has_every_row_in_its_place(chart):
    """Each state's rows are there in order, with guard, target and what else is said of them."""
    made = xstate(chart)
    for state in chart.states:
        there = made["states"][state.name]
        listed = [*there.get("always", []), *itertools.chain(*there.get("on", {}).values())]
        by_event = [*state.always, *(row for event in state.events for row in state.transitions if row.event == event)]

        assert [(row.id, row.target) for row in by_event] == [(each["description"], each["target"]) for each in listed]
        assert [dict(row.guard) for row in by_event] == [
            {name: tuple(some) for name, some in each.get("guard", {}).get("params", {}).items()} for each in listed
        ]
        assert [row.target == state.name for row in by_event] == [each.get("reenter", False) for each in listed]
        assert (state.final, state.effect) == (there.get("type") == "final", there.get("invoke", {}).get("src"))


HOSTILE = """
schema: fsm_runner/chart/v1
name: hostile
initial: start
facts: {do: [od, a-b, a_b], run: ["true", "false"]}
rules: {never: {never: {enter: {row: goto}, after: end}}}
states:
  start: {phase: if, always: [{id: goto, guard: {do: a-b, run: "true"}, target: end}, {id: skip, target: end}]}
  end: {phase: fi, final: true}
"""


def test_names_may_be_words_of_promela():
    """And answers may differ in a hyphen alone."""
    text = promela(loads(HOSTILE, "hostile"), TOOL_LOOP.vocabulary)

    assert {"goto", "skip"} == set(re.findall(r"@ start (\w+)", text))
    assert "(f_do == 2 /* a-b */) && (f_run == 1 /* true */)" in text
    assert f"ltl {claim_of('never')} {{" in text


@spin
def test_spin_reads_names_that_are_its_own_words(tmp_path):
    """The same model, proved."""
    assert {} == second_opinion.asked(loads(HOSTILE, "hostile"), tmp_path).refuted


@spin
@pytest.mark.parametrize("name", CHARTS)
def test_spin_proves_what_our_check_proves(name, tmp_path):
    """Every claim of a shipped chart holds, and SPIN takes every row."""
    opinion = second_opinion.asked(CHARTS[name], tmp_path)

    assert ({}, frozenset()) == (opinion.refuted, opinion.dead)
    assert [] == list(second_opinion.disagreements(CHARTS[name], opinion))


@spin
def test_spin_refutes_what_our_check_refutes(tmp_path):
    """A chart whose answer to `closed` is gone breaks its rule, and the trail is one that our machine takes."""
    chart = CHARTS["states"]
    mutant = next(each.chart for each in mutants(chart) if each.name == "stop_closed removed")
    opinion = second_opinion.asked(mutant, tmp_path)

    assert {"rule-never"} == {problem.code for problem in check(mutant).problems}
    assert {"rule_closed_begins_nothing"} == set(opinion.refuted)
    assert [] == list(second_opinion.disagreements(mutant, opinion))


def test_disagreement_is_told():
    """A claim that only one of the two refutes, a row that only one calls dead, and a trail that cannot be."""
    chart = CHARTS["states"]
    trail = ("inspect ask turn=5 compaction=1 limit=1 closed=2 calls=2 change=1",)
    opinion = second_opinion.Opinion(refuted={"complete": trail}, dead=frozenset({"ask"}))

    said = list(second_opinion.disagreements(chart, opinion))

    assert 3 == len(said)
    assert said[2].endswith("and our machine takes finish")


def test_charts_that_differ_only_in_what_exports_leave_out_are_the_same():
    """A limit's number is nobody's but ours."""
    chart = CHARTS["states"]
    other = replace(chart, limits=tuple(replace(each, value=3) for each in chart.limits))

    assert promela(chart, TOOL_LOOP.vocabulary) == promela(other, TOOL_LOOP.vocabulary)
    assert markup(chart) == markup(other)
