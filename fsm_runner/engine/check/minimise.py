"""Minimising: a set of combinations as few guards.

A pattern grows from one combination of the set: fact by fact, it takes as many answers as fit, in several orders of the
facts.  Of the patterns found, the one that covers most of what is left is chosen, until nothing is left.  Combinations
that cannot happen may be covered or not, whichever is shorter, but no answer is named only for them.  The result is
exact, and none of its patterns is superfluous.  For the facts of one state it is probably the smallest, but that is not
guaranteed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsm_runner.engine.chart import Pattern
from fsm_runner.engine.check.combinations import Combos, Space

SMALL = 4096
"""Up to how many combinations patterns are grown from many of them and in every rotation of the facts."""


class TooManyPatterns(Exception):
    """The set needs more patterns than were allowed."""


def patterns(space: Space, wanted: Combos, free: Combos = 0, *, most: int | None = None) -> tuple[Pattern, ...]:
    """Return few patterns that hold for each combination of `wanted` and for no others but those of `free`.

    Args:
        space: the space of both sets.
        wanted: the combinations to describe.
        free: combinations that do not matter, because they cannot happen.
        most: how many patterns the result may have; None: any number.

    Returns:
        The patterns, the one that covers most first.  A single empty pattern means: for all answers.  No pattern: the
        set is empty.

    Raises:
        TooManyPatterns: no result of at most `most` patterns was found.
    """
    growing = _Growing(space, wanted | free)
    rest, chosen = wanted, list[Pattern]()
    while rest:
        if most is not None and len(chosen) > most + 1:  # one may turn out to be superfluous
            raise TooManyPatterns
        grown = growing.around(rest)
        best = max(grown, key=lambda pattern: growing.worth(pattern, rest))
        chosen.append(best)
        rest &= ~growing.found[best]
    found = _needed(wanted, growing.found, chosen)
    if most is not None and len(found) > most:
        raise TooManyPatterns
    meant = [_meant(space, wanted, growing.allowed, pattern) for pattern in found]
    said = {pattern: space.pattern(pattern) for pattern in meant}
    return tuple(_needed(wanted, said, list(said)))  # a pattern that covers more now may make another one superfluous


class _Growing:
    """Patterns that hold nowhere outside `allowed`, and the combinations of each."""

    def __init__(self, space: Space, allowed: Combos) -> None:
        self.space, self.allowed = space, allowed
        self.names = tuple(name for name, _ in space.facts)
        self.answers = dict(space.facts)
        self.single = {(name, a): space.pattern(((name, (a,)),)) for name, answers in space.facts for a in answers}
        self.found: dict[Pattern, Combos] = {}
        self.small = space.every.bit_count() <= SMALL
        turns = range(len(self.names) if self.small else min(2, len(self.names)))
        orders = [self.names[at:] + self.names[:at] for at in turns] or [()]
        self.orders = list(dict.fromkeys([*orders, *(order[::-1] for order in orders)]))

    def worth(self, pattern: Pattern, rest: Combos) -> tuple[int, int, int]:
        """How much of `rest` a pattern covers, then how short it is."""
        said = (self.found[pattern] & rest).bit_count()
        return said, -len(pattern), -sum(len(answers) for _, answers in pattern)

    def around(self, rest: Combos) -> list[Pattern]:
        """Grow patterns from combinations of `rest`, in several orders of the facts and their reverses."""
        return [self.grown(seed, order) for seed in self.seeds(rest) for order in self.orders]

    def seeds(self, rest: Combos) -> Iterator[dict[str, str]]:
        """Yield one combination of `rest`; in a small space one for each answer in it."""
        first = self.space.first(rest)
        yield first
        if self.small:
            seen = [first]
            for some in self.single.values():
                part = some & rest
                if part and (seed := self.space.first(part)) not in seen:
                    seen.append(seed)
                    yield seed

    def grown(self, seed: dict[str, str], order: Sequence[str]) -> Pattern:
        """Return the largest pattern that grows from `seed` if the facts take their answers in `order`."""
        held = {name: self.single[name, answer] for name, answer in seed.items()}
        answers = {name: {answer} for name, answer in seed.items()}
        for name in order:
            others = self.space.every
            for other, some in held.items():
                others = others if other == name else (others & some)
            for answer in self.answers[name]:
                wider = others & self.single[name, answer]
                if not wider & ~self.allowed:
                    answers[name].add(answer)
                    held[name] = held[name] | self.single[name, answer]
        combos = self.space.every
        for some in held.values():
            combos &= some
        pattern = tuple(
            (name, tuple(answer for answer in declared if answer in answers[name]))
            for name, declared in self.space.facts
            if len(answers[name]) < len(declared)
        )
        self.found[pattern] = combos
        return pattern


def _meant(space: Space, wanted: Combos, allowed: Combos, pattern: Pattern) -> Pattern:
    """Return `pattern` without answers that cover nothing of `wanted`, and then with all that fit.

    If all answers of a fact but one are in it they stay, since they are shown as "not" that one.
    """
    said, every = space.pattern(pattern) & wanted, dict(space.facts)
    kept = {
        name: {
            answer for answer in some if len(some) == len(every[name]) - 1 or said & space.pattern(((name, (answer,)),))
        }
        for name, some in pattern
    }

    def fits(name: str, answer: str) -> bool:
        """Whether one more answer covers something, and nothing that is not allowed."""
        part = {**{each: tuple(some) for each, some in kept.items()}, name: (answer,)}
        wider = space.pattern(tuple(part.items()))
        return bool(wider & wanted) and not wider & ~allowed

    missing = [(name, answer) for name, answers in space.facts if name in kept for answer in answers]
    while more := next((each for each in missing if each[1] not in kept[each[0]] and fits(*each)), None):
        kept[more[0]].add(more[1])
    asked = [(name, answers) for name, answers in space.facts if len(kept.get(name, answers)) < len(answers)]
    return tuple((name, tuple(answer for answer in answers if answer in kept[name])) for name, answers in asked)


def _needed(wanted: Combos, found: dict[Pattern, Combos], chosen: list[Pattern]) -> list[Pattern]:
    """Return `chosen` without superfluous patterns, the one that covers most first."""
    kept = list(chosen)
    for pattern in chosen:
        rest = wanted
        for other in kept:
            rest = rest if other == pattern else (rest & ~found[other])
        if not rest:
            kept.remove(pattern)
    return sorted(kept, key=lambda each: -(found[each] & wanted).bit_count())
