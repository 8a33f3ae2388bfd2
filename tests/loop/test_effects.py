"""The effects: all that performing them takes, as plain data."""

from __future__ import annotations

import pytest

from fsm_runner.loop.context import Call, Compaction, Context, Settings, SummaryControl, Turn
from fsm_runner.loop.effects import (
    CallTool,
    DrainStream,
    LendStream,
    Perform,
    SendRequest,
    Summarise,
    effects_again,
    effects_of,
    tool_response,
    without_reply_params,
)
from tests.support.build import PARAMS, call, context, reply, result, text, use, user

CONFIG = {"type": "summarize"}
TOOLS = ({"name": "search"},)


def test_a_request_is_made_of_history_and_settings():
    """Messages, parameters, tools and whether it streams; it asks for a reply."""
    settings = Settings(params=PARAMS, tools=TOOLS, stream=True)
    (request,) = effects_of("send_request", context(user(), settings=settings))

    assert [user()] == list(request.messages)
    assert (PARAMS, TOOLS, True, "reply") == (request.params, request.tools, request.stream, request.purpose)


def test_a_compaction_is_a_request_with_its_configuration():
    """The parameters that shape a reply are left off, for this request alone."""
    settings = Settings(params={**PARAMS, "stop_sequences": ["x"]}, tools=TOOLS)
    given = context(user(), settings=settings, compaction=Compaction(config=CONFIG))
    (request,) = effects_of("compact", given)

    assert SendRequest(
        messages=given.conversation.history, params={**PARAMS, "compaction": CONFIG}, tools=TOOLS, stream=False,
        purpose="compaction",
    ) == request  # fmt: skip
    assert "stop_sequences" in given.settings.params


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"context_management": {}, "stop_sequences": [], "output_format": {}, "system": "s"}, {"system": "s"}),
        ({"tool_choice": {"type": "any"}}, {}),
        ({"tool_choice": {"type": "tool", "name": "t"}}, {}),
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": {"type": "auto"}}),
        ({"output_config": {"format": {}, "effort": "low"}}, {"output_config": {"effort": "low"}}),
        ({"output_config": None}, {"output_config": None}),
        ({"fallbacks": "none"}, {"fallbacks": "none"}),
        (
            {"fallbacks": [{"model": "m", "output_config": {"format": {}}}, {"model": "n"}]},
            {"fallbacks": [{"model": "m", "output_config": {}}, {"model": "n"}]},
        ),
    ],
)
def test_what_only_shapes_a_reply_is_left_off_a_compaction(params, expected):
    """The API refuses it beside `compaction`; all else stays."""
    assert expected == without_reply_params(params)


def test_a_stream_is_lent_or_drained():
    """The stream itself is the driver's."""
    assert (LendStream(),) == effects_of("lend_stream", context())
    assert (DrainStream(),) == effects_of("drain_stream", context())


def test_an_effect_of_ones_own_is_performed_by_name():
    """What is not built in is the user's."""
    assert (Perform(name="ask_a_person"),) == effects_of("ask_a_person", context())


def calling(*calls: Call, starting: tuple[str, ...], toolsets: frozenset[str] = frozenset({"files"})) -> Context:
    """A turn whose `starting` calls start now."""
    return context(
        turn=Turn(calls=calls, starting=starting), settings=Settings(runnable=frozenset({"search"}), toolsets=toolsets)
    )


def test_calls_that_start_are_called_in_the_models_order():
    """Each with its block; those that run already are not called again."""
    given = calling(call("b", status="running"), call("c", status="running"), call("a"), starting=("a", "b"))

    assert (CallTool(id="b", block=use("b")), CallTool(id="a", block=use("a"))) == effects_of("call_tools", given)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (call("a", "read", "files", "done", error=True), "skip"),
        (call("a", "read", "files", "done"), "run"),
        (call("a", "read", "browser", "done", error=True), "run"),
        (call("a", "read", status="done", error=True), "run"),
        (call("a", "files", status="done", error=True), "skip"),
    ],
)
def test_a_member_of_a_toolset_is_skipped_after_a_failed_one(first, kind):
    """Of the same toolset; other calls that failed do not matter."""
    given = calling(first, call("b", "write", "files", "running"), starting=("b",))

    assert [kind] == [effect.kind for effect in effects_of("call_tools", given)]


def test_a_later_failure_skips_nothing():
    """Only members before it in the reply count."""
    calls = call("a", "read", "files", "running"), call("b", "write", "files", "done", error=True)

    assert ["run"] == [effect.kind for effect in effects_of("call_tools", calling(*calls, starting=("a",)))]


@pytest.mark.parametrize("unknown", [call("b", "write", "files", "running"), call("b", "write", status="running")])
def test_what_nobody_runs_is_unknown(unknown):
    """The driver answers so; a toolset that it does not have is not skipped either."""
    failed = call("a", "read", "files", "done", error=True)
    given = calling(failed, unknown, starting=("b",), toolsets=frozenset())

    assert ["unknown"] == [effect.kind for effect in effects_of("call_tools", given)]


def test_the_last_call_to_arrive_is_called_early():
    """And marked so, since the reply is still streaming."""
    given = context(turn=Turn(arriving=(call("a", status="done"), call("b", status="running"))))

    assert (CallTool(id="b", block=use("b"), early=True),) == effects_of("call_early", given)
    assert effects_of("call_early", given) == effects_again("call_early", given)


def test_going_on_calls_what_was_running():
    """Calls that are done do not run again, and waiting ones wait for their turn."""
    given = calling(call("a", status="done"), call("b", status="running"), call("c"), starting=())

    assert (CallTool(id="b", block=use("b")),) == effects_again("call_tools", given)
    assert effects_of("send_request", given) == effects_again("send_request", given)


def summarising(control: SummaryControl | None, **params: object) -> Summarise:
    """The order to summarise a history that ends in an open call."""
    last = {"role": "assistant", "content": [text("let me see"), use()]}
    settings = Settings(params=params, summary=control)
    (order,) = effects_of("summarise", context(user(), last, settings=settings))
    assert isinstance(order, Summarise)
    return order


def test_a_summary_is_asked_for_after_the_history_without_open_calls():
    """The reply that crossed the threshold is in it, its tool calls are not, and the prompt comes last."""
    order = summarising(SummaryControl(prompt="sum up"), **PARAMS)

    assert (user(), {"role": "assistant", "content": [text("let me see")]}, user("sum up")) == order.messages


@pytest.mark.parametrize(
    ("control", "params", "expected"),
    [
        (SummaryControl(), PARAMS, ("claude", 64)),
        (SummaryControl(model="small"), PARAMS, ("small", 64)),
        (None, PARAMS, ("claude", 64)),
        (SummaryControl(), {}, ("", 1)),
    ],
)
def test_a_summary_is_written_by_the_runs_model_unless_another_is_named(control, params, expected):
    """It may be as long as a reply."""
    order = summarising(control, **params)

    assert expected == (order.model, order.max_tokens)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], None),
        ([call("a")], None),
        ([call("b", status="done"), call("a", status="done")], {"role": "user", "content": [result("b"), result("a")]}),
    ],
)
def test_the_tool_response_holds_the_results_in_order(calls, expected):
    """Without any there is none."""
    assert expected == tool_response(context(reply=reply(), calls=calls))


def test_a_compaction_has_no_tool_response():
    """The calls of the turn before it are not its own."""
    assert tool_response(context(calls=[call(status="done")], compaction=Compaction(config=CONFIG))) is None
