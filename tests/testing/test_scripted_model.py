"""A model plays its script, records what it was asked, and says how script and run disagree."""

from __future__ import annotations

import pickle
from contextlib import suppress

import anthropic
import anyio
import httpx2
import pytest

import fsm_runner.testing as public
from fsm_runner.testing import (
    ScriptedModel,
    ScriptExhausted,
    UnusedReplies,
    overloaded,
    pause_turn,
    reply,
    text,
    tool_use,
)
from tests.testing.conftest import ASKED, SEARCH


def test_public_names_are_listed_sorted_and_documented():
    """Every name has its own docstring, but the type aliases."""
    assert len(set(public.__all__)) == len(public.__all__)

    for name in set(public.__all__) - {"Block", "RULES"}:
        doc = getattr(public, name).__doc__ or ""
        assert doc, name
        assert not doc.startswith(f"{name}("), name


async def test_replies_are_played_in_order(ask):
    """First come, first served; a block is a reply of its own."""
    with ScriptedModel([text("one"), reply(text("two"))]) as model:
        said = [(await ask(model)).content[0].text, (await ask(model)).content[0].text]

    assert ["one", "two"] == said


async def test_a_function_answers_every_request(ask):
    """It sees the parsed request, and has no end."""

    def answer(request):
        return text(f"{request.number}: {request.messages[-1]['content']}")

    with ScriptedModel(answer) as model:
        said = [(await ask(model)).content[0].text for _ in range(2)]

    assert ["1: hi", "2: hi"] == said


async def test_a_list_may_hold_functions(ask):
    """One entry, one request."""
    with ScriptedModel([lambda request: overloaded() if request.number > 1 else text("fine"), text("b")]) as model:
        said = [(await ask(model)).content[0].text for _ in range(2)]

    assert ["fine", "b"] == said


async def test_requests_are_recorded_as_they_came(ask):
    """Body, headers and URL, parsed."""
    model = ScriptedModel([text("a")])
    await ask(model, betas=["one-2026-01-01", "two-2026-01-01"], extra_headers={"x-extra": "1"}, tools=[SEARCH])

    request = model.requests[0]
    assert ASKED["messages"] == request.messages
    assert [SEARCH] == request.tools
    assert ("one-2026-01-01", "two-2026-01-01") == request.betas
    assert "1" == request.headers["X-Extra"]
    assert ("POST", "/v1/messages") == (request.method, request.path)
    assert "https://api.anthropic.com/v1/messages" == request.url


async def test_tool_results_are_at_hand(create):
    """The results of the last message, in their order."""
    results = [{"type": "tool_result", "tool_use_id": call, "content": "x"} for call in ("toolu_0001", "toolu_0002")]
    model = ScriptedModel([reply(tool_use("search"), tool_use("search")), text("done")])
    calls = await create(model, tools=[SEARCH])
    said = {"role": "assistant", "content": calls.to_dict()["content"]}
    await create(model, tools=[SEARCH], messages=[*ASKED["messages"], said, {"role": "user", "content": results}])

    assert tuple(results) == model.requests[1].tool_results
    assert () == model.requests[0].tool_results


def test_a_request_without_messages_has_none():
    """And no betas, tools or results; reading it is no error."""
    model = ScriptedModel([text("a")], strict=False)
    with httpx2.Client(transport=model.transport) as client:
        client.post("https://api.anthropic.com/v1/messages", content=b"[")

    request = model.requests[0]
    assert ((), (), (), ()) == (request.messages, request.tools, request.betas, request.tool_results)
    assert "POST /v1/messages, no messages" == str(request)


def test_it_runs_under_trio_too():
    """The transport belongs to no event loop."""

    async def run() -> str:
        async with ScriptedModel([text("one"), text("two")]) as model:
            client = model.client()
            one = await client.beta.messages.create(**ASKED)
            async with client.beta.messages.stream(**ASKED) as stream:
                two = await stream.get_final_message()
        return one.content[0].text + two.content[0].text

    assert "onetwo" == anyio.run(run, backend="trio")


async def test_an_exhausted_script_says_what_was_played_and_asked(ask):
    """The SDK wraps it, as it wraps everything; the cause is ours."""
    model = ScriptedModel([text("a")])
    await ask(model)
    with pytest.raises(anthropic.APIConnectionError) as raised:
        await ask(model)

    assert isinstance(raised.value.__cause__, ScriptExhausted)
    assert (
        "script: request 2: no reply is left, all 1 were played (add a reply, or find out why it was sent); "
        "it asked 'claude-haiku-4-5', 1 messages, the last from 'user': hi"
    ) == str(raised.value.__cause__)


