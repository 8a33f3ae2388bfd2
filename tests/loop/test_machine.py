"""The machine: every row of the default chart taken, and the traps of its stepper."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
from msgspec import structs

from fsm_runner.engine.chart import Chart, CustomEffect, FactUse, Row, State
from fsm_runner.engine.errors import ChartError, IllegalEvent, InternalError, RunError
from fsm_runner.loop import events as ev
from fsm_runner.loop.context import Context, Settings, Thread
from fsm_runner.loop.effects import CallTool, Perform, SendRequest
from fsm_runner.loop.enter import RESENDS
from fsm_runner.loop.facts import FACTS, Fact, fact
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step, check, compile
from tests.support.build import LOST, PARAMS, context, reply, result, text, use, user
from tests.support.charts import default_chart

GO_ON, ANSWER, CLOSE, OPENED = ev.Continued(), ev.AnswerAsked(), ev.Closed(), ev.Opened()
WORDS = ev.Replied(message=reply(text()))
CALLS = ev.Replied(message=reply(use("a"), tokens=100))
ASKED = ev.CompactionAsked(config={"type": "summarize"})
SHORT = ev.Replied(message=reply({"type": "compaction", "content": "short"}, stop="compaction"))
FOUND = ev.ToolFinished(id="a", result=result("a"))
MOVED_ON = ev.MovedOn(call=use("a"))
GIST = ev.Summarised(message=reply(text("the gist")))

CHANGED = ev.ParamsReplaced(params={**PARAMS, "system": "Be brief."}, runnable=("search",))
UNDONE = ev.ParamsReplaced(params=PARAMS, runnable=("search",))

STREAMS = Settings(params=PARAMS, stream=True, runnable=frozenset({"search"}))
EAGER = structs.replace(STREAMS, eager=True)


@fact(answers=FACTS["recovery"].answers)
def recovery(context: Context) -> str:
    """Whether what failed is tried again: always at once, as often as a request may be."""
    if context.stand.failure is None:
        return "none"
    return "resend" if context.counters.resends < RESENDS else "retry"


@dataclass(frozen=True)
class Script:
    """A scripted run: what it shows, what happens, and the rows that it takes.

    Attributes:
        truth: a sentence.
        events: what happens, in order.
        rows: ids of all rows taken, in order.
        given: how the context differs from one with a single message.
        facts: facts of one's own.
    """

    truth: str
    events: tuple[ev.Event, ...]
    rows: str
    given: Mapping[str, object] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()

    def run(self) -> list[Step]:
        """All its steps, the start first."""
        machine = compile(default_chart(), self.facts)
        steps = [machine.start(context(user(), **self.given))]
        for event in self.events:
            steps.append(machine.step(steps[-1].snapshot, event))
        return steps


def streams(settings: Settings = STREAMS, **more: object) -> Mapping[str, object]:
    """A run that streams its replies."""
    return {"settings": settings, **more}


SCRIPTS = (
    Script("a finished reply ends the run", (GO_ON, WORDS, GO_ON), "begin ask replied go_on finish"),
    Script(
        "tools are called, and their results lead to the next request",
        (GO_ON, CALLS, GO_ON, FOUND),
        "begin ask replied go_on call_tools one_answered all_answered ask",
    ),
    Script("a closed run ends before its next request", (CLOSE, GO_ON), "begin stop_closed"),
    Script(
        "a reply without stop reason is no silent end",
        (GO_ON, ev.Replied(message=reply(text(), stop=None)), GO_ON),
        "begin ask replied go_on unreadable",
    ),
    Script(
        "a limit that is reached ends the run after the tools",
        (GO_ON, CALLS, GO_ON, FOUND),
        "begin ask replied go_on call_tools one_answered all_answered stop_limit",
        {"limits": {"iterations": 1}},
    ),
    Script(
        "the caller can have the tool response before it goes on",
        (GO_ON, CALLS, ANSWER, FOUND, GO_ON),
        "begin ask replied answer_now part_ready response_ready go_on ask",
    ),
    Script(
        "a conversation that reached the threshold is summarised before its tools are called",
        (GO_ON, CALLS, GO_ON, GIST),
        "begin ask replied go_on summarise summarised ask",
        {"threshold": 100},
    ),
    Script(
        "a compaction that was asked for goes first, and its response is handed over",
        (ASKED, GO_ON, SHORT, GO_ON),
        "begin compact compacted go_on ask",
    ),
    Script(
        "a compaction asked for on the last reply still happens",
        (GO_ON, WORDS, ASKED, GO_ON, SHORT, GO_ON),
        "begin ask replied go_on last_compaction compacted go_on finish",
    ),
    Script(
        "the response to a compaction can stream",
        (ASKED, GO_ON, OPENED, SHORT, GO_ON),
        "begin compact compact_opened stream_read go_on ask",
        streams(),
    ),
    Script(
        "a stream that the caller left is read to its end",
        (GO_ON, OPENED, GO_ON, WORDS),
        "begin ask opened drain drained finish",
        streams(),
    ),
    Script(
        "a stream is read to its end before its tools are called for the caller",
        (GO_ON, OPENED, ANSWER, CALLS, FOUND, GO_ON),
        "begin ask opened drain_first drained_answer part_ready response_ready go_on ask",
        streams(),
    ),
    Script(
        "a run that was closed in mid-stream ends at once",
        (GO_ON, OPENED, CLOSE, GO_ON),
        "begin ask opened leave_stream",
        streams(),
    ),
    Script(
        "a call runs while its reply streams",
        (GO_ON, OPENED, MOVED_ON, FOUND, CALLS, GO_ON),
        "begin ask opened call_early early_done stream_read go_on ask",
        streams(EAGER),
    ),
    Script(
        "a call waits for the end of the reply unless the caller wants it early",
        (GO_ON, OPENED, MOVED_ON, CALLS, GO_ON),
        "begin ask opened call_later stream_read go_on call_tools",
        streams(),
    ),
    Script(
        "a call runs while the runner reads the rest",
        (GO_ON, OPENED, GO_ON, MOVED_ON, FOUND, CALLS),
        "begin ask opened drain call_early_too early_drained drained ask",
        streams(EAGER),
    ),
    Script(
        "a deferred call waits while the runner reads the rest",
        (GO_ON, OPENED, ev.CallDeferred(id="a"), GO_ON, MOVED_ON, CALLS),
        "begin ask opened drain call_later_too drained call_tools",
        streams(EAGER),
    ),
    Script(
        "a failed request is tried again when the caller asks",
        (GO_ON, LOST, GO_ON, WORDS),
        "begin ask request_failed try_again ask replied",
        {"limits": {"iterations": 1}},
    ),
    Script(
        "a change that the thread does not take is refused before its tools are called, and can be undone",
        (GO_ON, CALLS, CHANGED, GO_ON, UNDONE, GO_ON, FOUND),
        "begin ask replied go_on refuse_change try_again call_tools one_answered all_answered ask",
        {"thread": Thread(mode="new")},
    ),
    Script(
        "a compaction that failed is not tried again",
        (ASKED, GO_ON, LOST, GO_ON),
        "begin compact compact_failed give_up",
    ),
    Script(
        "a compaction that failed in mid-stream is not tried again either",
        (ASKED, GO_ON, OPENED, LOST, GO_ON),
        "begin compact compact_opened stream_lost give_up",
        streams(),
    ),
    Script(
        "a stream that broke is a failed request",
        (GO_ON, OPENED, LOST, GO_ON),
        "begin ask opened stream_lost try_again ask",
        streams(),
    ),
    Script(
        "a stream that broke while the runner read it is a failed request",
        (GO_ON, OPENED, GO_ON, LOST, GO_ON),
        "begin ask opened drain drain_failed try_again ask",
        streams(),
    ),
    Script(
        "a driver that could not run a call early asks for the reply anew",
        (GO_ON, OPENED, MOVED_ON, LOST, GO_ON),
        "begin ask opened call_early early_failed try_again ask",
        streams(EAGER),
    ),
    Script(
        "calls that were cut off are called again",
        (GO_ON, CALLS, GO_ON, LOST, GO_ON, FOUND),
        "begin ask replied go_on call_tools tools_failed try_again call_tools one_answered all_answered ask",
    ),
    Script(
        "a tool response that was cut off is made when the run goes on",
        (GO_ON, CALLS, ANSWER, LOST, GO_ON),
        "begin ask replied answer_now answer_failed try_again call_tools",
    ),
    Script(
        "a failed summary is tried again, from the same history",
        (GO_ON, CALLS, GO_ON, LOST, GO_ON),
        "begin ask replied go_on summarise summary_failed try_again summarise",
        {"threshold": 100},
    ),
    Script(
        "a request goes out again by itself, twice, and after that when the caller asks",
        (GO_ON, LOST, LOST, LOST, GO_ON, LOST),
        "begin ask resend resend request_failed try_again ask resend",
        facts=(recovery,),
    ),
    Script(
        "a compaction that is sent again by itself is sent as it was",
        (ASKED, GO_ON, LOST, LOST, SHORT, GO_ON),
        "begin compact compact_resend compact_resend compacted go_on ask",
        facts=(recovery,),
    ),
)
"""Runs that together take every row of the default chart."""


def rows_of(steps: list[Step]) -> list[str]:
    """Ids of the rows taken."""
    return [transition.row for step in steps for transition in step.transitions]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.truth)
def test_a_scripted_run_takes_its_rows(script):
    """The rows that a run takes are those its truth needs."""
    assert script.rows.split() == rows_of(script.run())


def test_every_row_of_the_default_chart_is_taken():
    """The scripts leave no row without a run that needs it."""
    taken = {row for script in SCRIPTS for row in script.rows.split()}

    assert {row.id for row in default_chart().rows} == taken


def script(truth: str) -> list[Step]:
    """The steps of the script that shows `truth`."""
    return next(each for each in SCRIPTS if each.truth == truth).run()


# ── what runs lead to ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_sends_the_reply_and_its_results_back():
    """The next request holds the history, the reply and the results, and the caller got the message in between."""
    steps = script("tools are called, and their results lead to the next request")
    (request,) = steps[-1].effects

    assert [user(), {"role": "assistant", "content": [use("a")]}, {"role": "user", "content": [result("a")]}] == list(
        request.messages
    )
    assert [None, None, "message", None, None] == [step.output for step in steps]


def test_a_failed_request_costs_nothing():
    """With a limit of one the retry still goes out, and only its reply counts."""
    steps = script("a failed request is tried again when the caller asks")

    assert [1, 0, 1, 1] == [step.snapshot.context.counters.spent["iterations"] for step in steps[1:]]


def test_a_failure_is_a_stop_that_can_be_gone_on_from():
    """The failed state says why the run stopped; going on clears it."""
    steps = script("a failed request is tried again when the caller asks")

    assert ("failed", "APIConnectionError: connection lost") == (
        steps[2].snapshot.stop.reason,
        steps[2].snapshot.stop.detail,
    )
    assert not steps[2].final
    assert steps[3].snapshot.stop is None


def test_a_run_that_recovered_ends_for_its_own_reason():
    """A tool that was called again with success leaves no failure behind."""
    machine = compile(default_chart())
    step = machine.start(context(user(), limits={"iterations": 1}))
    for event in (GO_ON, CALLS, GO_ON, LOST, GO_ON, FOUND):
        step = machine.step(step.snapshot, event)

    assert ("limit", "iterations: 1") == (step.snapshot.stop.reason, step.snapshot.stop.detail)


def test_a_resent_compaction_keeps_its_configuration():
    """Each attempt asks for the same."""
    steps = script("a compaction that is sent again by itself is sent as it was")

    assert [{"type": "summarize"}] * 3 == [step.effects[0].params["compaction"] for step in steps[2:5]]
    assert [{"role": "assistant", "content": [{"type": "compaction", "content": "short"}]}] == list(
        steps[-1].effects[0].messages
    )


def test_a_failed_summary_leaves_the_history_as_it_was():
    """Nothing is lost with it."""
    steps = script("a failed summary is tried again, from the same history")

    assert steps[-1].effects == steps[3].effects
    assert steps[-1].snapshot.context.conversation == steps[3].snapshot.context.conversation


def test_the_end_of_a_tool_can_start_its_sibling():
    """Members of a toolset run one after the other, beside the other tools; one that fails has the next skipped."""
    machine = compile(default_chart())
    settings = Settings(params=PARAMS, runnable=frozenset({"search"}), toolsets=frozenset({"files"}))
    step = machine.start(context(user(), settings=settings))
    blocks = use("a", "read", "files"), use("b", "write", "files"), use("c")
    started = []
    for event in (
        GO_ON,
        ev.Replied(message=reply(*blocks)),
        GO_ON,
        ev.ToolFinished(id="a", result=result("a", error=True)),
        ev.ToolFinished(id="c", result=result("c")),
        ev.ToolFinished(id="b", result=result("b")),
    ):
        step = machine.step(step.snapshot, event)
        started.append([(effect.id, effect.kind) for effect in step.effects if isinstance(effect, CallTool)])

    assert [[], [], [("a", "run"), ("c", "run")], [("b", "skip")], [], []] == started
    assert [result("a", error=True), result("b"), result("c")] == list(step.effects[0].messages)[-1]["content"]


def test_notes_are_of_one_step():
    """What was said once is not said again with the next event."""
    machine = compile(default_chart())
    step = machine.start(context(user()))
    notes = []
    for event in (ASKED, GO_ON, ev.Replied(message=reply(stop="compaction")), GO_ON, WORDS, CLOSE):
        step = machine.step(step.snapshot, event)
        notes.append([note.code for note in step.notes])

    assert [[], [], [], ["compaction-without-summary"], [], []] == notes


# ── charts of one's own ───────────────────────────────────────────────────────────────────────────────────────────


def small(*states: State, **more: object) -> Chart:
    """A chart that begins in the first of `states`."""
    return Chart(name="small", initial=states[0].name, states=states, **more)


DONE = State(name="done", phase="done", final=True)


def test_an_effect_of_ones_own_reports_what_the_chart_declares():
    """The driver is asked by name, and its report takes a row like any event."""
    chart = small(
        State(name="start", phase="a", transitions=(Row(id="begin", event="continued", target="ask"),)),
        State(
            name="ask",
            phase="a",
            effect="ask_a_person",
            transitions=(
                Row(id="yes", event="approved", target="done"),
                Row(id="no", event="failed", target="done"),
            ),
        ),
        DONE,
        effects=(CustomEffect(name="ask_a_person", reports=("approved",)),),
    )
    machine = compile(chart)
    asked = machine.step(machine.start(context()).snapshot, GO_ON)
    done = machine.step(asked.snapshot, ev.Reported(name="approved", data={"by": "ann"}))

    assert (Perform(name="ask_a_person"),) == asked.effects == machine.resume(asked.snapshot).effects
    assert (["yes"], True, "stopped") == (rows_of([done]), done.final, done.snapshot.stop.reason)
    assert {"approved": {"by": "ann"}} == done.snapshot.context.reports


def asking(name: str, *answers: str) -> Chart:
    """A chart that asks one fact."""
    row = Row(id="end", event="continued", guard=((name, answers[:1]),), target="done")
    return small(State(name="start", phase="a", transitions=(row,)), DONE, facts=(FactUse(name=name, answers=answers),))


def test_a_fact_of_ones_own_takes_the_place_of_a_built_in_one():
    """Guards ask the user's code."""
    always = fact(answers=("true", "false"))(lambda context: "true")
    chart = asking("closed", "true", "false")
    machine = compile(chart, [replace(always, name="closed")])

    assert ["end"] == rows_of([machine.step(machine.start(context()).snapshot, GO_ON)])


