"""Patterns: a set of combinations said in as few guards as describe it.

A pattern is grown from one combination of the set: as many answers as fit, fact by fact, in several orders, so that
it can grow no further.  The one that holds for most of what is still to be said is chosen, until nothing is left;
then a bounded search looks for fewer among all that were grown.  What cannot happen may be included or not, whichever
is shorter, but no answer is named for it alone.  The result is exact; that it is the shortest is likely for the few
facts of one state, not promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsm_runner.core.chart import Pattern
from fsm_runner.core.cover import Combos, Space

SMALL = 4096
"""Combinations up to which patterns are grown from many places and in every turn of the facts' order."""

TRIES, FEW_TRIES = 40_000, 1_000
"""Steps of the search for fewer patterns, in a small space and in a larger one."""


class TooManyPatterns(Exception):
    """The set needs more patterns than were allowed."""


def patterns(space: Space, wanted: Combos, free: Combos = 0, *, most: int | None = None) -> tuple[Pattern, ...]:
    """Return few patterns that hold for each combination of `wanted` and for no others but those of `free`.

    Args:
        space: what both sets are of.
        wanted: the combinations to describe; none: no pattern.
        free: those that do not matter, because they cannot happen.
        most: how many patterns are still of use; None: as many as it takes.

    Returns:
        The pattern that says most first.  One empty pattern means: whatever the facts answer.

    Raises:
        TooManyPatterns: it takes more than `most`, as far as was searched.
    """
    growing = _Growing(space, space.either(wanted, free))
    rest, chosen = wanted, list[Pattern]()
    while rest != space.never:
        if most is not None and len(chosen) > most + 1:  # the search below may find one or two fewer
            raise TooManyPatterns
        grown = growing.around(rest)
        best = max(grown, key=lambda pattern: growing.worth(pattern, rest))
        chosen.append(best)
        rest = space.without(rest, growing.found[best])
    fewer = _fewer(space, wanted, growing.found, len(chosen), TRIES if growing.small else FEW_TRIES)
    found = _needed(space, wanted, growing.found, fewer or chosen)
    if most is not None and len(found) > most:
        raise TooManyPatterns
    meant = [_meant(space, wanted, growing.allowed, pattern) for pattern in found]
    said = {pattern: space.pattern(pattern) for pattern in meant}
    return tuple(_needed(space, wanted, said, list(said)))  # one that says more now may make another superfluous


class _Growing:
    """Patterns that hold nowhere outside `allowed`, and the combinations of each."""

    def __init__(self, space: Space, allowed: Combos) -> None:
        self.space, self.allowed = space, allowed
        self.names = tuple(name for name, _ in space.facts)
        self.answers = dict(space.facts)
        self.single = {(name, a): space.pattern(((name, (a,)),)) for name, answers in space.facts for a in answers}
        self.found: dict[Pattern, Combos] = {}
        self.small = space.count(space.every) <= SMALL
        turns = range(len(self.names) if self.small else min(2, len(self.names)))
        orders = [self.names[at:] + self.names[:at] for at in turns] or [()]
        self.orders = list(dict.fromkeys([*orders, *(order[::-1] for order in orders)]))

    def worth(self, pattern: Pattern, rest: Combos) -> tuple[int, int, int]:
        """How much of `rest` a pattern says, then how short it is."""
        said = self.space.count(self.space.both(self.found[pattern], rest))
        return said, -len(pattern), -sum(len(answers) for _, answers in pattern)

    def around(self, rest: Combos) -> list[Pattern]:
        """Grow patterns from combinations of `rest`, in several orders of the facts, there and back."""
        return [self.grown(seed, order) for seed in self.seeds(rest) for order in self.orders]

    def seeds(self, rest: Combos) -> Iterator[dict[str, str]]:
        """Yield one combination of `rest`; of a small space one for each answer that it has."""
        first = self.space.first(rest)
        yield first
        if self.small:
            seen = [first]
            for some in self.single.values():
                part = self.space.both(some, rest)
                if part != self.space.never and (seed := self.space.first(part)) not in seen:
                    seen.append(seed)
                    yield seed

    def grown(self, seed: dict[str, str], order: Sequence[str]) -> Pattern:
        """Return the pattern around `seed` that can grow no further, each fact given its answers in `order`."""
        held = {name: self.single[name, answer] for name, answer in seed.items()}
        answers = {name: {answer} for name, answer in seed.items()}
        for name in order:
            others = self.space.every
            for other, some in held.items():
                others = others if other == name else self.space.both(others, some)
            for answer in self.answers[name]:
                wider = self.space.both(others, self.single[name, answer])
                if self.space.without(wider, self.allowed) == self.space.never:
                    answers[name].add(answer)
                    held[name] = self.space.either(held[name], self.single[name, answer])
        combos = self.space.every
        for some in held.values():
            combos = self.space.both(combos, some)
        pattern = tuple(
            (name, tuple(answer for answer in declared if answer in answers[name]))
            for name, declared in self.space.facts
            if len(answers[name]) < len(declared)
        )
        self.found[pattern] = combos
        return pattern


