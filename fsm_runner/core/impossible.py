"""What cannot happen, said of some facts alone: so that a table is judged over the facts that its rows ask.

A fact that no row asks may still stand between two that rows do ask.  It is left out one at a time: what remains
impossible is what is so beside each of its answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from fsm_runner.core.chart import Pattern
from fsm_runner.core.cover import intersection


def impossible_among(
    asked: Collection[str], impossible: Iterable[Pattern], answers: Mapping[str, Sequence[str]]
) -> tuple[Pattern, ...]:
    """Return what cannot happen, said of the facts in `asked` alone.

    Their answers cannot be given together when each answer of some other fact is impossible beside them.

    Args:
        asked: the facts that the result may name.
        impossible: what cannot happen, of any facts.
        answers: all answers of every fact.
    """
    known = list(dict.fromkeys(impossible))
    for other in dict.fromkeys(fact for pattern in known for fact, _ in pattern if fact not in asked):
        without: list[Pattern] = [()]
        for answer in answers[other]:
            ruled_out = [_less(pattern, other) for pattern in known if answer in dict(pattern).get(other, ())]
            met = [intersection(one, two) for one in without for two in ruled_out]
            without = _widest(pattern for pattern in met if pattern is not None)
        known = _widest([pattern for pattern in known if other not in dict(pattern)] + without)
    return tuple(known)


def _widest(patterns: Iterable[Pattern]) -> list[Pattern]:
    """Return `patterns` without those that say nothing beside another."""
    kept: list[Pattern] = []
    for pattern in dict.fromkeys(patterns):
        if not any(_covers(other, pattern) for other in kept):
            kept = [other for other in kept if not _covers(pattern, other)] + [pattern]
    return kept


def _covers(wide: Pattern, narrow: Pattern) -> bool:
    asked = dict(narrow)
    return all(name in asked and set(asked[name]) <= set(answers) for name, answers in wide)


def _less(pattern: Pattern, fact: str) -> Pattern:
    return tuple((name, wanted) for name, wanted in pattern if name != fact)
