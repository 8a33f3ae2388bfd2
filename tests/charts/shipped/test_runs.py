"""What each shipped chart does to a run: the requests that go out, the tools that run, and why the run ends."""

from __future__ import annotations

import pytest

from fsm_runner import Reported
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.loop.context import DEFAULT_SUMMARY_PROMPT
from fsm_runner.loop.enter import REFLECTION
from fsm_runner.replaying import replay
from fsm_runner.testing import overloaded, reply, text
from tests.drivers.drive import ASKED, SyncDrive, use, words

FILES = shipped_charts()
HI = ASKED["messages"][0]
SUMMARY = reply(text("so far"))
SUMMARISED = {"role": "user", "content": [{"type": "text", "text": "so far"}]}
PROMPT = {"role": "user", "content": DEFAULT_SUMMARY_PROMPT}
QUESTION = {"role": "user", "content": REFLECTION}
FULL = {"input_tokens": 100}
COMPACT = {"enabled": True, "context_token_threshold": 100}


@pytest.fixture
def drive():
    """A driver; what the scenario leaves behind is checked at its end."""
    drive = SyncDrive()
    yield drive
    drive.check()


@pytest.fixture
def ran():
    """What the tool `look` was asked, in order."""
    return []


@pytest.fixture
def look(ran):
    """A tool that takes note of its calls."""

    async def look(path: str) -> str:
        """Look at a file."""
        ran.append(path)
        return f"seen {path}"

    return look


def sent(drive):
    """The messages of each request, in short: who says it, and the text, or the kinds of the blocks."""
    return [[said(message) for message in request["messages"]] for request in drive.requests]


