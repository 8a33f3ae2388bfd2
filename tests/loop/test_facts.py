"""The facts: each one below, at and one above its edge, and without what it asks about."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings

from fsm_runner.charts import load
from fsm_runner.loop import facts
from fsm_runner.loop.context import Call, Compaction, Counters, RunStatus, Settings, Thread, Turn
from fsm_runner.loop.enter import RESENDS
from fsm_runner.loop.events import Failed
from fsm_runner.loop.facts import FACTS, Fact, fact
from fsm_runner.loop.tool_loop import with_built_in
from tests.support.build import LOST, call, context, reply, text, use
from tests.support.strategies import STOP_REASONS, contexts

CUT = "max_tokens"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end_turn", "finished"),
        ("stop_sequence", "finished"),
        ("max_tokens", "finished"),
        ("model_context_window_exceeded", "finished"),
        ("refusal", "finished"),
        ("pause_turn", "wants_tools"),
        ("compaction", "wants_tools"),
        ("tool_use", "wants_tools"),
        ("a_new_reason", "unreadable"),
        (None, "unreadable"),
        (7, "unreadable"),
        (["end_turn"], "unreadable"),
        ({"end_turn": 1}, "unreadable"),
    ],
)
def test_turn_follows_the_stop_reason(stop, expected):
    """Every stop reason has one meaning, and one that is missing, new or no text is never a silent end."""
    assert expected == facts.turn(context(reply=reply(use(), stop=stop)))


@pytest.mark.parametrize("stop", ["pause_turn", "compaction"])
def test_a_paused_turn_goes_on_once_its_calls_have_results(stop):
    """The server goes on with it; a call of ours in it is answered first, for the API takes none without its result."""
    assert "paused" == facts.turn(context(reply=reply(text(), stop=stop)))
    assert "answered" == facts.turn(context(reply=reply(use(), stop=stop), calls=[call(status="done")]))


def test_turn_is_none_before_the_first_reply():
    """Without a reply nothing is asked for."""
    assert "none" == facts.turn(context())


def test_turn_is_finished_when_it_stopped_for_tools_and_calls_none():
    """There is nothing to run, so there is nothing to go on with."""
    assert "finished" == facts.turn(context(reply=reply(text(), stop="tool_use")))


@pytest.mark.parametrize(
    ("statuses", "turn", "calls"),
    [
        ([], "finished", "done"),
        (["waiting"], "wants_tools", "open"),
        (["done", "running"], "wants_tools", "open"),
        (["done", "waiting"], "wants_tools", "open"),
        (["done", "done"], "answered", "done"),
    ],
)
def test_a_turn_is_answered_by_the_last_of_its_results(statuses, turn, calls):
    """One call short of all is still open; a call that runs has no result yet."""
    given = context(reply=reply(stop="tool_use"), calls=[call(str(i), status=s) for i, s in enumerate(statuses)])

    assert (turn, calls) == (facts.turn(given), facts.calls(given))


@pytest.mark.parametrize(
    ("tokens", "threshold", "expected"),
    [(99, 100, "none"), (100, 100, "due"), (101, 100, "due"), (0, 0, "due"), (10**9, None, "none")],
)
def test_compaction_is_due_from_the_threshold_upwards(tokens, threshold, expected):
    """Reaching the threshold counts; no threshold never does."""
    assert expected == facts.compaction(context(reply=reply(use()), tokens=tokens, threshold=threshold))


@pytest.mark.parametrize(("tokens", "expected"), [(99, "none"), (100, "futile"), (101, "futile")])
def test_compaction_is_futile_when_a_summary_did_not_help(tokens, expected):
    """Right after a summary, a reply at the threshold says that another one would not help either."""
    fresh = Compaction(tokens=tokens, fresh=True)

    assert expected == facts.compaction(context(reply=reply(use()), threshold=100, compaction=fresh))


def test_compaction_is_not_due_without_a_reply():
    """Before the first reply there is nothing to summarise."""
    assert "none" == facts.compaction(context(tokens=100, threshold=100))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "asked"),
        ({"reply": reply(use()), "threshold": 0}, "asked"),
        ({"reply": reply(use(), stop=CUT)}, "blocked"),
        ({"reply": reply(use(), stop=None)}, "blocked"),
        ({"reply": reply(use(), stop=CUT), "owned": True}, "asked"),
        ({"reply": reply(use(), stop=CUT), "calls": [call(status="done")]}, "blocked"),
        ({"reply": reply(use(), stop="pause_turn")}, "asked"),
        ({"reply": reply(text())}, "asked"),
    ],
)
def test_compaction_that_was_asked_for_is_blocked_by_calls_the_run_ends_on(given, expected):
    """The API refuses a history that ends in a call without result, also one whose result nobody sends, unless the
    caller has seen to the history."""
    asked = Compaction(asked={"type": "summarize"})

    assert expected == facts.compaction(context(**given, compaction=asked))


@pytest.mark.parametrize(
    ("limits", "spent", "expected"),
    [
        ({"iterations": 3}, {"iterations": 2}, "free"),
        ({"iterations": 3}, {"iterations": 3}, "reached"),
        ({"iterations": 3}, {"iterations": 4}, "reached"),
        ({"iterations": 0}, {}, "reached"),
        ({"iterations": 1}, {}, "free"),
        ({"iterations": None}, {"iterations": 10**9}, "free"),
        ({"iterations": 3, "cost": 1}, {"cost": 1}, "reached"),
        ({}, {"iterations": 5}, "free"),
    ],
)
def test_limit_is_reached_when_as_much_is_spent_as_it_allows(limits, spent, expected):
    """At the limit counts; null is no limit; one limit of several is enough."""
    assert expected == facts.limit(context(limits=limits, spent=spent))


@pytest.mark.parametrize(("closed", "expected"), [(True, "true"), (False, "false")])
def test_closed_is_what_the_caller_did(closed, expected):
    """A run is open until the caller closes it."""
    assert expected == facts.closed(context(stand=RunStatus(closed=closed)))


@pytest.mark.parametrize("awaits", ["nothing", "more", "answer"])
def test_awaits_is_what_the_caller_asked_for(awaits):
    """The three things a caller can wait for are told apart."""
    assert awaits == facts.awaits(context(stand=RunStatus(awaits=awaits)))


def early(*arriving: Call, eager: bool = True) -> str:
    """The answer of the fact after `arriving`."""
    settings = Settings(eager=eager, runnable=frozenset({"search"}), toolsets=frozenset({"files"}))
    return facts.early(context(settings=settings, turn=Turn(arriving=arriving)))


@pytest.mark.parametrize(
    ("arriving", "expected"),
    [
        ([], "wait"),
        ([call()], "run"),
        ([call(held=True)], "wait"),
        ([call(name="unknown")], "wait"),
        ([call("a", held=True), call("b")], "run"),
        ([call("a", "read", "files")], "run"),
        ([call("a", "read", "files", "done"), call("b", "read", "files")], "run"),
        ([call("a", "read", "files", "done", error=True), call("b", "read", "files")], "wait"),
        ([call("a", "read", "files"), call("b", "read", "files")], "wait"),
        ([call("a", "read", "others"), call("b", "read", "files")], "run"),
        ([call("a", "files"), call("b", "read", "files")], "wait"),
    ],
)
def test_a_call_runs_early_unless_something_before_it_waits(arriving, expected):
    """Held and unknown calls wait, and so do later members of a toolset of which one waits or failed."""
    assert expected == early(*arriving)


def test_no_call_runs_early_unless_the_caller_wants_it():
    """Running while the reply streams is a choice."""
    assert "wait" == early(call(), eager=False)


@pytest.mark.parametrize(
    ("failure", "effect", "expected"),
    [
        (None, None, "none"),
        (LOST, "send_request", "retry"),
        (LOST, "call_tools", "retry"),
        (LOST, "compact", "none"),
        (Failed(error="APIStatusError", text="no", status=400, code="never_heard_of"), "send_request", "retry"),
    ],
)
def test_recovery_is_up_to_the_caller(failure, effect, expected):
    """What failed is tried again when the caller asks, but for a compaction by the API."""
    assert expected == facts.recovery(context(stand=RunStatus(failure=failure, failed_effect=effect)))


@pytest.mark.parametrize(("resends", "expected"), [(RESENDS - 1, "resend"), (RESENDS, "retry"), (RESENDS + 1, "retry")])
def test_a_request_is_sent_again_at_most_twice(resends, expected):
    """Once the thread was adjusted to what the server said, the count decides."""
    failure = Failed(error="APIStatusError", text="no such thread", code="thread_not_found")
    stand = RunStatus(failure=failure, failed_effect="send_request")
    given = context(counters=Counters(resends=resends), stand=stand, thread=Thread(mode="new", adjusted=True))

    assert expected == facts.recovery(given)


@given(contexts())
@settings(max_examples=300)
def test_no_context_gives_an_answer_that_is_not_declared(given):
    """The answers of each fact are closed, whatever the context."""
    for each in FACTS.values():
        assert each(given) in each.answers


@given(contexts())
@settings(max_examples=300)
def test_no_context_gives_a_combination_declared_impossible(given):
    """The check of a chart leaves those combinations out, so none may ever happen."""
    answers = {name: each(given) for name, each in FACTS.items()}

    for each in FACTS.values():
        for pattern in each.impossible:
            assert not all(answers[name] in excluded for name, excluded in pattern), (each.name, pattern, answers)


LINKED = ("turn", "calls", "compaction", "reflection")
"""The facts that are declared impossible beside each other."""


def contexts_for_linked():
    """Contexts that differ in all that these facts look at."""
    for stop, calls, tokens, threshold in product(
        ("no reply", "an unknown one", *STOP_REASONS), ((), (call(),), (call(status="done"),)), (99, 100), (None, 100)
    ):
        for asked, response, fresh, owned, limits in product(
            (None, {}), (None, {}), (False, True), (False, True), ({}, {"reflections": 1})
        ):
            yield context(
                turn=Turn(reply=None if stop == "no reply" else reply(text(), stop=stop), calls=calls),
                threshold=threshold,
                compaction=Compaction(tokens=tokens, asked=asked, response=response, fresh=fresh),
                owned=owned,
                limits=limits,
            )


def test_what_is_declared_impossible_is_all_that_never_comes_together():
    """Of the facts that are linked: no context gives such a combination, and some context gives each of the others; but
    for one of four facts, which no chart asks at once."""
    declared = [dict(pattern) for each in FACTS.values() for pattern in each.impossible]
    every = [dict(zip(LINKED, some, strict=True)) for some in product(*(FACTS[name].answers for name in LINKED))]
    possible = [each for each in every if not any(all(each[name] in said[name] for name in said) for said in declared)]
    met = {tuple(FACTS[name](given) for name in LINKED) for given in contexts_for_linked()}

    assert set(LINKED) == {name for said in declared for name in said}
    assert {tuple(each.values()) for each in possible} - {("finished", "open", "asked", "due")} == met


def test_a_fact_of_the_users_own_is_not_held_to_what_the_built_in_one_cannot_answer():
    """Under the name of a built-in fact it may answer anything, beside those that spoke of that one as well."""

    @fact(answers=("none", "due"))
    def compaction(context):
        """Whether the history is long."""
        return "due"

    known = with_built_in([compaction])

    assert compaction is known["compaction"]
    assert FACTS["turn"] is known["turn"]
    assert () == with_built_in([replace(FACTS["calls"], ask=lambda _: "done")])["turn"].impossible
    assert FACTS["reflection"].impossible == with_built_in([])["reflection"].impossible
    assert () == with_built_in([replace(FACTS["turn"], impossible=())])["compaction"].impossible


@given(contexts())
def test_a_fact_of_the_same_context_has_the_same_answer(given):
    """Facts are pure."""
    assert [each(given) for each in FACTS.values()] == [each(given) for each in FACTS.values()]


def test_the_charts_declare_the_answers_that_the_code_gives(machine):
    """What the shipped charts list for each fact is what its code can answer, in the same order."""
    charts = (machine.chart, load("finalise"), load("reflect"))
    declared = {use.name: use.answers for chart in charts for use in chart.facts}

    assert {name: each.answers for name, each in FACTS.items()} == declared


def test_a_function_becomes_a_fact_with_its_name_and_first_line():
    """A fact of one's own is a function with a docstring and its answers."""

    @fact(answers=("yes", "no"), version=2)
    def risky(context):
        """Whether a call is risky.

        More of it.
        """
        return "yes" if context.turn.calls else "no"

    assert isinstance(risky, Fact)
    assert ("risky", ("yes", "no"), 2) == (risky.name, risky.answers, risky.version)
    assert "Whether a call is risky." == risky.about
    assert ("no", "yes") == (risky(context()), risky(context(reply=reply(use()))))
