"""Sets of combinations: which answers of several facts hold at once, kept exactly.

A combination gives each fact one of its answers.  A set of combinations is one big integer with a bit for each,
so that `and`, `or` and `and not` of two sets are one operation of Python's.  Where a `Space` has more than
`LEAF_BITS` combinations, its first facts become levels of a reduced decision diagram, and the integers are its
leaves: the cost then grows with what the guards say, no longer with the number of combinations.  How much that is
depends on the order in which the diagram asks the facts; `fsm_runner.core.cover_order` finds a good one.  No order
changes a result: what a set says of itself, it says in the order in which the facts were given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fsm_runner.core.chart import Pattern

LEAF_BITS = 1 << 14
"""The most combinations that one integer holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """A set that depends on the fact at `level`: one set for each of its answers.  Immutable; equal when identical."""

    level: int
    branches: tuple[Combos, ...]


Combos: TypeAlias = int | Fork
"""A set of combinations of one `Space`; sets of different spaces do not mix."""

Operation: TypeAlias = Callable[[Combos, Combos], Combos]
"""`Space.both`, `Space.either` or `Space.without` of one space."""


class Space:
    """All combinations of some facts' answers, and the algebra of sets of them.

    Args:
        facts: each fact with its answers, at least one.
        order: the names of all facts, as the diagram asks them; None: as they are given.
        leaf_bits: the most combinations that one integer holds, at least 1.
    """

    def __init__(
        self, facts: Mapping[str, Sequence[str]], *, order: Sequence[str] | None = None, leaf_bits: int = LEAF_BITS
    ) -> None:
        self.facts = tuple((name, tuple(answers)) for name, answers in facts.items())
        self._levels = self.facts if order is None else tuple((name, tuple(facts[name])) for name in order)
        self._level = {name: level for level, (name, _) in enumerate(self._levels)}
        self._forks: dict[tuple[int, tuple[Combos, ...]], Fork] = {}
        self._patterns: dict[Pattern, Combos] = {}
        self._memo: dict[tuple[Operation, Combos, Combos], Combos] = {}
        bits, self._first_leaf = 1, len(self._levels)
        while self._first_leaf and bits * len(self._levels[self._first_leaf - 1][1]) <= leaf_bits:
            self._first_leaf -= 1
            bits *= len(self._levels[self._first_leaf][1])
        self._bits = bits
        self.never: Combos = 0
        self.every: Combos = (1 << bits) - 1
        self._answers = [self._answer_sets(level) for level in range(len(self._levels))]

    def _answer_sets(self, level: int) -> tuple[Combos, ...]:
        """Return, for each answer of the fact at `level`, the combinations that give it."""
        size = len(self._levels[level][1])
        if level < self._first_leaf:
            branches = [[self.never] * size for _ in range(size)]
            for answer in range(size):
                branches[answer][answer] = self.every
            return tuple(self._fork(level, tuple(some)) for some in branches)
        stride = 1
        for _, answers in self._levels[level + 1 :]:
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

    def _split(self, operation: Operation, a: Combos, b: Combos) -> Combos:
        """Return `operation` of `a` and `b`, at least one of them a fork: the same of their branches, one by one."""
        key = (operation, a, b)
        found = self._memo.get(key)
        if found is None:
            level = min(some.level for some in (a, b) if isinstance(some, Fork))
            pairs = zip(self._branches(a, level), self._branches(b, level), strict=True)
            found = self._memo[key] = self._fork(level, tuple([operation(left, right) for left, right in pairs]))
        return found

    def _branches(self, some: Combos, level: int) -> tuple[Combos, ...]:
        if isinstance(some, Fork) and some.level == level:
            return some.branches
        return (some,) * len(self._levels[level][1])

    def both(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations that are in `a` and in `b`."""
        if isinstance(a, int) and isinstance(b, int):
            return a & b
        if a is b or a == self.never or b == self.every:
            return a
        return b if b == self.never or a == self.every else self._split(self.both, a, b)

    def either(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations that are in `a` or in `b`."""
        if isinstance(a, int) and isinstance(b, int):
            return a | b
        if a is b or a == self.every or b == self.never:
            return a
        return b if b == self.every or a == self.never else self._split(self.either, a, b)

    def without(self, a: Combos, b: Combos) -> Combos:
        """Return the combinations of `a` that are not in `b`."""
        if isinstance(a, int) and isinstance(b, int):
            return a & ~b
        if a == self.never or b == self.never:
            return a
        return self.never if a is b or b == self.every else self._split(self.without, a, b)

    def pattern(self, guard: Pattern) -> Combos:
        """Return the combinations for which `guard` holds.

        Raises:
            KeyError: the guard asks a fact that the space does not have.
            ValueError: the guard wants an answer that the fact does not give.
        """
        found = self._patterns.get(guard)
        if found is None:
            found = self.every
            for name, wanted in sorted(guard, key=lambda asked: -self._level[asked[0]]):
                level = self._level[name]
                answers = self._levels[level][1]
                union = self.never
                for answer in wanted:
                    union = self.either(union, self._answers[level][answers.index(answer)])
                found = self.both(union, found)
            self._patterns[guard] = found
        return found

    def union(self, guards: Iterable[Pattern]) -> Combos:
        """Return the combinations for which at least one of `guards` holds."""
        held = self.never
        for guard in sorted(guards, key=self._top, reverse=True):  # from the leaves up, each adds to what is there
            held = self.either(held, self.pattern(guard))
        return held

    def _top(self, guard: Pattern) -> int:
        """Return the first level that decides whether `guard` holds."""
        return min((self._level[name] for name, _ in guard), default=0)

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
            for _, answers in self._levels[level:below]:
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
        chosen = {}
        for name, answers in self.facts:
            for answer, given in zip(answers, self._answers[self._level[name]], strict=True):
                if (part := self.both(some, given)) != self.never:
                    some, chosen[name] = part, answer
                    break
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


def intersection(a: Pattern, b: Pattern) -> Pattern | None:
    """Return the pattern that holds where both `a` and `b` do; None when they want different answers of a fact."""
    wanted = dict(a)
    for name, answers in b:
        wanted[name] = tuple(answer for answer in wanted.get(name, answers) if answer in answers)
    return tuple(wanted.items()) if all(wanted.values()) else None


def spelled(guard: Pattern) -> str:
    """Return `guard` as ``turn=paused, compaction=due|asked``; ``anything`` when it is empty."""
    return ", ".join(f"{name}={'|'.join(answers)}" for name, answers in guard) or "anything"