@pytest.mark.parametrize(
    ("chart", "code", "message"),
    [
        (asking("mood", "good", "bad"), "unknown-fact", "fact 'mood': it is not built in; give its function"),
        (asking("closed", "yes", "no"), "other-answers", "fact 'closed': its function answers: true, false"),
    ],
)
def test_a_chart_whose_facts_have_no_code_is_refused(chart, code, message):
    """Before anything runs, and with the place."""
    with pytest.raises(ChartError) as caught:
        compile(chart)

    (problem,) = caught.value.problems
    assert (code, ("facts", 0)) == (problem.code, problem.path)
    assert message in str(caught.value)


# ── traps of pytransitions that must not be ours ──────────────────────────────────────────────────────────────────


def test_an_undeclared_target_does_not_pass_the_check():
    """pytransitions takes any target, and fails when it gets there."""
    chart = small(State(name="start", phase="a", transitions=(Row(id="end", event="continued", target="dome"),)), DONE)

    assert "unknown-target" in {problem.code for problem in check(chart).problems}


def test_an_undeclared_fact_does_not_pass_the_check():
    """pytransitions looks conditions up by name on first use, in the model or as a path to import."""
    chart = replace(asking("os.getcwd", "true", "false"), facts=())

    assert "unknown-fact" in {problem.code for problem in check(chart).problems}


