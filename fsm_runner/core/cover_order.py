"""The order of facts in a decision diagram: those that belong together stand together.

A tie is the facts that one guard, or one impossible combination, names.  Between two levels a diagram remembers no
more than which of the ties that are divided there can still hold.  So facts that exclude each other in pairs take
a fork or two a level where the two of each pair are neighbours; where all the first ones stand before all the second
ones, as many forks as there are combinations of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def close_together(names: Sequence[str], ties: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return `names` in an order in which few ties are divided at any place; the same for the same arguments.

    Next comes always the fact after which the fewest ties are divided; of several the one with most ties to those that
    stand already, then the first as given.

    Args:
        names: the facts, each once.
        ties: names that belong together; others than `names` do not count, nor does a tie that is told again.

    Source: least cuts are what MINCE orders by (Aloul, Markov and Sakallah: "MINCE: A Static Global Variable-Ordering
    Heuristic for SAT Search and BDD Manipulation", J.UCS 10(12), 2004).  It partitions the ties; so few of them as
    a chart has are as well served fact by fact.
    """
    known = frozenset(names)
    open_ties = [set(tie) for tie in dict.fromkeys(frozenset(tie) & known for tie in ties) if len(tie) > 1]
    ties_of: dict[str, list[int]] = {name: [] for name in names}
    for number, tie in enumerate(open_ties):
        for name in tie:
            ties_of[name].append(number)
    divides = {name: len(numbers) for name, numbers in ties_of.items()}  # more ties than before, if the fact comes next
    begun = dict.fromkeys(names, 0)
    touched: set[int] = set()
    order: list[str] = []
    while divides:
        name = min(divides, key=lambda each: (divides[each], -begun[each]))
        del divides[name]
        order.append(name)
        for number in ties_of[name]:
            rest = open_ties[number]
            rest.discard(name)
            for other in rest if number not in touched else ():
                divides[other] -= 1
                begun[other] += 1
            touched.add(number)
            if len(rest) == 1:
                divides[next(iter(rest))] -= 1
    return tuple(order)
