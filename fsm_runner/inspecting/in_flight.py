"""In flight: the effects that were scheduled and have no end on record, and how long those took that have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fsm_runner.inspecting.data import Open, moment, since
from fsm_runner.inspecting.declared import text
from fsm_runner.journal import Record
from fsm_runner.loop.effects import REQUESTS
from fsm_runner.loop.messages import blocks_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An effect under way: immutable.

    Attributes:
        told: what is told of it.
        at: when it was scheduled.
        kind: of a tool call: how it is answered.
        early: of a tool call: whether the reply still streamed.
    """

    told: Open
    at: datetime | None
    kind: object
    early: bool


class InFlight:
    """The effects of one run: mutable, fed record by record.

    Attributes:
        open: by id, in the order in which they were scheduled.
        tools: the names of the calls that may still be spoken of, by id.
        lasted: how long the effect took that ended last; None when that is not known.
        asked: when the last request was scheduled.
        compacts: whether that request compacts.
    """

    def __init__(self) -> None:
        self.open: dict[str, Begun] = {}
        self.tools: dict[str, str] = {}
        self.lasted: float | None = None
        self.asked: datetime | None = None
        self.compacts = False

    def scheduled(self, record: Record) -> None:
        """Begin an effect."""
        data = record.data
        id, effect, tool = str(data.get("id")), str(data.get("effect")), text(data.get("tool"))
        told = Open(id=id, effect=effect, tool=tool, at=record.at)
        self.open[id] = Begun(told=told, at=moment(record.at), kind=data.get("kind"), early=data.get("early") is True)
        if tool is not None:
            self.tools[id] = tool
        if effect in REQUESTS:
            self.asked, self.compacts = moment(record.at), data.get("purpose") != "reply"

    def closed(self, record: Record) -> Begun | None:
        """End an effect; return it, or None when it was not under way."""
        begun = self.open.pop(str(record.data.get("id")), None)
        self.lasted = None if begun is None else since(begun.at, moment(record.at))
        return begun

    def finished(self, id: str) -> tuple[Begun | None, str | None]:
        """End a call that has its result; return it, where it is still under way, and its tool's name."""
        return self.open.pop(id, None), self.tools.pop(id, None)

    def replied(self, message: Mapping[str, object]) -> None:
        """Keep the names of the calls in a reply, and of no others but those under way."""
        calls = {str(block.get("id")): str(block.get("name")) for block in blocks_of(message) if "name" in block}
        self.tools = {**{id: self.tools[id] for id in self.open if id in self.tools}, **calls}

    def took(self, event: str, record: Record, *, asks: bool) -> float | None:
        """Return how long the effect took that `event` reports; None for what reports none.

        Args:
            event: as it is journaled.
            record: the event's.
            asks: whether the run waits for a request.
        """
        now = moment(record.at)
        if event == "tool_finished":
            begun = self.open.get(str(record.data.get("id")))
            return self.lasted if begun is None else since(begun.at, now)
        if event in ("replied", "summarised", "opened") or (event == "failed" and asks):
            return since(self.asked, now)
        return self.lasted if event in ("failed", "reported") else None

    def cut_off(self, at: str | None) -> tuple[Begun, ...]:
        """Return what was under way when the run was cut off; from `at` on it goes on anew."""
        lost = tuple(self.open.values())
        self.open.clear()
        self.asked, self.lasted = moment(at), None
        return lost