def test_an_event_that_no_row_takes_is_never_silence():
    """pytransitions returns False.  Here a chart that was not checked is told so, and nothing has changed."""
    machine = compile(asking("closed", "true", "false"))
    at = machine.start(context()).snapshot

    with pytest.raises(InternalError, match=r"state 'start': no row holds for event 'continued' \(closed=false\)"):
        machine.step(at, GO_ON)
    assert at == machine.start(context()).snapshot


@pytest.mark.parametrize("event", [GO_ON, ev.AnswerAsked(), ev.Reported(name="to_start")])
def test_a_final_state_takes_no_report_and_no_ask(event):
    """pytransitions lets rows leave final states, and makes a `to_...` event for each state."""
    machine = compile(default_chart())
    at = Snapshot(state="done", context=context(user()))

    with pytest.raises(IllegalEvent, match=r"^state 'done' takes no event '\w+'; it takes none$"):
        machine.step(at, event)


@pytest.mark.parametrize("name", ["to_done", "trigger", "state", "(always)", "__class__", "is_done"])
def test_no_event_is_made_up(name):
    """Names that pytransitions binds to a model, or we use inside, are no events."""
    machine = compile(default_chart())

    with pytest.raises(IllegalEvent):
        machine.step(machine.start(context()).snapshot, ev.Reported(name=name))


