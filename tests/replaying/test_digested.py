"""Digested: what a request sends is held to what was said before, where a journal has only digests of both."""

from __future__ import annotations

import io
import json
import logging
from contextlib import suppress

import anyio
import pytest
from anthropic import omit

from fsm_runner.core.errors import FsmRunnerError
from fsm_runner.core.events import Continued, Replied, ToolFinished
from fsm_runner.journal import read
from fsm_runner.replaying.digested import DigestRun
from fsm_runner.replaying.machines import Machines
from tests.journal.worlds import Life, context, recorded, result, text, uses
from tests.replaying.goldens import GOLDENS
from tests.replaying.goldens.scene import Scene

GONE = ("compacted", "given_up", "summarised", "anthropic_0_75", "tools_first")
"""Scenarios that compact: what follows depends on what the summary said."""

OTHERS = ("mixed", "tools", "redacted", "resumed")
"""Scenarios whose journals hold something else, or cannot be made with digests."""

SENT = ("scheduled", "send_request")


class Digested(Scene):
    """A scene whose journal holds digests, and whose server may hold the conversation."""

    thread = False

    def run(self, replies, journal=None, **options):
        """Return a run of a model that plays `replies`."""
        return super().run(replies, {**(journal or {}), "content": "digest"}, **{"thread": self.thread, **options})


@pytest.fixture
def played(tmp_path, caplog):
    """Play a scenario; return the records of its journal."""
    caplog.set_level(logging.CRITICAL)

    def play(name, thread):
        scene = Digested(tmp_path)
        scene.thread = thread
        with suppress(FsmRunnerError):  # what holds digests is neither resumed nor forked
            anyio.run(GOLDENS[name].live, scene)
        scene.close()
        path = scene.path if scene.path.exists() else tmp_path / "origin.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines() if line.startswith(b'{"v"')]

    return play


def followed(records):
    """The run of a journal, followed to its end."""
    data = b"".join(json.dumps(each).encode() + b"\n" for each in records)
    first, *rest = read(io.BytesIO(data))
    run = DigestRun(first, Machines("run.jsonl", None, ()))
    for record in rest:
        run.take(record)
    return run


@pytest.mark.parametrize("thread", [False, omit], ids=["whole", "thread"])
@pytest.mark.parametrize("name", [name for name in GOLDENS if name not in OTHERS])
def test_the_messages_of_each_request_are_made_again_from_digests(played, name, thread):
    """On each shipped chart and scenario; but where a summary decided what is sent."""
    records = played(name, thread)
    sent = [record for record in records if "held" in record]
    run = followed(records)

    assert [] == run.divergences
    assert run.requests == len(sent) or name in GONE
    assert len(sent) == len([each for each in records if (each["type"], each.get("effect")) == SENT])


def two_turns(journal):
    """A run that calls a tool, and answers."""
    life = Life(journal, start=context(system="be terse")).tell(Continued()).perform(Replied(message=uses("a")))
    life.perform(ToolFinished(id="a", result=result("a"))).perform(Replied(message=text()))


def places(value, path=()):
    """Every place in `value` where a digest is."""
    if isinstance(value, dict) and value.keys() == {"$sha256"}:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in children:
        yield from places(each, (*path, key))


def test_a_message_that_is_not_what_was_said_is_a_divergence(played):
    """Whichever digest of a message that was sent is another: the next request that sends it shows so."""
    records = played("tools_in_parallel", False)
    last = max(at for at, record in enumerate(records) if "held" in record)
    found = []
    for at, record in enumerate(records[:last]):
        for path in places(record):
            forged = json.loads(json.dumps(records))
            holder = forged[at]
            for step in path:
                holder = holder[step]
            holder["$sha256"] = "0" * 64
            (divergence,) = followed(forged).divergences or [None]
            found.append(
                ("/".join(map(str, path)), None if divergence is None else (divergence.pointer, divergence.seq > at))
            )
    said = [(name, divergence) for place, divergence in found for name in SAID if place.startswith(name)]

    assert set(SAID) == {name for name, _ in said}
    assert {("/held", True)} == {divergence for _, divergence in said}


SAID = ("context/conversation/history", "message/content", "result/content")
"""Where the messages of a request come from."""


def test_a_request_without_such_a_hash_is_not_compared():
    """As journals of before have it, those without content, and those where something was redacted."""
    for options in ({}, {"content": "none"}, {"content": "digest", "redact": {"/event/result/content": "x"}}):
        records = [json.loads(line) for line in recorded(two_turns, **options).splitlines()]
        assert not any("held" in record for record in records)
    old = [json.loads(line) for line in recorded(two_turns, content="digest").splitlines()]

    run = followed([{key: value for key, value in record.items() if key != "held"} for record in old])

    assert (0, []) == (run.requests, run.divergences)


@pytest.mark.parametrize("part", ["thread", "turn", "compaction", "stand", "conversation", "settings"])
def test_a_beginning_that_cannot_be_told_is_not_compared(part):
    """The control flow still is."""
    records = [json.loads(line) for line in recorded(two_turns, content="digest").splitlines()]
    records[0]["context"][part] = {"$sha256": "0" * 64}
    run = followed(records)

    assert (0, [], "completed") == (run.requests, run.divergences, run.report().ended)


def test_an_event_that_cannot_be_read_ends_the_comparison():
    """It is no request's fault."""
    records = [json.loads(line) for line in recorded(two_turns, content="digest").splitlines()]
    at = next(at for at, record in enumerate(records) if record.get("event") == "tool_finished")
    records[at]["result"] = "odd"
    run = followed(records)

    assert (1, []) == (run.requests, run.divergences)
