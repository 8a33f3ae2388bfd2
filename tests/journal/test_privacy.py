"""Privacy: what may not be written is nowhere in the file; what decides the way of a run is."""

from __future__ import annotations

import json
from collections import UserDict

import pytest

from fsm_runner.journal.masking import MASK
from fsm_runner.journal.privacy import Shield
from fsm_runner.loop.events import Appended, Continued, Failed, ParamsReplaced, Replied, Reported, ToolFinished
from tests.journal.worlds import Life, context, recorded, result, text, uses

MODES = ("full", "none")
PAYLOADS = (
    "look it up",
    "be terse",
    '"q":"a"',
    "found",
    "it is said",
    "why it broke",
    "my data",
)
"""What a person said, the system prompt, a tool's input and result, a reply, an error's text, a report."""


def eventful(journal):
    """A run with every kind of payload."""
    life = Life(journal, start=context(system="be terse", temperature=0.5))
    life.tell(Appended(messages=({"role": "user", "content": "and be quick"},)))
    life.tell(ParamsReplaced(params={"model": "n", "system": "be terse"}, messages=None))
    life.tell(Continued()).perform(Replied(message=uses("a")))
    (id,) = life.schedule()
    journal.failed(id, ValueError("why it broke"))
    journal.event(Reported(name="asked", data={"x": "my data"}))
    life.tell(ToolFinished(id="a", result=result("a")))
    life.perform(Replied(message=text("it is said")))


def failing(journal):
    """A run that ends with a failure."""
    Life(journal).tell(Continued()).tell(Failed(error="E", text="why it broke"))


def records(live, **options):
    """The records that `live` wrote."""
    return [json.loads(line) for line in recorded(live, **options).splitlines()]


def of(kind, found):
    """Those of a type, or events of a name."""
    return [each for each in found if kind == (each["event"] if each["type"] == "event" else each["type"])]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_are_written_in_full_and_else_nowhere(payload):
    """That they are there in full shows that this looks in the right place."""
    assert payload.encode() in recorded(eventful)
    assert payload.encode() not in recorded(eventful, content="none")
    assert b"why it broke" not in recorded(failing, content="none")


@pytest.mark.parametrize("content", MODES)
def test_what_decides_the_way_of_a_run_is_always_written(content):
    """Rows with their facts, effects with the tool's name, ids, reasons and tokens."""
    full, found = records(eventful), records(eventful, content=content)
    replied = of("replied", found)[0]["message"]

    assert of("transition", full) == [
        {**each, "prev": old["prev"]} for each, old in zip(of("transition", found), of("transition", full), strict=True)
    ]
    assert ["find"] == [each["tool"] for each in of("scheduled", found) if "tool" in each]
    assert ("assistant", "tool_use", {"output_tokens": 5}) == (
        replied["role"],
        replied["stop_reason"],
        replied["usage"],
    )
    assert ("tool_use", "a", "find") == tuple(replied["content"][0][key] for key in ("type", "id", "name"))
    assert content == found[0]["content"]
    assert full[0]["chart"] == found[0]["chart"]


def test_without_content_not_even_a_hash_of_it_is_written():
    """A hash tells who can guess what it was taken of."""
    found = records(eventful, content="none")

    assert [None] * 2 == [each["sha256"] for each in of("scheduled", found) if "sha256" in each]
    assert {"role", "content", "stop_reason"} == of("replied", found)[1]["message"].keys()
    assert {"conversation", "settings", "counters"} == found[0]["context"].keys()


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("/event/message/content/*/text", "replied", {"type": "text", "text": "***"}),
        ("/*/message/content/0/text", "replied", {"type": "text", "text": "***"}),
        ("/event/message/content/1/text", "replied", {"type": "text", "text": "it is said"}),
        ("/failed/message/content/0/text", "replied", {"type": "text", "text": "it is said"}),
        ("/event/message/content/*", "replied", "***"),
    ],
)
def test_a_redaction_reaches_what_is_at_its_path(path, kind, expected):
    """A record's type or any, then keys, indexes or any; where nothing is, nothing happens."""
    found = records(eventful, redact={path: "***"})

    assert expected == of(kind, found)[1]["message"]["content"][0]
    assert ([path], "redacted") == (found[0]["redacted"], found[0]["content"])


def test_a_redaction_may_be_a_function_of_the_value():
    """Of what stands there; one that fails has the value masked, never written, and the run goes on."""
    found = records(
        eventful,
        redact={
            "/event/result/content": str.upper,
            "/failed/text": lambda text: text.replace("broke", "***"),
            "/run_started/context/conversation/history/*/content": lambda text: text.nothing,
        },
    )

    assert ("FOUND", "why it ***", MASK) == (
        of("tool_finished", found)[0]["result"]["content"],
        of("failed", found)[0]["text"],
        found[0]["context"]["conversation"]["history"][0]["content"],
    )


def test_redaction_comes_before_processors():
    """So that nothing of it is passed on."""
    seen = []

    def see(logger, method, record):
        seen.append(json.dumps(record, default=str))
        return record

    path = {"/event/result/content": "***"}
    found = records(eventful, redact=path, processors=[see])

    assert "***" == of("tool_finished", found)[0]["result"]["content"]
    assert not any("found" in each for each in seen)


def test_a_path_is_a_json_pointer():
    """Keys with a slash or a tilde can be named."""
    shield = Shield(redact={"/event/a~1b/~0": "***"})
    data = {"a/b": {"~": "secret", "c": 1}}

    assert {"a/b": {"~": "***", "c": 1}} == shield.of("event", data)
    assert {"a/b": {"~": "secret", "c": 1}} == data


def test_what_json_does_not_have_cannot_hide_what_is_looked_for():
    """It is looked at as it would be written."""
    shown = Shield(redact={"/event/data/b": "***"}).of("event", {"data": said_by_a_model()})

    assert {"data": {"a": 1, "b": "***"}} == shown


def said_by_a_model():
    """A mapping that is no dict."""
    return UserDict({"a": 1, "b": "secret"})
