"""The world that the machines of all three libraries run in: what facts answer, what is reported, what was seen.

A `World` is the object whose methods the rows name: ``turn_is_none`` for each answer of each fact that has code,
``spend_iterations`` for each limit, ``hand_message`` for each output, a method for each effect, and ``took_a`` for
each row, which is how it is seen that the row was taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

PATIENCE = 12_000
"""Rows after which a run counts as endless: more than the 10,007 steps after which LangGraph stops by itself."""

SUPPLY = 3
"""How many times in a row the world reports what consumes one supply."""


class Endless(BaseException):
    """The run has made `PATIENCE` steps.  Not an Exception, so that no library takes it for a fault of a callback."""


class Rests(BaseException):
    """Nothing more can happen where the run is: it waits."""


class World:
    """What a run asks and tells: mutable, made anew for each run.

    Attributes:
        answers: what each fact answers throughout the run.
        wish: the event that is reported wherever it can happen.
        state: where transitions and python-statemachine keep the state.
        took: how often each row was taken.
        spent: how often each limit was spent.
    """

    def __init__(self, case: Mapping[str, Any], answers: Mapping[str, str], wish: str | None) -> None:
        self.answers, self.wish = answers, wish
        self.limits: Mapping[str, int | None] = case["limits"]
        self.state: Any = None
        self.entered: list[str] = []
        self.took: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._supplies = frozenset(case["supplies"])
        self._renewed: Mapping[str, tuple[str, ...]] = case["renewed_by"]
        self._states = {state["name"]: state for state in case["states"]}
        self._rows = {row["id"]: row for state in case["states"] for row in state["rows"]}

    def next_event(self, state: str) -> str:
        """Return what happens next in `state`.

        Raises:
            Rests: nothing can.
        """
        able = [event for event in self._states[state]["can"] if not self._exhausted(state, event)]
        if not able:
            raise Rests
        event = self.wish if self.wish in able else able[0]
        for supply, events in self._renewed.items():
            if event in events:
                self._used[supply] = 0
        return event

    def _exhausted(self, state: str, event: str) -> bool:
        rows = [row for row in self._states[state]["rows"] if row["event"] == event]
        return bool(rows) and all(self._used[row["consumes"]] >= SUPPLY for row in rows)

    def take(self, row: str) -> None:
        """Note that `row` is taken.

        Raises:
            Endless: it is one row too many.
        """
        self.took[row] += 1
        self._used.update({self._rows[row]["consumes"]} & self._supplies)
        if self.took.total() > PATIENCE:
            raise Endless

    def holds(self, fact: str, answer: str) -> bool:
        """Whether `fact` answers `answer` now; that of limits counts what was spent, once any has a value."""
        if fact == "limit" and any(value is not None for value in self.limits.values()):
            reached = any(value is not None and self.spent[name] >= value for name, value in self.limits.items())
            return answer == ("reached" if reached else "free")
        return self.answers[fact] == answer


def world_class(case: Mapping[str, Any]) -> type[World]:
    """Return the class of worlds that have a method for each name which `case` declares."""
    methods: dict[str, Callable[[World], object]] = {}
    for fact, answers in case["answers"].items():
        for answer in answers:
            methods[f"{fact}_is_{answer}"] = lambda self, fact=fact, answer=answer: self.holds(fact, answer)
    for limit in case["limits"]:
        methods[f"spend_{limit}"] = lambda self, limit=limit: self.spent.update([limit])
    for output in case["outputs"]:
        methods[f"hand_{output}"] = lambda self: None
    for effect in case["effects"]:
        methods[effect] = lambda self: None
    for row in (row for state in case["states"] for row in state["rows"]):
        methods[f"took_{row['id']}"] = lambda self, row=row["id"]: self.take(row)
    return type("World", (World,), methods)


def worlds(case: Mapping[str, Any]) -> Iterator[World]:
    """Yield a world for each combination of answers that can happen and each event that it may wish for."""
    made = world_class(case)
    states = case["states"]
    wishes = [*dict.fromkeys(event for state in states for event in state["can"])] or [None]
    facts = case["answers"]
    for combination in product(*facts.values()):
        answers = dict(zip(facts, combination, strict=True))
        if not any(_holds(pattern, answers) for pattern in case["impossible"]):
            yield from (made(case, answers, wish) for wish in wishes)


def _holds(pattern: Iterable[tuple[str, Sequence[str]]], answers: Mapping[str, str]) -> bool:
    return all(answers.get(fact) in wanted for fact, wanted in pattern)


def named(row: Mapping[str, Any]) -> list[str]:
    """Return the names of what happens when `row` is taken."""
    names = [f"took_{row['id']}"]
    names += [f"spend_{row['spends']}"] if row["spends"] else []
    return names + ([f"hand_{row['output']}"] if row["output"] else [])
