"""Generated contexts, messages and runs, for tests that hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from fsm_runner.loop.context import (
    Call,
    Compaction,
    Context,
    Conversation,
    Counters,
    RunStatus,
    Settings,
    SummaryControl,
    Turn,
)
from fsm_runner.loop.events import Failed
from fsm_runner.loop.history import History
from tests.support.build import PARAMS, result, text, use, user

STOP_REASONS = (
    "end_turn", "stop_sequence", "max_tokens", "model_context_window_exceeded", "refusal", "tool_use",
    "pause_turn", "compaction",
)  # fmt: skip
TOOLS = ("search", "read", "unknown")
TOOLSETS = (None, None, "files", "others")

stop_reasons = st.sampled_from([*STOP_REASONS, None, "a_new_reason", 7, (), ["end_turn"], {}])
"""Mostly what the API sends, and what it never should."""

blocks = st.one_of(
    st.builds(text, st.sampled_from(["", "well"])),
    st.builds(use, st.sampled_from("abcd"), st.sampled_from(TOOLS), st.sampled_from(TOOLSETS)),
    st.sampled_from(
        [{"type": "thinking", "thinking": "hm"}, {"type": "compaction", "content": "short"}, {"type": []}, {}]
    ),
)

messages = st.fixed_dictionaries(
    {"content": st.one_of(st.lists(blocks, max_size=4), st.sampled_from(["words", None, 7]))},
    optional={
        "stop_reason": stop_reasons,
        "usage": st.sampled_from([None, {}, {"input_tokens": 60, "output_tokens": 40}, {"input_tokens": "many"}]),
        "container": st.sampled_from([None, "c", {"id": "c1"}, {"id": None}]),
    },
)
"""Replies, some of them malformed."""

calls = st.builds(
    Call,
    id=st.sampled_from("abcd"),
    name=st.sampled_from(TOOLS),
    block=st.just(use()),
    toolset=st.sampled_from(TOOLSETS),
    status=st.sampled_from(["waiting", "running", "done"]),
    held=st.booleans(),
    result=st.sampled_from([None, result(), result(error=True)]),
)

failures = st.builds(Failed, error=st.just("APIError"), text=st.just("no"), code=st.sampled_from([None, "again"]))
histories = st.builds(History, st.lists(st.builds(user), max_size=3))
configs = st.none() | st.just({"type": "summarize"})


def contexts() -> st.SearchStrategy[Context]:
    """Contexts of every shape that the types allow, also those to which no run leads."""
    some_calls = st.lists(calls, max_size=3).map(tuple)
    names = st.sampled_from(["iterations", "cost", "last_requests", "reflections"])
    return st.builds(
        Context,
        conversation=st.builds(Conversation, history=histories, draft=st.none() | histories, owned=st.booleans()),
        turn=st.builds(
            Turn,
            reply=st.none() | messages,
            calls=some_calls,
            arriving=some_calls,
            unread=st.booleans(),
            answered=st.booleans(),
        ),
        compaction=st.builds(
            Compaction, asked=configs, config=configs, tokens=st.sampled_from([0, 99, 100, 101]), fresh=st.booleans()
        ),
        settings=st.builds(
            Settings,
            params=st.just(PARAMS),
            runnable=st.frozensets(st.sampled_from(TOOLS)),
            eager=st.booleans(),
            summary=st.none() | st.builds(SummaryControl, threshold=st.just(100)),
        ),
        counters=st.builds(
            Counters,
            limits=st.dictionaries(names, st.none() | st.integers(0, 3)),
            spent=st.dictionaries(names, st.integers(0, 4)),
            resends=st.integers(0, 3),
        ),
        stand=st.builds(
            RunStatus,
            closed=st.booleans(),
            awaits=st.sampled_from(["nothing", "more", "answer"]),
            failure=st.none() | failures,
            failed_effect=st.sampled_from([None, "compact", "send_request"]),
        ),
    )
