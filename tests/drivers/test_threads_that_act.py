"""Acts from any thread: each is told and recorded after the other, whole; nobody waits for a listener."""

from __future__ import annotations

import io
import json
import signal
import threading

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner import fact
from fsm_runner.loop.events import Appended
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.drivers.drive import ASKED, PATIENCE, use, words
from tests.drivers.test_interrupts import sync_run
from tests.drivers.test_tasks import play, runner_of


def one_more(params):
    """Parameters with a count that is one higher."""
    count = int(params.get("metadata", {}).get("user_id", "0"))
    return {**params, "metadata": {"user_id": str(count + 1)}}


ACTS = {
    "append": lambda run, name: run.append_messages({"role": "user", "content": name}),
    "params": lambda run, _: run.set_messages_params(one_more),
    "add": lambda run, name: run.add_tools({"name": name, "input_schema": {"type": "object"}}),
    "remove": lambda run, name: run.remove_tools(name),
    "compact": lambda run, _: run.compact_before_next_turn(),
    "defer": lambda run, name: run.defer_tool_call(name),
}


def inputs(journal):
    """The names of the events in a journal, in its order."""
    lines = map(json.loads, journal.getvalue().splitlines())
    return [line["event"] for line in lines if line["type"] == "event"]


def at_once(runner, plans):
    """Do what each plan says, each in a thread of its own, all at once."""
    together, failed = threading.Barrier(len(plans)), []

    def work(index, plan):
        together.wait(PATIENCE)
        try:
            for turn, act in enumerate(plan):
                ACTS[act](runner, f"t{index}x{turn}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=each) for each in enumerate(plans)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [] == failed


def check(runner, journal, seen, plans):
    """All acts are on record and in the run, whole, and listeners heard of them in the same order."""
    asked = [act for plan in plans for act in plan]

    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms
    assert inputs(journal) == seen
    assert asked.count("append") == seen.count("appended")
    assert str(asked.count("params")) == runner.snapshot.context.settings.params.get("metadata", {}).get("user_id", "0")
    assert asked.count("add") + asked.count("remove") == len(runner.snapshot.context.settings.changes)


PLANS = st.lists(st.lists(st.sampled_from(["append", "params", "add", "remove"]), max_size=8), min_size=2, max_size=8)


@settings(max_examples=60, deadline=None)
@given(plans=PLANS)
@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_acts_from_threads_of_the_callers(flavour, plans):
    """For any acts of any number of threads."""
    model, journal, seen = ScriptedModel([]), io.BytesIO(), []
    client = model.sync_client() if flavour == "sync" else model.client()
    options = {**ASKED, "thread": False, "tools": [], "journal": journal}
    runner = fsm_runner.tool_runner(client, on_step=lambda event, _: event and seen.append(event.name), **options)
    at_once(runner, plans)

    check(runner, journal, seen, plans)


@settings(max_examples=60, deadline=None)
@given(plans=PLANS)
def test_acts_from_tools_of_one_turn(plans):
    """All begin at once, and act while others end."""
    journal, seen = io.BytesIO(), []
    together = threading.Barrier(len(plans))

    def act(index: int) -> str:
        """Wait for the others, then act."""
        together.wait(PATIENCE)
        for turn, each in enumerate(plans[index]):
            ACTS[each](runner, f"t{index}x{turn}")
        return "acted"

    calls = reply(*(use("act", index=index) for index in range(len(plans))))
    runner, _ = sync_run(
        [calls, calls],
        act,
        journal=journal,
        max_concurrent_tools=None,
        max_iterations=1,
        on_step=lambda event, _: event and seen.append(event.name),
    )
    runner.until_done()

    check(runner, journal, seen, plans)


@play
async def test_acts_from_threads_of_async_tools():
    """The event loop tells results while they act."""
    plans = [["append", "params", "add"] * 4 for _ in range(6)]
    journal, seen = io.BytesIO(), []
    together = threading.Barrier(len(plans))

    async def act(index: int) -> str:
        """Act in a thread."""
        await anyio.to_thread.run_sync(work, index)
        return "acted"

    def work(index):
        together.wait(PATIENCE)
        for turn, each in enumerate(plans[index]):
            ACTS[each](runner, f"t{index}x{turn}")

    calls = reply(*(use("act", index=index) for index in range(len(plans))))
    runner, _ = runner_of(
        ScriptedModel([calls]),
        act,
        journal=journal,
        max_concurrent_tools=None,
        max_iterations=1,
        on_step=lambda event, _: event and seen.append(event.name),
    )
    await runner.until_done()

    check(runner, journal, seen, plans)


def test_a_listener_may_act(drive):
    """What it does is told after what it was told of, and it hears of it, too."""
    heard, acted = [], []

    def listener(event, step):
        heard.append("start" if event is None else event.name)
        if heard[-1] == "replied" and not acted:
            acted.append(1)
            runs[0].target.append_messages(NOTE) if hasattr(runs[0], "target") else runs[0].append_messages(NOTE)
            heard.append("acted")

    runs = []
    runs.append(drive.run([text("done")], on_step=listener))
    runs[0].until_done()

    assert ["start", "continued", "replied", "acted", "appended", "continued"] == heard


NOTE = {"role": "user", "content": "noted"}


def test_a_listener_that_waits_for_a_thread_that_acts():
    """Neither waits for the other: what the thread did is heard of when the listener is done."""
    heard = []

    def listener(event, step):
        heard.append(None if event is None else event.name)
        if heard[-1] == "replied":
            thread = threading.Thread(target=runner.append_messages, args=(NOTE,))
            thread.start()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    runner, _ = sync_run([text("done")], on_step=listener)
    runner.until_done()

    assert [None, "continued", "replied", "appended", "continued"] == heard


def test_a_listener_that_fails_on_an_act_fails_it(drive):
    """Whoever acts gets the exception; the act is done, and the run goes on."""

    def listener(event, step):
        if isinstance(event, Appended):
            raise LookupError

    run = drive.run([text("done")], on_step=listener)
    with pytest.raises(LookupError):
        run.append_messages({"role": "user", "content": "more"})

    assert "done" == words(run.until_done())
    assert 2 == len(drive.requests[0]["messages"])


def test_a_params_function_may_act():
    """It is the same thread's."""
    runner, model = sync_run([text("done")])

    def params(current):
        runner.add_tools({"name": "more", "input_schema": {"type": "object"}})
        return one_more(current)

    runner.set_messages_params(params)
    runner.until_done()

    assert "1" == model.requests[0].body["metadata"]["user_id"]
    assert 1 == str(model.requests[0].messages).count("tool_addition")


@pytest.mark.skipif(
    not hasattr(signal, "raise_signal") or not hasattr(signal, "SIGUSR1"), reason="no such signals here"
)
def test_a_handler_of_signals_may_act_in_the_middle_of_a_step():
    """Its act waits for the step that it interrupts: nothing of either is lost."""
    journal = io.BytesIO()
    left = [1, 1]

    @fact(answers=("true", "false"))
    def closed(context):
        """Whether the caller closed the run; asked while a signal comes."""
        if left and context.turn.reply is not None:
            left.pop()
            signal.raise_signal(signal.SIGUSR1)
        return "true" if context.stand.closed else "false"

    def handler(*_):
        runner.append_messages({"role": "user", "content": "by a signal"})

    def act() -> str:
        """End."""
        return "acted"

    runner, _ = sync_run([tool_use("act"), text("done")], act, facts=[closed], journal=journal)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        runner.until_done()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert "appended" in inputs(journal)
    assert "by a signal" in str(runner.messages)


def test_two_threads_cannot_iterate_one_runner():
    """One gets the message, the other is told so."""
    for _ in range(20):
        together, got = threading.Barrier(2), []

        def act() -> str:
            """End."""
            return "acted"

        runner, _ = sync_run([tool_use("act"), text("done")], act)

        def work(runner=runner, together=together, got=got):
            together.wait(PATIENCE)
            try:
                got.append(words(runner.until_done()))
            except fsm_runner.RunError:
                got.append("refused")

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

        assert "done" in got
        assert set(got) <= {"done", "refused"}
