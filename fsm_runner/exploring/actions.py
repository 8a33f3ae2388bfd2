"""The actions: what the model, the tools, the chart's own effects and the caller can do, each as a line of Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fsm_runner.exploring.scenarios import FULL, Beginning
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Call, Context
from fsm_runner.loop.effects import VOCABULARY, CallTool, Effect, Perform, SendRequest, Summarise
from fsm_runner.loop.events import Failed, Json
from fsm_runner.loop.facts import calls
from fsm_runner.loop.thread import LOST, UNSUPPORTED
from fsm_runner.loop.tool_loop import Snapshot, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A run at a moment at which somebody decides: immutable.

    Attributes:
        beginning: how the run began.
        snapshot: where it is.
        call: what the caller is waiting in: ``next``, ``answer`` or ``read``; None when it has the turn.
        asked: what the world is asked; None when the caller has the turn.
        plan: what is still to come of the stream that is open, as events; None when none is.
        reading: whether somebody reads that stream now.
        fresh: whether the runner's own loop is to begin anew, as at the start and after an exception.
        made: how many tool calls the model has made.
        over: whether nothing more can happen.
    """

    beginning: Beginning
    snapshot: Snapshot
    call: str | None = None
    asked: Effect | None = None
    plan: tuple[ev.Event, ...] | None = None
    reading: bool = False
    fresh: bool = True
    made: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What a move did: immutable.

    Attributes:
        place: where the run is then.
        told: the events that the machine was told, each with its step.
        outcome: what the caller's call came to: ``message``, ``stream``, ``end``, ``done``, or ``raises`` and an
            exception's name; None while it goes on.
    """

    place: Place
    told: tuple[tuple[ev.Event, Step], ...]
    outcome: str | None


def running(context: Context) -> list[Call]:
    """Return the tool calls that run now, those of a reply that still streams first."""
    known = {call.id for call in context.turn.arriving}
    calls = (*context.turn.arriving, *(call for call in context.turn.calls if call.id not in known))
    return [call for call in calls if call.status == "running"]


COSTLY = 200_000
"""Input tokens of a reply that is over any budget."""

STATUS_ERROR = "anthropic.APIStatusError"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyAction:
    """The model answers: immutable.

    Attributes:
        code: the same as an entry of a `ScriptedModel`.
        blocks: the content, without ids.
        stop: the stop reason.
        tokens: input tokens.
        summarises: whether the answer is a summary that the client asked for.
    """

    who = "model"
    code: str
    blocks: tuple[Json, ...]
    stop: str | None
    tokens: int = 10
    summarises: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultAction:
    """A request fails: immutable.

    Attributes:
        code: the same as an entry of a `ScriptedModel`; empty where the request itself is why, which plays none.
        failure: what the machine is told.
        raises: what the caller meets, unless the chart goes on by itself.
        midway: whether it happens in the stream, after a good start.
    """

    who = "model"
    code: str
    failure: Failed
    raises: str = STATUS_ERROR
    midway: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A tool, or an effect of the chart's own, comes to its end: immutable.

    Attributes:
        who: ``tool``, or the effect's name.
        code: what its stand-in returns or raises.
        event: the event that an effect reports; None when it is a tool, or raises.
        raises: what it raises; None when it returns.
    """

    who: str
    code: str
    event: str | None = None
    raises: str | None = None