def said(message):
    """A message in short."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "+".join(block["text"] if block["type"] == "text" else block["type"] for block in content)


def call(path="a", **usage):
    """A reply that calls the tool."""
    return reply(use("look", path=path), usage=usage or {"input_tokens": 1})


# ── anthropic-0.75 ──────────────────────────────────────────────────────────────────────────────────────────────────

OLD = FILES["anthropic-0.75"]


def test_in_0_75_the_last_reply_is_summarised_too(drive, look):
    """The loop goes on with the summary alone, and the model answers again."""
    run = drive.run(
        [reply(text("done"), usage=FULL), SUMMARY, text("done again")], look, chart=OLD, compaction_control=COMPACT
    )
    final = run.until_done()

    assert [["hi"], ["hi", "done", DEFAULT_SUMMARY_PROMPT], ["so far"]] == sent(drive)
    assert ("done again", "completed", "finish") == (words(final), run.stop.reason, run.stop.row)


def test_in_0_75_no_tool_runs_on_a_turn_that_is_summarised(drive, look, ran):
    """So it was at the limit, too: the summary is made, and the run ends with it."""
    run = drive.run([call(**FULL), SUMMARY], look, chart=OLD, compaction_control=COMPACT, max_iterations=1)
    run.until_done()

    assert [["hi"], ["hi", DEFAULT_SUMMARY_PROMPT]] == sent(drive)
    assert ([], "limit", [SUMMARISED]) == (ran, run.stop.reason, run.messages)


def test_in_0_75_tools_run_below_the_threshold(drive, look, ran):
    """As ever."""
    run = drive.run([call(input_tokens=99, output_tokens=0), text("done")], look, chart=OLD, compaction_control=COMPACT)
    run.until_done()

    assert (["a"], ["hi", "tool_use", "tool_result"]) == (ran, sent(drive)[1])


def test_in_0_75_a_threshold_that_no_summary_gets_under_ends_nothing_for_ever(drive, look):
    """There is no second summary in a row: here the version itself went on to its limit."""
    replies = [reply(text("long"), usage=FULL), SUMMARY, reply(text("long again"), usage=FULL)]
    run = drive.run(replies, look, chart=OLD, compaction_control=COMPACT)

    assert "long again" == words(run.until_done())
    assert (3, "finish") == (len(drive.requests), run.stop.row)


def test_in_0_75_a_paused_turn_ends_the_run(drive, look):
    """It knew no such turn."""
    run = drive.run([reply(text("wait"), stop_reason="pause_turn")], look, chart=OLD)
    run.until_done()

    assert (1, "stopped", "stop_paused") == (len(drive.requests), run.stop.reason, run.stop.row)


# ── tools_first ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tools_run_before_the_summary_which_holds_their_results(drive, look, ran):
    """The loop goes on with the summary alone."""
    replies = [call(**FULL), SUMMARY, text("done")]
    run = drive.run(replies, look, chart="tools_first", compaction_control=COMPACT)
    run.until_done()

    assert [["hi"], ["hi", "tool_use", "tool_result", DEFAULT_SUMMARY_PROMPT], ["so far"]] == sent(drive)
    assert (["a"], "completed") == (ran, run.stop.reason)


def test_at_the_limit_tools_run_and_there_is_no_summary(drive, look, ran):
    """No request is left that could use it."""
    run = drive.run([call(**FULL)], look, chart="tools_first", compaction_control=COMPACT, max_iterations=1)
    run.until_done()

    assert (["a"], 1, "limit") == (ran, len(drive.requests), run.stop.reason)


# ── finalise ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_the_limit_one_last_request_lets_the_model_speak(drive, look, ran):
    """With the results of its calls, with the tools, and with the choice of none."""
    run = drive.run([call("a"), call("b"), text("a and b")], look, chart="finalise", max_iterations=2)
    final = run.until_done()

    assert [None, None, {"type": "none"}] == [request.get("tool_choice") for request in drive.requests]
    assert ["hi", "tool_use", "tool_result", "tool_use", "tool_result"] == sent(drive)[2]
    assert drive.requests[0]["tools"] == drive.requests[2]["tools"]
    assert (["a", "b"], "a and b") == (ran, words(final))
    assert ("completed", "finalised") == (run.stop.reason, run.stop.row)


def test_a_run_that_ends_before_the_limit_has_no_last_request(drive, look):
    """Nor does one that ends at it."""
    run = drive.run([call(), text("done")], look, chart="finalise", max_iterations=2)
    run.until_done()

    assert (2, "finish") == (len(drive.requests), run.stop.row)


def test_a_model_that_calls_tools_all_the_same_gets_no_other_request(drive, look, ran):
    """The last one is the last."""
    run = drive.run([call("a"), call("b")], look, chart="finalise", max_iterations=1)
    run.until_done()

    assert (["a", "b"], "limit", "stop_limit") == (ran, run.stop.reason, run.stop.row)


def test_the_last_request_can_be_turned_off(drive, look):
    """The run is then as by default."""
    run = drive.run([call()], look, chart="finalise", limits={"iterations": 1, "last_requests": 0})
    run.until_done()

    assert (1, "limit") == (len(drive.requests), run.stop.reason)


def test_the_last_request_sends_the_history_that_the_caller_made_its_own(drive, look):
    """What the tools gave is then the caller's to send."""
    run = drive.run([call(), text("bye")], look, chart="finalise", max_iterations=1)
    next(run)
    run.append_messages({"role": "user", "content": "stop here, and say why"})

    assert "bye" == words(run.until_done())
    assert ["hi", "stop here, and say why"] == sent(drive)[1]


def test_the_last_request_is_not_compacted(drive, look):
    """A summary would cost the request that is left."""
    run = drive.run([call(**FULL), text("bye")], look, chart="finalise", max_iterations=1, compaction_control=COMPACT)
    run.until_done()

    assert ["hi", "tool_use", "tool_result"] == sent(drive)[1]
    assert "finalised" == run.stop.row


def test_a_last_request_that_fails_is_made_again_when_the_caller_asks(drive, look, ran):
    """It is given back, and the tools do not run again."""
    run = drive.run([call(), overloaded(), text("bye")], look, chart="finalise", max_iterations=1)
    next(run)
    with pytest.raises(Exception, match="Overloaded"):
        next(run)

    assert ("bye", ["a"]) == (words(run.until_done()), ran)
    assert sent(drive)[1] == sent(drive)[2]


