"""Tools added and removed during a run: what the model is told, and what runs from then on."""

from __future__ import annotations

import anthropic
import pytest

from fsm_runner.testing import compaction, overloaded, pause_turn, reply, text
from tests.drivers.drive import ASKED, SyncDrive, use, words
from tests.drivers.journals import journaled

HI = ASKED["messages"][0]
RAW = {"name": "raw", "description": "Raw.", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


async def search(q: str) -> str:
    """Search."""
    return f"found {q}"


async def count(word: str) -> str:
    """Count."""
    return f"{len(word)} letters"


def addition(tool):
    """The block that tells the model of a tool."""
    definition = tool if isinstance(tool, dict) else tool.to_dict()
    return {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": definition}}


def removal(name):
    """The block that takes a tool away from the model."""
    return {"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}}


def told(body):
    """The blocks of the system messages that a request sends, by their place."""
    return {at: message["content"] for at, message in enumerate(body["messages"]) if message["role"] == "system"}


def results(body):
    """The contents of the results that a request sends."""
    return [
        block["content"]
        for message in body["messages"]
        if message["role"] == "user" and isinstance(message["content"], list)
        for block in message["content"]
    ]


# ── what the model is told ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_an_added_tool_goes_with_the_next_request_and_runs(drive, stream):
    """In a system message at the end; the `tools` parameter stays as it was, for the prompt cache."""
    added = drive.tool(count)
    run = drive.run([use("search", q="ants"), use("count", word="ants"), text("done")], search, stream=stream)
    next(run)
    run.add_tools(added)
    run.until_done()

    assert [["search"]] * 3 == [[tool["name"] for tool in body["tools"]] for body in drive.requests]
    assert {3: [addition(added)]} == told(drive.requests[1]) == told(drive.requests[2])
    assert "4 letters" == results(drive.requests[2])[-1]


def test_tools_added_before_the_start_go_with_the_first_request(drive):
    """After the messages of the caller."""
    added = drive.tool(count)
    run = drive.run([use("count", word="ant"), text("done")])
    run.add_tools(added)
    run.until_done()

    assert [HI, {"role": "system", "content": [addition(added)]}] == drive.requests[0]["messages"]
    assert ["3 letters"] == results(drive.requests[1])


def test_a_removed_tool_runs_no_more(drive):
    """The model is told; a call all the same is answered as of a tool that is not there, and reported."""
    run = drive.run([use("search", q="a"), use("search", q="b"), text("done")], search)
    next(run)
    run.generate_tool_call_response()
    run.remove_tools("search")
    with pytest.warns(UserWarning, match=r"Tool 'search' not found in tool runner\. It has: none"):
        run.until_done()

    assert {3: [removal("search")]} == told(drive.requests[1])
    assert ["found a", "Error: Tool 'search' not found"] == results(drive.requests[2])


def test_a_removal_holds_for_the_calls_of_the_reply_that_the_caller_has(drive):
    """At once, before the model knows."""
    run = drive.run([use("search", q="a"), text("done")], search)
    next(run)
    run.remove_tools("search")
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        run.until_done()

    assert ["Error: Tool 'search' not found"] == results(drive.requests[1])


def test_an_addition_holds_for_the_calls_of_the_reply_that_the_caller_has(drive):
    """Also of a tool that was unknown until now."""
    run = drive.run([use("count", word="ants"), text("done")], search)
    next(run)
    run.add_tools(drive.tool(count))
    run.until_done()

    assert ["4 letters"] == results(drive.requests[1])


def test_changes_go_together_in_the_order_of_the_calls(drive):
    """One message for all of them."""
    added = drive.tool(count)
    run = drive.run([use("search", q="a"), text("done")], search)
    next(run)
    run.add_tools(added, RAW)
    run.remove_tools(added, "search")
    run.add_tools(added)
    with pytest.warns(UserWarning, match="'search' not found"):
        run.until_done()

    blocks = [addition(added), addition(RAW), removal("count"), removal("search"), addition(added)]
    assert {3: blocks} == told(drive.requests[1])


def test_nothing_added_is_nothing_said(drive):
    """An empty call tells the model nothing."""
    run = drive.run([text("done")], search)
    run.add_tools()
    run.remove_tools()
    run.until_done()

    assert [HI] == drive.requests[0]["messages"]


def test_changes_wait_for_the_end_of_a_paused_turn(drive):
    """The server goes on with its turn first, and takes nothing in between."""
    added = drive.tool(count)
    run = drive.run([pause_turn(), use("search", q="a"), text("done")], search)
    next(run)
    run.add_tools(added)
    run.until_done()

    assert [{}, {}, {4: [addition(added)]}] == [told(body) for body in drive.requests]


def test_a_change_is_told_once_also_when_its_request_fails(drive):
    """It stays in the history, and the next request has it."""
    added = drive.tool(count)
    run = drive.run([use("search", q="a"), overloaded(), text("done")], search)
    next(run)
    run.add_tools(added)
    with pytest.raises(Exception, match="Overloaded"):
        run.until_done()
    run.until_done()

    assert {3: [addition(added)]} == told(drive.requests[1]) == told(drive.requests[2])
    assert drive.requests[1]["messages"] == drive.requests[2]["messages"]


def test_a_change_goes_through_a_thread(drive):
    """With what the server lacks."""
    added = drive.tool(count)
    run = drive.run([use("search", q="a"), use("count", word="ant"), text("done")], search, thread=None)
    next(run)
    run.add_tools(added)
    run.until_done()

    assert ["user", "system"] == [message["role"] for message in drive.requests[1]["messages"]]
    assert ["3 letters"] == results(drive.requests[2])


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_of_the_same_name_takes_the_others_place(drive):
    """From now on, for the call that the caller holds as well."""

    async def other(q: str) -> str:
        """Search elsewhere."""
        return f"elsewhere {q}"

    run = drive.run([use("search", q="a"), text("done")], search)
    next(run)
    run.add_tools(drive.tool(other, name="search"))
    run.until_done()

    assert ["elsewhere a"] == results(drive.requests[1])


def test_a_raw_definition_is_sent_and_never_run(drive):
    """Its calls are the caller's, as those of one that was given at the start."""
    run = drive.run([use("raw"), text("done")], search)
    run.add_tools(RAW)
    with pytest.warns(UserWarning, match="Tool 'raw' not found in tool runner"):
        run.until_done()

    assert [addition(RAW)] == told(drive.requests[0])[1]
    assert ["Error: Tool 'raw' not found"] == results(drive.requests[1])


def test_a_raw_definition_of_the_same_name_takes_a_tools_place(drive):
    """What has that name now does not run."""
    run = drive.run([use("search", q="a"), text("done")], search)
    run.add_tools({**RAW, "name": "search"})
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        run.until_done()

    assert ["Error: Tool 'search' not found"] == results(drive.requests[1])


def test_a_removed_tool_can_be_added_again(drive):
    """It runs as before."""
    again = drive.tool(search)
    run = drive.run([use("search", q="a"), text("done")], again)
    run.remove_tools(again)
    run.add_tools(again)
    run.until_done()

    assert {1: [removal("search"), addition(again)]} == told(drive.requests[0])
    assert ["found a"] == results(drive.requests[1])


def test_an_unknown_name_can_be_removed(drive):
    """The model may know it from elsewhere."""
    run = drive.run([text("done")], search)
    run.remove_tools("elsewhere")
    run.until_done()

    assert {1: [removal("elsewhere")]} == told(drive.requests[0])


# ── blocks that the caller, or the API, put into the history ────────────────────────────────────────────────────────


def test_blocks_in_the_callers_messages_count(drive):
    """A removal takes the tool away, a later reference brings it back."""
    messages = [HI, {"role": "system", "content": [removal("search")]}]
    run = drive.run([use("search", q="a"), use("search", q="b"), text("done")], search, messages=messages)
    next(run)
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        run.generate_tool_call_response()
    back = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "search"}}
    next(run)
    run.append_messages({"role": "assistant", "content": "so"}, HI, {"role": "system", "content": [back]})
    run.until_done()

    assert ["Error: Tool 'search' not found"] == results(drive.requests[1])
    assert {1: [removal("search")], 6: [back]} == told(drive.requests[2])


def test_changes_in_a_compaction_count(drive):
    """The API folds the removals before it into its block, and the history has no others any more."""
    gone = {**compaction("short"), "tool_changes": [removal("search")]}
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        drive.run([reply(gone), use("search", q="a"), text("done")], search).until_done()

    assert ["Error: Tool 'search' not found"] == results(drive.requests[2])


def test_an_addition_in_the_callers_messages_of_a_tool_that_the_run_lacks_runs_nothing(drive):
    """The runner has no function for it."""
    messages = [HI, {"role": "system", "content": [addition(RAW)]}]
    with pytest.warns(UserWarning, match="Tool 'raw' not found"):
        drive.run([use("raw"), text("done")], search, messages=messages).until_done()

    assert ["Error: Tool 'raw' not found"] == results(drive.requests[1])


# ── with compaction ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_removal_outlives_the_history_that_told_of_it(drive):
    """The API's compaction takes the history's place; the tool stays away."""
    run = drive.run([use("search", q="a"), compaction("short"), use("search", q="b"), text("done")], search)
    next(run)
    run.generate_tool_call_response()
    run.remove_tools("search")
    run.compact_before_next_turn()
    with pytest.warns(UserWarning, match="Tool 'search' not found"):
        run.until_done()

    assert {3: [removal("search")]} == told(drive.requests[1])
    assert ["Error: Tool 'search' not found"] == results(drive.requests[3])


# ── early, refused, and at the end ──────────────────────────────────────────────────────────────────────────────────


def test_a_tool_added_while_the_reply_streams_runs_early(drive):
    """As if it had always been there."""
    ran = []

    async def late() -> str:
        """Late."""
        ran.append(drive.rows[-1])
        return "late"

    run = drive.run([reply(use("late"), text("so")), text("done")], search, stream=True, run_tools_eagerly=True)
    stream = next(run)
    run.add_tools(drive.tool(late))
    for _ in stream:
        pass
    run.until_done()

    assert ["call_early"] == ran
    assert ["late"] == results(drive.requests[1])


@pytest.mark.parametrize("wrong", [7, None, "search"])
def test_what_is_no_tool_cannot_be_added(drive, wrong):
    """Nothing has changed then."""
    run = drive.run([text("done")], search)
    with pytest.raises(TypeError, match="a tool is one of the SDK's tool objects or a dict"):
        run.add_tools(wrong)
    run.until_done()

    assert [HI] == drive.requests[0]["messages"]


def test_one_wrong_tool_keeps_the_others_out(drive):
    """All of a call, or none."""
    run = drive.run([use("count", word="a"), text("done")], search)
    with pytest.raises(TypeError):
        run.add_tools(drive.tool(count), 7)
    with pytest.warns(UserWarning, match="Tool 'count' not found"):
        run.until_done()

    assert {} == told(drive.requests[0])


def test_what_is_neither_tool_nor_name_cannot_be_removed(drive):
    """The error says what to give."""
    run = drive.run([text("done")], search)
    with pytest.raises(TypeError, match="remove_tools: a tool or its name, got int"):
        run.remove_tools(7)
    run.until_done()


def test_a_tool_of_the_other_flavour_cannot_be_added(drive):
    """The error says which client takes it."""
    other = anthropic.beta_async_tool(search)
    if not isinstance(drive, SyncDrive):
        other = anthropic.beta_tool(lambda: "x", name="x", description="X.", input_schema=RAW["input_schema"])
    run = drive.run([text("done")], search)
    with pytest.raises(TypeError, match="tool_runner"):
        run.add_tools(other)
    run.until_done()


def test_changes_in_the_last_turn_are_dropped(drive):
    """No request follows that could tell the model."""
    run = drive.run([text("done")], search)
    last = next(run)
    run.add_tools(RAW)

    assert [] == list(run)
    assert "done" == words(last)
    assert 1 == len(drive.requests)


def test_changes_in_the_last_turn_do_not_go_with_its_compaction(drive):
    """It summarises what was said, and the model's next turn is another run's."""
    run = drive.run([text("done"), compaction("short")], search)
    next(run)
    run.add_tools(RAW)
    run.compact_before_next_turn()
    run.until_done()

    assert {} == told(drive.requests[1])


def test_a_definition_of_a_toolset_that_the_run_lacks_is_raw(drive):
    """It is sent like any other."""
    run = drive.run([text("done")], search)
    run.add_tools({"type": "computer_toolset_20260801"})
    run.until_done()

    assert {1: [addition({"type": "computer_toolset_20260801"})]} == told(drive.requests[0])
