"""Claims: answers that the check must allow for and that no run gives, each with the reason.

The check assumes that each fact may give any answer at each decision, except for what the facts' code declares
impossible.  Real runs have fewer possibilities.  For example, what the caller waits for follows from how the run got to
its state.  A mutant that differs from its chart only for such answers differs for no run.  Claims are made by hand; the
tests try to refute them with generated runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Answers that no run gives in some place: immutable.

    Attributes:
        states: the states; empty: all.
        events: the events, or None when the state is entered; empty: all.
        answers: the answers that are not given together.
        why: the reason, as a clause.
        charts: the charts; empty: all.
    """

    states: tuple[str, ...] = ()
    events: tuple[str | None, ...] = ()
    answers: Mapping[str, tuple[str, ...]]
    why: str
    charts: tuple[str, ...] = ()

    def covers(self, chart: str, state: str, event: str | None, answers: Mapping[str, str]) -> bool:
        """Whether the claim is that a run of `chart` never gives `answers` there."""
        if (self.charts and chart not in self.charts) or (self.states and state not in self.states):
            return False
        if self.events and event not in self.events:
            return False
        return all(answers.get(fact) in wanted for fact, wanted in self.answers.items())


ENTERING = (None,)
ASKING = ("request", "compact", "finalise", "reflect")
ANSWERS = {"awaits": ("nothing", "more")}
NOT_MORE = {"awaits": ("nothing", "answer")}
NOTHING = {"awaits": ("nothing",)}
FAILED_BEFORE = {"recovery": ("resend", "retry")}

BY_WAY = (
    Claim(
        states=("inspect", "call_tools"),
        events=ENTERING,
        answers=NOT_MORE,
        why="a run gets here only while the caller waits for more",
    ),
    Claim(
        states=("answering",),
        events=ENTERING,
        answers=ANSWERS,
        why="a run gets here only while the caller waits for an answer",
    ),
    Claim(
        states=ASKING,
        events=("failed",),
        answers=NOT_MORE,
        why="a request is sent only while the caller waits for more",
    ),
    Claim(
        states=("failed", "streaming"),
        events=("continued",),
        answers=NOT_MORE,
        why="a caller that goes on waits for more",
    ),
    Claim(
        states=("streaming",),
        events=("moved_on",),
        answers={"awaits": ("more", "answer")},
        why="the caller has the stream and waits for nothing",
    ),
    Claim(
        states=("draining",),
        events=("replied",),
        answers=NOTHING,
        why="a stream is drained only while the caller waits",
    ),
    Claim(
        states=("asking",), events=("decided",), answers=NOTHING, why="a person is asked only while the caller waits"
    ),
)
"""What the caller waits for follows from how the run got here."""

BY_FAILURE = (
    Claim(
        states=("request", "finalise", "reflect"),
        events=("failed",),
        answers={"recovery": ("none",)},
        why="a request that fails is tried again, at once or later",
    ),
    Claim(
        states=("compact",),
        events=("failed",),
        answers={"recovery": ("retry",)},
        why="a compaction that fails is not tried again later",
    ),
    Claim(
        states=("failed",),
        events=("continued",),
        answers={"recovery": ("resend",)},
        why="a request that is sent again by itself does not rest in failed",
    ),
    Claim(
        states=("streaming",),
        events=("moved_on",),
        answers=FAILED_BEFORE,
        why="an opened stream counts as a success, which clears the failure",
    ),
    Claim(
        states=("streaming",),
        events=("continued",),
        answers=FAILED_BEFORE,
        why="an opened stream counts as a success, which clears the failure",
    ),
    Claim(
        states=("draining",),
        events=("moved_on",),
        answers=FAILED_BEFORE,
        why="an opened stream counts as a success, which clears the failure",
    ),
    Claim(
        states=("draining",),
        events=("replied",),
        answers=FAILED_BEFORE,
        why="a reply counts as a success, which clears the failure",
    ),
    Claim(
        states=("running_early",),
        events=("tool_finished",),
        answers=FAILED_BEFORE,
        why="a result counts as a success, which clears the failure",
    ),
    Claim(
        states=("asking",),
        events=("decided",),
        answers=FAILED_BEFORE,
        why="a decision counts as a success, which clears the failure",
    ),
    Claim(
        states=("call_tools",),
        events=ENTERING,
        answers={"calls": ("done",), **FAILED_BEFORE},
        why="the last result counts as a success, which clears the failure",
    ),
    Claim(
        states=("answering",),
        events=ENTERING,
        answers=FAILED_BEFORE,
        why="nothing failed since the reply that is answered",
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"turn": ("finished", "unreadable"), "compaction": ("asked",), **FAILED_BEFORE},
        why="after a last reply only its calls can fail, and calls without results block compaction",
        charts=("states", "finalise", "tools_first"),
    ),
    Claim(
        states=("request", "finalise", "reflect"),
        events=("failed",),
        answers={"change": ("refused",), "recovery": ("resend",)},
        why="a thread that was lost accepts every change",
    ),
    Claim(
        states=ASKING, events=("failed",), answers={"early": ("run",)}, why="after a failure, no call is still arriving"
    ),
)
"""Whether something failed last follows from how the run got here."""

