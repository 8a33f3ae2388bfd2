"""Calls: the tool calls of one reply, as a tuple that knows where each id stands and how many calls are not done.

A turn of thousands of calls asks this again after each of them, so looking through all of them each time would cost
the square of their number.  A tuple of calls that is made otherwise says the same, only slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fsm_runner.loop.context import Call


class Calls(tuple[Call, ...]):
    """The calls of a reply, in the model's order: immutable, and equal to the tuple of the same calls.

    Attributes:
        places: by id, the places of the calls that have it.
        waiting: how many wait to be started.
        undone: how many are not done.
    """

    places: Mapping[str, Sequence[int]]
    waiting: int
    undone: int

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Calls:
        """Return `calls`; the same object when it is of this kind already."""
        if isinstance(calls, Calls):
            return calls
        made = cls(calls)
        places: dict[str, list[int]] = {}
        for place, call in enumerate(made):
            places.setdefault(call.id, []).append(place)
        made.places = places
        made.waiting = sum(1 for call in made if call.status == "waiting")
        made.undone = sum(1 for call in made if call.status != "done")
        return made

    def changed(self, changes: Mapping[int, Call]) -> Calls:
        """Return the calls with others, of the same ids, at some places."""
        if not changes:
            return self
        copy = list(self)
        waiting, undone = self.waiting, self.undone
        for place, call in changes.items():
            before, copy[place] = copy[place].status, call
            waiting += (call.status == "waiting") - (before == "waiting")
            undone += (call.status != "done") - (before != "done")
        made = Calls(copy)
        made.places, made.waiting, made.undone = self.places, waiting, undone
        return made

    def renewed(self, calls: Mapping[str, Call]) -> Calls:
        """Return the calls with each whose id is in `calls` replaced by that one."""
        return self.changed({place: call for id, call in calls.items() for place in self.places.get(id, ())})

    def appended(self, call: Call) -> Calls:
        """Return the calls with `call`, whose id none of them has, behind them."""
        made = Calls((*self, call))
        made.places = {**self.places, call.id: [len(self)]}
        made.waiting = self.waiting + (call.status == "waiting")
        made.undone = self.undone + (call.status != "done")
        return made