def _fewer(space: Space, wanted: Combos, found: dict[Pattern, Combos], most: int, tries: int) -> list[Pattern] | None:
    """Return fewer than `most` of `found` that cover `wanted`; None when the search meets none in `tries` steps."""

    def search(rest: Combos, left: int) -> list[Pattern] | None:
        nonlocal tries
        if rest == space.never:
            return []
        if left == 0:
            return None
        seed = space.pattern(tuple((name, (answer,)) for name, answer in space.first(rest).items()))
        for pattern, some in found.items():
            tries -= 1
            if tries < 0:
                return None
            if space.both(seed, some) != space.never:
                more = search(space.without(rest, some), left - 1)
                if more is not None:
                    return [pattern, *more]
        return None

    for left in range(1, most):
        better = search(wanted, left)
        if better is not None:
            return better
    return None


def _meant(space: Space, wanted: Combos, allowed: Combos, pattern: Pattern) -> Pattern:
    """Return `pattern` with the answers that say something of `wanted`, and with all of those that fit then.

    All answers but one stay, for they are told as that one.
    """
    said, every = space.both(space.pattern(pattern), wanted), dict(space.facts)
    kept = {
        name: {
            answer
            for answer in some
            if len(some) == len(every[name]) - 1 or space.both(said, space.pattern(((name, (answer,)),))) != space.never
        }
        for name, some in pattern
    }

    def fits(name: str, answer: str) -> bool:
        """Whether one more answer says something, and nothing that is not allowed."""
        part = {**{each: tuple(some) for each, some in kept.items()}, name: (answer,)}
        wider = space.pattern(tuple(part.items()))
        return space.both(wider, wanted) != space.never == space.without(wider, allowed)

    missing = [(name, answer) for name, answers in space.facts if name in kept for answer in answers]
    while more := next((each for each in missing if each[1] not in kept[each[0]] and fits(*each)), None):
        kept[more[0]].add(more[1])
    asked = [(name, answers) for name, answers in space.facts if len(kept.get(name, answers)) < len(answers)]
    return tuple((name, tuple(answer for answer in answers if answer in kept[name])) for name, answers in asked)


def _needed(space: Space, wanted: Combos, found: dict[Pattern, Combos], chosen: list[Pattern]) -> list[Pattern]:
    """Return `chosen` without those that the others make superfluous, the one that says most first."""
    kept = list(chosen)
    for pattern in chosen:
        rest = wanted
        for other in kept:
            rest = rest if other == pattern else space.without(rest, found[other])
        if rest == space.never:
            kept.remove(pattern)
    return sorted(kept, key=lambda each: -space.count(space.both(found[each], wanted)))
