"""Every rule refuses a request that breaks it, and lets one through that keeps it.

The requests go through the real client where it can make them; headers are taken away on a bare one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import anthropic
import httpx2
import pytest

from fsm_runner.testing import RULES, ScriptedModel, text
from tests.testing.conftest import ASKED, SEARCH, create_sync

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def said(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if content and isinstance(content[0], str) else list(content)}


def told(*content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "system", "content": list(content), **more}


def call(id: str = "a") -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "search", "input": {}}


def result(id: str = "a") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": "x"}


def sent(*messages: Any, **more: Any) -> dict[str, Any]:
    return {**ASKED, "messages": list(messages), **more}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ASKED.items() if name != field}


def cached(words: str) -> dict[str, Any]:
    return {**text(words), "cache_control": {"type": "ephemeral"}}


SERVED = (
    {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}},
    {"type": "web_search_tool_result", "tool_use_id": "srv", "content": []},
)

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}

BROKEN = [
    ("json_body", [], "The request body is not valid JSON"),
    ("model_given", without("model"), "model: Field required"),
    ("model_given", {**ASKED, "model": ""}, "model: String should have at least 1 character"),
    ("max_tokens", without("max_tokens"), "max_tokens: Field required"),
    ("max_tokens", {**ASKED, "max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ("max_tokens", {**ASKED, "max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
    ("temperature", {**ASKED, "temperature": 1.01}, "temperature: range: 0..1"),
    ("temperature", {**ASKED, "temperature": -0.01}, "temperature: range: 0..1"),
    ("temperature", {**ASKED, "temperature": "hot"}, "temperature: Input should be a valid number"),
    ("tool_name", {**ASKED, "tools": [SEARCH, {**SEARCH, "name": "a b"}]}, "tools.1.custom.name: String should match"),
    ("tool_name", {**ASKED, "tools": [{**SEARCH, "name": "n" * 129}]}, "tools.0.custom.name: String should match"),
    ("tool_name", {**ASKED, "tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
    ("tool_names_unique", {**ASKED, "tools": [SEARCH, SEARCH]}, "tools: Tool names must be unique."),
    ("tool_choice", {**ASKED, "tool_choice": {"type": "any"}}, "tool_choice.any may only be specified while"),
    (
        "tool_choice",
        {**ASKED, "tools": [SEARCH], "tool_choice": {"type": "tool", "name": "find"}},
        "Tool 'find' not found in provided tools",
    ),
    (
        "cache_breakpoints",
        sent(user(*(cached(word) for word in "abcde"))),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    ("messages_given", without("messages"), "messages: Field required"),
    ("messages_given", sent(), "messages: at least one message is required"),
    ("role_known", sent({"role": "tool", "content": "a"}), 'messages: Unexpected role "tool".'),
    ("role_known", sent({"content": "a"}), "messages.0.role: Field required"),
    ("role_known", sent("hi"), "messages.0: Input should be an object"),
    ("user_first", sent(said("a"), user("b")), 'messages: first message must use the "user" role'),
    ("system_placed", sent(told(text("a")), user("b")), "messages.0: use the top-level 'system' parameter"),
    ("system_placed", sent(user("a"), said("b"), told(text("c"))), "messages.2: role 'system' must follow"),
    ("system_placed", sent(user("a"), told(text("b")), user("c")), "messages.1: role 'system' must precede"),
    ("content_given", sent(user("")), "messages.0: all messages must have non-empty content"),
    ("content_given", sent(user("a"), said(), user("b")), "messages.1: all messages must have non-empty content"),
    ("content_given", sent({"role": "user"}), "messages.0.content: Field required"),
    ("text_given", sent(user(text("a"), text(""))), "messages: text content blocks must be non-empty"),
    ("text_given", sent(user(" \n")), "messages: text content blocks must contain non-whitespace text"),
    ("text_given", {**ASKED, "system": [text("")]}, "system: text content blocks must be non-empty"),
    ("thinking_followed", sent(user("a"), said(THOUGHT), user("b")), "messages.1: The final block in an assistant"),
    ("blocks_placed", sent(user(call())), "messages.0: `tool_use` blocks can only be in `assistant` messages"),
    ("blocks_placed", sent(user("a"), said(result())), "messages.1: `tool_result` blocks can only be in `user`"),
    (
        "call_ids_unique",
        sent(user("a"), said(call(), call()), user(result())),
        "messages.1.content.1: `tool_use` ids must be unique",
    ),
    (
        "call_ids_unique",
        sent(user("a"), said(call()), user(result()), said(call()), user(result())),
        "messages.3.content.0: `tool_use` ids must be unique",
    ),
    (
        "calls_answered",
        sent(user("a"), said(call("a"), call("b"), call("c")), user(result("b"))),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a, c. Each `tool_use`",
    ),
    ("calls_answered", sent(user("a"), said(call())), "messages.1: `tool_use` ids were found without"),
    ("calls_answered", sent(user("a"), said(call()), user("no")), "messages.1: `tool_use` ids were found without"),
    (
        "calls_answered",
        sent(user("a"), said(call()), user(text("first"), result())),
        "messages.1: `tool_use` ids were found without",
    ),
    (
        "results_called",
        sent(user("a"), said(call()), user(result(), result("z"))),
        "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: z. Each `tool_result`",
    ),
    ("results_called", sent(user(result())), "messages.0.content.0: unexpected `tool_use_id`"),
    (
        "results_called",
        sent(user("a"), said(call()), user(result()), said("b"), user(result())),
        "messages.4.content.0: unexpected `tool_use_id`",
    ),
    (
        "results_single",
        sent(user("a"), said(call()), user(result(), result())),
        "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: a",
    ),
    *(
        (
            "results_readable",
            sent(user("a"), said(call()), user({**result(), "content": content})),
            f"messages.2.content.0.tool_result.content{problem}",
        )
        for content, problem in [
            ({"a": 1}, ": Input should be a valid list"),
            (7, ": Input should be a valid list"),
            ([text("x"), "y"], ".1: Input should be an object"),
            ([{"text": "x"}], ".0.type: Field required"),
        ]
    ),
    ("ends_in_text", sent(user("a"), said("b ")), "messages: final assistant content cannot end with trailing"),
    ("ends_in_text", sent(user("a"), said(text("b\n"))), "messages: final assistant content cannot end with"),
    (
        "no_prefill",
        sent(user("a"), said("b"), model="claude-opus-4-6"),
        "This model does not support assistant message prefill. The conversation must end with a user message.",
    ),
    ("no_prefill", sent(user("a"), said("b"), model="claude-sonnet-5"), "This model does not support assistant"),
]

KEPT = [
    ("json_body", ASKED),
    ("model_given", {**ASKED, "model": "any"}),
    ("max_tokens", {**ASKED, "max_tokens": 0}),
    ("max_tokens", {**ASKED, "max_tokens": 1}),
    ("temperature", {**ASKED, "temperature": 0}),
    ("temperature", {**ASKED, "temperature": 1.0}),
    ("temperature", {**ASKED, "temperature": None}),
    ("tool_name", {**ASKED, "tools": [{**SEARCH, "name": "n" * 128}, {**SEARCH, "name": "a-B_9", "type": "custom"}]}),
    ("tool_name", {**ASKED, "tools": [{"type": "mcp_toolset", "mcp_server_name": "a"}]}),
    ("tool_names_unique", {**ASKED, "tools": [SEARCH, {**SEARCH, "name": "find"}]}),
    ("tool_choice", {**ASKED, "tools": [SEARCH], "tool_choice": {"type": "tool", "name": "search"}}),
    ("tool_choice", {**ASKED, "tools": [SEARCH], "tool_choice": {"type": "any"}}),
    ("tool_choice", {**ASKED, "tool_choice": {"type": "none"}}),
    (
        "tool_choice",
        {
            **ASKED,
            "tools": [{"type": "computer_toolset_20260801"}],
            "tool_choice": {"type": "tool", "name": "screenshot"},
        },
    ),
    ("tool_choice", {**ASKED, "tool_choice": {"type": "any"}, "mcp_servers": [{"name": "a"}]}),
    ("cache_breakpoints", sent(user(*(cached(word) for word in "abcd")))),
    (
        "cache_breakpoints",
        sent(user("a"), said({**call(), "input": {"content": [cached(w) for w in "abcde"]}}), user(result())),
    ),
    ("messages_given", sent(user("a"))),
    ("role_known", sent(user("a"), said("b"), user("c"), told(text("d")))),
    ("user_first", sent(user("a"), user("b"), said("c"), user("d"))),
    ("user_first", sent(said({"type": "compaction", "content": "short"}), user("b"))),
    ("system_placed", sent(user("a"), told(text("b")), said("c"), user("d"))),
    ("system_placed", sent(user("a"), said(*SERVED), told(text("b")))),
    ("system_placed", sent(told(output_config={"effort": "low"}), user("a"))),
    ("content_given", sent(user("a"), said())),
    ("content_given", sent(user("a"), said(""))),
    ("text_given", sent(user(" a "))),
    ("text_given", {**ASKED, "system": ""}),
    ("thinking_followed", sent(user("a"), said(THOUGHT, call()), user(result()))),
    ("blocks_placed", sent(user("a"), said(call()), user(result()))),
    ("call_ids_unique", sent(user("a"), said(call()), user(result()), said(call("b")), user(result("b")))),
    ("calls_answered", sent(user("a"), said(call("a"), call("b")), user(result("b"), result("a"), text("so")))),
    ("calls_answered", sent(user("a"), said(call("a")), said(call("b")), user(result("a")), user(result("b")))),
    ("results_called", sent(user("a"), said(call()), user(result()), told(text("b")))),
    ("results_single", sent(user("a"), said(call("a"), call("b")), user(result("a"), result("b")))),
    ("results_readable", sent(user("a"), said(call()), user({**result(), "content": [text("x")]}))),
    ("results_readable", sent(user("a"), said(call()), user({**result(), "content": None}))),
    ("results_readable", sent(user("a"), said(call()), user({**result(), "content": []}))),
    ("ends_in_text", sent(user("a"), said("b"))),
    ("ends_in_text", sent(user("a"), said("b "), user("c"))),
    ("no_prefill", sent(user("a"), said("b"), model="claude-sonnet-4-5-20250929")),
    ("no_prefill", sent(user("a"), said("b"), model="claude-sonnet-4-20250514")),
    ("no_prefill", sent(user("a"), said("b"), user("c"), model="claude-opus-4-6")),
    ("no_prefill", sent(user("a"), said(*SERVED), model="claude-opus-4-6")),
    ("no_prefill", sent(user("a"), said("b"), model="claude-opus-4-6", fallback_credit_token="t")),
    ("no_prefill", sent(user("a"), said("b"), model="claude-opus-4-6", compaction={"type": "summarize"})),
]


def post(body: Any, headers: dict[str, str]) -> tuple[ScriptedModel, httpx2.Response]:
    model = ScriptedModel([text("fine")])
    with httpx2.Client(transport=model.transport) as client:
        return model, client.post("https://api.anthropic.com/v1/messages?beta=true", json=body, headers=headers)


@pytest.mark.parametrize(
    ("code", "body", "expected"), BROKEN, ids=[f"{code}-{at}" for at, (code, *_) in enumerate(BROKEN)]
)
def test_a_request_that_breaks_a_rule_is_refused(code, body, expected):
    """400, in the API's error shape, with the API's message, by this rule and no other."""
    model, answer = post(body, HEADERS)

    error = answer.json()
    assert [code] == [refused.code for refused in model.refused]
    assert (400, "error", "invalid_request_error") == (answer.status_code, error["type"], error["error"]["type"])
    assert error["error"]["message"].startswith(expected)
    assert "req_0001" == error["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(("code", "body"), KEPT, ids=[f"{code}-{at}" for at, (code, _) in enumerate(KEPT)])
def test_a_request_that_keeps_the_rules_is_answered(code, body):
    """Next to the edge, and still fine."""
    model, answer = post(body, HEADERS)

    assert [] == model.refused
    assert 200 == answer.status_code


def test_a_request_without_a_key_is_not_let_in():
    """401, as an authentication error."""
    _, answer = post(ASKED, {"anthropic-version": "2023-06-01"})

    assert 401 == answer.status_code
    assert {"type": "authentication_error", "message": "x-api-key header is required"} == answer.json()["error"]


@pytest.mark.parametrize("key", [{"x-api-key": "k"}, {"authorization": "Bearer k"}], ids=["x-api-key", "bearer"])
def test_a_key_comes_in_either_header(key):
    """The SDK sends bearer tokens; plain HTTP has the other."""
    _, answer = post(ASKED, {**HEADERS, **key})

    assert 200 == answer.status_code


def test_a_request_without_a_version_is_refused():
    """400, and the header is named."""
    model, answer = post(ASKED, {"x-api-key": "k"})

    assert ("api_version", 400) == (model.refused[0].code, answer.status_code)
    assert "anthropic-version: header is required" == answer.json()["error"]["message"]


async def test_the_sdk_raises_its_own_error_for_a_refusal(ask):
    """Streamed or not, sync or async: a bad request."""
    with pytest.raises(anthropic.BadRequestError) as raised:
        await ask(ScriptedModel([]), messages=[user("a"), said(call())])

    assert "tool_use` ids were found without" in str(raised.value)


async def test_tool_blocks_without_tools_are_let_through():
    """A summary is asked for without tools; the Claude API takes that."""
    message = await create_sync(ScriptedModel([text("a")]), messages=[user("a"), said(call()), user(result())])

    assert "a" == message.content[0].text


def test_every_rule_has_a_test_of_both_kinds():
    """A rule without a request that breaks it, or without one that keeps it, is not tested."""
    elsewhere = {"api_key", "api_version"}
    codes = {rule.code for rule in RULES} - elsewhere

    assert codes == {code for code, *_ in BROKEN}
    assert codes == {code for code, _ in KEPT}


def test_every_rule_has_one_code_a_sentence_and_a_source():
    """The table can be printed."""
    assert [1] * len(RULES) == list(Counter(rule.code for rule in RULES).values())

    for rule in RULES:
        assert rule.sentence, rule.code
        assert rule.source, rule.code
        assert rule.check.__doc__, rule.code
