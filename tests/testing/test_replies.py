"""The builders give what the SDK's own types hold, and the same message as JSON and as events."""

from __future__ import annotations

import pytest
from anthropic.types.beta import BetaMessage

from fsm_runner.testing import (
    ScriptedModel,
    compaction,
    pause_turn,
    refusal,
    reply,
    server_tool_use,
    text,
    thinking,
    tool_use,
    without_stop_reason,
)

LONG = "Ants carry up to fifty times their own weight: «no small thing», as 蟻 knows. " * 5
CITED = {
    **text("Ants are insects."),
    "citations": [
        {
            "type": "char_location",
            "cited_text": "insects",
            "document_index": 0,
            "document_title": "ants",
            "start_char_index": 0,
            "end_char_index": 7,
        }
    ],
}
REPLIES = {
    "text": reply(text("hello")),
    "long text": reply(text(LONG)),
    "citations": reply(CITED),
    "no content": reply(),
    "call": reply(tool_use("search", {"query": LONG, "limit": 3, "deep": {"a": [1, None, True, 0.5]}})),
    "call without arguments": reply(tool_use("now")),
    "parallel calls": reply(thinking("two at once"), text("Let me see."), tool_use("a"), tool_use("b", {"x": 1})),
    "server tool": pause_turn(server_tool_use("web_search", {"query": "ants"})),
    "web search result": reply(
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "ants"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        text("Nothing found."),
    ),
    "summary": reply(compaction("what was said")),
    "summary with metadata": reply(compaction("what was said", encrypted_content="b3BhcXVl"), text("On we go.")),
    "failed summary": reply(compaction(None)),
    "refusal": refusal("I would rather not", category="cyber", explanation="harm"),
    "unknown stop reason": reply(text("hm"), stop_reason="shrugged"),
    "no stop reason": without_stop_reason(text("hm")),
    "stop sequence": reply(text("a"), stop_reason="stop_sequence", stop_sequence="b"),
    "container": reply(text("a"), container={"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}),
    "context edited": reply(text("a"), context_management={"applied_edits": []}),
    "usage": reply(
        text("a"),
        usage={
            "input_tokens": 90_000,
            "cache_read_input_tokens": 9_000,
            "output_tokens": 1_000,
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
            "service_tier": "standard",
        },
    ),
    "other model": reply(text("a"), model="claude-of-another-name"),
}


@pytest.mark.parametrize("name", REPLIES)
async def test_the_events_add_up_to_the_json_message(name, create, stream):
    """Field by field, what a streamed reply adds up to is what the same reply is as JSON."""
    whole = await create(ScriptedModel([REPLIES[name]]))
    added = await stream(ScriptedModel([REPLIES[name]]))

    expected, actual = whole.to_dict(), added.to_dict()
    assert set(expected) - {"stop_sequence"} <= set(actual)
    for field, value in BetaMessage.construct(**expected).to_dict().items():
        assert value == actual[field], field


@pytest.mark.parametrize("name", [name for name in REPLIES if name != "unknown stop reason"])
async def test_a_reply_parses_as_the_sdks_own_message(name, create):
    """Each builder gives JSON that the SDK's type takes under strict validation."""
    message = await create(ScriptedModel([REPLIES[name]]))

    parsed = BetaMessage.model_validate(message.to_dict())
    assert len(REPLIES[name].blocks) == len(parsed.content)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(text("a")), "end_turn"),
        (reply(), "end_turn"),
        (reply(text("a"), tool_use("b")), "tool_use"),
        (reply(compaction("s")), "compaction"),
        (reply(compaction("s"), text("a")), "end_turn"),
        (reply(server_tool_use("web_search")), "end_turn"),
        (reply(tool_use("b"), stop_reason="max_tokens"), "max_tokens"),
        (pause_turn(), "pause_turn"),
        (refusal(), "refusal"),
        (without_stop_reason(text("a")), None),
    ],
)
def test_the_stop_reason_follows_from_the_blocks(answer, expected):
    """What is not said is derived; what is said stays."""
    assert expected == answer.stop_reason


def test_a_reply_says_what_it_is():
    """On one line, so that an unused one can be found in the script."""
    assert [
        "thinking, text 'a b', tool_use 'search'; stop reason tool_use",
        "nothing; stop reason end_turn",
    ] == [str(reply(thinking("x"), text("a\nb"), tool_use("search"))), str(reply())]


async def test_ids_are_counted_per_model(ask):
    """Messages and calls have ids that a test can name; an id that was given is kept."""
    model = ScriptedModel([reply(tool_use("a"), tool_use("b", id="mine"), tool_use("c")), reply(tool_use("d"))])
    first, second = await ask(model), await ask(model)

    assert ["msg_0001", "msg_0002"] == [first.id, second.id]
    assert ["toolu_0001", "mine", "toolu_0002"] == [block.id for block in first.content]
    assert ["toolu_0003"] == [block.id for block in second.content]


async def test_usage_is_laid_over_the_default(create):
    """Only the tokens that are named differ."""
    message = await create(ScriptedModel([reply(text("a"), usage={"input_tokens": 7})]))

    assert (7, 5, 0, 0) == (
        message.usage.input_tokens,
        message.usage.output_tokens,
        message.usage.cache_creation_input_tokens,
        message.usage.cache_read_input_tokens,
    )


async def test_the_reply_has_the_model_that_was_asked(ask):
    """A reply that names no model answers as the one asked."""
    message = await ask(ScriptedModel([text("a")]), model="claude-haiku-5")

    assert "claude-haiku-5" == message.model