async def test_an_exhausted_script_comes_out_of_the_block_itself(ask):
    """Not the SDK's conversation of connections; and also when it was swallowed."""
    with pytest.raises(ScriptExhausted), ScriptedModel([]) as model:
        await ask(model)

    async def swallow() -> None:
        async with ScriptedModel([]) as model:
            with suppress(anthropic.APIConnectionError):
                await ask(model)

    with pytest.raises(ScriptExhausted):
        await swallow()


async def test_unused_replies_are_named_by_number(ask):
    """Number and text of each, and how many requests came."""
    with pytest.raises(UnusedReplies) as raised:
        async with ScriptedModel([text("a"), text("b"), overloaded(), len]) as model:
            await ask(model)

    assert (
        "script: 3 of 4 replies were not used; requests: 1\n"
        "  reply 2: text 'b'; stop reason end_turn\n"
        "  reply 3: 529 overloaded_error\n"
        "  reply 4: function 'len'"
    ) == str(raised.value)


async def test_a_refused_request_uses_up_no_reply(ask):
    """And the end says why it was refused."""
    model = ScriptedModel([text("a")])
    with pytest.raises(anthropic.BadRequestError):
        await ask(model, extra_body={"temperature": 2})

    with pytest.raises(UnusedReplies, match=r"request 1 was refused by rule 'temperature': temperature: range: 0\.\.1"):
        model.verify()


def test_an_error_in_the_block_is_not_covered_by_unused_replies():
    """The error tells more."""
    with pytest.raises(ZeroDivisionError), ScriptedModel([text("a")]):
        _ = 1 / 0


@pytest.mark.parametrize(
    "error", [ScriptExhausted(1, 2, "x"), UnusedReplies(((1, "text 'a'"),), 0, 1, ())], ids=["exhausted", "unused"]
)
def test_the_errors_are_assertions_and_pickle(error):
    """They cross processes with their facts."""
    again = pickle.loads(pickle.dumps(error))

    assert isinstance(again, AssertionError)
    assert str(error) == str(again)


async def test_a_model_that_is_not_strict_takes_anything(ask):
    """For tests of what the rules do not know."""
    message = await ask(ScriptedModel([text("a")], strict=False), messages=[{"role": "assistant", "content": ""}])

    assert "a" == message.content[0].text


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("POST", "/v1/complete"), ("GET", "/")])
def test_any_other_address_is_not_found(method, path):
    """404, in the API's error shape."""
    with httpx2.Client(transport=ScriptedModel([]).transport, base_url="https://example.test") as client:
        answer = client.request(method, path)

    assert 404 == answer.status_code
    assert {
        "type": "error",
        "error": {"type": "not_found_error", "message": "Not Found"},
        "request_id": "req_0001",
    } == answer.json()


def test_a_prefix_before_the_path_is_fine():
    """Gateways have one."""
    client = ScriptedModel([text("a")]).sync_client(base_url="https://gateway.test/anthropic")

    assert "a" == client.messages.create(**ASKED).content[0].text


@pytest.mark.parametrize("paused", [pause_turn(), pause_turn(text("so far "))], ids=["server tool", "text"])
async def test_a_paused_reply_may_be_sent_back(paused, ask):
    """Though it ends the conversation with the assistant, even on a model without prefill."""
    model = ScriptedModel([paused, text("whole")])
    half = await ask(model, model="claude-opus-4-8")
    said = {"role": "assistant", "content": half.to_dict()["content"]}
    message = await ask(model, model="claude-opus-4-8", messages=[*ASKED["messages"], said])

    assert "whole" == message.content[0].text


async def test_the_sdks_own_runner_runs_on_it():
    """Tools and all: the whole history is sent, and every rule is kept."""

    @anthropic.beta_async_tool
    async def search(query: str) -> str:
        """Search."""
        return f"found {query}"

    with ScriptedModel([reply(text("let me see"), tool_use("search", {"query": "ants"})), text("done")]) as model:
        runner = model.client().beta.messages.tool_runner(**ASKED, tools=[search], thread=False)
        final = await runner.until_done()

    assert "done" == final.content[0].text
    assert "found ants" == model.requests[1].tool_results[0]["content"]
