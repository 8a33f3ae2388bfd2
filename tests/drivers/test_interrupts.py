"""Interrupts: what ended is told first, whatever else fails; nothing that ended runs again."""

from __future__ import annotations

import io
import threading

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner import JournalError
from fsm_runner.loop.events import ToolFinished
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.drivers.drive import ASKED, PATIENCE, use, words


def sync_run(replies, *functions, **arguments):
    """A run of the sync driver, and its model."""
    model = ScriptedModel(replies)
    tools = [anthropic.beta_tool(function) for function in functions]
    given = {**ASKED, "thread": False, "tools": tools, **arguments}
    return fsm_runner.tool_runner(model.sync_client(), **given), model


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_that_ends_after_its_sibling_was_interrupted_does_not_run_again(error, stream):
    """It is waited for and told; then the interrupt comes out."""
    begun, struck, ran = threading.Event(), threading.Event(), []

    def ask() -> str:
        """Ask a person, who presses Ctrl-C the first time."""
        assert begun.wait(PATIENCE)
        if not struck.is_set():
            struck.set()
            raise error
        return "yes"

    def charge() -> str:
        """Charge, while the person thinks."""
        begun.set()
        assert struck.wait(PATIENCE)
        ran.append(1)
        return "charged"

    journal = io.BytesIO()
    replies = [reply(use("ask"), use("charge")), text("done")]
    runner, model = sync_run(replies, ask, charge, stream=stream, journal=journal)
    with pytest.raises(error):
        runner.until_done()
    before = len(ran)
    runner.until_done()

    assert (1, 1) == (before, len(ran))
    assert ["yes", "charged"] == [block["content"] for block in model.requests[1].tool_results]
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms


def test_a_tool_that_waits_for_its_turn_does_not_begin_after_an_interrupt():
    """It begins when the run goes on."""
    ran = []

    def stop() -> str:
        """Be interrupted, the first time."""
        ran.append("stop")
        if ran.count("stop") == 1:
            raise KeyboardInterrupt
        return "stopped"

    def later() -> str:
        """Take note."""
        ran.append("later")
        return "later"

    calls = reply(use("stop"), use("stop"), use("later"), use("later"), use("later"))
    runner, model = sync_run([calls, text("done")], stop, later, max_concurrent_tools=1)
    with pytest.raises(KeyboardInterrupt):
        runner.until_done()
    before = list(ran)
    runner.until_done()

    assert (["stop"], 3) == (before, ran.count("later"))
    assert 5 == len(model.requests[1].tool_results)


def test_whoever_interrupts_twice_does_not_wait_and_loses_nothing():
    """What is still under way goes on, and is told when the run does."""
    go, ran = threading.Event(), []
    left = [KeyboardInterrupt, KeyboardInterrupt]
    meet = threading.Barrier(3)

    def stop() -> str:
        """Be interrupted, twice in all."""
        if left:
            meet.wait(PATIENCE)
            raise left.pop()
        return "stopped"

    def slow() -> str:
        """Go on for as long as the test wants."""
        ran.append("slow")
        meet.wait(PATIENCE)
        assert go.wait(PATIENCE)
        return "slow"

    runner, model = sync_run([reply(use("stop"), use("stop"), use("slow")), text("done")], stop, slow)
    with pytest.raises(KeyboardInterrupt):
        runner.until_done()
    assert ["slow"] == ran
    go.set()

    assert "done" == words(runner.until_done())
    assert ["slow"] == ran
    assert ["stopped", "stopped", "slow"] == [block["content"] for block in model.requests[1].tool_results]


def test_a_listener_that_fails_while_results_are_collected(drive):
    """Its exception comes out once all is told that had begun; no tool runs twice."""
    ran, seen = [], []
    meet = drive.meeting(3)

    async def act(index: int) -> str:
        """Meet the others, and end."""
        await meet()
        ran.append(index)
        return str(index)

    def listener(event, step):
        if isinstance(event, ToolFinished):
            seen.append(event.id)
            if len(seen) == 1:
                raise LookupError("the listener's own")

    calls = reply(*(use("act", index=index) for index in range(3)))
    run = drive.run([calls, text("done")], act, on_step=listener)
    with pytest.raises(LookupError):
        run.until_done()

    assert [0, 1, 2] == sorted(ran)
    assert "done" == words(run.until_done())
    assert [0, 1, 2] == sorted(ran)
    assert 3 == len(seen)