Deed: TypeAlias = Literal["next", "answer", "read", "close", "compact", "change", "append", "defer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The caller does something: immutable.

    Attributes:
        code: the same as a line of Python.
        deed: which of its acts.
    """

    who = "caller"
    code: str
    deed: Deed


Move: TypeAlias = ReplyAction | FaultAction | Outcome | Act
"""Everything that can happen to a run: a closed union."""

INTERRUPTED = Outcome(who="tool", code="Interrupted()", raises="Interrupted")
"""The process is told to stop while a tool runs.  The machine is told nothing: the run stays where it is."""

NEXT = Act(code="next(runner)", deed="next")
ANSWER = Act(code="runner.generate_tool_call_response()", deed="answer")
READ = Act(code="stream.until_done()", deed="read")
CLOSE = Act(code="runner.close()", deed="close")
COMPACT = Act(code="runner.compact_before_next_turn()", deed="compact")
CHANGE = Act(code='runner.set_messages_params(lambda params: {**params, "system": "Be brief."})', deed="change")
APPEND = Act(code='runner.append_messages({"role": "user", "content": "Go on."})', deed="append")

OVERLOADED = FaultAction(
    code="overloaded()", failure=Failed(error="OverloadedError", text="Error code: 529 - Overloaded", status=529)
)
UNTHREADED = FaultAction(
    code='thread_error("thread_unsupported_request")',
    failure=Failed(error="BadRequestError", text="Error code: 400 - thread", status=400, code=UNSUPPORTED),
)
FORGOTTEN = FaultAction(
    code='thread_error("thread_not_found")',
    failure=Failed(error="NotFoundError", text="Error code: 404 - thread", status=404, code=LOST),
)
REFUSED = FaultAction(
    code='error(400, "invalid_request_error", message="too long")',
    failure=Failed(error="BadRequestError", text="Error code: 400 - too long", status=400),
)
UNANSWERED = FaultAction(
    code="",
    failure=Failed(error="BadRequestError", text="Error code: 400 - calls without results", status=400),
)
"""What comes of a request that leaves calls of the last reply without results: the API takes none such."""

BROKEN = FaultAction(
    code='truncated(text("Half of"))',
    failure=Failed(error="StreamTruncated", text="the stream ended before 'message_stop'"),
    raises="fsm_runner.RunError",
    midway=True,
)


def world_moves(
    effect: Effect, context: Context, tools: Sequence[str], reports: Mapping[str, Sequence[str]], *, rare: bool
) -> Iterator[Move]:
    """Yield what can come of `effect`, the plainest first.

    Args:
        effect: what the world is asked.
        context: what the run knows.
        tools: the names of the tools that the model can call.
        reports: the events that each effect of the chart's own can report.
        rare: whether rare moves join in.
    """
    match effect:
        case SendRequest() if effect.purpose == "reply" and calls(context) == "open":
            yield UNANSWERED
        case SendRequest():
            yield from _summaries(rare=rare) if effect.purpose == "compaction" else _replies(tools, rare=rare)
            yield from _request_faults(context, rare=rare)
        case Summarise():
            yield ReplyAction(code='text("The gist.")', blocks=(_text("The gist."),), stop="end_turn", summarises=True)
            yield OVERLOADED
        case CallTool():
            yield Outcome(who="tool", code='"found"')
            yield INTERRUPTED
            if rare:
                yield Outcome(who="tool", code='ValueError("not found")', raises="ValueError")
        case Perform():
            for event in reports.get(effect.name, ()):
                if event != VOCABULARY.failed:
                    yield Outcome(who=effect.name, code=f'"{event}"', event=event)
            yield Outcome(who=effect.name, code='ConnectionError("nobody there")', raises="ConnectionError")
        case _:
            return


def _replies(tools: Sequence[str], *, rare: bool) -> Iterator[ReplyAction]:
    yield _said("Done.")
    for name in tools:
        yield ReplyAction(code=f'tool_use("{name}")', blocks=(_use(name),), stop="tool_use")
    name = tools[0]
    called = f'tool_use("{name}")'
    usage = f'usage={{"input_tokens": {FULL:_}}}'
    costly = f'usage={{"input_tokens": {COSTLY:_}}}'
    yield ReplyAction(code=f"reply({called}, {called})", blocks=(_use(name), _use(name)), stop="tool_use")
    yield ReplyAction(code="pause_turn()", blocks=(_SERVER_CALL,), stop="pause_turn")
    yield ReplyAction(code='without_stop_reason(text("Done."))', blocks=(_text("Done."),), stop=None)
    yield ReplyAction(code=f"reply({called}, {usage})", blocks=(_use(name),), stop="tool_use", tokens=FULL)
    if rare:
        yield ReplyAction(code=f"reply({called}, {costly})", blocks=(_use(name),), stop="tool_use", tokens=COSTLY)
        yield ReplyAction(code=f'reply(text("Done."), {usage})', blocks=(_text("Done."),), stop="end_turn", tokens=FULL)
        yield ReplyAction(
            code=f'reply(text("Let me"), {called}, stop_reason="max_tokens")',
            blocks=(_text("Let me"), _use(name)),
            stop="max_tokens",
        )
        yield ReplyAction(code="refusal()", blocks=(), stop="refusal")
        for stop in ("stop_sequence", "max_tokens", "model_context_window_exceeded"):
            code = f'reply(text("Done."), stop_reason="{stop}")'
            yield ReplyAction(code=code, blocks=(_text("Done."),), stop=stop)


def _summaries(*, rare: bool) -> Iterator[ReplyAction]:
    yield ReplyAction(code='compaction("Short.")', blocks=(_summary("Short."),), stop="compaction")
    if rare:
        yield ReplyAction(code="compaction(None)", blocks=(_summary(None),), stop="compaction")


def _request_faults(context: Context, *, rare: bool) -> Iterator[FaultAction]:
    """The failures of a request; those of a thread where it has one, and of a stream where it streams."""
    thread = context.thread
    yield OVERLOADED
    compacting = context.compaction.config is not None
    if thread.beside if compacting else thread.mode in ("created", "continue"):
        yield UNTHREADED
        if thread.mode == "continue" and not compacting and rare:
            yield FORGOTTEN
    if context.settings.stream:
        yield BROKEN
    if rare and not compacting:
        yield REFUSED


_SERVER_CALL: Json = {"type": "server_tool_use", "id": None, "name": "web_search", "input": {"query": "machines"}}


def _said(words: str) -> ReplyAction:
    return ReplyAction(code=f'text("{words}")', blocks=(_text(words),), stop="end_turn")


def _text(words: str) -> Json:
    return {"type": "text", "text": words}


def _use(name: str) -> Json:
    return {"type": "tool_use", "id": None, "name": name, "input": {}}


def _summary(words: str | None) -> Json:
    return {"type": "compaction", "content": words, "encrypted_content": None}
