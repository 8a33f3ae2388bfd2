"""The order of facts in a diagram: the same for the same ties, and one in which diagrams stay small."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.check import pairs_of
from fsm_runner.core.check import check
from fsm_runner.core.check_rows import Facts
from fsm_runner.core.cover import Combos, Fork, Space
from fsm_runner.core.cover_order import close_together

NAMES = tuple("abcdefghij")
TIES = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True), max_size=12)


def forks(some: Combos) -> set[Fork]:
    """The forks of the diagram of `some`."""
    found, waiting = set[Fork](), [some]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Fork) and each not in found:
            found.add(each)
            waiting += each.branches
    return found


def divided(ties: list[list[str]], before: tuple[str, ...]) -> int:
    """How many different ties have facts both in `before` and behind."""
    return sum(0 < len(tie & set(before)) < len(tie) for tie in set(map(frozenset, ties)))


@given(TIES, st.data())
def test_the_order_has_every_fact_once_and_depends_on_nothing_but_which_ties_there_are(ties, data):
    """Ties told in another order, twice, the other way round, or with unknown facts in them change nothing."""
    order = close_together(NAMES, ties)
    others = [[*tie[::-1], "unknown"] for tie in data.draw(st.permutations(ties))]

    assert sorted(NAMES) == sorted(order)
    assert order == close_together(NAMES, [*others, *ties])


@given(TIES)
def test_each_fact_is_the_one_after_which_the_fewest_ties_are_divided(ties):
    """At each place, compared with every other fact that could stand there."""
    order = close_together(NAMES, ties)

    for place, name in enumerate(order):
        chosen = divided(ties, (*order[:place], name))
        assert chosen == min(divided(ties, (*order[:place], other)) for other in order[place:])


@given(TIES)
def test_a_level_of_a_diagram_has_at_most_two_to_the_power_of_the_ties_divided_before_it(ties):
    """So few divided ties are a small diagram, whatever the ties are."""
    order = close_together(NAMES, ties)
    space = Space(dict.fromkeys(NAMES, ("x", "y", "z")), order=order, leaf_bits=1)
    some = space.union(tuple((name, ("x",)) for name in tie) for tie in ties)

    for level, number in Counter(fork.level for fork in forks(some)).items():
        assert number <= 2 ** divided(ties, order[:level])


def test_facts_without_ties_stay_as_they_are():
    """There is nothing to bring together."""
    assert NAMES == close_together(NAMES, [["a"], [], ["b", "unknown"]])


@pytest.mark.parametrize(
    "groups", [("af", "bg", "ch", "di", "ej"), ("aj", "bi", "ch", "dg", "ef"), ("adgj", "beh", "cfi")]
)
def test_facts_that_exclude_each_other_are_neighbours(groups):
    """However they are declared: far apart, from both ends inwards, or in turn."""
    order = close_together(NAMES, [pair for group in groups for pair in combinations(group, 2)])
    places = [sorted(order.index(name) for name in group) for group in groups]

    assert all(at[-1] - at[0] == len(at) - 1 for at in places)


def test_the_diagram_of_facts_that_exclude_each_other_in_pairs_grows_with_their_number():
    """Two facts more, one declared among the first and one among the last: as many forks more, each time."""
    sizes = []
    for pairs in range(8, 40):
        chart, code = pairs_of(pairs)
        space, possible = Facts(chart, code, leaf_bits=1).space(row.guard for row in chart.rows)
        assert 3**pairs == space.count(possible)
        sizes.append(len(forks(possible)))

    assert [2] * 31 == [later - earlier for earlier, later in pairwise(sizes)]


def test_dozens_of_facts_that_exclude_each_other_in_pairs_are_checked():
    """Exactly: as many combinations as there are, of more than could be looked at one by one."""
    chart, code = pairs_of(32)

    assert 3**32 == check(chart, facts=code).covered[0].combinations