def test_a_message_whose_listener_failed_is_still_handed_out(drive):
    """The exception first, the message when the caller asks again; nothing is asked for twice."""
    left = [LookupError]

    def listener(event, step):
        if step.output == "message" and left:
            raise left.pop()

    run = drive.run([text("done")], on_step=listener)
    with pytest.raises(LookupError):
        next(run)

    assert "done" == words(next(run))
    assert [] == list(run)


def test_a_stream_whose_listener_failed_is_still_handed_out(drive):
    """It can be read."""
    left = [LookupError]

    def listener(event, step):
        if step.output == "stream" and left:
            raise left.pop()

    run = drive.run([text("done")], on_step=listener, stream=True)
    with pytest.raises(LookupError):
        next(run)

    assert "done" == words(next(run).get_final_message())
    assert [] == list(run)


def test_a_listener_that_fails_before_a_tool_begins_keeps_it_from_that(drive):
    """So it can guard what a run does; going on begins it."""
    ran, left = [], [PermissionError]

    async def act() -> str:
        """Take note."""
        ran.append(1)
        return "acted"

    def listener(event, step):
        if step.snapshot.state == "call_tools" and left:
            raise left.pop()

    run = drive.run([tool_use("act"), text("done")], act, on_step=listener)
    with pytest.raises(PermissionError):
        run.until_done()
    before = list(ran)
    run.until_done()

    assert ([], [1]) == (before, ran)


def test_a_journal_that_fails_while_results_are_collected(drive):
    """The run says so each time that it is asked to go on, and no tool begins again."""
    ran = []
    meet = drive.meeting(3)

    async def act(index: int) -> str:
        """Meet the others, and end."""
        await meet()
        ran.append(index)
        return str(index)

    class Full(io.BytesIO):
        """A disk that is full once a tool has finished."""

        def write(self, line):
            if b'"type":"event","event":"tool_finished"' in line:
                raise OSError(28, "No space left on device")
            return super().write(line)

    calls = reply(*(use("act", index=index) for index in range(3)))
    run = drive.run([calls], act, journal=Full())
    for _ in range(3):
        with pytest.raises(JournalError, match="no space left"):
            run.until_done()

    assert 3 >= len(ran)
    assert len(set(ran)) == len(ran)


class Listened(Exception):
    """A listener's own exception."""


@settings(max_examples=60, deadline=None)
@given(
    fails=st.lists(st.sampled_from([None, KeyboardInterrupt, SystemExit]), min_size=1, max_size=5),
    most=st.sampled_from([1, 2, None]),
    listens=st.integers(0, 12),
)
def test_whatever_fails_each_tool_that_ended_ran_once(fails, most, listens):
    """For any turn, any interrupts and any listener that fails: however often the run is gone on with."""
    struck, ended, told = set(), [], [0]

    def act(index: int) -> str:
        """Be interrupted the first time, or end."""
        if fails[index] is not None and index not in struck:
            struck.add(index)
            raise fails[index]
        ended.append(index)
        return str(index)

    def listener(event, step):
        told[0] += 1
        if told[0] == listens:
            raise Listened

    calls = reply(*(use("act", index=index) for index in range(len(fails))))
    journal = io.BytesIO()
    if listens == 1:  # nothing but the start
        listens = 0
    runner, model = sync_run([calls, text("done")], act, max_concurrent_tools=most, on_step=listener, journal=journal)
    for _ in range(2 * len(fails) + 3):
        try:
            runner.until_done()
            break
        except (KeyboardInterrupt, SystemExit, Listened):
            continue

    assert "completed" == runner.stop.reason
    assert list(range(len(fails))) == sorted(ended)
    assert [str(i) for i in range(len(fails))] == [block["content"] for block in model.requests[1].tool_results]
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms
