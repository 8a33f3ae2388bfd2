"""What the caller does between two messages: it answers calls, appends messages, changes parameters."""

from __future__ import annotations

import pytest

from fsm_runner.testing import reply, text
from tests.drivers.drive import ASKED, use, words

HI = ASKED["messages"][0]
MORE = {"role": "user", "content": "and more"}


@pytest.fixture
def ran():
    """What the tool `search` was asked, in order."""
    return []


@pytest.fixture
def search(ran):
    """A tool that takes note of its calls."""

    async def search(q: str) -> str:
        """Search."""
        ran.append(q)
        return f"found {q} {len(ran)}"

    return search


def found(id, content):
    """The message with one result."""
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": content}]}


# ── generate_tool_call_response ─────────────────────────────────────────────────────────────────────────────────────


def test_the_response_is_kept(drive, search, ran):
    """Asking twice, and going on, runs the tool once."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    next(run)
    first, second = run.generate_tool_call_response(), run.generate_tool_call_response()
    run.until_done()

    assert found("toolu_0001", "found ants 1") == first == second
    assert first == drive.requests[1]["messages"][-1]
    assert ["ants"] == ran


def test_the_tool_runs_again_after_messages_were_appended(drive, search, ran):
    """The history is then the caller's, and so is what it makes of the response."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    message = next(run)
    first = run.generate_tool_call_response()
    run.append_messages(message, first)
    second = run.generate_tool_call_response()
    run.until_done()

    assert ["found ants 1", "found ants 2"] == [first["content"][0]["content"], second["content"][0]["content"]]
    assert [HI, words_of(message), first] == drive.requests[1]["messages"]


def words_of(message):
    """A message of the SDK as it is sent."""
    return {"role": "assistant", "content": [message.content[0].to_dict()]}


def test_no_response_without_calls(drive, search):
    """A message that calls nothing has none, and neither has a run before its first message."""
    run = drive.run([text("done")], search)
    before = run.generate_tool_call_response()
    next(run)

    assert (None, None) == (before, run.generate_tool_call_response())
    assert [] == list(run)


def test_changing_the_response_changes_nothing_else(drive, search):
    """It is a copy: to send something else, append it."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    next(run)
    run.generate_tool_call_response()["content"].clear()
    run.until_done()

    assert found("toolu_0001", "found ants 1") == drive.requests[1]["messages"][-1]


def test_a_tool_cannot_ask_for_the_response_that_it_is_part_of(drive):
    """It would wait for itself; the error says who is at work, and the model is told."""
    run = None

    async def ask() -> str:
        """Ask for the response."""
        return str(await drive.inner(run, "generate_tool_call_response"))

    run = drive.run([use("ask"), text("done")], ask)
    run.until_done()
    answer = drive.requests[1]["messages"][-1]["content"][0]

    assert answer["is_error"]
    assert "at work in another task or tool" in answer["content"]


# ── append_messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_messages_appended_before_the_start_go_with_the_first_request(drive):
    """The run has nothing of its own to say yet."""
    run = drive.run([text("done")])
    run.append_messages({"role": "assistant", "content": "yes?"}, MORE)
    run.until_done()

    assert [HI, {"role": "assistant", "content": "yes?"}, MORE] == drive.requests[0]["messages"]


def test_messages_appended_to_a_held_message_take_its_place(drive, search, ran):
    """The caller's history goes out as it is; the tools run all the same, and their results are dropped."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    next(run)
    run.append_messages({"role": "assistant", "content": "no search"}, MORE)
    run.until_done()

    assert [HI, {"role": "assistant", "content": "no search"}, MORE] == drive.requests[1]["messages"]
    assert ["ants"] == ran


def test_the_history_is_the_callers_for_one_reply_only(drive, search):
    """The reply after next is added by the run again."""
    run = drive.run([use("search", q="a"), use("search", q="b"), text("done")], search)
    next(run)
    run.append_messages({"role": "assistant", "content": "no search"}, MORE)
    run.until_done()

    assert ["user", "assistant", "user", "assistant", "user"] == [m["role"] for m in drive.requests[2]["messages"]]
    assert "found b 2" == drive.requests[2]["messages"][-1]["content"][0]["content"]


def test_a_last_message_followed_by_more_is_still_the_last(drive):
    """A finished turn ends the run, whatever was appended."""
    run = drive.run([text("done")])
    next(run)
    run.append_messages(MORE)

    assert [] == list(run)
    assert MORE == run.messages[-1]


