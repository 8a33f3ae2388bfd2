"""What the tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.processes import PATIENCE

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "tests" / "charts" / "broken"

Command = Callable[..., Result]

AGENT = '''
import asyncio
import pathlib
from anthropic import beta_async_tool, beta_tool
from fsm_runner import fact
from fsm_runner.testing import ScriptedModel, overloaded, reply, text, thinking, tool_use

@beta_async_tool
async def add(a: int, b: int) -> str:
    """Add."""
    return str(a + b)

@beta_async_tool
async def wait() -> str:
    """Wait until the test has seen that it began, and longer."""
    pathlib.Path("began").touch()
    while True:  # in steps: the loop sees a signal that comes just before it waits only when that wait is over
        await asyncio.sleep(0.05)

@beta_tool
def sync_add(a: int, b: int) -> str:
    """Add."""
    return str(a + b)

@fact(answers=("yes", "no"))
def late(context):
    """Whether it is late."""
    return "no"

def plain(): return 1
TOOLS = [add, wait]
def client(): return ScriptedModel([tool_use("add", {"a": 1, "b": 2}), text("It is 3.")]).client()
def escaping(): return ScriptedModel([text("red\\x1b[31m alert\\nsecond line")]).client()
def failing(): return ScriptedModel([overloaded()]).client()
def waiting(): return ScriptedModel([tool_use("wait")]).client()
def broken(): raise RuntimeError("no key in the vault")
'''


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of the terminal is the same for all: that of the shell that began the tests is not."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process, in an empty folder but for `agent.py`."""
    from fsm_runner.cli.app import app_for

    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "agent", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    runner = CliRunner()

    def run(*arguments: str | Path, stdin: str | None = None) -> Result:
        line = [*map(str, arguments)]
        return runner.invoke(app_for(line), line, input=stdin, prog_name="fsm-runner")

    return run


def program(*arguments: str | Path, cwd: Path = ROOT, **options: object) -> subprocess.CompletedProcess[str]:
    """Run ``python -m fsm_runner`` as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    line = [sys.executable, "-m", "fsm_runner", *map(str, arguments)]
    given = {"capture_output": True, **options}
    return subprocess.run(line, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, **given)