def test_an_underscore_in_a_name_is_no_nesting():
    """Hierarchical machines read `a_b` as b within a."""
    chart = small(
        State(name="a", phase="p", transitions=(Row(id="in", event="continued", target="a_b"),)),
        State(name="a_b", phase="p", transitions=(Row(id="out", event="continued", target="b_"),)),
        State(name="b_", phase="p", final=True),
    )
    machine = compile(chart)
    inside = machine.step(machine.start(context()).snapshot, GO_ON)

    assert "a_b" == inside.snapshot.state
    assert "b_" == machine.step(inside.snapshot, GO_ON).snapshot.state


def test_always_rows_that_lead_in_a_circle_are_refused_rather_than_run():
    """pytransitions would go on for ever.  The check refuses such a chart, and the machine one that was not checked."""
    chart = small(
        State(name="a", phase="p", always=(Row(id="there", target="b"),)),
        State(name="b", phase="p", always=(Row(id="back", target="a"),)),
    )

    assert not compile(default_chart()).start(context()).transitions
    with pytest.raises(InternalError, match="always rows led back to state"):
        compile(chart).start(context())


def test_runs_that_share_a_machine_do_not_meet():
    """A second event neither cancels nor queues behind the first: a step is done when it returns, in any thread."""
    machine = compile(default_chart())
    scripts = [each for each in SCRIPTS if not each.facts]

    def run(each: Script) -> list[str]:
        steps = [machine.start(context(user(), **each.given))]
        for event in each.events:
            steps.append(machine.step(steps[-1].snapshot, event))
        return rows_of(steps)

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(run, scripts * 3))

    assert [each.rows.split() for each in scripts] * 3 == taken


