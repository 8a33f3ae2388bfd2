"""Moments: rows of the shipped charts at the turns where they are rarely taken.

The worlds of `worlds` take every row.  Here a row is taken while as much as can be is not as it mostly is: the caller
has closed, compaction is asked for, a limit is reached, calls lack a result, the thread refuses a change.  So a guard
that asks for one answer more than it should is noticed.
"""

from __future__ import annotations

from fsm_runner.loop import events as ev
from tests.charts.shipped.worlds import ANSWER, ASKED, FULL, GO, NO_THREAD, OPENED, SHORT, TOOL, WORDS, World
from tests.support.build import LOST, PARAMS, reply, result, text, use, user

CLOSED = ev.Closed()
MORE = ev.Appended(messages=(user("more"),))
CHANGED = ev.ParamsReplaced(params={**PARAMS, "system": "other"}, runnable=("search",))
NO_TOOLS = ev.ParamsReplaced(params={**PARAMS, "system": "other"})
MOVED = ev.MovedOn(call=use("m"))
FOUND = ev.ToolFinished(id="a", result=result("a"))
BOTH = ev.Replied(message=reply(text(), use("a")))
BOTH_FULL = ev.Replied(message=reply(text(), use("a"), tokens=100))
NO_SUMMARY = ev.Replied(message=reply(stop="compaction"))
AFTER = [GO, GO, CLOSED, GO]
"""What a caller does whose change is refused: it asks for more, in vain, and closes."""
REFUSED = ev.Reported(name="decided", results=(result("a"),))
RARE = {"last_requests": 0, "reflections": 2}
"""Limits of charts that declare them, other than those that they set."""


def ended(stop: str | None, *, call: bool = True, tokens: int = 100) -> ev.Replied:
    """A reply that stopped for another reason than its call, if it has one."""
    return ev.Replied(message=reply(text(), *([use("a")] if call else []), stop=stop, tokens=tokens))


def moments() -> dict[str, World]:
    """The worlds, by what happens in them."""
    return _ends() | _turns() | _failures() | _streams() | _answers()


def _ends() -> dict[str, World]:
    """Where a run might end."""
    return {
        "closed before the first request, at a limit of none": World(caller=[ASKED, CLOSED, GO], limit=0, limits=RARE),
        "closed at the end, while the API is to compact": World(caller=[GO, ASKED, CLOSED, GO], limit=1),
        "closed after a stream broke off in a call": World(streams=True, stream=[MOVED, LOST], caller=[GO, CLOSED, GO]),
        "an unreadable end that the API is to compact, at the limit": World(
            replies=[ended(None, call=False)], caller=[GO, ASKED, GO], limit=1, limits=RARE
        ),
        "an end with a call, in a history of the caller's, that the API is to compact": World(
            replies=[ended("end_turn")], caller=[GO, MORE, CHANGED, ASKED, GO], thread="new"
        ),
        "an end whose call fails, in a history of the caller's, that the API is to compact": World(
            replies=[ended("end_turn")], calls=[LOST], caller=[GO, MORE, ANSWER, ASKED, GO]
        ),
        "an end with a call that stands in the way of compacting": World(
            replies=[ended("end_turn")], caller=[GO, ASKED, GO], limit=1, limits=RARE
        ),
        "an end with a call": World(replies=[ended("end_turn", tokens=0)], limits=RARE),
        "a full end": World(replies=[ended("end_turn", call=False)]),
        "a full end at the limit": World(replies=[ended("end_turn", call=False)], limit=1, limits=RARE),
        "an end that is full although it was summarised": World(
            replies=[FULL, ended("end_turn", call=False)], limits={"reflections": 0}
        ),
        "an end whose summary fails, and then the API is to compact": World(
            replies=[ended("end_turn", call=False)], summary=[LOST], caller=[GO, GO, ASKED, GO]
        ),
        "an end whose call fails": World(replies=[ended("max_tokens")], calls=[LOST], caller=[GO, ANSWER, GO]),
        "an end after which the caller changes what the thread keeps": World(caller=[GO, CHANGED, GO], thread="new"),
        "an unreadable end with a call, at the limit": World(replies=[ended(None)], limit=1, limits=RARE),
        "an unreadable end whose call fails": World(replies=[ended(None)], calls=[LOST], caller=[GO, ANSWER, GO]),
        "an unreadable end after which the caller changes what the thread keeps": World(
            replies=[ended(None)], caller=[GO, CHANGED, GO], thread="new"
        ),
        "the last answer stops for another reason": World(
            replies=[TOOL, ended("max_tokens")],
            calls=[FOUND, LOST],
            caller=[GO, GO, CHANGED, ANSWER, GO],
            limit=1,
            thread="new",
        ),
        "the API is to compact the last answer": World(replies=[TOOL, WORDS], caller=[GO, GO, ASKED, GO], limit=1),
        "the last answer is paused": World(replies=[TOOL, ended("pause_turn", call=False)], limit=1),
        "the last answer is unreadable": World(replies=[TOOL, ended(None)], limit=1),
    }


