"""Scenarios: random conversations, and what their caller does between the turns.

A scenario is plain data, so that hypothesis can shrink it and print it.  What a reply or an act may be is listed here;
what is done with it is `play`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from fsm_runner.testing import Fault, Reply, compaction, disconnect, error, overloaded, reply, text, tool_use

STOP_REASONS = (
    "end_turn",
    "stop_sequence",
    "max_tokens",
    "refusal",
    "model_context_window_exceeded",
    "pause_turn",
    "compaction",
    "tool_use",
    "from_the_future",
)


@dataclass(frozen=True)
class Act:
    """What the caller does with an item in hand: immutable.

    Attributes:
        kind: the name of a function in `acts`.
        value: its argument.
    """

    kind: str
    value: Any = None


@dataclass(frozen=True)
class Visit:
    """One item and the caller: immutable.

    Attributes:
        read: how many events of a stream the caller reads itself; None: all.
        hold: which of the stream's tool calls it defers, by position.
        acts: what it does then.
    """

    read: int | None = None
    hold: frozenset[int] = frozenset()
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A conversation and its caller: immutable.

    Attributes:
        stream, eager, limit: arguments of the runner.
        tools: names of its tools.
        params: further parameters of the request.
        before: what the caller does before the first turn.
        replies: what the model says, turn by turn; at their end it says goodbye.
        summaries: what it answers to requests to compact, one after the other; at their end, a summary.
        visits: what the caller does with each item; with later ones, nothing.
        leave: the items after which it leaves the loop, for `until_done`; None: it stays to the end.
    """

    stream: bool = False
    eager: bool = False
    limit: int | None = None
    tools: tuple[str, ...] = ("add",)
    params: dict[str, Any] = field(default_factory=dict)
    before: tuple[Act, ...] = ()
    replies: tuple[Reply | Fault, ...] = ()
    summaries: tuple[Reply, ...] = ()
    visits: tuple[Visit, ...] = ()
    leave: int | None = None


# ── what the model says ─────────────────────────────────────────────────────────────────────────────────────────────

TOOLS = ("add", "boom", "refuse", "refuse_in_blocks", "silent", "blocks", "surrogate")
"""The tools that `tools.toolbox` makes."""

words = st.sampled_from(["yes", "no", "ä€🙂", "two\nlines"])


def often(percent: int, strategy: st.SearchStrategy[Any], otherwise: Any) -> st.SearchStrategy[Any]:
    """Return `strategy` in so many of a hundred cases, else the value `otherwise`, which is the simpler case."""
    return st.integers(0, 99).flatmap(lambda n: strategy if n >= 100 - percent else st.just(otherwise))


additions = st.builds(lambda a, b: tool_use("add", {"a": a, "b": b}), st.integers(-9, 9), st.integers(-9, 9))
strange_calls = st.sampled_from([tool_use("unknown", {}), tool_use("add", {"a": "no number", "b": 2, "c": None})])
others = st.sampled_from(
    [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "server_tool_use", "id": None, "name": "web_search", "input": {"query": "ants"}},
        text("well"),
    ]
)
BOX = {"container": {"id": "box_1", "expires_at": "2030-01-01T00:00:00Z", "skills": None}}


