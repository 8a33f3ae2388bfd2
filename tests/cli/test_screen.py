"""The screen: nothing that a terminal would obey reaches it, whoever wrote it and on whichever way."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_runner import cli
from fsm_runner.cli.screen import CleanStream, Screen, clean_output, cleaned, escaped, say, show
from tests.cli.conftest import ROOT
from tests.support.processes import PATIENCE

EVIL = "a\x1b[2Jb\x1b]0;title\x07c\x9b31md\u202ee\x7ff\u2066g"
"""Escapes of C0 and C1, an operating system command, a delete, and marks that turn the direction of writing."""

HOSTILE = f'''
import logging, warnings
from anthropic import beta_async_tool
from fsm_runner.testing import ScriptedModel, text, tool_use

EVIL = {EVIL!r}

@beta_async_tool
async def echo(said: str) -> str:
    """Say it again."""
    logging.getLogger("somebody").warning("heard %s", EVIL)
    warnings.warn(EVIL)
    print(EVIL)
    return EVIL

def client():
    calls = [tool_use(EVIL, {{EVIL: EVIL}}), tool_use("echo", {{"said": EVIL}}), text(EVIL)]
    return ScriptedModel(calls, strict=False).client()

def failing(): raise RuntimeError(EVIL)
'''
RUN = (
    "run",
    EVIL,
    "--client",
    "hostile:client",
    "--tool",
    "hostile:echo",
    "--journal",
    "run.jsonl",
    "--run-id",
    "r1",
)
READ = (
    ("show",), ("show", "--format", "json"), ("verify",), ("replay",), ("replay", "--format", "json"),
    ("replay", "--format", "markdown"), ("replay", "--chart", "tools_first"),
)  # fmt: skip


def obeyed(text: str) -> list[str]:
    """The characters of `text` that a terminal would obey, but for line breaks."""
    return [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.fixture
def hostile(command, tmp_path, monkeypatch):
    """Run commands beside a module whose model and tools speak to the terminal; see that none gets through."""
    (tmp_path / "hostile.py").write_text(HOSTILE, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "hostile", raising=False)

    def run(*arguments):
        done = command(*arguments)

        assert [] == obeyed(done.stdout + done.stderr)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    return run


@pytest.mark.parametrize("streaming", [(), ("--stream",)], ids=["whole", "streamed"])
def test_a_run_shows_nothing_that_a_terminal_would_obey(hostile, streaming):
    """Names of tools that the model made up come back in warnings and logs; what tools print is cleaned, too."""
    done = hostile(*RUN, *streaming)

    assert 0 == done.exit_code
    assert "a?[2Jb?]0;title?c?31md?e?f?g" in done.stdout
    assert "warning: " in done.stderr


def test_a_run_is_not_called_what_a_terminal_would_obey(hostile):
    """Such an id is refused, and shown as text."""
    assert 2 == hostile(*RUN[:-1], "r\nq" + EVIL).exit_code


def test_every_command_reads_a_hostile_journal_in_peace(hostile):
    """The run's id, its texts, its tools: in text, JSON and Markdown; one line each stays one line."""
    hostile(*RUN)
    journal = Path("run.jsonl")
    forged = json.dumps("r\nq" + EVIL)  # by somebody who wrote the file
    journal.write_text(journal.read_text(encoding="utf-8").replace('"run":"r1"', f'"run":{forged}'), encoding="utf-8")
    for name, *options in READ:
        assert hostile(name, "run.jsonl", *options).exit_code in (0, 1)
    hostile("draw", "--journal", "run.jsonl")
    hostile("compare", "run.jsonl", "run.jsonl")
    hostile("fork", "run.jsonl", "forked.jsonl", "--at", "3")
    hostile("resume", "run.jsonl", "--client", "hostile:client", "--tool", "hostile:echo")
    verified = hostile("verify", "run.jsonl")

    assert {"run.jsonl:", "  run 'r q"} == {line[:10] for line in verified.stdout.splitlines()}


@pytest.mark.parametrize("name", ["check", "table", "draw", "paths", "init", "diff", "reach"])
@pytest.mark.parametrize("where", ["name", "state", "title", "file"])
def test_every_command_reads_a_hostile_chart_in_peace(hostile, tmp_path, name, where):
    """Whatever part of it, its file's name included, holds an escape: in what it says and in what it refuses."""
    text, file = (ROOT / "states.yaml").read_text(encoding="utf-8"), "chart.yaml"
    evil = json.dumps(EVIL)
    if where == "name":
        text = text.replace("name: tool_loop", f"name: {evil}", 1)
    elif where == "state":
        text = text.replace("target: done}", f"target: {evil}}}", 1)
    elif where == "title":
        text = text.replace("phase: done", f"phase: {evil}", 1)
    else:
        file = f"{EVIL}.yaml".replace("/", "")
    (tmp_path / file).write_text(text, encoding="utf-8")
    more = {"diff": ["states"], "reach": [EVIL]}.get(name, [])
    options = {"init": ["--from", file, "new.yaml"]} if name == "init" else {}
    line = [name, *options.get("init", [file, *more])]
    for form in {"check": ("text", "json", "github"), "diff": ("text", "json", "markdown")}.get(name, ("",)):
        assert hostile(*line, *(["--format", form] if form else [])).exit_code in (0, 1, 2)


