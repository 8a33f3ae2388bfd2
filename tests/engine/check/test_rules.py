"""Rules: proved exactly when no path breaks them, and refused with a shortest path that does."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.charts import load
from fsm_runner.engine.chart import AlwaysReaches, Chart, CustomEffect, FactUse, Moment, Never, Precedes, Row, State
from fsm_runner.loop.tool_loop import check

ANSWERS = {"a": ("x", "y"), "b": ("x", "y")}
FACTS = tuple(FactUse(name=name, answers=answers) for name, answers in ANSWERS.items())
CASES = [dict(zip(ANSWERS, answers, strict=True)) for answers in itertools.product(*ANSWERS.values())]
NAMES = ("s0", "s1", "s2")
DONE = State(name="done", phase="done", final=True)
GUARDS = st.dictionaries(st.sampled_from(sorted(ANSWERS)), st.sampled_from("xy"), max_size=2).map(
    lambda guard: tuple((name, (answer,)) for name, answer in guard.items())
)
ROWS = st.lists(st.tuples(GUARDS, st.sampled_from((*NAMES, "done"))), min_size=1, max_size=3)


@st.composite
def charts(draw):
    """Charts of three states, each with rows for two events; the last row of each holds always."""
    states = []
    for name in NAMES:
        rows = []
        for event in ("e", "f"):
            found = draw(ROWS)
            guards = [guard for guard, _ in found[:-1]] + [()]
            for index, (guard, (_, target)) in enumerate(zip(guards, found, strict=True)):
                rows.append(Row(id=f"{name}{event}{index}", event=event, guard=guard, target=target, consumes="caller"))
        rows.append(Row(id=f"{name}lost", event="failed", target="done"))
        states.append(State(name=name, phase="p", effect="own", transitions=tuple(rows)))
    effects = (CustomEffect(name="own", reports=("e", "f")),)
    return Chart(name="random", initial="s0", facts=FACTS, effects=effects, states=(*states, DONE))


def moments(chart):
    """Moments of any kind that name what `chart` declares."""
    ids = st.lists(st.sampled_from([row.id for row in chart.rows]), max_size=2, unique=True).map(tuple)
    states = st.lists(st.sampled_from((*NAMES, "done")), max_size=2, unique=True).map(tuple)
    made = st.builds(Moment, states=states, rows=ids, guard=GUARDS)
    return st.one_of(st.builds(Moment, states=states), made).filter(lambda moment: moment != Moment())


def holds(guard, case):
    return all(case[name] in answers for name, answers in guard)


def is_it(moment, row, case):
    """Whether taking `row` under `case` is `moment`; the start is a row that is None."""
    if moment is None:
        return False
    if row is None:
        return not moment.rows and not moment.guard and "s0" in moment.states
    return (
        (not moment.states or row.target in moment.states)
        and (not moment.rows or row.id in moment.rows)
        and holds(moment.guard, case)
    )


def moves(chart, name):
    """Every row that can be taken in a state, with every combination for which it is."""
    for event in ("e", "f", "failed"):
        rows = [row for row in chart.state(name).transitions if row.event == event]
        for case in CASES:
            taken = next((row for row in rows if holds(row.guard, case)), None)
            if taken is not None:
                yield taken, case


def after(rule, bound, row, case):
    """Whether the rule binds after a transition, or None when that breaks it."""
    frees, forbidden, binds = (
        (rule.first, rule.then, rule.since) if isinstance(rule, Precedes) else (rule.until, rule.enter, rule.after)
    )
    bound = bound and not is_it(frees, row, case)
    if bound and is_it(forbidden, row, case):
        return None
    return bound or is_it(binds, row, case)


def shortest_break(chart, rule):
    """The length of a shortest path that breaks `rule`, level by level; None when none does."""
    bound = after(rule, isinstance(rule, Precedes) or rule.after is None, None, {})
    if bound is None:
        return 0
    level, seen = {("s0", bound)}, set()
    length = 0
    while level:
        length += 1
        seen |= level
        following = set()
        for name, bound in level:
            for row, case in moves(chart, name):
                still = after(rule, bound, row, case)
                if still is None:
                    return length
                following.add((row.target, still))
        level = following - seen
    return None


def found(chart, rule):
    """What the check says of `rule` in `chart`: its violation, or None."""
    ruled = Chart(**{**{key: getattr(chart, key) for key in chart.__slots__}, "rules": (rule,)})
    violations = [each for each in check(ruled).violations if each.rule == rule.name]
    return violations[0] if violations else None


@st.composite
def charts_and_rules(draw):
    chart = draw(charts())
    some = moments(chart)
    maybe = st.one_of(st.none(), some)
    rule = draw(
        st.one_of(
            st.builds(Precedes, name=st.just("r"), first=some, then=some, since=maybe),
            st.builds(Never, name=st.just("r"), enter=some, after=maybe, until=maybe),
        )
    )
    return chart, rule


@settings(max_examples=200)
@given(charts_and_rules())
def test_rules_of_order_are_those_of_brute_force(given_):
    """A rule fails exactly when some path under some answers breaks it, and the path shown is as short as any."""
    chart, rule = given_
    expected, violation = shortest_break(chart, rule), found(chart, rule)

    assert expected == (None if violation is None else len(violation.path))


@settings(max_examples=100)
@given(charts_and_rules())
def test_the_path_of_a_violation_can_be_taken_and_breaks_the_rule(given_):
    """Under all answers that it names, each row is the first that holds, and the last step breaks the rule."""
    chart, rule = given_
    violation = found(chart, rule)
    if violation is None:
        return
    here, bound = "s0", after(rule, isinstance(rule, Precedes) or rule.after is None, None, {})
    for taken in violation.path:
        assert here == taken.source
        cases = [case for case in CASES if holds(taken.facts, case)]
        rows = {(row.id, after(rule, bound, row, case)) for row, case in moves(chart, here) if case in cases}
        assert any(row == taken.row for row, _ in rows)
        (bound,) = {still for row, still in rows if row == taken.row}
        here = taken.target
    assert bound is None


@settings(max_examples=100)
@given(charts(), st.lists(st.sampled_from((*NAMES, "done")), min_size=1, max_size=2, unique=True))
def test_reaching_is_that_of_brute_force(chart, goals):
    """It fails exactly when some state that a run can be in leads to none of those named."""

    def ahead(start):
        reached, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            targets = set() if here == "done" else {row.target for row, _ in moves(chart, here)}
            waiting += targets - reached
            reached |= targets
        return reached

    stuck = [name for name in ahead("s0") if not ahead(name) & set(goals)]
    violation = found(chart, AlwaysReaches(name="r", states=tuple(goals)))

    assert bool(stuck) == (violation is not None)
    if violation is not None:
        assert (violation.path[-1].target if violation.path else "s0") in stuck


def test_the_default_chart_keeps_rules_that_a_reviewer_would_ask_for():
    """No request once the limit is reached or the last reply was final, and none after a failure but on request."""
    rules = (
        Never(name="limit", enter=Moment(rows=("ask",), guard=(("limit", ("reached",)),))),
        Never(name="finished", enter=Moment(rows=("ask",), guard=(("turn", ("finished",)),))),
        Never(
            name="failed",
            after=Moment(states=("failed",)),
            enter=Moment(states=("request",)),
            until=Moment(rows=("try_again",)),
        ),
        Precedes(name="asked", first=Moment(states=("request",)), then=Moment(states=("offered",))),
        AlwaysReaches(name="ends", states=("done",)),
    )
    chart = load("states")
    verdict = check(Chart(**{**{key: getattr(chart, key) for key in chart.__slots__}, "rules": rules}))

    assert ["rule-precedes"] == [problem.code for problem in verdict.problems]
    assert ("begin", "last_compaction", "compacted") == verdict.violations[0].rows


def test_a_rule_that_holds_is_named_among_the_proofs():
    """A reviewer sees which rules hold; a chart without rules says nothing of them."""
    chart = load("states")
    ends = AlwaysReaches(name="ends", states=("done",))
    ruled = Chart(**{**{key: getattr(chart, key) for key in chart.__slots__}, "rules": (ends,)})

    assert "every path keeps the rules ends" == check(ruled).proofs[-1]
    assert ("ends",) == check(ruled).rules
    assert "always rows cannot loop" == check(replace(chart, rules=())).proofs[-1]


@pytest.mark.parametrize(("since", "expected"), [(None, None), (Moment(states=("tools",)), ("look", "again"))])
def test_since_asks_for_it_anew(since, expected):
    """Approved once is enough, unless the rule says since when it must be approved again."""
    ask = State(
        name="ask", phase="p", transitions=(Row(id="look", event="continued", target="tools", consumes="caller"),)
    )
    tools = State(
        name="tools",
        phase="p",
        transitions=(
            Row(id="again", event="continued", target="tools", guard=(("a", ("x",)),), consumes="caller"),
            Row(id="end", event="continued", target="done"),
        ),
    )
    rule = Precedes(name="r", first=Moment(states=("ask",)), then=Moment(states=("tools",)), since=since)
    chart = Chart(name="small", initial="ask", facts=FACTS[:1], states=(ask, tools, DONE))
    violation = found(chart, rule)

    assert expected == (None if violation is None else violation.rows)


def test_a_rule_broken_by_the_start_itself_says_so():
    """The start enters the initial state, with no row before it."""
    chart = Chart(
        name="small", initial="done", states=(DONE,), rules=(Never(name="r", enter=Moment(states=("done",))),)
    )
    verdict = check(chart)

    assert () == verdict.violations[0].path
    assert "rule 'r': 'done' comes: at the start" in verdict.problems[0].message