def calls_of(tools: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return calls, mostly of `tools`."""
    known = st.sampled_from([*tools, "later"]).map(lambda name: tool_use(name, {}))
    return st.one_of(additions, known, often(30, strange_calls, tool_use("unknown", {})))


@st.composite
def reply_with(draw: st.DrawFn, tools: tuple[str, ...]) -> Reply:
    """Draw a reply: mostly one that calls tools, and says so."""
    content = [draw(often(80, calls_of(tools), text("well"))) for _ in range(draw(st.sampled_from([1, 2, 3, 4])))]
    content += draw(often(30, st.lists(others, min_size=1, max_size=2), []))
    content = draw(often(50, st.permutations(content), content))
    reason = draw(often(25, st.sampled_from(STOP_REASONS), None))
    # Two paused replies are left out, which the SDK's runner sends back and the API refuses: one without content, and
    # one with a call that has no result.
    if reason in ("pause_turn", "compaction"):
        content = [block for block in content if block["type"] != "tool_use"] or [text("well")]
    return reply(
        *content,
        stop_reason=reason,
        **draw(often(10, st.just(BOX), {})),
    )


@st.composite
def fault_with(draw: st.DrawFn, tools: tuple[str, ...]) -> Fault:
    """Draw a fault, before an answer or within it.

    A stream that ends early without a word is left out: the SDK's runner takes it for the end of the run.
    """
    broken, after = draw(reply_with(tools)), draw(st.integers(1, 9))
    return draw(
        st.sampled_from(
            [
                overloaded(),
                error(400, "invalid_request_error", message="no"),
                disconnect(),
                disconnect(broken, after=after),
                overloaded(broken, after=after),
            ]
        )
    )


summaries = st.sampled_from(
    [
        reply(compaction("what was said")),
        reply(compaction(None)),
        reply(text("I cannot"), stop_reason="end_turn"),
    ]
)

# ── what the caller does ────────────────────────────────────────────────────────────────────────────────────────────

changes = st.sampled_from(["max_tokens", "metadata", "system", "fewer", "more", "other", "same", "no_tools"])
configs = st.sampled_from([None, {"type": "summarize", "instructions": "short"}])
acts = st.one_of(
    st.builds(Act, st.just("append"), words),
    st.just(Act("append_reply")),
    st.builds(Act, st.just("change"), changes),
    st.just(Act("answer")),
    st.just(Act("edit_answer")),
    st.builds(Act, st.just("add"), st.sampled_from(["later", "raw", "add", "boom"])),
    st.builds(Act, st.just("remove"), st.sampled_from(["add", "boom", "later", "unknown"])),
    st.builds(Act, st.just("compact"), configs),
)


def _once(acts: list[Act]) -> tuple[Act, ...]:
    """The acts without a second `append_reply`: the API refuses calls that come twice, so ours sends them once."""
    return tuple(act for at, act in enumerate(acts) if act.kind != "append_reply" or act not in acts[:at])


few = st.lists(acts, min_size=1, max_size=3).map(_once)

closing = st.tuples(often(50, few, ())).map(
    lambda after: (Act("close"), *(act for act in after[0] if act.kind != "append_reply"))  # its stream is closed
)


@st.composite
def visit_of(draw: st.DrawFn) -> Visit:
    """Draw what the caller does with an item: half of the time, nothing but read it."""
    read = draw(often(40, st.integers(0, 12), None))
    return Visit(
        read=read,
        hold=draw(often(30, st.frozensets(st.integers(0, 3), min_size=1, max_size=2), frozenset())),
        acts=draw(often(50, few, ())) + draw(often(6, closing if read is None else st.just((Act("close"),)), ())),
    )


params = st.fixed_dictionaries(
    {},
    optional={
        "system": st.just("be brief"),
        "stop_sequences": st.just(["END"]),
        "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "add"}]),
        "betas": st.just(["some-beta"]),
        "context_management": st.sampled_from(
            [{"edits": [{"type": "clear_tool_uses_20250919"}]}, {"edits": [{"type": "compact_20260112"}]}]
        ),
        "metadata": st.just({"user_id": "u"}),
    },
)


@st.composite
def scenarios(draw: st.DrawFn, *, stream: bool) -> Scenario:
    """Draw a scenario, with replies that are streamed or not."""
    tools = tuple(draw(st.lists(st.sampled_from(TOOLS), min_size=1, max_size=4, unique=True)))
    turns = draw(st.sampled_from([1, 2, 3, 4]))
    replies = [draw(reply_with(tools)) for _ in range(turns)]
    broken = draw(often(10, st.lists(fault_with(tools), min_size=1, max_size=1), []))
    return Scenario(
        stream=stream,
        eager=stream and draw(st.booleans()),
        limit=draw(often(25, st.integers(0, 4), None)),
        tools=tools,
        params=draw(often(30, params, {})),
        before=draw(often(15, few, ())) + draw(often(3, closing, ())),
        replies=(*replies, *broken),
        summaries=tuple(draw(often(30, st.lists(summaries, min_size=1, max_size=2), []))),
        visits=tuple(draw(visit_of()) for _ in range(turns + 1)),
        leave=draw(often(20, st.integers(0, 4), None)),
    )
