"""The check: exact, compared with brute force over all combinations, and readable."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.check import chart_of
from fsm_runner.charts import load
from fsm_runner.engine import bounds
from fsm_runner.engine.chart import Chart, CustomEffect, FactUse, Limit, Moment, Never, Row, State
from fsm_runner.engine.check.tables import Facts
from fsm_runner.loop.tool_loop import TOOL_LOOP, check

ANSWERS = {"a": ("x", "y"), "b": ("x", "y", "z"), "c": ("x", "y")}
FACTS = tuple(FactUse(name=name, answers=answers) for name, answers in ANSWERS.items())
GUARDS = st.dictionaries(
    st.sampled_from(sorted(ANSWERS)), st.lists(st.sampled_from("xy"), min_size=1, max_size=2, unique=True), max_size=3
).map(lambda guard: tuple((name, tuple(answers)) for name, answers in guard.items()))
DONE = State(name="done", phase="done", final=True)


def code_of(impossible):
    """The facts' code: the answers of the chart, and what cannot happen."""
    made = [SimpleNamespace(name=name, answers=answers, impossible=()) for name, answers in ANSWERS.items()]
    made[0].impossible = impossible
    return {fact.name: fact for fact in made}


def holds(guard, case):
    return all(case[name] in answers for name, answers in guard)


def cases(impossible=()):
    """Every combination that can happen, as brute force sees it."""
    for answers in itertools.product(*ANSWERS.values()):
        case = dict(zip(ANSWERS, answers, strict=True))
        if not any(holds(pattern, case) for pattern in impossible):
            yield case


IMPOSSIBLE = (
    st.lists(GUARDS.filter(lambda guard: len(guard) > 1), max_size=2)
    .map(tuple)
    .filter(lambda impossible: any(True for _ in cases(impossible)))
)
"""What cannot happen; something always can."""


def rows_to(targets, guards, prefix="r"):
    return tuple(
        Row(id=f"{prefix}{index}", guard=guard, target=target, consumes="caller")
        for index, (guard, target) in enumerate(zip(guards, targets, strict=True))
    )


def codes(problems):
    return sorted({problem.code for problem in problems})


@settings(max_examples=300)
@given(st.lists(GUARDS, min_size=1, max_size=6), IMPOSSIBLE)
def test_gaps_dead_rows_and_overlaps_are_those_of_brute_force(guards, impossible):
    """For random rows and impossibilities: the same gap or none, the same dead rows, the same pairs that overlap."""
    start = State(name="start", phase="inspect", always=rows_to(["done"] * len(guards), guards))
    chart = Chart(name="random", initial="start", facts=FACTS, states=(start, DONE))
    verdict = check(chart, facts=code_of(impossible))
    possible = list(cases(impossible))
    held = [[holds(guard, case) for guard in guards] for case in possible]
    taken = {row.index(True) for row in held if True in row}
    overlaps = {
        (first, later)
        for first, later in itertools.combinations(range(len(guards)), 2)
        if later in taken
        and (guards[later] or later < len(guards) - 1)
        and any(row[first] and row[later] for row in held)
    }

    assert (not all(any(row) for row in held)) == ("incomplete" in codes(verdict.problems))
    dead = {problem.path[3] for problem in verdict.problems if problem.code in {"dead-row", "impossible-row"}}
    assert set(range(len(guards))) - taken == dead
    unmet = {index for index in range(len(guards)) if not any(row[index] for row in held)}
    assert unmet == {problem.path[3] for problem in verdict.problems if problem.code == "impossible-row"}
    pairs = {
        (int(note.message.split("'")[3][1:]), int(note.message.split("'")[5][1:]))
        for note in verdict.notes
        if note.code == "overlap"
    }
    assert overlaps == pairs


@settings(max_examples=200)
@given(st.lists(GUARDS, min_size=1, max_size=5), IMPOSSIBLE)
def test_the_witness_of_a_gap_is_a_gap_and_needs_each_of_its_facts(guards, impossible):
    """No row holds anywhere in it, it can happen, and with one fact fewer some row would hold."""
    start = State(name="start", phase="inspect", always=rows_to(["done"] * len(guards), guards))
    chart = Chart(name="random", initial="start", facts=FACTS, states=(start, DONE))
    gaps = [p for p in check(chart, facts=code_of(impossible)).problems if p.code == "incomplete"]
    assume(gaps)
    said = gaps[0].message.partition(" holds for ")[2].partition(" (")[0]
    witness = dict(pair.split("=") for pair in said.split(", ")) if said != "anything" else {}
    possible = list(cases(impossible))

    def free(pattern):
        inside = [case for case in possible if all(case[name] == answer for name, answer in pattern.items())]
        return inside and not any(holds(guard, case) for guard in guards for case in inside)

    assert free(witness)
    for name in witness:
        assert not free({key: value for key, value in witness.items() if key != name})


