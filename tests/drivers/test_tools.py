"""Tools of a run: what the model is told of each call, in which order, and how many run at once."""

from __future__ import annotations

import logging

import pytest
from anthropic.lib.tools import ToolError

from fsm_runner.testing import reply, text
from tests.drivers.drive import ASKED, use

BLOCKS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


async def give_text() -> str:
    """Return text."""
    return "words"


async def give_none() -> str:
    """Return nothing."""
    return None  # type: ignore[return-value]


async def give_blocks() -> str:
    """Return content blocks."""
    return iter(BLOCKS)  # type: ignore[return-value]


async def refuse() -> str:
    """Raise an error that is meant for the model."""
    raise ToolError("not today")


async def refuse_in_blocks() -> str:
    """Raise an error of blocks."""
    raise ToolError(BLOCKS)


async def fail() -> str:
    """Raise any exception."""
    raise KeyError("secret")


async def fail_at_length() -> str:
    """Raise an exception with a long text."""
    raise ValueError("x" * 5000)


async def fail_oddly() -> str:
    """Raise an exception whose text cannot be sent as UTF-8."""
    raise ValueError("\ud800")


def results_of(drive, *names, known=None, **arguments):
    """The results that the model gets for calls of `names`."""
    known = {function.__name__: function for function in known or TOOLS}
    run = drive.run(
        [reply(*(use(name) for name in names)), text("done")],
        *(known[name] for name in dict.fromkeys(names)),
        **arguments,
    )
    run.until_done()
    return [
        {key: value for key, value in block.items() if key not in ("type", "tool_use_id")}
        for block in drive.requests[1]["messages"][-1]["content"]
    ]


TOOLS = (give_text, give_none, give_blocks, refuse, refuse_in_blocks, fail, fail_at_length, fail_oddly)
RESULTS = {
    "give_text": {"content": "words"},
    "give_none": {"content": None},
    "give_blocks": {"content": BLOCKS},
    "refuse": {"content": "not today", "is_error": True},
    "refuse_in_blocks": {"content": BLOCKS, "is_error": True},
    "fail": {"content": "KeyError('secret')", "is_error": True},
    "fail_at_length": {"content": f"ValueError('{'x' * 4084}", "is_error": True},
    "fail_oddly": {"content": "ValueError('\\ud800')", "is_error": True},
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_model_is_told_what_a_tool_returned_or_raised(drive, name):
    """Text, blocks and nothing go as they are; an exception is a result that says so."""
    assert [RESULTS[name]] == results_of(drive, name)


def test_only_the_type_of_an_exception_is_told_when_asked_for(drive):
    """What an exception says may be nobody else's business; what a tool says on purpose is told."""
    assert [
        {"content": "KeyError", "is_error": True},
        {"content": "not today", "is_error": True},
    ] == results_of(drive, "fail", "refuse", tool_errors="type")


def test_an_exception_is_logged_and_a_tool_error_is_not(drive, caplog):
    """The log has the traceback of what nobody meant."""
    with caplog.at_level(logging.ERROR, logger="fsm_runner"):
        results_of(drive, "fail", "refuse")

    assert [("Error occurred while calling tool: fail", KeyError)] == [
        (record.getMessage(), record.exc_info[0]) for record in caplog.records
    ]


def test_arguments_that_a_tool_does_not_take_are_a_result(drive):
    """The model can correct itself."""

    async def count(number: int) -> str:
        """Count."""
        return "counted"

    run = drive.run([use("count", number="many"), text("done")], count)
    run.until_done()
    answer = drive.requests[1]["messages"][-1]["content"][0]

    assert answer["is_error"]
    assert "Invalid arguments for function count" in answer["content"]


def test_an_unknown_tool_is_a_result_and_a_warning(drive):
    """The model is told, the caller too, every time; the run goes on."""
    run = drive.run([use("nothing"), reply(use("nothing"), use("give_text")), text("done")], give_text)
    with pytest.warns(UserWarning, match=r"Tool 'nothing' not found .* It has: give_text") as warned:
        run.until_done()

    unknown = {"type": "tool_result", "content": "Error: Tool 'nothing' not found", "is_error": True}
    assert {**unknown, "tool_use_id": "toolu_0001"} == drive.requests[1]["messages"][-1]["content"][0]
    assert [True, None] == [block.get("is_error") for block in drive.requests[2]["messages"][-1]["content"]]
    assert 2 == len(warned)


# ── definitions ─────────────────────────────────────────────────────────────────────────────────────────────────────

RAW = {"name": "raw", "description": "Done elsewhere.", "input_schema": {"type": "object", "properties": {}}}


def test_raw_definitions_are_sent_beside_tools_that_run(drive):
    """In the caller's order, each as it was given."""
    list(drive.run([text("done")], RAW, give_text))

    assert RAW == drive.requests[0]["tools"][0]
    assert "give_text" == drive.requests[0]["tools"][1]["name"]


def test_the_caller_answers_calls_of_raw_definitions(drive):
    """With the reply and its result appended, the run goes on from there."""
    run = drive.run([use("raw"), text("done")], RAW)
    message = next(run)
    answer = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": message.content[0].id, "content": "ok"}],
    }
    run.append_messages(message, answer)
    with pytest.warns(UserWarning, match="run it yourself and `append_messages\\(\\)` its result"):
        run.until_done()

    assert answer == drive.requests[1]["messages"][-1]
    assert 3 == len(drive.requests[1]["messages"])