def _turns() -> dict[str, World]:
    """Where a run goes on."""
    return {
        "no request is allowed": World(limit=0),
        "no request is allowed, and the API is to compact": World(caller=[ASKED, GO], limit=0),
        "the API is to compact before the first request": World(caller=[ASKED, GO], limits=RARE),
        "the API is to compact a paused turn": World(
            replies=[ended("pause_turn", call=False)], caller=[GO, ASKED, GO], limits=RARE
        ),
        "a paused turn is full, and the limit reached": World(
            replies=[ended("pause_turn", call=False)], limit=1, limits=RARE
        ),
        "a paused turn at the limit": World(replies=[ended("pause_turn", tokens=0, call=False)], limit=1),
        "a paused turn with a call": World(replies=[ended("pause_turn")]),
        "a paused turn is full": World(replies=[ended("pause_turn", call=False)]),
        "a paused turn with a change that the thread refuses, at the limit": World(
            replies=[ended("pause_turn", call=False)], caller=[GO, CHANGED, *AFTER], limit=1, thread="new", limits=RARE
        ),
        "a paused turn whose call fails, with a change that the thread refuses": World(
            replies=[ended("pause_turn")], calls=[LOST], caller=[GO, CHANGED, ANSWER, *AFTER], limit=1, thread="new"
        ),
        "a paused turn whose call fails": World(replies=[ended("pause_turn")], calls=[LOST], caller=[GO, ANSWER, GO]),
        "a full history with a change that the thread refuses": World(
            replies=[FULL], caller=[GO, CHANGED, *AFTER], thread="new"
        ),
        "a full history with the answer, and a change that the thread refuses": World(
            replies=[FULL], caller=[GO, ANSWER, CHANGED, *AFTER], thread="new"
        ),
        "a call fails, with a change that the thread refuses": World(
            replies=[TOOL], calls=[LOST], caller=[GO, CHANGED, ANSWER, *AFTER], thread="new"
        ),
        "the API is to compact, with a change that the thread refuses, at the limit": World(
            replies=[TOOL], caller=[GO, ASKED, CHANGED, *AFTER], thread="new", limit=1
        ),
        "a full history with the answer that the caller asked for": World(
            replies=[FULL], caller=[GO, ANSWER, GO], limits=RARE
        ),
        "a full history at the limit": World(replies=[FULL], limit=1, limits=RARE),
        "a full history at the limit, with a last request": World(replies=[FULL], limit=1),
        "a history that is full although it was summarised": World(replies=[FULL, FULL]),
    }


def _failures() -> dict[str, World]:
    """Where something is tried again."""
    return {
        "the API is to compact after the first request failed": World(replies=[LOST], caller=[GO, ASKED, GO]),
        "the second look fails, and the API is to compact, with a change that the thread refuses": World(
            replies=[WORDS, LOST], caller=[GO, GO, ASKED, CHANGED, *AFTER], thread="new"
        ),
        "the second look fails, and then a compaction streams a call and frees the thread for a change": World(
            streams=True,
            replies=[OPENED, LOST],
            stream=[WORDS, MOVED, SHORT],
            caller=[GO, GO, ASKED, CHANGED, GO],
            thread="new",
        ),
        "the server loses the thread of a paused turn that the caller closed": World(
            replies=[ended("pause_turn", call=False), CLOSED, ASKED, NO_THREAD], thread="new", limit=2, limits=RARE
        ),
        "the server loses the thread of a paused turn with a call that the caller closed": World(
            replies=[ended("pause_turn"), CLOSED, ASKED, NO_THREAD], thread="new", limit=2, limits=RARE
        ),
        "the server loses the thread of a turn that the caller closed": World(
            replies=[TOOL, CLOSED, ASKED, NO_THREAD], thread="new", limit=2
        ),
        "the server loses the thread of the last request, which the caller closed": World(
            replies=[FULL, CLOSED, NO_THREAD], thread="new", limit=1, limits={"last_requests": 2}
        ),
        "the server loses the thread of the second look, which the caller closed": World(
            replies=[ended("end_turn"), CLOSED, ASKED, NO_THREAD], thread="new", limits=RARE
        ),
        "the server loses the thread of a compaction that the caller closed": World(
            replies=[ended(None)],
            caller=[GO, MORE, ASKED, CHANGED, GO],
            compact=[CLOSED, ASKED, NO_THREAD],
            thread="new",
            limit=1,
            limits=RARE,
        ),
        "the server has no threads for a compaction of the end, at the limit": World(
            caller=[GO, ASKED, GO], compact=[NO_THREAD], thread="new", limit=1
        ),
        "the server loses the thread in mid-stream": World(streams=True, stream=[NO_THREAD], thread="new"),
        "a stream breaks off in a call": World(streams=True, stream=[MOVED, LOST], limits=RARE),
        "a call fails at the limit": World(replies=[FULL], calls=[LOST], caller=[GO, ANSWER, GO], limit=1, limits=RARE),
    }


