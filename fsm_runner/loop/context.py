"""The context: all that a run knows, as frozen plain data in a few parts.

    conversation   the messages: what the next request sends, and what the caller is making of them
    turn           the last reply and its tool calls
    compaction     what was asked for, what crossed the threshold, what is in flight
    settings       what requests are made of; changes only when the caller changes it
    counters       limits, how much of them is spent, tokens
    thread         which part of the conversation the server holds
    stand          whether the run was closed, what the caller waits for, what failed last

Only `fold` makes a new context, and it replaces only the parts that changed.  So a fold costs the same at the first
turn and at the thousandth.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import field

from fsm_runner.engine.domain import Note as Note
from fsm_runner.engine.frozen import Frozen
from fsm_runner.loop.events import Failed, Json
from fsm_runner.loop.history import History

DEFAULT_THRESHOLD = 100_000
"""Tokens of one reply (input, cache and output together) from which the client summarises.

Source: `compaction_control` of anthropic 0.75."""

DEFAULT_SUMMARY_PROMPT = """\
The conversation is about to be cut to this summary alone, so write it for someone who takes over the work now and has
seen nothing else. Put it between <summary> and </summary>, under these five headings:

1. Task: what was asked for, in the asker's words where they matter, with every constraint and preference stated.
2. Done: what has been finished, with names, paths, numbers and identifiers exactly as they were.
3. Found: facts learnt from tools or from the user that are still needed, each with where it comes from.
4. Open: what is under way or undecided, what failed and why, and what must not be tried again.
5. Next: the very next step, then those after it.

Leave nothing out that would have to be asked or looked up again. Do not call tools, and do not go on with the work."""
"""The prompt for a summary when the caller gives none."""


class Conversation(Frozen, frozen=True, kw_only=True):
    """The messages of the run: immutable.

    Attributes:
        history: what the next request sends, without what the reply in flight will add.
        draft: the history as the caller edits it while a reply is in flight; None at any other time.
        owned: whether the caller appended to the draft.  Then neither the reply nor its tool results are added.
        changes: the blocks of the history that add or remove tools, in its order.
    """

    history: History = field(default_factory=History)
    draft: History | None = None
    owned: bool = False
    changes: tuple[Json, ...] = ()

    @property
    def current(self) -> History:
        """The draft, or the history when there is no draft."""
        return self.history if self.draft is None else self.draft


Line: TypeAlias = "tuple[str | None, str]"
"""The calls that may have to wait for each other: those of a toolset, by its name and "", or of a tool, by None and
the tool's name."""

CallState: TypeAlias = Literal["waiting", "running", "failed", "succeeded"]
"""A call's status; of a call that is done, how it ended."""


class Call(Frozen, frozen=True, kw_only=True):
    """A tool call of the last reply: immutable.

    Attributes:
        id: the id of its ``tool_use`` block.
        name: the tool's name.
        block: the whole block.
        toolset: the toolset that the tool belongs to; None: to none.
        status: ``waiting`` to start, ``running``, or ``done``.
        held: whether the caller deferred it with `defer_tool_call`.
        result: its ``tool_result`` block; None until it is done.
    """

    id: str
    name: str
    block: Json
    toolset: str | None = None
    status: Literal["waiting", "running", "done"] = "waiting"
    held: bool = False
    result: Json | None = None

    @property
    def line(self) -> Line:
        return (None, self.name) if self.toolset is None else (self.toolset, "")

    @property
    def state(self) -> CallState:
        if self.status != "done":
            return self.status
        return "failed" if self.result is not None and self.result.get("is_error") else "succeeded"


class Turn(Frozen, frozen=True, kw_only=True):
    """The last reply and its tool calls: immutable.

    Attributes:
        reply: the API's message; None before the first reply, and after the history was replaced by a summary.
        calls: its ``tool_use`` blocks, in the model's order.
        arriving: the complete calls of a reply that is still streaming; the newest is last.
        unread: whether the caller holds the reply, which is then not part of the history yet.
        answered: whether the results are part of the history, or were dropped because the caller owns the history.
        starting: the ids of the calls to start now.
    """

    reply: Json | None = None
    calls: tuple[Call, ...] = ()
    arriving: tuple[Call, ...] = ()
    unread: bool = False
    answered: bool = False
    starting: tuple[str, ...] = ()