def test_a_last_reply_can_be_streamed(drive, look):
    """It is handed over as any other."""
    run = drive.run([call(), text("bye")], look, chart="finalise", max_iterations=1, stream=True)
    said = [stream.get_final_message().content[0] for stream in run]

    assert ("bye", "finalised") == (said[1].text, run.stop.row)
    assert {"type": "none"} == drive.requests[1]["tool_choice"]


# ── approval ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked():
    """Of which calls the person was asked, turn by turn."""
    return []


@pytest.fixture
def person(asked):
    """A person who refuses whatever looks at `secret`."""

    def ask_person(view):
        asked.append([block["input"]["path"] for block in view.calls])
        refused = [block["id"] for block in view.calls if block["input"]["path"] == "secret"]
        results = tuple({"type": "tool_result", "tool_use_id": id, "content": "a person said no"} for id in refused)
        return Reported(name="decided", results=results)

    return {"ask_person": ask_person}


BOTH = reply(use("look", path="a"), use("look", path="secret"))


def results(request):
    """What the last message of `request` answers."""
    return [block["content"] for block in request["messages"][-1]["content"]]


def test_a_call_that_is_refused_does_not_run_and_the_others_do(drive, look, ran, asked, person):
    """The model gets both answers, in the order of its calls."""
    run = drive.run([BOTH, text("done")], look, chart="approval", effects=person)
    run.until_done()

    assert ([["a", "secret"]], ["a"]) == (asked, ran)
    assert ["seen a", "a person said no"] == results(drive.requests[1])
    assert "completed" == run.stop.reason


def test_when_all_calls_are_refused_none_runs(drive, look, ran, person):
    """And the loop goes on with the refusals."""
    run = drive.run([call("secret"), text("done")], look, chart="approval", effects=person)
    run.until_done()

    assert ([], ["a person said no"]) == (ran, results(drive.requests[1]))


def test_the_person_is_asked_also_when_the_caller_asks_for_the_answer(drive, look, ran, asked, person):
    """Once: going on does not ask again."""
    run = drive.run([BOTH, text("done")], look, chart="approval", effects=person)
    next(run)
    answer = run.generate_tool_call_response()
    run.until_done()

    assert ["seen a", "a person said no"] == [block["content"] for block in answer["content"]]
    assert ([["a", "secret"]], ["a"]) == (asked, ran)


@pytest.mark.parametrize("leave", [False, True])
def test_no_call_runs_before_the_person_was_asked_although_calls_run_early(drive, look, ran, asked, person, leave):
    """Whether the stream is read by the caller or left to the runner."""
    run = drive.run([BOTH, text("done")], look, chart="approval", effects=person, stream=True, run_tools_eagerly=True)
    stream = next(run)
    if not leave:
        stream.until_done()
    assert ([], []) == (asked, ran)
    run.until_done()

    assert ([["a", "secret"]], ["a"]) == (asked, ran)


def test_calls_that_run_again_are_asked_about_again(drive, look, ran, asked, person):
    """Which they do after the caller appended; the refusal was one of these calls, then."""
    run = drive.run([BOTH, text("done")], look, chart="approval", effects=person)
    next(run)
    run.generate_tool_call_response()
    run.append_messages({"role": "user", "content": "go on"})
    run.until_done()

    assert ([["a", "secret"]] * 2, ["a", "a"]) == (asked, ran)
    assert ["hi", "go on"] == sent(drive)[1]


def test_nothing_runs_when_asking_fails(drive, look, ran):
    """The caller gets the exception."""

    def nobody(view):
        raise ConnectionError("nobody there")

    run = drive.run([BOTH], look, chart="approval", effects={"ask_person": nobody})
    next(run)
    with pytest.raises(ConnectionError, match="nobody there"):
        next(run)

    assert ([], "failed") == (ran, run.snapshot.state)


def test_at_the_limit_the_person_is_still_asked(drive, look, ran, asked, person):
    """Tools run there, as by default, so somebody is asked before."""
    run = drive.run([BOTH], look, chart="approval", effects=person, max_iterations=1)
    run.until_done()

    assert ([["a", "secret"]], ["a"], "limit") == (asked, ran, run.stop.reason)


