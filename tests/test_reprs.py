"""What a person sees of a run in a debugger or a log: one line, however much there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

import fsm_runner
from fsm_runner import Reported, RunView, check, context, domain, effects, events, testing
from fsm_runner.engine.chart import CustomEffect, FactUse, Moment, Never, Precedes
from fsm_runner.engine.frozen import fields_of, is_frozen
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.tool_loop import TOOL_LOOP
from tests.support.build import context as context_of
from tests.support.build import reply, result, use, user
from tests.support.charts import default_chart

MACHINE = fsm_runner.compile(default_chart())
START = MACHINE.start(context_of(*[user("long " * 1000)] * 50))
ASKED = MACHINE.step(START.snapshot, events.Continued())
CALLED = MACHINE.step(ASKED.snapshot, events.Replied(message=reply(*[use(f"toolu_{n}") for n in range(30)])))
RUNNING = MACHINE.step(CALLED.snapshot, events.Continued())
LOST = MACHINE.step(ASKED.snapshot, events.Failed(error="APIConnectionError", text="lost " * 1000, code="x" * 200))
STEPS = (START, ASKED, CALLED, RUNNING, LOST)

LONG = {f"key{n}": "long\n" * 1000 for n in range(50)}
BLOCKS = (LONG,) * 30
NAMES = tuple(f"a_rather_long_name_{n}" for n in range(50))
MOMENT = Moment(states=NAMES, rows=NAMES, guard=(("turn", NAMES),))
RULES = (Never(name="never", enter=MOMENT, after=MOMENT), Precedes(name="first", first=MOMENT, then=MOMENT))
CUSTOM = replace(
    default_chart(),
    facts=(*default_chart().facts, FactUse(name="own", answers=NAMES)),
    effects=(CustomEffect(name="own", reports=NAMES),),
    rules=RULES,
)
MODEL = testing.ScriptedModel([testing.tool_use("look", LONG), testing.text("long\n" * 1000)])
VALUES = [
    MACHINE,
    *STEPS,
    CUSTOM,
    check(default_chart(), facts=FACTS),
    check(CUSTOM),
    RunView(START.snapshot),
    TOOL_LOOP,
    domain.Entered(state="inspect", phase="inspect"),
    *FACTS.values(),
    events.Replied(message=LONG),
    events.MovedOn(call=LONG),
    events.ToolFinished(id="a", result=LONG),
    events.Summarised(message=LONG),
    events.Appended(messages=BLOCKS),
    events.ParamsReplaced(params=LONG, messages=BLOCKS, tools=BLOCKS, runnable=NAMES, toolsets=NAMES),
    events.ResultsEdited(results=BLOCKS),
    events.ToolsChanged(blocks=BLOCKS, added=NAMES, removed=NAMES),
    events.CompactionAsked(config=LONG),
    events.CallDeferred(id="a"),
    Reported(name="approved", data=LONG, results=(result(),) * 50),
    effects.SendRequest(params=LONG, messages=BLOCKS, tools=BLOCKS, stream=True, thread=LONG),
    effects.Summarise(messages=BLOCKS, model="m" * 200, max_tokens=1),
    context.SummaryControl(prompt="long\n" * 1000),
    context.Note(level="warning", code="compaction-futile", text="long\n" * 1000),
    context.Thread(mode="continue", previous="p" * 200, created_with=LONG, refused=NAMES),
    context.Compaction(asked=LONG, config=LONG, response=LONG),
    context.Settings(params=LONG, tools=BLOCKS, runnable=frozenset(NAMES), changes=BLOCKS),
    testing.reply(*(testing.text("long\n" * 1000),) * 30),
    testing.disconnect(testing.text("long\n" * 1000)),
    testing.ScriptedRequest(number=1, method="POST", url="https://a/v1/messages", headers={}, body=LONG),
    testing.Held(messages=BLOCKS, fields=LONG),
]


def parts(value: object) -> Iterator[object]:
    """`value`, when it is one of ours, and all of ours that is in it."""
    if is_frozen(value):
        yield value
        for field in fields_of(type(value)):
            if not field.name.startswith("_"):
                yield from parts(getattr(value, field.name))
    elif isinstance(value, context.History):
        yield value
    elif isinstance(value, (tuple, frozenset)):
        for each in value:
            yield from parts(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from parts(each)


SAID = {type(part).__name__: [] for value in VALUES for part in parts(value)}
for value in VALUES:
    for part in parts(value):
        SAID[type(part).__name__].append(repr(part))


@pytest.mark.parametrize("kind", SAID)
def test_a_repr_is_one_short_line(kind):
    """At most 120 characters, which begin with what it is."""
    assert [] == [said for said in SAID[kind] if len(said) > 120 or "\n" in said or not said.startswith(f"{kind}(")]


@pytest.mark.parametrize("module", [context, effects, events])
def test_no_part_of_a_run_is_left_out(module):
    """Each type of a run has been seen, but for those without a field of any length."""
    short = {"AnswerAsked", "Closed", "Continued", "DrainStream", "LendStream", "Opened", "Perform"}
    types = {name for name in module.__all__ if isinstance(getattr(module, name), type)}

    assert set() == types - short - SAID.keys()


def test_a_runner_says_where_it_is():
    """Its run, its state, and why it stopped."""
    runner = fsm_runner.tool_runner(
        testing.ScriptedModel([testing.text("done")]).sync_client(),
        model="m", max_tokens=9, messages=[user()], tools=[], run_id="r1",
    )  # fmt: skip
    before = repr(runner)
    runner.until_done()

    assert "Runner(run='r1', state='start')" == before
    assert repr(runner).startswith("Runner(run='r1', state='done', stop=Stop(reason='completed', row='finish'")
    assert len(repr(runner)) <= 120


def test_a_repr_leaves_out_what_is_at_its_default():
    """What is left is what a reader looks for."""
    assert "Usage(input_tokens=7)" == repr(context.Usage(input_tokens=7))
    assert "Replied(message={'id': 'msg_1'})" == repr(events.Replied(message={"id": "msg_1"}))


def test_a_repr_says_where_the_run_is():
    """The state and the last rows, the effects to start, why it stopped, and how much was said."""
    assert "Step(state='request', rows=['begin', 'ask'], effects=['SendRequest'])" == repr(ASKED)
    assert "Snapshot(state='request', context=Context(messages=50, replies=0, calls=0))" == repr(ASKED.snapshot)
    assert "History(messages=50)" == repr(ASKED.snapshot.context.conversation.history)
    assert "stop=Stop(reason='failed'" in repr(LOST)
    assert "stop=Stop(reason='failed'" in repr(LOST.snapshot)
    assert f"Chart(name='tool_loop', states={len(MACHINE.chart.states)}, rows={len(MACHINE.chart.rows)})" == repr(
        MACHINE.chart
    )
