"""Values that JSON holds are held: what a journal gives back is what the run had."""

from __future__ import annotations

import gc

import pytest
from anthropic import beta_tool

import fsm_runner
from fsm_runner.testing import ScriptedModel, text, tool_use
from tests.drivers.drive import ASKED

ASK = {**ASKED, "thread": False}
LONG = [2**63, 2**64, -(2**63) - 1, 123456789012345678901234567890, 10**300]


def nested(levels):
    """Dicts in dicts."""
    value: object = "end"
    for _ in range(levels):
        value = {"a": value}
    return value


@beta_tool
def look(q: str = "") -> str:
    """Look something up."""
    return "found"


@pytest.mark.parametrize("number", LONG)
def test_a_whole_number_of_any_length_is_the_same_after_a_resumption(number, tmp_path):
    """The tool gets it, and the next request repeats it."""
    got = []

    @beta_tool
    def pay(account: int) -> str:
        """Pay."""
        got.append(account)
        return "paid"

    path = tmp_path / "run.jsonl"
    first = ScriptedModel([tool_use("pay", {"account": number})])
    runner = fsm_runner.tool_runner(first.sync_client(), tools=[pay], journal=path, **ASK)
    next(runner)
    del runner
    gc.collect()
    model = ScriptedModel([text("done")])
    fsm_runner.resume(path, model.sync_client(), tools=[pay]).until_done()

    assert [number] == got
    assert {"account": number} == model.requests[0].messages[1]["content"][0]["input"]
    assert fsm_runner.replay(path).conforms


@pytest.mark.parametrize("levels", [50, 150, 252, 300])
@pytest.mark.parametrize("place", ["params", "messages", "result", "call"])
def test_a_run_with_deep_values_replays(place, levels, tmp_path):
    """Whoever gave them, and wherever they lie."""
    deep = nested(levels)

    @beta_tool
    def dig() -> str:
        """Dig."""
        if place == "result":
            return [{"type": "text", "text": "found", "meta": deep}]  # type: ignore[return-value]
        return "found"

    given = {**ASK, "metadata": {"tree": deep}} if place == "params" else {**ASK}
    if place == "messages":
        given["messages"] = [{"role": "user", "content": [{"type": "text", "text": "hi", "meta": deep}]}]
    path = tmp_path / "run.jsonl"
    model = ScriptedModel([tool_use("dig", {"tree": deep} if place == "call" else {}), text("done")])
    fsm_runner.tool_runner(model.sync_client(), tools=[dig], journal=path, **given).until_done()
    report = fsm_runner.replay(path)

    assert report.conforms, str(report)
