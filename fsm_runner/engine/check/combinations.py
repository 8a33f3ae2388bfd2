"""Sets of combinations of answers, kept exactly.

A combination gives each fact one of its answers: ``turn=paused, limit=free``.  A set of combinations is one integer
with a bit for each, so ``&``, ``|`` and ``& ~`` of two sets are one operation of Python's, and the empty set is 0.  The
bits stand in the order of the answers, the first fact's answers furthest apart.

A set takes one bit for every combination that there is, so their number is bounded: `bounds.COMBINATIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from fsm_runner.engine import bounds
from fsm_runner.engine.chart import Pattern

Combos: TypeAlias = int
"""A set of combinations of one `Space`.  Sets of different spaces cannot be combined."""


class TooManyCombinations(ValueError):
    """Some facts have more combinations of answers than `bounds.COMBINATIONS`.

    Attributes:
        facts: the names of the facts.
        combinations: how many they have.
    """

    def __init__(self, facts: tuple[str, ...], combinations: int) -> None:
        super().__init__(facts, combinations)
        self.facts = facts
        self.combinations = combinations

    def __str__(self) -> str:
        most = f"{bounds.COMBINATIONS:,}"
        return f"{len(self.facts)} facts have {self.combinations:,} combinations of answers, more than {most}"


class Space:
    """All combinations of some facts' answers.

    Args:
        facts: each fact with its answers, at least one.

    Attributes:
        facts: the same, as pairs.
        every: the set of all combinations.

    Raises:
        TooManyCombinations: there are too many.
    """

    def __init__(self, facts: Mapping[str, Sequence[str]]) -> None:
        self.facts = tuple((name, tuple(answers)) for name, answers in facts.items())
        number = math.prod(len(answers) for _, answers in self.facts)
        if number > bounds.COMBINATIONS:
            raise TooManyCombinations(tuple(facts), number)
        self.every: Combos = (1 << number) - 1
        self._strides: dict[str, int] = {}
        self._answers: dict[str, dict[str, Combos]] = {}
        self._patterns: dict[Pattern, Combos] = {}
        stride = number
        for name, answers in self.facts:
            period, stride = stride, stride // len(answers)
            once = (1 << stride) - 1
            self._strides[name] = stride
            self._answers[name] = {
                answer: _repeated(once << (place * stride), period, number) for place, answer in enumerate(answers)
            }

    def pattern(self, guard: Pattern) -> Combos:
        """Return the combinations for which `guard` holds.

        Raises:
            KeyError: the guard has a fact, or an answer, that the space does not have.
        """
        found = self._patterns.get(guard)
        if found is None:
            found = self.every
            for name, wanted in guard:
                union = 0
                for answer in wanted:
                    union |= self._answers[name][answer]
                found &= union
            self._patterns[guard] = found
        return found

    def union(self, guards: Iterable[Pattern]) -> Combos:
        """Return the combinations for which at least one of `guards` holds."""
        held = 0
        for guard in guards:
            held |= self.pattern(guard)
        return held

    def first(self, some: Combos) -> dict[str, str]:
        """Return the first combination of `some`, in the order of the answers.

        Raises:
            ValueError: `some` is empty.
        """
        if not some:
            raise ValueError("an empty set has no combination")
        place = (some & -some).bit_length() - 1
        chosen = {}
        for name, answers in self.facts:
            index, place = divmod(place, self._strides[name])
            chosen[name] = answers[index]
        return chosen

    def witness(self, some: Combos, avoid: Combos) -> Pattern:
        """Return a short pattern that holds somewhere in `some` and nowhere in `avoid`; it needs all of its facts.

        Raises:
            ValueError: nothing of `some` is outside `avoid`.
        """
        chosen = {name: (answer,) for name, answer in self.first(some & ~avoid).items()}
        for name in list(chosen):
            fewer = self.pattern(tuple((key, value) for key, value in chosen.items() if key != name))
            if not fewer & avoid:
                del chosen[name]
        return tuple(chosen.items())

    def without_first(self, some: Combos, number: int) -> Combos:
        """Return `some` without its first `number` facts, as a set of the space of the others."""
        for name, answers in self.facts[:number]:
            stride, left = self._strides[name], 0
            for _ in answers:
                left |= some & ((1 << stride) - 1)
                some >>= stride
            some = left
        return some


def _repeated(bits: int, period: int, number: int) -> int:
    """Return `bits` repeated every `period` bits, up to `number` bits.  By doubling: a division takes longer."""
    while period < number:
        bits |= bits << period
        period *= 2
    return bits & ((1 << number) - 1)


def intersection(a: Pattern, b: Pattern) -> Pattern | None:
    """Return the pattern that holds where both `a` and `b` do; None when they contradict each other."""
    wanted = dict(a)
    for name, answers in b:
        wanted[name] = tuple(answer for answer in wanted.get(name, answers) if answer in answers)
    return tuple(wanted.items()) if all(wanted.values()) else None


def spelled(guard: Pattern) -> str:
    """Return `guard` as ``turn=paused, compaction=due|asked``; ``anything`` when it is empty."""
    return ", ".join(f"{name}={'|'.join(answers)}" for name, answers in guard) or "anything"
