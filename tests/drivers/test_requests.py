"""What goes over the wire with every request of a run, and what comes back parsed."""

from __future__ import annotations

import anthropic
import httpx2
import pydantic
import pytest

from fsm_runner import RunError
from fsm_runner.testing import reply, text
from tests.drivers.drive import ASKED, use


class Ant(pydantic.BaseModel):
    """An ant."""

    legs: int


async def search(q: str) -> str:
    """Search."""
    return "found"


CALL = use("search", q="ants")
TWO = [CALL, text("done")]


def test_headers_query_and_body_go_with_every_request(drive):
    """The caller's extras are the SDK's."""
    drive.run(
        TWO, search, extra_headers={"x-trace": "7"}, extra_query={"debug": "1"}, extra_body={"extra": True}
    ).until_done()

    assert ["7", "7"] == [request.headers["x-trace"] for request in drive.model.requests]
    assert {"1"} == {httpx2.URL(request.url).params["debug"] for request in drive.model.requests}
    assert [True, True] == [body["extra"] for body in drive.requests]


def test_betas_go_in_their_header(drive):
    """And not in the body."""
    drive.run(TWO, search, betas=["files-api-2025-04-14", "skills-2025-10-02"]).until_done()

    assert {("files-api-2025-04-14", "skills-2025-10-02")} == {request.betas for request in drive.model.requests}
    assert "betas" not in drive.requests[0]


def test_the_runner_names_itself(drive):
    """As the SDK's runner does."""
    drive.run(TWO, search).until_done()

    assert {"BetaToolRunner"} == {request.headers["x-stainless-helper"] for request in drive.model.requests}


@pytest.mark.parametrize(("given", "expected"), [({}, "600"), ({"timeout": 7.0}, "7.0"), ({"timeout": None}, None)])
def test_the_timeout_is_the_requests(drive, given, expected):
    """None is no timeout at all, which is not the same as none given."""
    drive.run([text("done")], **given).until_done()

    assert expected == drive.model.requests[0].headers.get("x-stainless-read-timeout")


def test_other_parameters_go_as_they_are(drive):
    """Whatever the API takes beside messages and tools."""
    given = {
        "system": [{"type": "text", "text": "be brief"}],
        "tool_choice": {"type": "auto"},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["x"],
    }
    drive.run(TWO, search, **given).until_done()

    assert given == {key: drive.requests[0][key] for key in given}
    assert given == {key: drive.requests[1][key] for key in given}


def test_what_was_left_out_is_not_sent(drive):
    """The SDK's mark for it may be given."""
    drive.run([text("done")], system=anthropic.omit, max_iterations=anthropic.omit).until_done()

    assert {"model", "max_tokens", "messages", "tools"} >= drive.requests[0].keys()


def test_an_unknown_parameter_is_refused(drive):
    """Before anything is sent, by its name."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        drive.run([], temprature=1)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"run_tools_eagerly": True}, ValueError, "mutually exclusive"),
        ({"compaction": {"type": "summarize"}}, (TypeError, ValueError), "compaction"),
        ({"thread": {"id": "x"}}, TypeError, "thread"),
        (
            {"output_format": Ant, "output_config": {"format": {"type": "json_schema"}}},
            anthropic.AnthropicError,
            "Both output_format and output_config.format",
        ),
        ({"output_format": {"type": "object"}}, TypeError, "must be a type"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(drive, given, error, said):
    """Before anything is sent."""
    with pytest.raises(error, match=said):
        drive.run([], **given)


# ── structured output ───────────────────────────────────────────────────────────────────────────────────────────────


def test_text_is_parsed_into_the_output_format(drive):
    """Of the final reply; one with calls has none."""
    items = list(drive.run([CALL, text('{"legs": 6}')], search, output_format=Ant))

    assert [None, Ant(legs=6)] == [item.parsed_output for item in items]
    assert {"json_schema"} == {body["output_config"]["format"]["type"] for body in drive.requests}


def test_what_was_parsed_is_not_sent_back(drive):
    """The API takes no such field."""
    list(drive.run([reply(text('{"legs": 6}'), CALL), text('{"legs": 8}')], search, output_format=Ant))

    assert {"type": "text", "text": '{"legs": 6}'} == drive.requests[1]["messages"][1]["content"][0]


def test_an_output_format_can_be_changed(drive):
    """Like any parameter."""
    run = drive.run([CALL, text("[1, 2]")], search, output_format=Ant)
    next(run)
    run.set_messages_params(lambda params: {**params, "output_format": list[int]})

    assert [1, 2] == run.until_done().parsed_output


def test_a_run_without_tools(drive):
    """An empty list is allowed; the first reply is the last."""
    run = drive.run([text("done")])
    run.until_done()

    assert [] == drive.requests[0].get("tools", [])
    assert ASKED["messages"] == drive.requests[0]["messages"]


def test_what_a_run_cannot_give_is_a_run_error(drive):
    """It says why, and carries the reason."""
    run = drive.run([], max_iterations=0)
    with pytest.raises(RunError) as raised:
        run.until_done()

    assert ("limit", str(raised.value)) == (raised.value.reason, raised.value.problem)