BY_TURN = (
    Claim(
        states=("inspect", "call_tools"),
        events=ENTERING,
        answers={"turn": ("wants_tools",), "early": ("run",)},
        why="the calls of a complete reply are no longer arriving",
    ),
    Claim(
        states=("call_tools",),
        events=ENTERING,
        answers={"calls": ("done",), "turn": ("none", "paused", "finished", "unreadable")},
        why="a run gets here only with a turn that wants tools",
    ),
    Claim(
        states=("call_tools",),
        events=ENTERING,
        answers={"calls": ("done",), "early": ("run",)},
        why="the calls of a complete reply are no longer arriving",
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"turn": ("paused",), "early": ("run",)},
        why="only a compaction leaves calls that are still arriving, and a paused turn is not compacted",
        charts=("anthropic-0.75",),
    ),
    Claim(
        states=("request", "finalise", "reflect"),
        events=("failed",),
        answers={"calls": ("open",)},
        why="every call in a request has its result",
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"turn": ("paused",), "recovery": ("resend", "retry")},
        why="a paused turn ends the run, and nothing that could fail begins after it",
        charts=("anthropic-0.75",),
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"last_request": ("made",), "turn": ("none",)},
        why="after the last request the limit is reached, and nothing is summarised",
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"last_request": ("made",), "limit": ("free",)},
        why="the last request is made at the limit, and nothing gives the limit back afterwards",
    ),
    Claim(
        states=("request",),
        events=("failed",),
        answers={"reflection": ("due",)},
        why="after a last reply, a run does not request another turn",
    ),
    Claim(
        states=("call_tools",),
        events=ENTERING,
        answers={"calls": ("done",), "reflection": ("due",)},
        why="a run gets here only with a turn that wants tools",
    ),
    Claim(
        states=("finalise",),
        events=("failed",),
        answers={"limit": ("free",)},
        why="the last request is made at the limit",
    ),
    Claim(
        states=("finalise",),
        events=("failed",),
        answers={"turn": ("none", "wants_tools", "paused", "finished", "unreadable")},
        why="the last request follows an answered turn",
    ),
    Claim(
        states=("inspect",),
        events=ENTERING,
        answers={"turn": ("answered",), "limit": ("reached",), "early": ("run",)},
        why="only a compaction leaves calls that are still arriving, and at the limit no answered turn is compacted",
        charts=("finalise",),
    ),
    Claim(
        states=("reflect",),
        events=("failed",),
        answers={"turn": ("none", "wants_tools", "answered", "paused", "unreadable")},
        why="only a last reply gets a second look",
    ),
    Claim(
        states=("reflect",),
        events=("failed",),
        answers={"limit": ("reached",)},
        why="at the limit there is no second look",
    ),
)
"""The last turn follows from how the run got here."""

BY_FOLD = (Claim(answers={"turn": ("none",), "calls": ("open",)}, why="without a reply there are no calls"),)
"""Answers that contradict each other in every context that a run has."""

CLAIMS = (*BY_WAY, *BY_FAILURE, *BY_TURN, *BY_FOLD)
"""All claims; the first that holds gives the reason."""
