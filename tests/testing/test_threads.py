"""A scripted model keeps message threads, as the API does, and answers in the form of other platforms."""

from __future__ import annotations

import anthropic
import httpx2
import pytest

from fsm_runner.testing import ScriptedModel, refusal, reply, text, thread_error, tool_use
from tests.testing.conftest import ASKED, SEARCH

BETAS = ["message-threads-2026-08-12"]
NEW = {"type": "create"}


def after(id="msg_0001"):
    """The thread, continued after a reply."""
    return {"type": "continue", "previous_message_id": id}


def user(*content):
    """A user message."""
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def result(id="toolu_0001"):
    """A tool result."""
    return {"type": "tool_result", "tool_use_id": id, "content": "x"}


def threaded(**more):
    """A request of a thread."""
    return {**ASKED, "betas": BETAS, "thread": NEW, **more}


async def test_a_thread_is_continued_from_the_id_of_its_reply(create):
    """The request sends what came after, and the model knows all of it."""
    model = ScriptedModel([text("one"), text("two"), text("three")])
    first = await create(model, **threaded())
    second = await create(model, **threaded(thread=after(first.id), messages=[user("and?")]))
    await create(model, **threaded(thread=after(second.id), messages=[user("so?")]))

    assert [user("so?")] == model.requests[2].messages
    assert ["user", "assistant"] * 2 + ["user"] == [message["role"] for message in model.requests[2].conversation]
    assert user("hi") == model.requests[2].conversation[0]
    assert [] == model.refused


async def test_rules_about_the_whole_are_checked_on_both_parts(create):
    """The result of a call that the server holds is one; that of another call is not."""
    model = ScriptedModel([tool_use("search"), text("done")])
    await create(model, **threaded(tools=[SEARCH]))
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.1: `tool_use` ids were found without"):
        await create(model, **threaded(thread=after(), messages=[user("no")]))
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.1: `tool_use` ids were found without"):
        await create(model, **threaded(thread=after(), messages=[user(result("other"))]))

    done = await create(model, **threaded(thread=after(), messages=[user(result())]))
    assert "done" == done.content[0].text
    assert ["calls_answered", "calls_answered"] == [refused.code for refused in model.refused]


def code_of(raised):
    """The API's code of an error."""
    return raised.value.body["error"]["details"]["error_code"]


async def test_a_thread_that_is_not_there_is_not_found(create):
    """404, with its code, and the script stays where it was."""
    model = ScriptedModel([text("a")])
    with pytest.raises(anthropic.NotFoundError) as raised:
        await create(model, **threaded(thread=after("msg_0009")))

    assert "thread_not_found" == code_of(raised)
    assert (0, ["thread_not_found"]) == (model.played, [refused.code for refused in model.refused])


async def test_a_reply_is_continued_from_once(create):
    """The thread has gone on without the second request."""
    model = ScriptedModel([text("one"), text("two")])
    await create(model, **threaded())
    await create(model, **threaded(thread=after()))
    with pytest.raises(anthropic.BadRequestError) as raised:
        await create(model, **threaded(thread=after()))

    assert "thread_already_continued" == code_of(raised)


async def test_what_a_thread_was_created_with_cannot_be_changed(create):
    """The same values may be sent again; others are named."""
    model = ScriptedModel([text("one"), text("two")])
    first = await create(model, **threaded(system="be brief", tools=[SEARCH]))
    second = await create(model, **threaded(thread=after(first.id), system="be brief"))
    with pytest.raises(anthropic.BadRequestError, match="system") as raised:
        await create(model, **threaded(thread=after(second.id), system="be long"))

    assert "thread_fingerprint_mismatch" == code_of(raised)


@pytest.mark.parametrize(
    "unkept",
    [refusal("no"), reply(text("other"), usage={"iterations": [{"type": "fallback_message"}]})],
    ids=["refusal", "fallback"],
)
async def test_a_turn_that_the_api_does_not_keep_cannot_be_continued_from(create, unkept):
    """A refused one, and one by another model."""
    model = ScriptedModel([unkept, text("two")])
    await create(model, **threaded())
    with pytest.raises(anthropic.NotFoundError):
        await create(model, **threaded(thread=after()))


async def test_threads_are_a_beta(create):
    """Without its name the API knows no such field."""
    with pytest.raises(anthropic.BadRequestError, match="thread: Extra inputs are not permitted"):
        await create(ScriptedModel([text("a")]), **{**threaded(), "betas": []})


@pytest.mark.parametrize(
    ("code", "named", "kind", "details"),
    [
        ("thread_not_found", (), anthropic.NotFoundError, {}),
        ("thread_continue_in_flight", (), anthropic.BadRequestError, {}),
        ("thread_unsupported_request", ("hipaa",), anthropic.BadRequestError, {"unsupported": ["hipaa"]}),
    ],
)
async def test_a_thread_error_is_the_apis(ask, code, named, kind, details):
    """Its status, its code and its details, streamed or not."""
    with pytest.raises(kind) as raised:
        await ask(ScriptedModel([thread_error(code, *named)]))

    assert {"error_code": code, **details} == raised.value.body["error"]["details"]


# ── other platforms ─────────────────────────────────────────────────────────────────────────────────────────────────

VERTEX = "https://x.test/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-6"
FORMS = {
    "anthropic": ("https://x.test/anthropic/v1/messages?beta=true", True),
    "bedrock": ("https://x.test/model/claude-opus-4-6/invoke", False),
    "vertex": (f"{VERTEX}:rawPredict", False),
}


@pytest.mark.parametrize("platform", FORMS)
def test_a_request_in_a_platforms_form_is_answered(platform):
    """The model stands in the path or in the body; the version may stand in the body."""
    url, in_body = FORMS[platform]
    body = {**ASKED, "anthropic_version": "v", "anthropic_beta": ["one"], "model": "claude-opus-4-6"}
    model = ScriptedModel([text("a")])
    with httpx2.Client(transport=model.transport) as client:
        sent = body if in_body else {key: value for key, value in body.items() if key != "model"}
        answer = client.post(url, json=sent, headers={"authorization": "Bearer k"})

    assert (200, "claude-opus-4-6") == (answer.status_code, answer.json()["model"])
    assert (platform, "claude-opus-4-6", ("one",)) == (
        model.requests[0].platform,
        model.requests[0].model,
        model.requests[0].betas,
    )


@pytest.mark.parametrize("path", ["/model/x/invoke-with-response-stream", "/v1/messages/batches", "/v1/models"])
def test_any_other_path_is_not_found(path):
    """A stream in Bedrock's own format among them."""
    model = ScriptedModel([])
    with httpx2.Client(transport=model.transport) as client:
        answer = client.post(f"https://x.test{path}", json=ASKED)

    assert (404, None) == (answer.status_code, model.requests[0].platform)


def test_other_platforms_know_no_threads():
    """Whatever the beta says."""
    model = ScriptedModel([])
    body = {**ASKED, "anthropic_version": "v", "anthropic_beta": BETAS, "thread": NEW}
    with httpx2.Client(transport=model.transport) as client:
        answer = client.post(f"{VERTEX}:rawPredict", json=body, headers={"authorization": "Bearer k"})

    assert 400 == answer.status_code
    assert "thread: Extra inputs" in answer.json()["error"]["message"]