def test_what_fails_is_told_without_escapes(hostile):
    """An exception of the user's own module, and an option that is written wrongly."""
    for line in (["--client", "hostile:failing"], ["--client", EVIL], ["--limit", EVIL], ["--tool", f"hostile:{EVIL}"]):
        assert 2 == hostile("run", "hello", *line).exit_code


def test_a_traceback_shows_nothing_that_a_terminal_would_obey(tmp_path):
    """A mistake of ours keeps its traceback, and that is printed after all else."""
    broken = f"""
import sys
import fsm_runner.charts.loader
def fails(*_): raise RuntimeError({EVIL!r})
fsm_runner.charts.loader.text_of = fails
sys.argv = ["fsm-runner", "table"]
from fsm_runner.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", broken], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )

    assert "RuntimeError: a?[2Jb?]0;title?c" in done.stderr
    assert [] == obeyed(done.stdout + done.stderr)


@given(st.text())
def test_no_text_gets_through_any_way(text):
    """Through a command's own lines, its documents, logs, and what others print."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        with clean_output(), clean_output():
            say(text)
            show(text, err=True)
            Screen(terminal=False).line(text, (text, "state"))
            Screen(terminal=False).block(text, text, indent=2)
            print(text)
            sys.stderr.writelines([text])
            handler = logging.StreamHandler()
            handler.emit(logging.LogRecord("somebody", logging.WARNING, "a", 1, "%s", (text,), None))
    finally:
        sys.stdout, sys.stderr = before

    assert [] == [char for char in out.getvalue() + err.getvalue() if not char.isprintable() and char != "\n"]


@given(st.text(), st.text())
def test_only_the_screens_own_colours_reach_a_terminal(state, words):
    """With them taken away, what is left is clean."""
    out, before = io.StringIO(), sys.stdout
    sys.stdout = out
    try:
        with clean_output():
            Screen(terminal=True).line((state, "state"), words)
    finally:
        sys.stdout = before
    plain = out.getvalue().replace("\x1b[1;36m", "").replace("\x1b[0m", "")

    assert [] == [char for char in plain if not char.isprintable() and char != "\n"]


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_is_escaped_and_means_the_same(value):
    """Nothing is lost: each character comes back where it is read."""
    document = escaped(json.dumps(value, ensure_ascii=False, indent=2))

    assert value == json.loads(document)
    assert [] == [char for char in document if not char.isprintable() and char != "\n"]


def test_cleaning_leaves_what_is_printable():
    """Letters of any script and line breaks; a tab and a carriage return are spaces."""
    assert "größe → 日本 🙂\nline two  end" == cleaned("größe → 日本 🙂\r\nline two\t\rend")
    assert "plain" == cleaned("plain")


def test_a_clean_stream_is_the_stream_in_all_else():
    """What asks for its encoding, its number or whether it is a terminal is answered by the one behind."""
    stream = CleanStream(sys.__stdout__)

    assert (sys.__stdout__.encoding, sys.__stdout__.isatty()) == (stream.encoding, stream.isatty())
    with pytest.raises(TypeError):
        stream.write(b"bytes")


ALLOWED = {
    "screen.py": {"sys.stdout", "sys.stderr", "Console"},
    "exits.py": {"sys.stdout", "sys.stderr"},  # where they are closed, or nobody reads them
    "__init__.py": {"print", "sys.stderr"},  # a word of ours, while the rest is imported
    "draw.py": {"sys.stdout.buffer", "sys.stdout.isatty"},  # a PNG, and never to a terminal
    "replay.py": {"sys.stderr"},  # for the bar that shows how far it is
    "follow.py": {"sys.stdout.flush"},
}
"""By module of the command line: the ways to the terminal that it may name."""


OTHERS = {
    "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__",
    "typer.echo", "typer.secho", "click.echo", "os.write",
}  # fmt: skip


def ways(path: Path) -> set[str]:
    """The ways to the terminal that a module names."""
    found, inner = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name.startswith(("sys.stdout.", "sys.stderr.")):
                found.add(name)
                inner.add(id(node.value))
            elif name in OTHERS and id(node) not in inner:
                found.add(name)
        elif isinstance(node, ast.Name) and node.id in ("print", "Console"):
            found.add(node.id)
    return found


@pytest.mark.parametrize("path", sorted(Path(cli.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_no_command_has_a_way_to_the_terminal_of_its_own(path):
    """What it prints goes through the screen."""
    allowed = ALLOWED.get(path.name, set())

    assert [] == [way for way in ways(path) if way not in allowed and way.rpartition(".")[0] not in allowed]
