"""Going on: replies that the API itself would not take back, and conversations that were left."""

from __future__ import annotations

import pytest
from anthropic import BadRequestError

from fsm_runner.engine.errors import ReplyError
from fsm_runner.testing import cut_off, pause_turn, reply, server_tool_use, text, thinking, tool_use
from tests.drivers.drive import use, words


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
        return f"found {q}"

    return search


def results(request):
    """The results that a request carries."""
    found = (message["content"] for message in request["messages"] if isinstance(message["content"], list))
    return [block["content"] for content in found for block in content if block["type"] == "tool_result"]


STREAMS = pytest.mark.parametrize("options", [{}, {"stream": True}, {"stream": True, "run_tools_eagerly": True}])


@STREAMS
@pytest.mark.parametrize("blank", ["", " ", "\n\n"])
def test_blank_text_beside_a_call_is_not_sent_back(drive, search, ran, options, blank):
    """The API writes it and refuses it; thinking before it stays where it is."""
    run = drive.run([reply(thinking("hm"), text(blank), use("search", q="ants")), text("done")], search, **options)

    assert "done" == words(run.until_done())
    assert ["thinking", "tool_use"] == [block["type"] for block in drive.requests[1]["messages"][1]["content"]]
    assert ["ants"] == ran


def test_a_reply_of_blank_text_alone_is_not_recorded(drive):
    """Nothing of it could be sent; thinking that led to it goes, too."""
    run = drive.run([reply(thinking("hm"), text(""))])
    run.until_done()

    assert ["user"] == [message["role"] for message in run.messages]


def test_blank_text_that_the_caller_gives_back_is_not_sent(drive, search):
    """At the start of a run as in an act."""
    blank = {"role": "assistant", "content": [text(""), text("well")]}
    run = drive.run([text("ok")], search, messages=[{"role": "user", "content": "hi"}, blank])
    run.append_messages(blank, {"role": "user", "content": "go on"})
    run.until_done()

    assert [[text("well")]] * 2 == [each["content"] for each in drive.requests[0]["messages"] if each["role"] != "user"]


@STREAMS
def test_a_call_in_a_paused_turn_is_answered(drive, search, ran, options):
    """The API takes no paused turn back with an open call in it."""
    paused = pause_turn(server_tool_use("web_search"), use("search", q="ants"))
    run = drive.run([paused, text("done")], search, **options)

    assert "done" == words(run.until_done())
    assert (["ants"], ["found ants"]) == (ran, results(drive.requests[1]))


@STREAMS
def test_two_calls_of_one_id_are_refused(drive, search, options):
    """The error names it; going on asks again, and the tokens count."""
    twice = reply(tool_use("search", {"q": "a"}, id="t"), tool_use("search", {"q": "b"}, id="t"))
    run = drive.run([twice, reply(use("search", q="c")), text("done")], search, **options)
    with pytest.raises(ReplyError, match="two of its calls have the id 't'"):
        run.until_done()

    assert "failed" == run.stop.reason
    assert [{"role": "user", "content": "hi"}] == run.messages
    assert "done" == words(run.until_done())
    assert ["found c"] == results(drive.requests[2])


def test_an_id_of_an_earlier_reply_is_for_the_api_to_judge(drive, search, ran):
    """As with the SDK's runner each call runs, with its own input; the API refuses the request, and the run says so."""
    calls = [tool_use("search", {"q": q}, id="t") for q in ("a", "b")]
    run = drive.run(calls, search)
    with pytest.raises(BadRequestError, match="ids must be unique"):
        run.until_done()

    assert (["a", "b"], "failed") == (ran, run.stop.reason)
    drive.model.refused.clear()


@pytest.mark.parametrize("eager", [False, True])
def test_a_call_whose_input_was_cut_off_does_not_run(drive, search, ran, eager):
    """Whatever the stop reason says: the model is told, and what was there is not taken for the whole."""
    cut = reply(cut_off(use("search", q="ants and bees"), after=12), use("search", q="wasps"))
    run = drive.run([cut, text("done")], search, stream=True, run_tools_eagerly=eager)
    run.until_done()
    told, found = results(drive.requests[1])

    assert (["wasps"], "found wasps") == (ran, found)
    assert "not a whole JSON object, so the tool was not run" in told
    assert {} == drive.requests[1]["messages"][1]["content"][0]["input"]


def test_an_input_that_is_no_object_does_not_run(drive, search, ran):
    """Nor is it sent back, for the API takes objects only."""
    wrong = {**use("search"), "input": "ants"}
    drive.run([wrong, text("done")], search).until_done()

    assert [] == ran
    assert "was not run" in results(drive.requests[1])[0]


def test_a_reply_that_was_added_twice_is_recorded_once(drive, search):
    """As the SDK does: it is one reply."""
    run = drive.run([use("search", q="ants"), text("done")], search)
    message = next(run)
    run.append_messages(message)
    run.append_messages(message, run.generate_tool_call_response())
    run.until_done()

    assert ["user", "assistant", "user"] == [each["role"] for each in drive.requests[1]["messages"]]


def test_the_last_reply_added_after_the_end_of_its_turn_is_recorded_once(drive, search):
    """The history has it already."""
    run = drive.run([text("done")])
    message = next(run)
    run.append_messages(message)
    run.append_messages(message)
    run.until_done()

    assert ["user", "assistant"] == [each["role"] for each in run.messages]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal"])
def test_a_run_can_begin_with_the_messages_of_one_that_was_cut_off(drive, search, stop):
    """The open call is answered as not run."""
    cut = drive.run([reply(text("I look."), use("search", q="ants"), stop_reason=stop)], search)
    cut.until_done()
    messages = [*cut.messages, {"role": "user", "content": "go on, shorter"}]

    assert "fine" == words(drive.run([text("fine")], search, messages=messages).until_done())


def test_a_run_can_begin_with_the_messages_of_one_that_was_closed(drive, search):
    """The same, though its tools would have run."""
    closed = drive.run([use("search", q="ants")], search)
    next(closed)
    closed.close()
    messages = [*closed.messages, {"role": "user", "content": "go on"}]

    assert "Not run: the run was closed." == messages[-2]["content"][0]["content"]
    assert "fine" == words(drive.run([text("fine")], search, messages=messages).until_done())


def test_a_reply_like_the_one_before_is_appended_all_the_same(drive):
    """Only the reply itself is recorded once; words that the model says twice are two messages."""
    paused = reply(text("well"), stop_reason="pause_turn")
    run = drive.run([paused, paused, text("done")])
    next(run)
    run.append_messages(next(run), {"role": "user", "content": "go on"})
    run.until_done()

    said = [message["role"] for message in drive.requests[-1]["messages"]]
    assert ["user", "assistant", "assistant", "user"] == said[-4:]