class Compaction(Frozen, frozen=True, kw_only=True):
    """Whether the history is being compacted, and how far that is: immutable.

    Attributes:
        asked: the configuration of a compaction that the caller asked for and that has not begun; None: of none.
        config: the configuration of the compaction in flight; None: of none.
        sent: how many messages the compaction in flight is of.
        response: the API's compaction, while the caller holds it and it has not replaced the history; None: there is
            none.
        tokens: input, cache and output tokens of the last reply together; 0 when the API sent no usage, or
            the history has been replaced since.
        fresh: whether no reply has stayed below the threshold since the last summary.
    """

    asked: Json | None = None
    config: Json | None = None
    sent: int = 0
    response: Json | None = None
    tokens: int = 0
    fresh: bool = False


class SummaryControl(Frozen, frozen=True, kw_only=True):
    """How the client summarises a long conversation: immutable.

    Attributes:
        threshold: tokens of one reply from which the history is summarised; reaching it counts.
        model: the model that writes the summary; None: the run's own.
        prompt: what that model is asked.

    Source: `compaction_control` of anthropic 0.75."""

    threshold: int = DEFAULT_THRESHOLD
    model: str | None = None
    prompt: str = DEFAULT_SUMMARY_PROMPT


class Settings(Frozen, frozen=True, kw_only=True):
    """What requests are made of: immutable.

    Attributes:
        params: the request's parameters without ``messages`` and ``tools``, as JSON data.
        tools: the tool definitions to send; None: none are sent.
        runnable: the names of the tools that the driver can run.
        toolsets: the families of the toolsets that the driver can run.
        stream: whether replies are streamed.
        eager: whether a tool call runs while the reply is still streaming, as soon as the call is complete.
        summary: when the client summarises; None: never.
        changes: ``tool_addition`` and ``tool_removal`` blocks to send with the next request.
    """

    params: Json = field(default_factory=dict)
    tools: tuple[Json, ...] | None = None
    runnable: frozenset[str] = frozenset()
    toolsets: frozenset[str] = frozenset()
    stream: bool = False
    eager: bool = False
    summary: SummaryControl | None = None
    changes: tuple[Json, ...] = ()


