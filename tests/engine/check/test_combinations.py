"""Sets of combinations: as exact as sets of tuples."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_runner.engine.check.combinations import Space, intersection, spelled

FACTS = {"a": ("x", "y"), "b": ("x", "y", "z"), "c": ("only",), "d": ("x", "y", "z", "w")}
CASES = [dict(zip(FACTS, answers, strict=True)) for answers in itertools.product(*FACTS.values())]
GUARDS = st.dictionaries(st.sampled_from(sorted(FACTS)), st.just(None)).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(FACTS[name]), min_size=1, unique=True).map(tuple) for name in chosen}
    ).map(lambda guard: tuple(guard.items()))
)


def brute(guard):
    """The indexes of the cases for which `guard` holds."""
    return {i for i, case in enumerate(CASES) if all(case[name] in answers for name, answers in guard)}


def listed(space, some):
    """The indexes of the cases that are in `some`."""
    single = [space.pattern(tuple((name, (answer,)) for name, answer in case.items())) for case in CASES]
    return {i for i, case in enumerate(single) if case & some}


@given(GUARDS, GUARDS, GUARDS)
def test_the_algebra_is_that_of_sets(first, second, third):
    """And, or, and not, count and union agree with sets."""
    space = Space(FACTS)
    a, b, c = (space.pattern(guard) for guard in (first, second, third))

    assert brute(first) == listed(space, a)
    assert brute(first) & brute(second) == listed(space, a & b)
    assert (brute(first) | brute(second)) - brute(third) == listed(space, (a | b) & ~c)
    assert len(brute(first) | brute(second)) == space.union([first, second]).bit_count()
    assert len(CASES) == space.every.bit_count()


@given(GUARDS, GUARDS)
def test_equal_sets_are_one_value(first, second):
    """Sets made in different ways compare equal exactly when they hold the same combinations."""
    space = Space(FACTS)
    a, b = space.pattern(first), space.pattern(second)

    assert (brute(first) == brute(second)) == (a == b)
    assert (a & b) == (a & ~(space.every & ~b))


@given(GUARDS, GUARDS)
def test_the_first_combination_is_the_first_in_the_order_of_the_answers(first, second):
    """It has every fact, and no combination before it is in the set; an empty set has none."""
    space = Space(FACTS)
    some = space.pattern(first) & ~space.pattern(second)
    expected = sorted(brute(first) - brute(second))
    if not expected:
        with pytest.raises(ValueError, match="an empty set has no combination"):
            space.first(some)
        return

    assert CASES[expected[0]] == space.first(some)


@given(GUARDS, GUARDS)
def test_the_intersection_of_two_patterns_holds_where_both_do(first, second):
    """None when there is no such combination."""
    shared = intersection(first, second)

    assert brute(first) & brute(second) == (set() if shared is None else brute(shared))


def test_patterns_are_spelled_as_a_person_would_write_them():
    """Answers of one fact are divided by a bar; a pattern of nothing holds for anything."""
    assert "turn=paused, compaction=due|asked" == spelled((("turn", ("paused",)), ("compaction", ("due", "asked"))))
    assert "anything" == spelled(())
