"""What is handed out of a run's data: nobody's hands are on what is sent and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
import pytest

import fsm_runner
from fsm_runner import Reported
from fsm_runner.drivers.copies import Copies
from fsm_runner.engine.frozen import fields_of, is_frozen
from fsm_runner.loop.context import Context, Conversation
from fsm_runner.loop.history import History
from fsm_runner.testing import reply, text
from tests.drivers.drive import ASKED, use
from tests.drivers.test_own_charts import asks, edited

SCRIPT = [
    reply(text("Let me look."), use("search", filters={"tags": ["a", {"b": [1]}]})),
    reply(use("search", filters={"tags": ["c"]}), use("delete", path="x")),
    text("done"),
]


def vandalise(value: Any) -> None:
    """Change everything in `value` that can be changed."""
    if isinstance(value, pydantic.BaseModel):
        for name in type(value).model_fields:
            vandalise(getattr(value, name, None))
    elif is_frozen(value):
        for field in fields_of(type(value)):
            vandalise(getattr(value, field.name))
    elif isinstance(value, dict):
        for each in list(value.values()):
            vandalise(each)
        value["vandal"] = "was here"
    elif isinstance(value, list | tuple | History):
        for each in value:
            vandalise(each)
        if isinstance(value, list):
            value.append({"vandal": "was here"})


def leave(value: Any) -> None:
    """Change nothing."""


def played(drive: Any, tmp_path: Any, *, hands: Any, where: str, **options: Any) -> tuple[list[Any], Any]:
    """The requests and the journal's report of a run in which `hands` get what is handed out in one place."""

    def at(place: str) -> Any:
        return hands if place == where else leave

    async def search(filters: dict[str, Any]) -> str:
        """Search."""
        at("tool")(filters)
        return "found"

    async def delete(path: str) -> str:
        """Delete a file."""
        return "gone"

    def ask_human(view: Any) -> Reported:
        for part in (view.snapshot, view.messages, view.reply, view.calls):
            at("effect")(part)
        data = {"who": ["a person"]}
        answer = Reported(name="allowed", data=data)
        reports.append(data)
        return answer

    def listen(event: Any, step: Any) -> None:
        at("event")(event)
        at("step")(step)

    reports: list[Any] = []
    journal = tmp_path / f"{where}-{hands.__name__}.jsonl"
    if "effects" in options:
        options |= {"chart": edited(tmp_path), "facts": [asks], "effects": {"ask_human": ask_human}}
    run = drive.run(SCRIPT, search, delete, journal=journal, on_step=listen, **options)
    for item in run:
        at("messages")(run.messages)
        at("snapshot")(run.snapshot)
        at("stop")(run.stop)
        if where == "message" and not options.get("stream"):
            hands(item)
        for data in reports:
            at("report")(data)
    at("stop")(run.stop)
    return [{**body, "stream": None} for body in drive.requests], fsm_runner.replay(journal, facts=[asks])


PLACES = ["tool", "event", "step", "messages", "snapshot", "stop", "effect", "message", "report"]
HOW = {"message": {}, "stream": {"stream": True}, "eager": {"stream": True, "run_tools_eagerly": True}}


@pytest.mark.parametrize("how", [*HOW, "effects"])
@pytest.mark.parametrize("where", PLACES)
def test_whatever_is_done_to_what_is_handed_out_the_run_is_the_same(drive, tmp_path, where, how):
    """The requests are those of a run that nobody touched, and the journal conforms."""
    options = {"effects": {}} if how == "effects" else HOW[how]
    expected, _ = played(drive, tmp_path, hands=leave, where=where, **options)
    requests, report = played(drive, tmp_path, hands=vandalise, where=where, **options)

    assert expected == requests
    assert report.conforms, str(report)


def test_what_the_parameters_function_is_given_is_a_copy(drive):
    """It may be edited, and something else be returned."""
    run = drive.run([reply(use("search", filters={"tags": ["a"]})), text("done")], search)
    next(run)
    before = run.snapshot.context

    def spoilt(params):
        vandalise(params["messages"])
        vandalise(params["tools"])
        return {**ASKED, "messages": run.messages, "tools": [dict(tool) for tool in before.settings.tools]}

    run.set_messages_params(spoilt)

    assert before.conversation == run.snapshot.context.conversation
    assert before.settings.tools == run.snapshot.context.settings.tools
    run.until_done()


async def search(filters: dict[str, Any]) -> str:
    """Search."""
    return "found"


def test_a_call_that_is_held_is_handed_out_as_a_copy(drive):
    """The tool gets what the model said."""
    got = []

    async def search(filters: dict[str, Any]) -> str:
        """Search."""
        got.append(filters)
        return "found"

    run = drive.run(
        [reply(use("search", filters={"tags": ["a"]})), text("done")], search, stream=True, run_tools_eagerly=True
    )
    stream = next(run)
    for event in stream:
        if event.type == "content_block_start":
            run.defer_tool_call(event.content_block.id)
    (call,) = run.deferred_tool_calls
    vandalise(call.input)
    run.until_done()

    assert [{"tags": ["a"]}] == got


def test_the_tool_response_can_still_be_edited_in_place(drive):
    """That is what it is handed out for, and the edit is on record."""
    run = drive.run([reply(use("search", filters={})), text("done")], search)
    next(run)
    response = run.generate_tool_call_response()
    response["content"][0]["content"] = "something else"
    run.until_done()

    assert "something else" == drive.model.requests[1].tool_results[0]["content"]


def test_a_part_that_has_not_changed_is_copied_once():
    """And of a history, only what is new."""
    copies, message = Copies(), {"role": "user", "content": [{"type": "text", "text": "a"}]}
    history = History([message])
    first = copies.of(Context(conversation=Conversation(history=history)))
    longer = Context(conversation=Conversation(history=history.appended({"role": "user", "content": "b"})))
    second = copies.of(longer)

    assert longer == second
    assert first.settings is not second.settings
    assert first.conversation.history[0] is second.conversation.history[0]
    assert message is not second.conversation.history[0]
    assert second is copies.of(longer)
    assert isinstance(second.settings.params, Mapping)