@pytest.mark.parametrize("wrong", ["text", 7, None])
def test_what_is_no_message_is_refused(drive, wrong):
    """Nothing is appended then."""
    run = drive.run([text("done")])
    with pytest.raises(TypeError, match="a message is a dict with 'role' and 'content'"):
        run.append_messages(wrong)
    run.until_done()

    assert [HI] == drive.requests[0]["messages"]


# ── set_messages_params ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_changes_the_current_parameters(drive, search):
    """It gets all of them, messages included, and returns the new ones."""
    run = drive.run([use("search", q="ants"), text("done")], search, system="old")
    next(run)
    run.set_messages_params(lambda params: {**params, "max_tokens": 32, "system": "new"})
    run.until_done()

    assert (64, "old") == (drive.requests[0]["max_tokens"], drive.requests[0]["system"])
    assert (32, "new") == (drive.requests[1]["max_tokens"], drive.requests[1]["system"])
    assert drive.requests[0]["tools"] == drive.requests[1]["tools"]
    assert 3 == len(drive.requests[1]["messages"])


def test_a_dict_replaces_all_parameters(drive, search):
    """A parameter that is left out is not sent any more, tools included, but for the betas."""
    run = drive.run(
        [use("search", q="ants"), text("done")],
        search,
        system="old",
        betas=["files-api-2025-04-14"],
        stop_sequences=["x"],
    )
    next(run)
    run.set_messages_params({"model": "claude-haiku-4-5", "max_tokens": 16, "messages": run.messages})
    run.until_done()

    assert {"model", "max_tokens", "messages"} == drive.requests[1].keys()
    assert "files-api-2025-04-14" in drive.model.requests[1].betas


def test_parameters_can_replace_the_history(drive, search):
    """The reply that the caller holds, and its results, follow the new history."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    next(run)
    run.set_messages_params(lambda params: {**params, "messages": [{"role": "user", "content": "instead"}]})
    run.until_done()

    assert {"role": "user", "content": "instead"} == drive.requests[1]["messages"][0]
    assert ["user", "assistant", "user"] == [message["role"] for message in drive.requests[1]["messages"]]


def test_parameters_can_take_tools_away(drive, search, ran):
    """A tool that the parameters do not name is not sent, and does not run."""
    run = drive.run([use("search", q="a"), text("done")], search)
    run.set_messages_params(lambda params: {**params, "tools": [{"name": "other", "input_schema": {"type": "object"}}]})
    with pytest.warns(UserWarning, match="Tool 'search' not found in tool runner. It has: none"):
        run.until_done()

    assert ["other"] == [tool["name"] for tool in drive.requests[0]["tools"]]
    assert [] == ran


@pytest.mark.parametrize(
    ("wrong", "error", "text_"),
    [
        ({"compaction": {"type": "summarize"}}, ValueError, "compact_before_next_turn"),
        ({"thread": True}, TypeError, "`thread` cannot be set"),
    ],
)
def test_parameters_that_a_run_sets_itself_are_refused(drive, wrong, error, text_):
    """The parameters stay as they were."""
    run = drive.run([text("done")])
    with pytest.raises(error, match=text_):
        run.set_messages_params(lambda params: {**params, "max_tokens": 1, **wrong})
    run.until_done()

    assert 64 == drive.requests[0]["max_tokens"]


def test_the_function_works_on_a_copy(drive):
    """What it does to its argument does not change the history of the run."""
    run = drive.run([text("done")])

    def spoil(params):
        changed = {**params, "max_tokens": 32}
        params["messages"].clear()
        return {**changed, "messages": [HI]}

    run.set_messages_params(spoil)

    assert "done" == words(run.until_done())
    assert [HI] == drive.requests[0]["messages"]


def test_the_answer_goes_with_new_parameters(drive, search, ran):
    """Changing parameters is no reason to run a tool again."""
    run = drive.run([reply(use("search", q="a"), use("search", q="b")), text("done")], search)
    next(run)
    run.generate_tool_call_response()
    run.set_messages_params(lambda params: {**params, "max_tokens": 32})
    run.until_done()

    assert ["a", "b"] == sorted(ran)
    assert 2 == len(drive.requests[1]["messages"][-1]["content"])