@settings(max_examples=300)
@given(
    st.lists(
        st.lists(st.tuples(GUARDS, st.sampled_from(["s0", "s1", "s2", "done"])), min_size=1, max_size=4),
        min_size=3,
        max_size=3,
    ),
    IMPOSSIBLE,
)
def test_loops_of_always_rows_are_those_of_brute_force(states, impossible):
    """A loop is told exactly when some combination, kept the same, leads back to a state already visited."""
    made = tuple(
        State(
            name=f"s{index}",
            phase="inspect",
            always=rows_to([t for _, t in rows], [g for g, _ in rows], f"s{index}r"),
            transitions=(Row(id=f"go{index}", event="continued", target="done"),),
        )
        for index, rows in enumerate(states)
    )
    chart = Chart(name="random", initial="s0", facts=FACTS, states=(*made, DONE))

    def loops(start, case):
        seen, here = set(), start
        while here != "done" and here not in seen:
            seen.add(here)
            here = next((row.target for row in chart.state(here).always if holds(row.guard, case)), "done")
        return here != "done"

    expected = any(loops(state.name, case) for state in made for case in cases(impossible))
    assert expected == ("always-loop" in codes(check(chart, facts=code_of(impossible)).problems))


ROUTES = st.lists(
    st.tuples(
        st.sampled_from(["s0", "s1", "s2"]),
        st.sampled_from(["s0", "s1", "s2", "done"]),
        st.sampled_from(["plain", "spends", "consumes", "stops", "spends and stops"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=300)
@given(ROUTES)
def test_cycles_without_a_bound_are_those_of_brute_force(routes):
    """A graph is refused exactly when some cycle consumes nothing, and spends nothing or goes on at the limit."""
    names = ("s0", "s1", "s2")
    rows = {name: [] for name in names}
    for index, (source, target, kind) in enumerate(routes):
        guard = (("limit", ("free",)),) if "stops" in kind else ()
        spends, consumes = ("n" if "spends" in kind else None), ("caller" if kind == "consumes" else None)
        row = Row(id=f"r{index}", event=f"e{index}", guard=guard, target=target, spends=spends, consumes=consumes)
        rows[source].append(row)
    states = tuple(State(name=name, phase="p", effect="own", transitions=tuple(rows[name])) for name in names)
    chart = Chart(
        name="random",
        initial="s0",
        states=(*states, DONE),
        limits=(Limit(name="n", value=3),),
        facts=(FactUse(name="limit", answers=("free", "reached")),),
        effects=(CustomEffect(name="own", reports=tuple(f"e{index}" for index in range(len(routes)))),),
    )

    bad = False
    for size in range(1, 4):
        for ring in itertools.permutations(names, size):
            hops = [
                [row for row in rows[here] if row.target == there]
                for here, there in zip(ring, (*ring[1:], ring[0]), strict=True)
            ]
            for cycle in itertools.product(*hops):
                spends = any(row.spends for row in cycle)
                stops = any(row.guard for row in cycle)
                bad |= not any(row.consumes for row in cycle) and not (spends and stops)
    told = codes(check(chart).problems)
    assert bad == bool({"unbounded-cycle", "limit-ignored"} & set(told))


def test_thirty_states_twelve_facts_and_two_hundred_rows_are_exact():
    """Half a million combinations a state are no sample: one hole in them is found, and named by all twelve facts."""
    names = [f"f{index}" for index in range(12)]
    facts = tuple(FactUse(name=name, answers=("x", "y", "z")) for name in names)
    states = []
    for number in range(30):
        guards = [((name, ("x", "y")),) for name in names]
        rows = [
            Row(id=f"s{number}r{index}", guard=guard, target=f"s{number + 1}") for index, guard in enumerate(guards)
        ]
        last = [Row(id=f"s{number}last", target=f"s{number + 1}")] if number != 17 else []
        states.append(State(name=f"s{number}", phase="p", always=(*rows, *last)))
    chart = Chart(
        name="large",
        initial="s0",
        facts=facts,
        states=(*states, State(name="s30", phase="done", final=True)),
    )
    verdict = check(chart)

    assert ["incomplete"] == [problem.code for problem in verdict.problems]
    assert ("states", "s17", "always") == verdict.problems[0].path
    assert ", ".join(f"{name}=z" for name in names) in verdict.problems[0].message


def test_thirty_states_twelve_facts_and_two_hundred_rows_are_checked():
    """With every table over all twelve facts and two rules besides; `bench.check` says how long that takes."""
    assert () == check(chart_of(30, 12, 7)).problems


def asking(number: int) -> Chart:
    """A chart whose first state asks `number` facts of two answers, and then has a row for all else."""
    names = [f"f{index}" for index in range(number)]
    rows = tuple(Row(id=f"r{name}", guard=((name, ("x",)),), target="done") for name in names)
    start = State(name="start", phase="p", always=(*rows, Row(id="last", target="done")))
    facts = tuple(FactUse(name=name, answers=("x", "y")) for name in names)
    return Chart(name="wide", initial="start", facts=facts, states=(start, DONE))


def test_as_many_combinations_as_are_allowed_are_proved():
    """Twenty facts of two answers in one table."""
    verdict = check(asking(20))

    assert () == verdict.problems
    assert [bounds.COMBINATIONS] == [covered.combinations for covered in verdict.covered]


@pytest.mark.parametrize("number", [21, 60])
def test_more_combinations_are_refused_at_the_state_that_asks_them(number):
    """With how many there are and what to do; nothing is proved by a sample."""
    (problem,) = check(asking(number)).problems

    assert ("too-many-combinations", ("states", "start", "always", number)) == (problem.code, problem.path)
    assert f"state 'start': the {number} facts that decide here have {2**number:,} combinations" in problem.message
    assert "and 1,048,576 are the most" in problem.message


def test_facts_that_only_a_rule_adds_are_counted_too():
    """The rule is named with the state."""
    chart = asking(20)
    another = FactUse(name="more", answers=("x", "y"))
    rule = Never(name="none", enter=Moment(rows=("last",), guard=(("more", ("x",)),)))
    (problem,) = check(replace(chart, facts=(*chart.facts, another), rules=(rule,))).problems

    assert ("too-many-combinations", ("rules", "none")) == (problem.code, problem.path)
    assert problem.message.startswith("rule 'none', state 'start': the 21 facts")


def test_facts_of_a_user_that_a_table_does_not_ask_cost_nothing():
    """However many exclude each other: another answer of theirs is always possible, so they say nothing of others."""
    chart = asking(4)
    crowd = [f"g{index}" for index in range(300)]
    yes = [((first, ("x",)), (second, ("x",))) for first, second in zip(crowd, [*crowd[1:], "f0"], strict=True)]
    code = {
        name: SimpleNamespace(name=name, answers=("x", "y"), impossible=())
        for name in (*crowd, *(each.name for each in chart.facts))
    }
    code["g0"].impossible = tuple(yes)
    verdict = check(chart, facts=code)

    assert () == verdict.problems
    assert [16] == [covered.combinations for covered in verdict.covered]


FOUR = {"a": ("x", "y"), "b": ("x", "y", "z"), "c": ("x", "y"), "d": ("x", "y", "z")}
RULED_OUT = st.dictionaries(st.sampled_from(sorted(FOUR)), st.none(), min_size=1, max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(FOUR[name]), min_size=1, max_size=2, unique=True).map(tuple) for name in chosen}
    ).map(lambda pattern: tuple(pattern.items()))
)


