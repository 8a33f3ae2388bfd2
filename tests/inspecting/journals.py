"""Journals to look at: small lives, and what is told of them."""

from __future__ import annotations

import io

from fsm_runner.inspecting import Entries
from fsm_runner.journal import read
from fsm_runner.loop.events import Continued, Replied, ToolFinished
from tests.journal.worlds import Clock, Life, recorded, result, text, uses


def two_turns(journal):
    """A run that calls `find` twice and ends, told by a clock that counts seconds."""
    life = Life(journal).tell(Continued()).perform(Replied(message=uses("a", "b")))
    life.schedule()
    for id in ("a", "b"):
        life.tell(ToolFinished(id=id, result=result(id)))
        journal.completed(id)
    life.perform(Replied(message=text()))


def begun(journal):
    """The same run, killed while both tools are at work."""
    Life(journal).tell(Continued()).perform(Replied(message=uses("a", "b"))).schedule()


def written(live, run="r1", **options):
    """The bytes of a journal with a clock."""
    return recorded(live, run, **{"clock": Clock(), **options})


def told(data, run=None):
    """The entries and the summary of the run in `data`."""
    reading = read(io.BytesIO(data), run=run)
    telling = Entries(reading.source, next(reading))
    entries = [entry for record in reading for entry in telling.take(record, reading.line)]
    return [*entries, *telling.rest()], telling.summary()
