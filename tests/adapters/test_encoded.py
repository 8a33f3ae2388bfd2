"""Messages encoded once: the body of a request is what the SDK makes of the same messages, to the byte."""

from __future__ import annotations

import json
import sys
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner.adapters.anthropic.encoded import Encoder, Messages, as_given
from fsm_runner.adapters.anthropic.short_way import shortened
from fsm_runner.loop.history import History

REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "é"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
NUMBERS = st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]), "content": TEXTS | st.lists(VALUES, max_size=3)}
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["system", "tools", "metadata", "extra_body", "stop_sequences"]),
    st.lists(st.dictionaries(TEXTS, VALUES, max_size=2), max_size=2),
)
EDITS = st.lists(st.tuples(st.sampled_from(["append", "cut", "replace", "again"]), MESSAGES), max_size=6)


class Wire:
    """A client that is always answered the same, and the bodies that it sends."""

    def __init__(self, **client: Any) -> None:
        self.bodies: list[bytes] = []
        given = {"api_key": "none", "base_url": "https://api.invalid", "max_retries": 0, **client}
        http = httpx2.Client(transport=httpx2.MockTransport(self.answer))
        self.client = anthropic.Anthropic(http_client=http, **given)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(request.read())
        status = 500 if self.client.max_retries and len(self.bodies) % 3 else 200
        return httpx2.Response(status, headers={"retry-after-ms": "1"}, json=REPLY)


WIRE = Wire()


def sent(client: Any, messages: object, **parameters: Any) -> bytes:
    """The body of one request."""
    if "extra_body" in parameters:
        parameters["extra_body"] = {"extra": parameters["extra_body"]}
    client.beta.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=messages, **parameters)
    return WIRE.bodies.pop()


def edited(history: History, edit: str, message: Any) -> History:
    """The history after one thing that happens to it."""
    match edit:
        case "append":
            return history.appended(message, message)
        case "cut":
            return History(history[: len(history) // 2] or [message])
        case "replace":
            return History([message])
        case _:
            return history


@settings(max_examples=40 * settings.default.max_examples if settings.default else 100)
@given(st.lists(MESSAGES, min_size=1, max_size=3), EDITS, st.lists(PARAMETERS, max_size=3))
def test_a_body_is_what_the_sdk_encodes(first, edits, parameters):
    """Whatever the messages hold, and however the history and the parameters change from one request to the next."""
    encoder, history = Encoder(), History(first)
    for at, (edit, message) in enumerate([("again", {}), *edits]):
        history = edited(history, edit, message)
        more = parameters[at % len(parameters)] if parameters else {}
        messages = encoder.encoded(history)

        assert messages is not None
        assert sent(WIRE.client, list(history), **more) == sent(shortened(WIRE.client), messages, **more)


def test_without_the_middleware_the_sdk_encodes_them_as_ever():
    """What is given for the messages dumps as a true list."""
    history = History([{"role": "user", "content": "é"}])
    messages = Encoder().encoded(history)

    assert isinstance(messages, Messages)
    assert sent(WIRE.client, list(history)) == sent(WIRE.client, messages) == sent(WIRE.client, as_given(history))


@pytest.mark.parametrize("content", [float("nan"), float("inf"), object(), "\ud800"])
def test_what_json_cannot_hold_is_left_to_the_sdk(content):
    """And the next history is encoded from its beginning."""
    encoder = Encoder()

    assert encoder.encoded(History([{"role": "user", "content": "a"}, {"role": "user", "content": content}])) is None
    assert encoder.encoded(History([{"role": "user", "content": "b"}])) is not None


def test_a_run_that_has_ended_holds_no_bytes():
    """Its history is there once more only while it goes on; a run that goes on afterwards encodes it again."""
    encoder, history = Encoder(), History([{"role": "user", "content": "a" * 1000}])
    before = encoder.encoded(history)
    encoder.clear()

    assert sys.getsizeof(encoder.encoded(History([{}])).model_dump().buffer) < 100
    assert before.model_dump().buffer == encoder.encoded(history).model_dump().buffer


def test_no_messages_are_left_to_the_sdk():
    """There is nothing to encode."""
    assert Encoder().encoded(History()) is None


def test_each_message_is_encoded_once(monkeypatch):
    """A history that goes on from the last adds to the same bytes."""
    seen = []
    real = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    monkeypatch.setattr("fsm_runner.adapters.anthropic.encoded._ENCODE", lambda data: seen.append(data) or real(data))
    encoder, history = Encoder(), History([{"role": "user", "content": "a"}])
    encoder.encoded(history)
    encoder.encoded(history.appended({"role": "assistant", "content": "b"}))

    assert ["a", "b"] == [message["content"] for message in seen]


def test_an_attempt_that_is_made_again_sends_the_same_bytes():
    """The SDK sees to retries, each of which goes through the middleware."""
    wire = Wire(max_retries=2)
    asked = {"messages": [{"role": "user", "content": "é"}], "model": "claude-haiku-4-5", "max_tokens": 64}
    fsm_runner.tool_runner(wire.client, **asked, tools=[], thread=False).until_done()

    assert 3 == len(wire.bodies)
    assert 1 == len(set(wire.bodies))


@pytest.mark.parametrize("changed", [{"extra_body": {"messages": [{"role": "user", "content": "other"}]}}, {}])
def test_other_messages_in_an_extra_body_go_out_instead(changed):
    """As the SDK has it."""
    bodies = []
    for make in (WIRE.client.beta.messages.tool_runner, lambda **asked: fsm_runner.tool_runner(WIRE.client, **asked)):
        messages = [{"role": "user", "content": "é"}]
        make(messages=messages, model="claude-haiku-4-5", max_tokens=64, tools=[], thread=False, **changed).until_done()
        bodies.append(WIRE.bodies.pop())

    assert bodies[0] == bodies[1]
