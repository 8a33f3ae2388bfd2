"""The current folder: nothing is imported from it, unless an option names a module of one's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import AGENT, ROOT
from tests.support.processes import PATIENCE

LURE = 'from pathlib import Path\nPath("executed").touch()\nraise SystemExit(9)\n'
NAMES = (
    "anthropic",
    "typer",
    "yaml",
    "pydantic",
    "rich",
    "anyio",
    "httpx2",
    "orjson",
    "structlog",
    "transitions",
    "json",
)
"""What the package and its libraries import; a folder may hold files of these names."""

PROGRAM = [str(Path(sys.executable).parent / "fsm-runner")]
MODULE = [sys.executable, "-m", "fsm_runner"]
STARTED = pytest.mark.parametrize("program", [PROGRAM, MODULE], ids=["program", "module"])


@pytest.fixture
def folder(tmp_path):
    """A folder with a file for each library."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(LURE, encoding="utf-8")
    return tmp_path


def started(program: list[str], folder: Path, *arguments: str, key: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`; with a key that the client takes, and a base URL that nobody answers at."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "PYTHON"))}
    if key:
        env |= {"ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    line = [*program, *arguments]
    return subprocess.run(
        line, cwd=folder, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE
    )


@STARTED
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--format", "json"],
        ["draw"],
        ["reach", "states", "done"],
        ["resume", "none.jsonl"],
        ["replay", "none"],
    ],
    ids=" ".join,
)
def test_no_command_imports_from_the_current_folder(program, folder, arguments):
    """As a program and as a module."""
    done = started(program, folder, *arguments)

    assert done.returncode in (0, 1, 2)
    assert not (folder / "executed").exists()
    assert "Traceback" not in done.stderr


@STARTED
def test_a_run_asks_by_the_client_that_is_installed(program, folder):
    """The default client is the SDK's, whatever lies in the folder; here it is refused a connection."""
    done = started(program, folder, "run", "hello", "--limit", "iterations=1")

    assert 1 == done.returncode
    assert "APIConnectionError" in done.stdout + done.stderr
    assert not (folder / "executed").exists()


@STARTED
def test_a_module_that_is_named_is_found_in_the_current_folder(program, tmp_path):
    """With what it imports beside it, also later; the SDK is the installed one even then."""
    (tmp_path / "anthropic.py").write_text(LURE, encoding="utf-8")
    (tmp_path / "beside.py").write_text("said = 'from beside'\n", encoding="utf-8")
    later = '''
@beta_async_tool
async def late_import() -> str:
    """Import while it runs."""
    import beside
    return beside.said

def asks(): return ScriptedModel([tool_use("late_import"), text("Done.")]).client()
'''
    (tmp_path / "agent.py").write_text(AGENT + later, encoding="utf-8")
    done = started(program, tmp_path, "run", "go", "--client", "agent:asks", "--tool", "agent:late_import", key=False)

    assert 0 == done.returncode, done.stderr
    assert "from beside" in done.stdout
    assert not (tmp_path / "executed").exists()


@STARTED
def test_a_named_module_opens_the_folder_for_itself_alone(program, folder):
    """What the command needs afterwards still comes from where it is installed."""
    for name in ("json", "anthropic", "typer"):
        (folder / f"{name}.py").unlink()
    (folder / "facts.py").write_text(
        "from fsm_runner import fact\n@fact(answers=('yes', 'no'))\ndef late(context): return 'no'\n", encoding="utf-8"
    )
    done = started(program, folder, "check", str(ROOT / "states.yaml"), "--fact", "facts:late", "--format", "json")

    assert 0 == done.returncode, done.stderr
    assert not (folder / "executed").exists()


def test_a_path_that_is_asked_for_stays(folder):
    """`PYTHONPATH` names folders on purpose, the current one included."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([*MODULE, "check", "--strict"], cwd=folder, env=env, capture_output=True, timeout=PATIENCE)

    assert (folder / "executed").exists()
