"""Orders as requests: whose headers win, what an output format sends, what a summary must be."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from fsm_runner.adapters.anthropic.requests import OutputFormat, RequestOptions, check_summary, request_arguments
from fsm_runner.engine.errors import ReplyError
from fsm_runner.loop.effects import SendRequest


class Ant(pydantic.BaseModel):
    """An ant."""

    legs: int


def arguments(*, headers=None, stream=False, purpose="reply", output_format=None, tools=None, **params):
    """What `create` is called with."""
    order = SendRequest(messages=(), params=params, tools=None, stream=stream, purpose=purpose)
    options = RequestOptions(headers=headers or {})
    return request_arguments(order, options, tools=tools, output_format=output_format)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ({}, {"x-stainless-helper": "BetaToolRunner"}),
        ({"x-trace": "1"}, {"x-stainless-helper": "BetaToolRunner", "x-trace": "1"}),
        ({"X-Stainless-Helper": "mine"}, {"x-stainless-helper": "BetaToolRunner, mine"}),
    ],
)
def test_helpers_add_up_and_other_headers_are_the_callers(theirs, expected):
    """Whatever the casing."""
    assert expected == arguments(headers=theirs)["extra_headers"]


def test_the_callers_headers_win():
    """Over ours of the same name, in any case."""
    sent = arguments(headers={"X-Stainless-Helper-Method": "mine"}, stream=True)["extra_headers"]

    assert "mine" == sent["X-Stainless-Helper-Method"]
    assert "x-stainless-helper-method" not in sent


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RequestOptions(), set()),
        (RequestOptions(query={"a": 1}), {"extra_query"}),
        (RequestOptions(body={"a": 1}), {"extra_body"}),
        (RequestOptions(timeout=None, has_timeout=True), {"timeout"}),
        (RequestOptions(timeout=3.0, has_timeout=True), {"timeout"}),
    ],
)
def test_options_that_were_not_given_are_not_passed_on(options, expected):
    """The SDK has a rule of its own for a timeout that is not given, and None is a value."""
    assert expected | {"extra_headers"} == options.arguments({}).keys()


def test_an_output_format_becomes_part_of_the_output_config():
    """Beside what the caller set there."""
    sent = arguments(output_format=OutputFormat(Ant), output_config={"effort": "low"})

    assert ["effort", "format"] == sorted(sent["output_config"])
    assert ["legs"] == list(sent["output_config"]["format"]["schema"]["properties"])
    assert "output_format" not in sent


def test_a_compaction_has_no_output_format():
    """It is no reply."""
    assert "output_config" not in arguments(output_format=OutputFormat(Ant), purpose="compaction")


def test_tools_are_sent_only_if_there_are_any_to_speak_of():
    """An empty list is something that the caller said; nothing is not."""
    assert "tools" not in arguments()
    assert [] == arguments(tools=[])["tools"]


@pytest.mark.parametrize("type_", [Ant, list[int], dict[str, Any], int])
def test_an_output_format_is_any_type_with_a_schema(type_):
    """A model, or what pydantic can make one of; it has a name for the journal."""
    made = OutputFormat(type_)

    assert "json_schema" == made.param["type"]
    assert made.name


@pytest.mark.parametrize("wrong", [{"type": "object"}, type("Odd", (), {})])
def test_what_is_no_output_format_is_refused(wrong):
    """A schema goes elsewhere."""
    with pytest.raises(TypeError, match="`output_format`"):
        OutputFormat(wrong)


def test_text_is_parsed_strictly_as_json():
    """Other text is pydantic's error."""
    assert Ant(legs=6) == OutputFormat(Ant).parse('{"legs": 6}')
    with pytest.raises(pydantic.ValidationError):
        OutputFormat(Ant).parse("six legs")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "end_turn"),
        ("text", "end_turn"),
        (None, "end_turn"),
        ([{"type": "thinking"}], "end_turn"),
        ([{"type": "text", "text": ""}, {"type": "text", "text": " \n"}], "end_turn"),
        ([{"type": "text", "text": "so"}], "max_tokens"),
        ([{"type": "text", "text": "no"}], "refusal"),
        ([{"type": "text", "text": "so"}], "tool_use"),
        ([{"type": "text", "text": "so"}], None),
    ],
)
def test_a_summary_is_whole_and_has_text(content, reason):
    """Anything else is none, and the error holds the reply."""
    message = {"content": content, "stop_reason": reason}
    with pytest.raises(ReplyError, match="the history stays as it was") as raised:
        check_summary(message)

    assert message is raised.value.reply


def test_a_summary_may_think_first():
    """What was thought is no part of it."""
    check_summary({"content": [{"type": "thinking"}, {"type": "text", "text": "so far"}], "stop_reason": "end_turn"})