def test_a_fact_may_step_the_machine_it_is_asked_by():
    """A step within a step is a step like any other: pytransitions holds no state of it."""
    inner: list[Step] = []
    machine: Machine

    def closed(context: Context) -> str:
        """Whether it is closed, after another run of the same machine."""
        if not inner:
            inner.append(machine.start(context))
            inner.append(machine.step(inner[0].snapshot, GO_ON))
        return "false"

    machine = compile(default_chart(), [fact(answers=("true", "false"))(closed)])
    step = machine.step(machine.start(context(user())).snapshot, GO_ON)

    assert ["begin", "ask"] == rows_of([step]) == rows_of(inner)


# ── the core is pure ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_core_loads_no_library_but_transitions_and_msgspec():
    """The modules that importing the machine adds, beyond Python's own, are ours, pytransitions' and msgspec's."""
    code = "import fsm_runner.loop.fold, fsm_runner.engine.check; print(*{m.split('.')[0] for m in sys.modules})"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path += {sys.path!r}; {code}"],
                         capture_output=True, text=True, check=True)  # fmt: skip
    loaded = set(run.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"}

    assert {"fsm_runner", "msgspec", "transitions"} <= loaded
    assert loaded <= {"fsm_runner", "msgspec", "transitions", "six", "typing_extensions"}


def test_the_core_loads_neither_event_loop_nor_network():
    """Importing the machine is cheap, and nothing in it could wait."""
    code = "import sys; import fsm_runner.engine.machine; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"anthropic", "pydantic", "asyncio", "anyio", "socket", "yaml"} & set(run.stdout.split())


def test_what_the_core_hands_out_is_frozen():
    """Steps, snapshots and the machine itself are values."""
    machine = compile(default_chart())
    step = machine.start(context())

    for value, name in ((step, "final"), (step.snapshot, "state"), (step.snapshot.context, "turn"), (machine, "chart")):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_an_order_names_what_it_is():
    """A request is a request for a reply or for a compaction; nothing else goes to the API in a loop."""
    steps = script("a compaction that was asked for goes first, and its response is handed over")
    purposes = [effect.purpose for step in steps for effect in step.effects if isinstance(effect, SendRequest)]

    assert ["compaction", "reply"] == purposes


def test_a_fact_of_the_users_is_held_to_its_answers():
    """What it answers beside them would fall through every guard; True and False are spelt out."""
    chart = replace(default_chart(), facts=(*default_chart().facts, FactUse(name="late", answers=("true", "false"))))
    inspect = chart.state("inspect")
    row = Row(id="too_late", guard=(("late", ("true",)),), target="done")
    states = tuple(replace(inspect, always=(row, *inspect.always)) if s is inspect else s for s in chart.states)
    chart = replace(chart, states=states)

    late = compile(chart, [Fact(name="late", answers=("true", "false"), ask=lambda _: True)])
    assert "too_late" == late.step(late.start(context()).snapshot, ev.Continued()).transitions[-1].row

    odd = compile(chart, [Fact(name="late", answers=("true", "false"), ask=lambda _: "perhaps")])
    with pytest.raises(RunError, match=r"fact 'late': it answered 'perhaps' \(its answers: true, false\)"):
        odd.step(odd.start(context()).snapshot, ev.Continued())
