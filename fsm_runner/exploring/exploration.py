"""The exploration: a conversation for each row, and a way to each state, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.exploring.reachability import Reach, Ways, ways
from fsm_runner.exploring.scenarios import machines
from fsm_runner.exploring.shortest_paths import MOST, Found, FoundPath, search
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import with_built_in

Without: TypeAlias = Literal["impossible", "needs-fact", "not-found"]
"""Why a row has no conversation.

impossible: it is proved that none can take it.  needs-fact: it asks a fact whose code was not given.  not-found: the
search met none; that proves nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPath:
    """A row, and how a run takes it: immutable.

    Attributes:
        state: whose row it is.
        row: the row.
        conversation: a shortest one that takes it; None: there is none, or none was found.
        without: which of the two, and why; None when there is a conversation.
        why: the same in words.
    """

    state: State
    row: Row
    conversation: FoundPath | None
    without: Without | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What was found for the rows of a chart: immutable.

    Attributes:
        chart: the chart.
        paths: the rows that were asked for, in file order.
        unknown: the facts whose code was not given; each is assumed to answer the same all along.
        places: how many situations the search looked at.
    """

    chart: Chart
    paths: tuple[RowPath, ...]
    unknown: tuple[str, ...]
    places: int

    @property
    def missing(self) -> tuple[RowPath, ...]:
        """The rows without a conversation."""
        return tuple(path for path in self.paths if path.conversation is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whether a run can come to a state: immutable.

    Attributes:
        chart: the chart.
        reach: the way to it through states and answers, or the proof that there is none.
        conversation: a shortest one that leads there; None when there is none or none was found.
        why: why none was found; empty when one was, or the proof says it.
        unknown: the facts whose code was not given.
    """

    chart: Chart
    reach: Reach
    conversation: FoundPath | None = None
    why: str = ""
    unknown: tuple[str, ...] = ()


def explore(
    chart: Chart,
    *,
    facts: Iterable[Fact] = (),
    rows: Sequence[str] | None = None,
    tools: Sequence[str] = (),
    most: int = MOST,
) -> Explored:
    """Look for a shortest conversation that takes each row of `chart`.

    Args:
        chart: a chart that passes the check.
        facts: the code of facts of the user's own.
        rows: the ids of the rows; None: all.
        tools: the names of the tools that the model can call; none: one.
        most: how many situations one search looks at.

    Raises:
        ChartError: a fact's code gives other answers than the chart declares.
    """
    given = tuple(facts)
    unknown = _unknown(chart, given)
    known = ways(chart, _code(given))
    asked = [(state, row) for state in chart.states for row in state.rows if rows is None or row.id in rows]
    wanted = [row.id for state, row in asked if not known.why_not(state.name, row) and not _asks(row, unknown)]
    found = _search(chart, given, wanted, tools=tools, most=most)
    return Explored(
        chart=chart,
        paths=tuple(_path(state, row, found, known, unknown) for state, row in asked),
        unknown=unknown,
        places=found.places,
    )


def reach(
    chart: Chart,
    state: str,
    *,
    facts: Iterable[Fact] = (),
    tools: Sequence[str] = (),
    runs: bool = True,
    most: int = MOST,
) -> Reached:
    """Look for a way to `state`, which the chart declares, or prove that there is none.

    Args:
        chart: a chart whose names resolve.
        state: the state's name.
        facts, tools, most: as for `explore`.
        runs: whether the chart passes the check, so that conversations can be looked for.

    Raises:
        ChartError: a fact's code gives other answers than the chart declares.
    """
    given = tuple(facts)
    way = ways(chart, _code(given)).to(state)
    if way.path is None or not way.path:
        return Reached(chart=chart, reach=way)
    if not runs:
        return Reached(chart=chart, reach=way, why="the chart does not pass the check, so it does not run")
    unknown = _unknown(chart, given)
    rows = [row.id for row in chart.rows if row.target == state and not _asks(row, unknown)]
    found = _search(chart, given, rows, tools=tools, most=most, first=True)
    conversation = next(iter(found.conversations.values()), None)
    why = _not_found(found, unknown)
    if not rows:
        why = f"each row that leads there asks {_named(unknown)} (give the code: --fact MODULE:NAME)"
    return Reached(chart=chart, reach=way, conversation=conversation, why="" if conversation else why, unknown=unknown)


def _search(
    chart: Chart, facts: Sequence[Fact], wanted: Sequence[str], *, tools: Sequence[str], most: int, first: bool = False
) -> Found:
    """Search for `wanted`, under one assumption after another where facts have no code."""
    conversations: dict[str, FoundPath] = {}
    places, whole = 0, True
    for machine, assumed in machines(chart, facts):
        left = [row for row in wanted if row not in conversations]
        if not left or (first and conversations):
            break
        found = search(machine, left, tools=tools, counting=bool(facts), first=first, most=most)
        for row, conversation in found.conversations.items():
            conversations[row] = replace(conversation, assumed=assumed)
        places, whole = places + found.places, whole and found.whole
    return Found(conversations=conversations, places=places, whole=whole)


def _unknown(chart: Chart, facts: Iterable[Fact]) -> tuple[str, ...]:
    known = with_built_in(facts)
    return tuple(use.name for use in chart.facts if use.name not in known)


def _code(facts: Sequence[Fact]) -> Mapping[str, Fact] | None:
    """The code of all facts, when the user gave any; as `check` takes it."""
    return with_built_in(facts) if facts else None


def _asks(row: Row, unknown: Sequence[str]) -> bool:
    return any(name in unknown for name, _ in row.guard)


def _path(state: State, row: Row, found: Found, known: Ways, unknown: Sequence[str]) -> RowPath:
    conversation = found.conversations.get(row.id)
    if conversation is not None:
        return RowPath(state=state, row=row, conversation=conversation)
    impossible = known.why_not(state.name, row)
    if impossible:
        return RowPath(state=state, row=row, conversation=None, without="impossible", why=impossible)
    if _asks(row, unknown):
        needed = [name for name, _ in row.guard if name in unknown]
        why = f"it asks {_named(needed)} (give the code: --fact MODULE:NAME)"
        return RowPath(state=state, row=row, conversation=None, without="needs-fact", why=why)
    return RowPath(state=state, row=row, conversation=None, without="not-found", why=_not_found(found, unknown))


def _named(facts: Sequence[str]) -> str:
    return " and ".join(f"fact '{name}'" for name in facts)


def _not_found(found: Found, unknown: Sequence[str]) -> str:
    """Return the words for a search that found nothing."""
    if unknown:
        return f"none was found with {_named(unknown)} answering the same all along (give the code: --fact MODULE:NAME)"
    if found.whole:
        said = f"none of the {found.places:,} situations that the scripted moves lead to takes it"
        return f"{said}, which proves nothing (let the model call other tools: --call)"
    said = f"the search ended after {found.places:,} situations without it"
    return f"{said}, which proves nothing (allow more: --most, or let the model call other tools: --call)"