def test_a_turn_that_is_summarised_asks_nobody(drive, look, asked, person):
    """Its calls do not run."""
    replies = [call(**FULL), SUMMARY, text("done")]
    drive.run(replies, look, chart="approval", effects=person, compaction_control=COMPACT).until_done()

    assert [] == asked


# ── reflect ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_model_looks_at_its_answer_once(drive, look):
    """Both answers are handed over; the second is the last."""
    run = drive.run([text("first"), text("second")], look, chart="reflect")

    assert ["first", "second"] == [words(message) for message in run]
    assert [["hi"], ["hi", "first", REFLECTION]] == sent(drive)
    assert ("completed", "finish") == (run.stop.reason, run.stop.row)


def test_the_second_look_may_take_tools(drive, look, ran):
    """After them there is no third."""
    run = drive.run([text("first"), call(), text("second")], look, chart="reflect")

    assert ("second", ["a"]) == (words(run.until_done()), ran)
    assert ["hi", "first", REFLECTION, "tool_use", "tool_result"] == sent(drive)[2]
    assert 3 == len(drive.requests)


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_the_run_says_how_often_the_model_looks(drive, look, looks):
    """By its limit."""
    run = drive.run([text("it")] * (1 + looks), look, chart="reflect", limits={"reflections": looks})
    run.until_done()

    assert (1 + looks, "completed") == (len(drive.requests), run.stop.reason)


def test_at_the_limit_there_is_no_second_look(drive, look):
    """An iteration below it there is one, which is no iteration."""
    below = drive.run([text("first"), text("second")], look, chart="reflect", max_iterations=2)
    below.until_done()
    at = drive.run([text("first")], look, chart="reflect", max_iterations=1)
    at.until_done()

    assert ({"iterations": 1, "reflections": 1}, {"iterations": 1}) == tuple(
        dict(run.snapshot.context.counters.spent) for run in (below, at)
    )
    assert ("completed", "completed") == (below.stop.reason, at.stop.reason)


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded"])
def test_a_reply_that_is_no_answer_is_not_looked_at(drive, look, stop):
    """It was cut off, or refused."""
    run = drive.run([reply(text("so"), stop_reason=stop)], look, chart="reflect")
    run.until_done()

    assert (1, "finish") == (len(drive.requests), run.stop.row)


def test_an_answer_in_a_history_that_the_caller_made_its_own_is_not_looked_at(drive, look):
    """The run ends as by default."""
    run = drive.run([text("first")], look, chart="reflect")
    next(run)
    run.append_messages({"role": "user", "content": "thanks"})
    run.until_done()

    assert (1, "completed") == (len(drive.requests), run.stop.reason)


def test_a_summary_in_the_second_look_brings_no_third(drive, look):
    """The limit counts, and not the history."""
    replies = [text("first"), call(**FULL), SUMMARY, text("second")]
    run = drive.run(replies, look, chart="reflect", compaction_control=COMPACT)
    run.until_done()

    assert [["hi", "first", REFLECTION, DEFAULT_SUMMARY_PROMPT], ["so far"]] == sent(drive)[2:]
    assert "completed" == run.stop.reason


def test_a_second_look_that_fails_is_asked_for_again_with_one_question(drive, look):
    """When the caller asks for more."""
    run = drive.run([text("first"), overloaded(), text("second")], look, chart="reflect")
    next(run)
    with pytest.raises(Exception, match="Overloaded"):
        next(run)

    assert "second" == words(run.until_done())
    assert ["hi", "first", REFLECTION] == sent(drive)[1] == sent(drive)[2]


# ── all ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FILES)
def test_a_journal_replays(drive, look, tmp_path, person, name):
    """Offline, every record of it, whichever chart made it."""
    path = tmp_path / "run.jsonl"
    effects = person if name == "approval" else {}
    second = [text("two")] if name == "reflect" else []
    run = drive.run(
        [call(), text("one"), *second],
        look,
        chart=FILES[name],
        effects=effects,
        max_iterations=1 if name == "finalise" else None,
        journal=path,
    )
    run.until_done()

    assert "completed" == run.stop.reason
    assert replay(path).conforms
