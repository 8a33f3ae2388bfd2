"""Sets of combinations: which answers of several facts hold at once, kept exactly.

A combination gives each fact one of its answers.  A set of combinations is one big integer with a bit for each,
so that `and`, `or` and `and not` of two sets are one operation of Python's.  Twelve facts of three answers are
half a million bits.  Where a `Space` has more than `LEAF_BITS` combinations, its first facts become levels of a
reduced decision diagram, and the integers are its leaves: the cost then grows with what the guards say, no
longer with the number of combinations.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.core.chart import Pattern

LEAF_BITS = 1 << 20
"""The most combinations that one integer holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """A set that depends on the fact at `level`: one set for each of its answers.  Immutable; equal when identical."""

    level: int
    branches: tuple[Combos, ...]


Combos: TypeAlias = int | Fork
"""A set of combinations of one `Space`; sets of different spaces do not mix."""


class Space:
    """All combinations of some facts' answers, and the algebra of sets of them.

    Args:
        facts: each fact with its answers, at least one.
        leaf_bits: the most combinations that one integer holds, at least 1.
    """

    def __init__(self, facts: Mapping[str, Sequence[str]], *, leaf_bits: int = LEAF_BITS) -> None:
        self.facts = tuple((name, tuple(answers)) for name, answers in facts.items())
        self._level = {name: level for level, (name, _) in enumerate(self.facts)}
        self._forks: dict[tuple[int, tuple[Combos, ...]], Fork] = {}
        self._patterns: dict[Pattern, Combos] = {}
        self._memo: dict[tuple[Callable[[int, int], int], Combos, Combos], Combos] = {}
        bits, self._first_leaf = 1, len(self.facts)
        while self._first_leaf and bits * len(self.facts[self._first_leaf - 1][1]) <= leaf_bits:
            self._first_leaf -= 1
            bits *= len(self.facts[self._first_leaf][1])
        self._bits = bits
        self.never: Combos = 0
        self.every: Combos = (1 << bits) - 1
        self._answers = [self._answer_sets(level) for level in range(len(self.facts))]

    def _answer_sets(self, level: int) -> tuple[Combos, ...]:
        """Return, for each answer of the fact at `level`, the combinations that give it."""
        size = len(self.facts[level][1])
        if level < self._first_leaf:
            branches = [[self.never] * size for _ in range(size)]
            for answer in range(size):
                branches[answer][answer] = self.every
            return tuple(self._fork(level, tuple(some)) for some in branches)
        stride = 1
        for _, answers in self.facts[level + 1 :]:
            stride *= len(answers)
        return tuple(self._repeated(((1 << stride) - 1) << (answer * stride), stride * size) for answer in range(size))

    def _repeated(self, bits: int, period: int) -> int:
        """Return `bits` again and again, every `period`, over a whole leaf; by doubling, for division takes longer."""
        while period < self._bits:
            bits |= bits << period
            period *= 2
        return bits & ((1 << self._bits) - 1)

    def _fork(self, level: int, branches: tuple[Combos, ...]) -> Combos:
        if all(branch is branches[0] or branch == branches[0] for branch in branches[1:]):
            return branches[0]
        return self._forks.setdefault((level, branches), Fork(level, branches))

    def _apply(self, operation: Callable[[int, int], int], a: Combos, b: Combos) -> Combos:
        if isinstance(a, int) and isinstance(b, int):
            return operation(a, b)
        key = (operation, a, b)
        found = self._memo.get(key)
        if found is None:
            level = min(some.level for some in (a, b) if isinstance(some, Fork))
            pairs = zip(self._branches(a, level), self._branches(b, level), strict=True)
            found = self._fork(level, tuple(self._apply(operation, left, right) for left, right in pairs))
            self._memo[key] = found
        return found

    def _branches(self, some: Combos, level: int) -> tuple[Combos, ...]:
        if isinstance(some, Fork) and some.level == level:
            return some.branches
        return (some,) * len(self.facts[level][1])

    def both(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations that are in `a` and in `b`."""
        return self._apply(operator.and_, a, b)

    def either(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations that are in `a` or in `b`."""
        return self._apply(operator.or_, a, b)

    def without(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations of `a` that are not in `b`."""
        return self._apply(_and_not, a, b)

    def pattern(self, guard: Pattern) -> Combos:
        """Return the combinations for which `guard` holds.

        Raises:
            KeyError: the guard asks a fact that the space does not have.
            ValueError: the guard wants an answer that the fact does not give.
        """
        found = self._patterns.get(guard)
        if found is None:
            found = self.every
            for name, wanted in guard:
                level = self._level[name]
                answers = self.facts[level][1]
                union = self.never
                for answer in wanted:
                    union = self.either(union, self._answers[level][answers.index(answer)])
                found = self.both(found, union)
            self._patterns[guard] = found
        return found

    def union(self, guards: Iterable[Pattern]) -> Combos:
        """Return the combinations for which at least one of `guards` holds."""
        held = self.never
        for guard in guards:
            held = self.either(held, self.pattern(guard))
        return held

    def count(self, some: Combos) -> int:
        """Return how many combinations are in `some`."""
        seen: dict[Fork, int] = {}

        def weigh(part: Combos, level: int) -> int:
            """Count over the facts from `level` down to the leaves."""
            if isinstance(part, int):
                below, number = self._first_leaf, part.bit_count()
            else:
                below = part.level
                if part not in seen:
                    seen[part] = sum(weigh(branch, below + 1) for branch in part.branches)
                number = seen[part]
            for _, answers in self.facts[level:below]:
                number *= len(answers)
            return number

        return weigh(some, 0)

    def first(self, some: Combos) -> dict[str, str]:
        """Return the first combination of `some` in the order of the answers, with every fact in it.

        Raises:
            ValueError: `some` is empty.
        """
        if some == self.never:
            raise ValueError("an empty set has no combination")
        chosen = {name: answers[0] for name, answers in self.facts}
        while isinstance(some, Fork):
            name, answers = self.facts[some.level]
            answer, some = next(
                (answer, branch) for answer, branch in zip(answers, some.branches, strict=True) if branch != self.never
            )
            chosen[name] = answer
        index = (some & -some).bit_length() - 1
        for name, answers in reversed(self.facts[self._first_leaf :]):
            index, digit = divmod(index, len(answers))
            chosen[name] = answers[digit]
        return chosen

    def witness(self, some: Combos, avoid: Combos) -> Pattern:
        """Return a short pattern that holds somewhere in `some` and nowhere in `avoid`; it needs each of its facts.

        Raises:
            ValueError: nothing of `some` is outside `avoid`.
        """
        chosen = {name: (answer,) for name, answer in self.first(self.without(some, avoid)).items()}
        for name in list(chosen):
            fewer = self.pattern(tuple((key, value) for key, value in chosen.items() if key != name))
            if self.both(fewer, avoid) == self.never:
                del chosen[name]
        return tuple(chosen.items())


def _and_not(a: int, b: int) -> int:
    return a & ~b


def intersection(a: Pattern, b: Pattern) -> Pattern | None:
    """Return the pattern that holds where both `a` and `b` do; None when they want different answers of a fact."""
    wanted = dict(a)
    for name, answers in b:
        wanted[name] = tuple(answer for answer in wanted.get(name, answers) if answer in answers)
    return tuple(wanted.items()) if all(wanted.values()) else None


def spelled(guard: Pattern) -> str:
    """Return `guard` as ``turn=paused, compaction=due|asked``; ``anything`` when it is empty."""
    return ", ".join(f"{name}={'|'.join(answers)}" for name, answers in guard) or "anything"
