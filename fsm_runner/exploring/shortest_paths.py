"""Shortest paths: breadth first over what can be done to a run, for a shortest conversation that takes each row."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fsm_runner.engine.rows import Transition
from fsm_runner.exploring.actions import Consequence, FaultAction, Move, Outcome, Place
from fsm_runner.exploring.scenarios import SEARCH, Beginning, FactFailed, beginnings
from fsm_runner.exploring.simulator import begun, moved, moves_at
from fsm_runner.loop.context import Context
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import Machine

MOST = 20_000
"""Places that one search looks at; a few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPath:
    """What is said and done from the start of a run, up to where the caller has the turn: immutable.

    Attributes:
        beginning: the options of the run.
        moves: in their order, each with what it did.
        assumed: what facts without code are assumed to answer, by name.
    """

    beginning: Beginning
    moves: tuple[tuple[Move, Consequence], ...]
    assumed: Mapping[str, str] = field(default_factory=dict)

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The rows it takes, in order."""
        return tuple(t for _, done in self.moves for _, step in done.told for t in step.transitions)

    def until(self, state: str) -> tuple[Transition, ...]:
        """Return the rows it takes up to the first that enters `state`; all of them if none does."""
        path: list[Transition] = []
        for taken in self.transitions:
            path.append(taken)
            if taken.target == state:
                break
        return tuple(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result of a search: immutable.

    Attributes:
        conversations: by row, a shortest one that takes it.
        places: how many were looked at.
        whole: whether nothing that the moves can do was left out.
    """

    conversations: dict[str, FoundPath]
    places: int
    whole: bool


@dataclass(frozen=True, slots=True)
class _Node:
    """A place of the search and the way to it."""

    place: Place
    parent: _Node | None = None
    move: Move | None = None
    done: Consequence | None = None


def search(
    machine: Machine,
    wanted: Collection[str],
    *,
    tools: Sequence[str] = (),
    counting: bool = False,
    first: bool = False,
    most: int = MOST,
) -> Found:
    """Look for conversations that take the rows `wanted`.

    Args:
        machine: the chart, compiled.
        wanted: the ids of the rows.
        tools: the names of the tools that the model can call; none: one that is called ``search``.
        counting: whether to look on where runs differ only in what facts of the user's may count.
        first: whether one of the rows is enough.
        most: how many places are looked at, at least 1.
    """
    found: dict[str, FoundPath] = {}
    places, whole = 0, True
    for rare, counts in ((False, False), (True, False), *([(True, True)] if counting else [])):
        some = _Search(machine, set(wanted) - found.keys(), counts, rare)
        starts = [begun(machine, each) for each in beginnings(machine.chart, tools or (SEARCH,), rare=rare)]
        some.run(starts, most, first=first)
        found |= some.found
        places, whole = places + len(some.seen), some.whole
        if found.keys() >= set(wanted) or (first and found):
            break
    return Found(conversations={row: found[row] for row in wanted if row in found}, places=places, whole=whole)


class _Search:
    """One search, with the plain moves or with all."""

    def __init__(self, machine: Machine, wanted: set[str], counting: bool, rare: bool) -> None:
        self.machine, self.wanted, self.counting, self.rare = machine, wanted, counting, rare
        self.found: dict[str, FoundPath] = {}
        self.seen: set[Hashable] = set()
        self.whole = True

    def run(self, starts: Sequence[Place], most: int, *, first: bool = False) -> None:
        """Search from `starts` until every wanted row, or the first, is found, or `most` places were seen."""
        waiting: deque[_Node] = deque(filter(self._is_new, map(_Node, starts)))
        while waiting and self.wanted and not (first and self.found):
            if len(self.seen) > most:
                self.whole = False
                return
            for node in self._after(waiting.popleft()):
                self._take_note(node)
                if self._is_new(node):
                    waiting.append(node)

    def _after(self, node: _Node) -> Iterator[_Node]:
        for move in moves_at(self.machine, node.place, rare=self.rare):
            done = moved(self.machine, node.place, move)
            if done is not None:
                yield _Node(done.place, node, move, done)

    def _is_new(self, node: _Node) -> bool:
        key = _key(self.machine, node.place, self.counting)
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _take_note(self, node: _Node) -> None:
        """Keep the conversation for the wanted rows that the last move took."""
        assert node.done is not None
        rows = {t.row for _, step in node.done.told for t in step.transitions} & self.wanted
        whole = self._ended(node) if rows else None
        if whole is not None:
            self.found |= dict.fromkeys(rows, whole)
            self.wanted -= rows

    def _ended(self, node: _Node) -> FoundPath | None:
        """The conversation that leads to `node`, and on to where the caller has the turn; None when nothing does.

        What follows the row goes well if it can: an answer tells a reader more than a failure would.
        """
        for good in (True, False):
            waiting, seen = deque([node]), set[Hashable]()
            while waiting:
                here = waiting.popleft()
                if here.place.asked is None:
                    return _conversation(here)
                for after in self._after(here):
                    key = _key(self.machine, after.place, self.counting)
                    if key not in seen and not (good and _fails(after.move)):
                        seen.add(key)
                        waiting.append(after)
        return None


def _fails(move: Move | None) -> bool:
    return isinstance(move, FaultAction) or (isinstance(move, Outcome) and move.raises is not None)


def _conversation(node: _Node) -> FoundPath:
    moves: list[tuple[Move, Consequence]] = []
    here: _Node | None = node
    while here is not None and here.move is not None and here.done is not None:
        moves.append((here.move, here.done))
        here = here.parent
    return FoundPath(beginning=node.place.beginning, moves=tuple(reversed(moves)))


def _key(machine: Machine, place: Place, counting: bool) -> Hashable:
    """What tells `place` from others: the state, all answers, who decides, and what of the context leads elsewhere."""
    context = place.snapshot.context
    return (
        place.beginning,
        place.snapshot.state,
        tuple(_answer(each, context) for each in machine.facts.values()),
        (place.call, type(place.asked), place.reading, place.fresh, place.over),
        None if place.plan is None else tuple(event.name for event in place.plan),
        _standing(context),
        _counted(context) if counting else None,
    )


def _answer(fact: Fact, context: Context) -> str:
    """What a fact answers.  A fact that fails is an error only where a row asks it."""
    try:
        return fact.ask(context)
    except FactFailed:
        return ""


def _standing(context: Context) -> Hashable:
    turn, compaction, thread, stand = context.turn, context.compaction, context.thread, context.stand
    failure = stand.failure
    return (
        None if turn.reply is None else turn.reply.get("stop_reason"),
        tuple((call.status, call.held) for call in turn.calls),
        tuple((call.status, call.held) for call in turn.arriving),
        (turn.unread, turn.answered, context.conversation.owned, "system" in context.settings.params),
        (compaction.asked is None, compaction.config is None, compaction.response is None, compaction.fresh),
        (thread.mode, thread.replaces_lost, thread.beside, thread.adjusted, bool(thread.refused)),
        (stand.closed, stand.awaits, stand.failed_effect, None if failure is None else (failure.error, failure.code)),
        (context.counters.resends, context.counters.staked, _spent(context)),
    )


def _spent(context: Context) -> Hashable:
    limits, spent = context.counters.limits, context.counters.spent
    return tuple((name, spent.get(name, 0)) for name, most in limits.items() if most is not None)


def _counted(context: Context) -> Hashable:
    """What facts of the user's may count besides; up to a few, so that the search ends."""
    usage = context.counters.usage
    called = tuple(sorted({call.name for call in context.turn.calls}))
    return (min(usage.replies, 5), min(usage.total_tokens // 100_000, 4), called, frozenset(context.reports))