@settings(max_examples=300)
@given(st.lists(RULED_OUT, max_size=8), st.sets(st.sampled_from(sorted(FOUR))))
def test_what_can_happen_is_what_some_answers_of_the_other_facts_allow(impossible, asked):
    """Compared with trying all answers of the facts that are not asked."""
    code = {name: SimpleNamespace(name=name, answers=answers, impossible=()) for name, answers in FOUR.items()}
    code["a"].impossible = tuple(impossible)
    facts = Facts(Chart(name="small", initial="done", states=(DONE,)), TOOL_LOOP, code)
    guards = [((name, FOUR[name][:1]),) for name in asked]
    space, possible = facts.space(guards, path=(), subject="")
    every = [dict(zip(FOUR, answers, strict=True)) for answers in itertools.product(*FOUR.values())]
    whole = [case for case in every if not any(holds(pattern, case) for pattern in impossible)]
    expected = {tuple((name, case[name]) for name in FOUR if name in asked) for case in whole}
    found = {tuple(space.first(1 << place).items()) for place in range(possible.bit_length()) if possible >> place & 1}

    assert expected == found


def test_what_facts_cannot_answer_together_is_no_gap_and_keeps_no_row_alive():
    """The built-in impossibilities hold without the facts' code; with code, its own hold instead."""
    facts = (FactUse(name="turn", answers=("none", "wants_tools")), FactUse(name="calls", answers=("open", "done")))
    guards = [(("turn", ("none",)),), (("calls", ("open",)),)]
    start = State(name="start", phase="p", always=rows_to(["done", "done"], guards))
    chart = Chart(name="small", initial="start", facts=facts, states=(start, DONE))
    code = {fact.name: SimpleNamespace(name=fact.name, answers=fact.answers, impossible=()) for fact in facts}

    assert () == check(chart).problems
    assert ["incomplete"] == codes(check(chart, facts=code).problems)


