"""What cannot happen, said of some facts alone."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.core.impossible import impossible_among

ANSWERS = {"a": ("x", "y"), "b": ("x", "y", "z"), "c": ("x", "y"), "d": ("x", "y", "z")}
PATTERNS = st.dictionaries(st.sampled_from(sorted(ANSWERS)), st.none(), min_size=1, max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {
            name: st.lists(st.sampled_from(ANSWERS[name]), min_size=1, max_size=2, unique=True).map(tuple)
            for name in chosen
        }
    ).map(lambda pattern: tuple(pattern.items()))
)


def combinations(names):
    """Every combination of the answers of some facts."""
    return [dict(zip(names, some, strict=True)) for some in itertools.product(*(ANSWERS[name] for name in names))]


def holds(pattern, point):
    return all(point[name] in answers for name, answers in pattern)


@settings(max_examples=200)
@given(st.lists(PATTERNS, max_size=8), st.sets(st.sampled_from(sorted(ANSWERS)), min_size=1))
def test_what_is_left_is_impossible_exactly_when_no_other_answers_make_it_possible(impossible, asked):
    """Compared with trying all answers of the facts that are left out."""
    found = impossible_among(asked, impossible, ANSWERS)
    possible = [point for point in combinations(ANSWERS) if not any(holds(pattern, point) for pattern in impossible)]

    assert asked >= {name for pattern in found for name, _ in pattern}
    for point in combinations(sorted(asked)):
        comes = any(point.items() <= whole.items() for whole in possible)
        assert comes == (not any(holds(pattern, point) for pattern in found))


def test_what_another_fact_makes_impossible_is_impossible():
    """When each of its answers is ruled out, nothing of the other can be."""
    answers = {"a": ("x", "y"), "b": ("x", "y"), "between": ("p", "q")}
    ruled_out = (
        (("a", ("x",)), ("between", ("p",))),
        (("b", ("y",)), ("between", ("q",))),
    )

    assert ((("a", ("x",)), ("b", ("y",))),) == impossible_among(["a", "b"], ruled_out, answers)
    assert () == impossible_among(["a"], ruled_out, answers)
