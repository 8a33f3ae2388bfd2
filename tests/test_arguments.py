"""Arguments that cannot be right: the error names the argument and what it takes, and nothing is sent or written."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import pytest
from anthropic import beta_tool, not_given, omit

import fsm_runner
from fsm_runner.engine.expected import check_choice, check_count, listed
from fsm_runner.options import RequestParams, ResumeOptions, RunnerOptions
from fsm_runner.testing import ScriptedModel, text
from tests.drivers.drive import ASKED

WORDS = [7, b"x", True, ["a"]]
COUNTS = [True, 2.5, "4", math.nan, [1]]
FLAGS = ["yes", 1, 0, []]
MAPPINGS = [7, "a", [("a", 1)], {1: "a"}]


@beta_tool
def look() -> str:
    """Look."""
    return "found"


async def afterwards(event: object, step: object) -> None:
    """A listener that nobody would await."""


RUNNING: dict[str, list[Any]] = {
    "tools": [7, "look", {"name": "look"}, None, [7]],
    "on_step": ["print", 7, afterwards],
    "tool_errors": ["types", "REPR", "", None, True, 1],
    "max_concurrent_tools": [0, -1, -(10**9), *COUNTS],
    "extra_headers": [*MAPPINGS, {"a": 7}, {"a": None}],
    "extra_query": MAPPINGS,
    "timeout": [0, -1, math.nan, "5", True, [5]],
    "facts": [7, "fact", [len], [lambda context: "a"], ["fact"], None, {"a": 1}],
    "effects": [7, ["a"], "a", {"a": 7}, {"a": None}, {1: len}],
}
"""Arguments that `tool_runner` and `resume` share."""

STARTING: dict[str, list[Any]] = {
    **RUNNING,
    "max_tokens": [None, -1, *COUNTS],
    "messages": [7, "hi", {"role": "user", "content": "hi"}, None, [7], ["hi"]],
    "model": [None, "", *WORDS],
    "max_iterations": [-1, *COUNTS],
    "stream": FLAGS,
    "run_tools_eagerly": [*FLAGS, None],
    "thread": FLAGS,
    "compaction_control": [*MAPPINGS, {}, {"enabled": "yes"}]
    + [{"enabled": True, "context_token_threshold": each} for each in [0, -1, "many", 2.5, True, None]]
    + [{"enabled": True, "model": ""}, {"enabled": True, "summary_prompt": 7}, {"enabled": True, "odd": 1}],
    "chart": [7, b"states", None, ["states"]],
    "limits": [*MAPPINGS, *({"iterations": each} for each in [-1, *COUNTS]), {"turns": 1}],
    "journal": [7, ["a"], io.StringIO(), object(), {"path": "a"}],
    "run_id": ["", "a\nb", "a\x1b[31m", "a\u202eb", "\ud800", *WORDS],
    "output_format": [{"type": "object"}, 7],
    "metadata": [{"user_id": object()}],
}

RESUMING: dict[str, list[Any]] = {
    **{name: values for name, values in RUNNING.items() if name != "tools"},
    "tools": [7, "look", {"name": "look"}, None],
    "source": [7, None, ["a"], io.BytesIO()],
    "idempotent": [7, "look", [7], None, ["none"]],
    "on_unknown": ["perhaps", "", None, 7],
    "migrate": [*FLAGS, None],
    "run_id": WORDS,
    "params": [*MAPPINGS, {"messages": []}, {"odd": 1}, {"metadata": {"user_id": object()}}],
    "journal": [*MAPPINGS, {"sync": "often"}, {"content": "none"}, {"clock": 7}, {"key": "text"}],
    "chart": [7, b"states", ["states"]],
}

FORKING: dict[str, list[Any]] = {
    "source": [7, None, ["a"]],
    "at": [True, 2.5, "4", None],
    "into": [7, None, io.BytesIO()],
    "run_id": WORDS,
    "as_run": ["", "a\nb", *WORDS],
    "params": [*MAPPINGS, {"messages": []}, {"metadata": {"user_id": object()}}],
    "chart": [7, "states"],
    "facts": RUNNING["facts"],
}

REPLAYING: dict[str, list[Any]] = {
    "source": [7, None, ["a"]],
    "chart": [7, "states"],
    "facts": RUNNING["facts"],
}

OPENING: dict[str, list[Any]] = {
    "target": [7, None, ["a"], io.StringIO()],
    "run": [7, None, b"a"],
    "clock": [7, "now"],
    "processors": [7, "a", [7], None],
    "content": ["some", 7, None],
    "redact": [*MAPPINGS, {"nowhere": None}],
    "sync": ["often", 7, None, True],
    "key": ["text", b"", 7],
    "after": [-1, None, *COUNTS],
    "head": [7, b"a"],
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """Each argument with each of its values."""
    return [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in table.items()
        for number, value in enumerate(values)
    ]


@pytest.fixture
def model():
    """A model that must not be asked."""
    model = ScriptedModel([text("done")])
    yield model
    assert [] == model.requests


@pytest.fixture
def journal(tmp_path):
    """The journal of a run that has not ended, alone in its folder."""
    path = tmp_path / "folder" / "run.jsonl"
    path.parent.mkdir()
    model = ScriptedModel([text("done")])
    fsm_runner.tool_runner(model.sync_client(), tools=[look], journal=path, **ASKED, thread=False)
    before = path.read_bytes()
    yield path
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


def refused(name: str, call: Any) -> None:
    """Hold a refusal to the law: a TypeError or ValueError that names the argument."""
    with pytest.raises((TypeError, ValueError)) as error:
        call()

    assert re.match(rf"`?{name}\b", str(error.value)), str(error.value)


@pytest.mark.parametrize("flavour", ["sync", "async"])
@pytest.mark.parametrize(("name", "value"), cases(STARTING))
def test_tool_runner_refuses(name, value, flavour, model, tmp_path, monkeypatch):
    """And makes no journal."""
    monkeypatch.chdir(tmp_path)
    client = model.sync_client() if flavour == "sync" else model.client()
    given = {**ASKED, "tools": [], "thread": False, "journal": tmp_path / "run.jsonl", name: value}
    refused(name, lambda: fsm_runner.tool_runner(client, **given))

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("client", [None, 7, object(), io.StringIO(), "client"])
def test_a_client_is_one_of_the_sdk(client, journal):
    """For a run that starts and for one that goes on."""
    refused("client", lambda: fsm_runner.tool_runner(client, tools=[], **ASKED))
    refused("client", lambda: fsm_runner.resume(journal, client, tools=[look]))


@pytest.mark.parametrize(("name", "value"), cases(RESUMING))
def test_resume_refuses(name, value, model, journal):
    """And writes nothing."""
    given = {"source": journal, "client": model.sync_client(), "tools": [look], name: value}
    refused(f"({name}|resume: {name}|metadata|sync|key|clock)", lambda: fsm_runner.resume(**given))


@pytest.mark.parametrize(("name", "value"), cases(FORKING))
def test_fork_refuses(name, value, journal, tmp_path):
    """And makes no file."""
    given = {"source": journal, "at": 1, "into": tmp_path / "fork.jsonl", name: value}
    refused(f"({name}|fork: {name}|metadata)", lambda: fsm_runner.fork(**given))

    assert [journal.parent] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), cases(REPLAYING))
def test_replay_refuses(name, value, journal):
    """Before anything is read."""
    refused(name, lambda: fsm_runner.replay(**{"source": journal, name: value}))


@pytest.mark.parametrize(("name", "value"), cases(OPENING))
def test_a_journal_refuses(name, value, tmp_path):
    """Before a file is made."""
    given = {"target": tmp_path / "run.jsonl", "run": "r", name: value}
    refused(name, lambda: fsm_runner.Journal.open(**given))

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "given",
    [
        {"max_concurrent_tools": None, "max_iterations": None, "stream": omit, "thread": omit, "timeout": not_given},
        {"max_concurrent_tools": 1, "max_iterations": 0, "stream": False, "thread": None, "timeout": None},
        {"timeout": 0.5, "extra_headers": {"a": "b", "c": omit}, "limits": {"iterations": 0}, "run_id": "Run 1 – é"},
        {"journal": io.BytesIO(), "effects": {}, "facts": iter(()), "tools": iter([look]), "messages": iter([])},
        {"tool_errors": "type", "on_step": print, "chart": "states", "compaction_control": {"enabled": False}},
        {"chart": Path("states"), "limits": None, "extra_query": None, "output_format": None},
    ],
)
def test_what_is_at_its_edge_is_taken(given, model):
    """The least count, no limit, the SDK's marks for what is left out, what can be read once."""
    given = {**ASKED, "tools": [look], **given}
    if isinstance(given.get("chart"), Path):
        given["chart"] = fsm_runner.find_chart("states")

    assert fsm_runner.tool_runner(model.sync_client(), **given).stop is None


def test_every_argument_is_in_the_table():
    """Those of `tool_runner` and `resume` that are not parameters of the API's own."""
    ours = RunnerOptions.__annotations__.keys() - RequestParams.__annotations__.keys()

    assert ours - STARTING.keys() == {"extra_body"}, "a body may be anything"
    assert ResumeOptions.__annotations__.keys() - RESUMING.keys() <= {"extra_body", "payloads"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: check_count("n", 0, least=1), "n: a whole number from 1 up, or None, got 0"),
        (lambda: check_count("n", "4", least=0, none=False), "n: a whole number from 0 up, got '4'"),
        (lambda: check_choice("how", "types", ("repr", "type")), "how: 'repr' or 'type', got 'types'"),
        (lambda: check_choice("how", "x" * 99, ("repr", "type")), "how: 'repr' or 'type', got str"),
        (lambda: check_choice("how", "\x1b[31m", ("a", "b")), "how: 'a' or 'b', got '\\x1b[31m'"),
        (lambda: listed("many", {"a": 1}, "a list"), "many: a list, got dict"),
    ],
)
def test_the_error_says_what_came(call, said):
    """What is short as it is, of anything else the type; never raw to a terminal."""
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(said)}$"):
        call()
