"""The caller's tools: what is sent of them, which run, which are refused; and results as the API takes them."""

from __future__ import annotations

import anthropic
import pytest
from anthropic.types.beta import BetaTextBlock

from fsm_runner.adapters.anthropic.calls import result
from fsm_runner.adapters.anthropic.json_values import well_formed
from fsm_runner.adapters.anthropic.tool_box import ToolBox, definition, quoted

RAW = {"name": "raw", "input_schema": {"type": "object"}}


@anthropic.beta_async_tool
async def later(q: str) -> str:
    """Answer later.

    Args:
        q: what is asked.
    """
    return q


@anthropic.beta_tool
def now(q: str) -> str:
    """Answer now."""
    return q


def test_tools_are_sent_in_the_callers_order():
    """Those that run and those that do not."""
    box = ToolBox([RAW, later], flavour="async")

    assert [RAW, later.to_dict()] == list(box.sent)
    assert {"later"} == box.runnable


def test_a_generator_of_tools_is_read_once():
    """What it gave is kept."""
    box = ToolBox((tool for tool in (RAW, later)), flavour="async")

    assert 2 == len(box.sent) == len(box.given)


@pytest.mark.parametrize(("tool", "flavour", "hint"), [(now, "async", "Anthropic"), (later, "sync", "AsyncAnthropic")])
def test_a_tool_of_the_other_flavour_is_refused(tool, flavour, hint):
    """With the client that it is for."""
    with pytest.raises(TypeError, match=f"Create the runner from an {hint} client"):
        ToolBox([tool], flavour=flavour)


@pytest.mark.parametrize("wrong", [7, None, "later", lambda q: q])
def test_what_is_no_tool_is_refused(wrong):
    """The SDK's tool objects and dicts are."""
    with pytest.raises(TypeError, match="a tool is one of the SDK's tool objects or a dict"):
        definition(wrong)


def test_two_of_one_name_are_noted():
    """The last one runs; a raw definition of that name is no second tool."""
    other = anthropic.beta_async_tool(later.func, name="later")
    box = ToolBox([later, {**RAW, "name": "later"}, other], flavour="async")

    assert (["later"], other) == (box.duplicates, box.by_name["later"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("words", "words"),
        ("", ""),
        (None, None),
        ([], []),
        ([{"type": "text", "text": "a"}], [{"type": "text", "text": "a"}]),
        (iter([BetaTextBlock(type="text", text="a")]), [{"type": "text", "text": "a"}]),
        ("a\ud800b", "a\ufffdb"),
        ([{"type": "text", "text": "a\udfff"}], [{"type": "text", "text": "a\ufffd"}]),
    ],
)
def test_a_result_can_be_sent(content, expected):
    """Text, blocks or nothing; half of a surrogate pair is replaced, since JSON in UTF-8 cannot hold it."""
    assert {"type": "tool_result", "tool_use_id": "a", "content": expected} == result("a", content)


def test_a_failed_call_says_so():
    """And only a failed one."""
    assert result("a", "x", is_error=True)["is_error"] is True
    assert "is_error" not in result("a", "x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("plain", "plain"), ("a'b\nc\x00d", "a b c d"), ("x" * 300, "x" * 200), ("\u202eevil", "evil")],
)
def test_a_name_of_the_models_is_quoted_safely(name, expected):
    """On one line, of bounded length, without marks that turn text around."""
    assert expected == quoted(name)


def test_whole_pairs_of_surrogates_are_left_alone():
    """An emoji is one character in Python."""
    assert "a😀b" == well_formed("a😀b")
