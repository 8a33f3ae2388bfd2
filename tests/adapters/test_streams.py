"""The watch over a stream: which call the model has moved on from, and when that is certain."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from anthropic.types.beta import BetaTextBlock, BetaToolUseBlock

from fsm_runner.adapters.anthropic.streams import CallWatch

BLOCKS = [
    BetaTextBlock(type="text", text="I look."),
    BetaToolUseBlock(type="tool_use", id="a", name="search", input={}),
    BetaToolUseBlock(type="tool_use", id="b", name="search", input={}),
]


def starts(kind="text"):
    """A block begins."""
    return SimpleNamespace(type="content_block_start", content_block=SimpleNamespace(type=kind))


def stops(index):
    """The block at `index` ends."""
    return SimpleNamespace(type="content_block_stop", index=index)


def ends(reason):
    """The reply ends."""
    return SimpleNamespace(type="message_delta", delta=SimpleNamespace(stop_reason=reason))


def seen(*events):
    """The ids of the calls that each event shows the model has moved on from."""
    watch = CallWatch()
    told = [watch.see(event, lambda index: BLOCKS[index]) for event in events]
    return [None if call is None else call["id"] for call in told]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([stops(1)], [None]),
        ([stops(1), starts()], [None, "a"]),
        ([stops(1), starts("tool_use"), stops(2), ends("tool_use")], [None, "a", None, "b"]),
        ([stops(1), starts(), starts()], [None, "a", None]),
        ([stops(1), ends("tool_use"), starts()], [None, "a", None]),
        ([stops(1), ends("max_tokens")], [None, None]),
        ([stops(1), ends(None)], [None, None]),
        ([stops(0), starts(), ends("tool_use")], [None, None, None]),
        ([stops(1), starts("fallback"), starts()], [None, None, None]),
        ([starts("fallback"), stops(1), starts(), ends("tool_use")], [None, None, None, None]),
    ],
)
def test_a_call_is_left_behind_once_something_follows_it(events, expected):
    """Another block, or the stop reason ``tool_use``; each call once; after a fallback never."""
    assert expected == seen(*events)


def test_finished_calls_are_kept_in_the_models_order():
    """Whether the model has moved on from them or not."""
    watch = CallWatch()
    for index in (0, 1, 2):
        watch.see(stops(index), lambda index: BLOCKS[index])

    assert ["a", "b"] == [call["id"] for call in watch.finished]