class Usage(Frozen, frozen=True, kw_only=True):
    """Tokens of all replies of a run, summaries and compactions too: immutable.

    Attributes:
        input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens: as the API counts them.
        replies: the number of replies.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    replies: int = 0

    @property
    def total_tokens(self) -> int:
        """All of them together."""
        return self.input_tokens + self.output_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens


class Counters(Frozen, frozen=True, kw_only=True):
    """What is counted: immutable.

    Attributes:
        limits: how much may be spent of each limit; None: any amount.
        spent: how much of each is spent.
        staked: the limit that the request in flight spent one of, which it gets back if it fails.
        resends: how often the request in flight was sent again.
        usage: the tokens of the run.
    """

    limits: Mapping[str, int | None] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    staked: str | None = None
    resends: int = 0
    usage: Usage = field(default_factory=Usage)


class Thread(Frozen, frozen=True, kw_only=True):
    """Which part of the conversation the server holds: immutable.  The module `thread` says what each mode means.

    Attributes:
        mode: ``off``, ``new``, ``created``, ``continue`` or ``unthreaded``.
        previous: the id of the reply that the next request continues from; None: of none.
        created_with: the ``system`` and ``tools`` that the thread was created with.
        replaces_lost: whether this thread replaces one that the server has lost.
        held: how many messages at the beginning of the history the server holds.
        beside: whether the compaction in flight begins a thread of its own.
        refused: the fields that the caller changed although the thread keeps its own.
        adjusted: whether the last failure was about the thread, and the request can be sent again without the caller.
    """

    mode: Literal["off", "new", "created", "continue", "unthreaded"] = "off"
    previous: str | None = None
    created_with: Json = field(default_factory=dict)
    replaces_lost: bool = False
    held: int = 0
    beside: bool = False
    refused: tuple[str, ...] = ()
    adjusted: bool = False


class RunStatus(Frozen, frozen=True, kw_only=True):
    """Whether the run was closed, what the caller waits for, and what failed last: immutable.

    Attributes:
        closed: whether the caller closed the run.
        awaits: what the caller waits for: ``nothing`` (it holds a message or stream), ``more`` or an ``answer``.
        failure: what failed last; None once something succeeded.
        failed_effect: the effect that failed.
        effect: the effect of the state that the run is in.
    """

    closed: bool = False
    awaits: Literal["nothing", "more", "answer"] = "nothing"
    failure: Failed | None = None
    failed_effect: str | None = None
    effect: str | None = None


class Context(Frozen, frozen=True, kw_only=True):
    """All that a run knows: immutable plain data.  The parts are explained at the head of this module.

    Attributes:
        reports: the data that custom effects reported, by event.
        notes: what a person should know because of the last event.
    """

    conversation: Conversation = field(default_factory=Conversation)
    turn: Turn = field(default_factory=Turn)
    compaction: Compaction = field(default_factory=Compaction)
    settings: Settings = field(default_factory=Settings)
    counters: Counters = field(default_factory=Counters)
    thread: Thread = field(default_factory=Thread)
    stand: RunStatus = field(default_factory=RunStatus)
    reports: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        usage, calls = self.counters.usage, len(self.turn.calls)
        return f"Context(messages={len(self.conversation.history)}, replies={usage.replies}, calls={calls})"


class Calls(tuple[Call, ...]):
    """The calls of a reply, in the model's order: immutable, and equal to the tuple of the same calls.

    Attributes:
        places: by id, the places of the calls that have it.
        lines: by state and line, the places of the calls, in order; what has none is left out.
        undone: how many are not done.
    """

    places: Mapping[str, Sequence[int]]
    lines: Mapping[tuple[CallState, Line], list[int]]
    undone: int

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Calls:
        """Return `calls` as `Calls`."""
        if isinstance(calls, Calls):
            return calls
        made = cls(calls)
        if not made:
            return _NO_CALLS
        return made._indexed()

    def _indexed(self) -> Calls:
        places: dict[str, list[int]] = {}
        lines: dict[tuple[CallState, Line], list[int]] = {}
        undone = 0
        for place, call in enumerate(self):
            places.setdefault(call.id, []).append(place)
            lines.setdefault((call.state, call.line), []).append(place)
            undone += call.status != "done"
        self.places, self.lines, self.undone = places, lines, undone
        return self

    def changed(self, changes: Mapping[int, Call]) -> Calls:
        """Return the calls with those at some places replaced by others of the same ids and lines."""
        if not changes:
            return self
        copy, undone, lines = list(self), self.undone, dict(self.lines)
        own: set[tuple[CallState, Line]] = set()  # the lines that are copied, and may be changed
        for place, call in changes.items():
            before, copy[place] = copy[place], call
            undone += (call.status != "done") - (before.status != "done")
            old, new = (before.state, before.line), (call.state, call.line)
            for key in (old, new):
                if key not in own:
                    lines[key] = list(lines.get(key, ()))
                    own.add(key)
            lines[old].remove(place)
            insort(lines[new], place)
        for key in own:
            if not lines[key]:
                del lines[key]
        made = Calls(copy)
        made.places, made.lines, made.undone = self.places, lines, undone
        return made

    def renewed(self, calls: Mapping[str, Call]) -> Calls:
        """Return the calls with those whose ids are in `calls` replaced."""
        return self.changed({place: call for id, call in calls.items() for place in self.places.get(id, ())})

    def appended(self, call: Call) -> Calls:
        """Return the calls with `call` at the end; its id is new."""
        made, place, key = Calls((*self, call)), len(self), (call.state, call.line)
        made.places = {**self.places, call.id: [place]}
        made.lines = {**self.lines, key: [*self.lines.get(key, ()), place]}
        made.undone = self.undone + (call.status != "done")
        return made


_NO_CALLS = Calls()._indexed()
