"""Availability: which tools may run, after all that was said of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_runner.loop.context import Context, Conversation, Settings
from fsm_runner.loop.history import History
from fsm_runner.loop.tools import available, changes_in, toolset_of, with_history
from tests.support.build import call, text, user

TOOLS = ("search", "count")
DEFINITION = {"name": "count", "input_schema": {"type": "object"}}


def gone(name):
    """A removal."""
    return {"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}}


def back(name):
    """An addition by name."""
    return {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}}


def told(*blocks, role="system"):
    """A message with blocks."""
    return {"role": role, "content": list(blocks)}


def compacted(*changes):
    """A compaction, with what it says of tools."""
    return told({"type": "compaction", "content": "short", "tool_changes": list(changes)}, role="assistant")


def knowing(*messages, draft=None, changes=(), runnable=TOOLS):
    """A context whose history is `messages`."""
    conversation = with_history(Conversation(), History(messages))
    return Context(
        conversation=conversation if draft is None else replace(conversation, draft=History(draft)),
        settings=Settings(runnable=frozenset(runnable), changes=tuple(changes)),
    )


# ── what is read out of the history ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (told(gone("a"), text(), back("b")), (gone("a"), back("b"))),
        (told(gone("a"), role="user"), ()),
        (told(gone("a"), role="assistant"), ()),
        (compacted(gone("a"), back("b")), (gone("a"), back("b"))),
        (compacted({"type": "other"}, "odd"), ()),
        ({"role": "assistant", "content": [{"type": "compaction", "content": "short"}]}, ()),
        ({"role": "system", "content": "be brief"}, ()),
        ({"role": "assistant", "content": "well"}, ()),
        ({}, ()),
    ],
)
def test_changes_stand_in_system_messages_and_in_compactions(message, expected):
    """Anywhere else such a block is only text."""
    assert expected == changes_in([message])


def test_changes_are_read_in_their_order():
    """Over all messages."""
    assert (gone("a"), back("a"), gone("b")) == changes_in([told(gone("a")), compacted(back("a")), told(gone("b"))])


def test_a_history_that_grew_is_read_on():
    """What was known stays known, and only what is new is added."""
    first = with_history(Conversation(), History((told(gone("a")),)))
    second = with_history(first, first.history.appended(user()))
    third = with_history(second, second.history.appended(told(back("a"))))

    assert first is with_history(first, first.history)
    assert first.changes is second.changes
    assert (gone("a"), back("a")) == third.changes


def test_another_history_is_read_anew():
    """What stood in the old one alone is forgotten."""
    before = with_history(Conversation(), History((told(gone("a")),)))

    assert (gone("b"),) == with_history(before, History((user(), told(gone("b"))))).changes


CHANGE = st.sampled_from([gone("search"), gone("count"), back("search"), back("count"), gone("x"), back("x")])


@given(st.lists(st.lists(CHANGE, max_size=3), max_size=6), st.integers(0, 6))
def test_reading_on_and_reading_anew_come_to_the_same(messages, at):
    """However the history grew."""
    history = [told(*blocks) for blocks in messages]
    first = with_history(Conversation(), History(history[:at]))
    grown = with_history(first, first.history.appended(*history[at:]))

    assert changes_in(history) == grown.changes
    assert with_history(Conversation(), History(history)).changes == grown.changes


# ── which tools may run ─────────────────────────────────────────────────────────────────────────────────────────────


def test_without_changes_all_that_can_run_may():
    """The same set, and no copy of it."""
    context = knowing(user())

    assert context.settings.runnable is available(context)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([gone("search")], {"count"}),
        ([gone("search"), back("search")], {"search", "count"}),
        ([back("search"), gone("search")], {"count"}),
        ([gone("search"), gone("count")], set()),
        ([gone("elsewhere"), back("elsewhere")], {"search", "count"}),
        (
            [gone("count"), {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": DEFINITION}}],
            {"search", "count"},
        ),
        (
            [gone("count"), {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": None}}],
            {"search"},
        ),
        ([{"type": "tool_removal", "tool": None}, {"type": "tool_removal"}], {"search", "count"}),
        ([{"type": "tool_removal", "tool": {"type": "other", "name": "search"}}], {"search", "count"}),
        ([{"type": "tool_removal", "tool": {"type": "tool_reference", "name": 7}}], {"search", "count"}),
    ],
)
def test_the_last_word_on_a_tool_counts(blocks, expected):
    """What cannot run here is not made to by any block; what says nothing that can be read says nothing."""
    assert expected == available(knowing(user(), told(*blocks)))


def test_what_the_model_is_yet_to_be_told_counts_already():
    """After all that the history says."""
    assert {"count"} == available(knowing(told(back("search")), changes=[gone("search")]))


def test_a_draft_counts_in_the_historys_place():
    """Whether it goes on from the history or is another one."""
    history = (user(), told(gone("search")))
    longer = knowing(*history)
    draft = longer.conversation.history.appended(told(back("search"), gone("count")))
    longer = replace(longer, conversation=replace(longer.conversation, draft=draft))

    assert {"search"} == available(longer)
    assert {"search"} == available(knowing(*history, draft=(user(), told(gone("count")))))
    assert {"search", "count"} == available(knowing(*history, draft=()))


# ── whom a call waits for ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "toolset", "expected"),
    [
        ("click", "computer", "computer"),
        ("click", None, None),
        ("computer", None, "computer"),
        ("browser", None, None),
        ("elsewhere", None, None),
        ("click", "elsewhere", "elsewhere"),
    ],
)
def test_a_call_waits_for_its_toolset(name, toolset, expected):
    """One that is named like a toolset belongs to it, unless a tool has that name; a tool waits for none."""
    settings = Settings(runnable=frozenset({"browser"}), toolsets=frozenset({"computer", "browser"}))

    assert expected == toolset_of(call(name=name, toolset=toolset).line, settings)