def test_strict_makes_overlaps_problems():
    """Without it they are notes, with it the chart is refused for them."""
    guards = [(("a", ("x",)),), (("a", ("x", "y")),)]
    start = State(name="start", phase="p", always=rows_to(["done", "done"], guards))
    chart = Chart(name="small", initial="start", facts=FACTS[:1], states=(start, DONE))

    assert ((), ["overlap"]) == (check(chart).problems, codes(check(chart).notes))
    assert (["overlap"], ()) == (codes(check(chart, strict=True).problems), check(chart, strict=True).notes)


def test_a_last_row_without_guard_overlaps_with_nothing():
    """It says "else"; a row without guard that is not the last makes those below it dead."""
    start = State(name="start", phase="p", always=rows_to(["done", "done"], [(("a", ("x",)),), ()]))
    chart = Chart(name="small", initial="start", facts=FACTS[:1], states=(start, DONE))

    assert ((), ()) == (check(chart, strict=True).problems, check(chart).notes)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"facts": (*FACTS[:1], FACTS[0])}, "duplicate-key"),
        ({"facts": (FactUse(name="a", answers=()),)}, "no-answers"),
        ({"states": (DONE, DONE)}, "duplicate-key"),
        ({"states": ()}, "unknown-initial"),
    ],
)
def test_a_chart_made_in_python_can_be_wrong_in_ways_that_no_file_can(change, expected):
    """What the loader would have refused is a problem, not a traceback."""
    start = State(name="done", phase="done", final=True)
    chart = replace(Chart(name="small", initial="done", facts=FACTS[:1], states=(start,)), **change)

    assert expected in codes(check(chart).problems)


def test_the_default_chart_is_proved():
    """Every state has a way to it, every cycle a bound, and the sentences say how much was proved."""
    chart = load("states")
    verdict = check(chart)

    assert [state.name for state in chart.states] == [name for name, _ in verdict.ways]
    assert all(bound.consumes or (bound.spends and bound.leaves) for bound in verdict.bounds)
    assert {row.id for state in chart.states for row in state.rows} == {
        row for covered in verdict.covered for row in covered.rows
    }
    assert 6 == len(verdict.proofs)
    assert math.inf > sum(covered.combinations for covered in verdict.covered) > 100


def test_a_cycle_is_bounded_only_by_what_it_does_not_renew():
    """Calls end within one reply; a cycle that asks for new replies has to spend a limit besides."""
    tools = Row(id="tools", event="replied", target="tools")
    ask = State(name="ask", phase="p", effect="ask", transitions=(tools, Row(id="lost", event="failed", target="done")))
    called = Row(id="called", event="tool_finished", target="ask", consumes="calls")
    call = State(
        name="tools",
        phase="p",
        effect="call_tools",
        transitions=(called, Row(id="broken", event="failed", target="done")),
    )
    chart = Chart(
        name="small",
        initial="ask",
        states=(ask, call, DONE),
        effects=(CustomEffect(name="ask", reports=("replied",)),),
    )
    within = replace(call, transitions=(replace(called, target="tools"), *call.transitions[1:]))

    assert ["renewed-supply"] == codes(check(chart).problems)
    inside = check(replace(chart, states=(ask, within, DONE)))
    assert ((), ()) == (inside.problems, inside.notes)
