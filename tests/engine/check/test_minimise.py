"""Patterns: exact for any set, and few."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.engine.chart import Pattern
from fsm_runner.engine.check.combinations import Space
from fsm_runner.engine.check.minimise import patterns

ANSWERS = ("a", "b", "c", "d")


@st.composite
def facts(draw: st.DrawFn, most: int = 4) -> dict[str, tuple[str, ...]]:
    """Up to `most` facts of one to four answers."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=0, max_size=most))
    return {f"fact{number}": ANSWERS[:size] for number, size in enumerate(sizes)}


def points(space: Space) -> list[dict[str, str]]:
    """Every combination of `space`."""
    names = [name for name, _ in space.facts]
    return [dict(zip(names, chosen, strict=True)) for chosen in product(*(answers for _, answers in space.facts))]


def holds(pattern: Pattern, point: dict[str, str]) -> bool:
    """Whether `pattern` holds for one combination."""
    return all(point[fact] in answers for fact, answers in pattern)


def set_of(space: Space, chosen: list[dict[str, str]]) -> object:
    """The combinations `chosen`, as a set of `space`."""
    return space.union(tuple((name, (answer,)) for name, answer in point.items()) for point in chosen)


@st.composite
def sets(draw: st.DrawFn, most: int = 4) -> tuple[Space, list[dict[str, str]], list[dict[str, str]]]:
    """A space, some combinations of it, and some others that do not matter."""
    space = Space(draw(facts(most)))
    kinds = draw(st.lists(st.sampled_from("wwwnnf"), min_size=len(points(space)), max_size=len(points(space))))
    told = list(zip(points(space), kinds, strict=True))
    return space, [point for point, kind in told if kind == "w"], [point for point, kind in told if kind == "f"]


@settings(max_examples=60)
@given(sets())
def test_patterns_hold_for_what_is_wanted_and_for_nothing_else_that_matters(case):
    """Point by point, over sets of every shape."""
    space, wanted, free = case
    found = patterns(space, set_of(space, wanted), set_of(space, free))

    said = [point for point in points(space) if any(holds(pattern, point) for pattern in found)]
    assert wanted == [point for point in said if point not in free]
    assert [] == [point for point in said if point not in wanted and point not in free]


@settings(max_examples=40)
@given(sets())
def test_no_pattern_is_superfluous_and_none_can_say_more(case):
    """Leaving one out loses something, and so does each answer, unless all but one are named; one more would say too
    much, or nothing."""
    space, wanted, free = case
    found = patterns(space, set_of(space, wanted), set_of(space, free))

    for pattern in found:
        others = [other for other in found if other != pattern]
        assert any(not any(holds(other, point) for other in others) for point in wanted)
        for fact, answers in pattern:
            for answer in dict(space.facts)[fact]:
                part = tuple((name, (answer,) if name == fact else has) for name, has in pattern)
                says = [point for point in points(space) if holds(part, point)]
                fits = all(point in wanted + free for point in says)
                told_as_one = answer in answers and len(answers) == len(dict(space.facts)[fact]) - 1
                assert (answer in answers) == (fits and (told_as_one or any(point in wanted for point in says)))


def test_everything_is_one_empty_pattern_and_nothing_is_none():
    """An empty pattern holds always."""
    space = Space({"turn": ("none", "paused"), "closed": ("true", "false")})

    assert ((),) == patterns(space, space.every)
    assert () == patterns(space, 0)
    assert ((),) == patterns(Space({}), 1)


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ((), (("turn", ("paused",)), ("closed", ("true",)))),
        (((("turn", ("none",)),),), (("closed", ("true",)),)),
    ],
)
def test_what_cannot_happen_makes_patterns_shorter(free, expected):
    """A condition that only guards against the impossible is left out."""
    space = Space({"turn": ("none", "paused"), "closed": ("true", "false")})
    wanted = space.pattern((("turn", ("paused",)), ("closed", ("true",))))

    assert (expected,) == patterns(space, wanted, space.union(free))


@pytest.mark.parametrize(
    ("wanted", "free", "expected"),
    [
        ((("turn", ("paused",)),), (("turn", ("none",)),), (("turn", ("paused",)),)),
        ((("turn", ("paused", "over")),), (("turn", ("none",)),), (("turn", ("none", "paused", "over")),)),
    ],
)
def test_an_answer_that_cannot_happen_is_named_only_where_all_but_one_are(wanted, free, expected):
    """A pattern can hold for it as well; that says nothing, but "not finished" is shorter than "paused or over"."""
    space = Space({"turn": ("none", "paused", "over", "finished")})

    assert (expected,) == patterns(space, space.pattern(wanted), space.pattern(free))