def test_two_tools_of_one_name_are_warned_of(drive):
    """The warning names the tool; the last of them runs."""

    async def again() -> str:
        """Return other text."""
        return "other words"

    tools = drive.tool(give_text), drive.tool(again, name="give_text")
    with pytest.warns(UserWarning, match="two tools are called 'give_text'") as warned:
        run = drive.run([use("give_text"), text("done")], *tools, strict=False)  # the API refuses the second
    run.until_done()

    assert 1 == len(warned)
    assert "other words" == drive.requests[1]["messages"][-1]["content"][0]["content"]


def test_nothing_is_sent_for_a_tool_that_is_none(drive):
    """The mistake is told when the runner is made."""
    with pytest.raises(TypeError, match="got int"):
        drive.run([], 7)


# ── order and concurrency ───────────────────────────────────────────────────────────────────────────────────────────


def test_results_keep_the_models_order(drive):
    """Though the tools end in the opposite one."""
    first, second, ended = drive.gate(), drive.gate(), []

    async def one() -> str:
        """Wait for two."""
        await first.wait()
        ended.append("one")
        return "1"

    async def two() -> str:
        """Wait for three."""
        await second.wait()
        ended.append("two")
        first.set()
        return "2"

    async def three() -> str:
        """Wait for nobody."""
        ended.append("three")
        second.set()
        return "3"

    assert [{"content": "1"}, {"content": "2"}, {"content": "3"}] == results_of(
        drive, "one", "two", "three", known=(one, two, three)
    )
    assert ["three", "two", "one"] == ended


def test_tools_of_a_turn_run_concurrently(drive):
    """Eight calls meet: each is still running when the last one starts."""
    meeting = drive.meeting(8)

    async def meet() -> str:
        """Wait for the others."""
        await meeting()
        return "met"

    assert [{"content": "met"}] * 8 == results_of(drive, *["meet"] * 8, known=[meet])


@pytest.mark.parametrize(("most", "at_once"), [(1, 1), (2, 2), (None, 4)])
def test_as_many_tools_run_at_once_as_allowed(drive, most, at_once):
    """So many meet, and never more."""
    meeting, running, seen = drive.meeting(at_once), [], []

    async def meet() -> str:
        """Wait for as many as may run."""
        running.append(1)
        seen.append(len(running))
        await meeting()
        running.pop()
        return "met"

    assert [{"content": "met"}] * 4 == results_of(drive, *["meet"] * 4, known=[meet], max_concurrent_tools=most)
    assert at_once == max(seen)


def test_one_failed_tool_leaves_the_others_alone(drive):
    """Each call has its own result."""
    assert [{"content": "words"}, RESULTS["fail"], {"content": "words"}] == results_of(
        drive, "give_text", "fail", "give_text"
    )


# ── what is the caller's stays the caller's ─────────────────────────────────────────────────────────────────────────


def test_the_callers_lists_do_not_grow(drive):
    """Messages and tools are the caller's: the run works on copies."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    run = drive.run([use("give_text"), text("done")], RAW, give_text, messages=messages)
    run.until_done()

    assert [{"role": "user", "content": [{"type": "text", "text": "hi"}]}] == messages
    assert 4 == len(run.messages)


def test_later_changes_of_the_callers_messages_do_not_reach_the_run(drive):
    """What was given is taken as it was."""
    messages = [dict(ASKED["messages"][0])]
    run = drive.run([text("done")], messages=iter(messages))
    messages[0]["content"] = "changed"
    run.until_done()

    assert ASKED["messages"] == drive.requests[0]["messages"]


def test_arguments_of_a_call_reach_the_tool_as_they_were_sent(drive):
    """What a tool does to its arguments does not change the conversation."""

    async def spoil(items: list[int]) -> str:
        """Change the argument."""
        items.append(3)
        return str(len(items))

    run = drive.run([use("spoil", items=[1, 2]), text("done")], spoil)
    run.until_done()
    asked, answered = drive.requests[1]["messages"][-2:]

    assert {"items": [1, 2]} == asked["content"][0]["input"]
    assert "3" == answered["content"][0]["content"]
