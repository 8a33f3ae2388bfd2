"""examples/: each runs as it stands, without a key, and says what its page promises."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import fsm_runner
from examples.research.__main__ import QUESTION
from fsm_runner.replaying import replay
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script as ``python examples/...`` does, without a key, and return what it printed."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.chdir(ROOT)

    def run(script: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_the_drop_in_says_the_same_as_the_sdk(run):
    """One line differs, the answer does not; and ours says why it ended."""
    the_sdk, ours, ended, tokens = run("drop_in.py").splitlines()

    assert "724,000 people live in Oslo." == the_sdk.partition(":")[2].strip() == ours.partition(":")[2].strip()
    assert "why it ended: completed by row finish" == ended
    assert tokens.endswith("30 in 2 replies")


def test_a_call_that_the_person_refuses_does_not_run(run, monkeypatch):
    """The other call of the same turn does."""
    monkeypatch.setattr(sys, "stdin", open(os.devnull, encoding="utf-8"))  # noqa: SIM115, PTH123  closed below
    with sys.stdin:
        lines = run("approval/approval.py").splitlines()
    asked = lines.index("inspect → asking")

    assert [
        "  may delete_file run with {'name': 'draft.txt'}? [y/N] nobody is here: no",
        "asking → call_tools",
        "  list_files runs",
    ] == lines[asked + 1 : asked + 4]
    assert [] == [line for line in lines if line.startswith("  delete_file runs")]
    assert "ended: completed" == lines[-1]


def test_every_way_to_the_tools_leads_through_the_person():
    """No row of the approval chart enters a state that runs tools but from `asking` and from that state itself."""
    chart = fsm_runner.load(EXAMPLES / "approval" / "approval.yaml")
    runs = {state.name for state in chart.states if state.effect in ("call_tools", "call_early")}
    ways = {(state.name, row.target) for state in chart.states for row in state.rows if row.target in runs}

    assert {"call_tools", "answering"} == runs
    assert {"asking"} == {source for source, target in ways if source != target}


def test_the_approval_chart_differs_from_the_default_only_where_it_says():
    """Every line that is not in the default chart is marked, or belongs to the new state."""
    default = (ROOT / "states.yaml").read_text(encoding="utf-8").splitlines()
    own = (EXAMPLES / "approval" / "approval.yaml").read_text(encoding="utf-8")
    body = own[own.index("schema:") :]
    new_state = body[body.index("  asking:") : body.index("  call_tools:")]
    unmarked = [
        line
        for line in body.replace(new_state, "").splitlines()
        if line not in default and "# ←" not in line and line != "effects:"
    ]

    assert [] == unmarked


def told(path: Path) -> list[tuple[object, ...]]:
    """What the records of a journal tell: what happened, and which rows were taken."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [tuple(record.get(key) for key in ("run", "type", "event", "row", "effect")) for record in records]


def test_the_recorded_run_is_what_its_script_records(run, tmp_path):
    """The journal in the repository can be made again: python examples/regression/record.py."""
    run("regression/record.py", str(tmp_path / "run.jsonl"))

    assert told(EXAMPLES / "regression" / "run.jsonl") == told(tmp_path / "run.jsonl")


def test_the_examples_that_are_tests_pass():
    """The regression test and the offline test run under pytest, as they would in a user's project."""
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "regression", "offline_test"]
    done = subprocess.run([*line, "--rootdir=.", "-c", os.devnull], cwd=EXAMPLES, capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout
    assert "7 passed" in done.stdout


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Where the demo writes: to a folder of this process, since several may run these tests."""
    return tmp_path_factory.mktemp("demo") / "research.jsonl"


@pytest.fixture(scope="module")
def demo(journal):
    """What `make run` prints, without a key and without a terminal."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    line = [sys.executable, "-m", "examples.research", QUESTION, str(journal)]
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def test_the_demo_shows_a_run_of_three_replies_with_tools_side_by_side(demo):
    """It lists and searches in one turn, reads in the next, and then answers."""
    called = re.findall(r"calls (\w+)\(", demo)

    assert ["list_documents", "search_documents", "read_document"] == list(dict.fromkeys(called))
    assert 2 == demo.count("inspect        call_tools      → call_tools")
    assert "ended    completed, by row 'finish' (turn = finished)\n" in demo
    assert ", in 3 replies\n" in demo


def test_the_demo_s_answer_quotes_a_page_that_it_read(demo):
    """The scripted model uses what the tools gave: the sentence stands in the page."""
    page, sentence = re.search(r'Claude  (\S+) says:\n +"(.+)"\n', demo).groups()

    assert f'read_document(page="{page}")' in demo
    assert sentence in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_the_demo_s_journal_replays(demo, journal):
    """What it says about its journal is so."""
    assert "every record reproduced" in demo
    assert replay(journal).conforms
    assert (ROOT / "diagrams" / "tool_loop.svg").is_file()


@pytest.mark.parametrize("page", ["../pyproject.toml", "/etc/hostname", "docs/../states.yaml", "docs", ""])
async def test_the_demo_s_tools_read_nothing_but_the_documentation(page):
    """A model that asks for another file is told that there is no such page."""
    from anthropic.lib.tools import ToolError

    from examples.research.tools import read_document

    with pytest.raises(ToolError, match="there is no page"):
        await read_document.call({"page": page})


def test_the_folder_s_page_names_every_example():
    """Whoever opens the folder finds each, and how to run it."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    entries = [path for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")]

    assert [] == [path.name for path in entries if f"]({path.name}" not in text]