def _streams() -> dict[str, World]:
    """What happens while a reply streams, after a turn of each kind."""
    before = {
        "paused": ended("pause_turn", call=False),
        "answered": BOTH,
        "finished": ended("end_turn"),
    }
    worlds = {}
    for turn, first in before.items():
        worlds |= {
            f"a call runs early after a {turn} turn, and the caller leaves": World(
                streams=True, stream=[first, CLOSED, ASKED, CHANGED, MOVED, GO], thread="new", limit=2, limits=RARE
            ),
            f"a call runs early after a {turn} turn that is drained": World(
                streams=True,
                stream=[first, ANSWER, CLOSED, ASKED, CHANGED, MOVED, BOTH],
                thread="new",
                limit=2,
                limits=RARE,
            ),
            f"a call runs early after a {turn} turn, and much happens meanwhile": World(
                streams=True,
                stream=[first, MOVED, BOTH],
                early=[CLOSED, ASKED, NO_TOOLS],
                thread="new",
                limit=2,
                limits=RARE,
            ),
        }
    return worlds | {
        "a stream is drained for an answer that there is not": World(
            streams=True, stream=[ANSWER, CLOSED, ended("end_turn", call=False)], limit=1, limits=RARE
        ),
        "a compaction streams a call": World(
            streams=True, stream=[MOVED, ASKED, SHORT, MOVED, CLOSED, SHORT], caller=[ASKED, GO]
        ),
        "a compaction of the end streams a call": World(
            streams=True, stream=[WORDS, MOVED, SHORT], caller=[GO, ASKED, GO], limit=1
        ),
        "a compaction of the end streams a call, and another is asked for": World(
            streams=True, stream=[WORDS, MOVED, ASKED, SHORT], caller=[GO, ASKED, GO], limit=1
        ),
        "a compaction of the last answer streams a call": World(
            streams=True, stream=[BOTH, WORDS, MOVED, SHORT], caller=[GO, GO, ASKED, GO], limit=1
        ),
        "a compaction of the end streams a call, and frees the thread for a change": World(
            streams=True, stream=[WORDS, MOVED, SHORT], caller=[GO, ASKED, CHANGED, GO], thread="new"
        ),
        "a compaction of an unreadable end streams a call": World(
            streams=True, stream=[ended(None, call=False), MOVED, SHORT], caller=[GO, ASKED, GO]
        ),
        "a compaction of an unreadable end with a call streams calls": World(
            streams=True, stream=[ended(None), MOVED, ANSWER, MOVED, SHORT], caller=[GO, MORE, ASKED, GO]
        ),
        "a compaction of an unreadable end with a call is left by a caller who closes": World(
            streams=True, stream=[ended(None), CLOSED, GO], caller=[GO, MORE, ASKED, GO]
        ),
        "a compaction of an unfinished turn streams a call, with a change that the thread refuses": World(
            streams=True, stream=[BOTH, MOVED, CHANGED, NO_SUMMARY], caller=[GO, ASKED, GO, *AFTER], thread="new"
        ),
        "a compaction streams a call and gives no summary": World(
            streams=True, stream=[BOTH_FULL, MOVED, NO_SUMMARY], caller=[GO, ASKED, GO]
        ),
        "a compaction that streams a call is drained for an answer": World(
            streams=True, stream=[BOTH, MOVED, ANSWER, SHORT], caller=[GO, ASKED, GO]
        ),
    }


def _answers() -> dict[str, World]:
    """Where calls are answered."""
    return {
        "closed while a tool runs, with a change that the thread refuses": World(
            replies=[TOOL], calls=[CLOSED, CHANGED], thread="new"
        ),
        "the answer to an end with a call, closed and changed": World(
            replies=[ended("end_turn")], caller=[GO, CLOSED, CHANGED, ANSWER], thread="new", limit=1, limits=RARE
        ),
        "the answer to a turn that is answered": World(
            streams=True, stream=[BOTH, MOVED, SHORT], caller=[GO, ASKED, GO, ANSWER]
        ),
        "a person fails who is asked about an end that the API is to compact": World(
            person=[LOST], caller=[GO, ASKED, ANSWER, GO]
        ),
        "a person refuses what the caller wants an answer to": World(
            replies=[FULL], person=[CLOSED, CHANGED, REFUSED], caller=[GO, ANSWER], thread="new", limit=1
        ),
    }
