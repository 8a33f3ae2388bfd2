"""The app as a whole: help, the version, exit codes, how it starts and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fsm_runner
from fsm_runner.cli.exits import CODES
from tests.cli.conftest import BROKEN, ROOT, program
from tests.support.processes import PATIENCE

COMMANDS = (
    "run", "init", "check", "table", "draw", "diff", "export", "paths", "reach", "schema",
    "resume", "fork", "show", "compare", "replay", "verify",
)  # fmt: skip


HEAVY = """
import sys
sys.argv = ["fsm-runner", *sys.argv[1:]]
from fsm_runner.cli import main
try:
    main()
except SystemExit as end:
    heavy = {"anthropic", "anyio", "httpx2", "pydantic", "rich", "structlog", "transitions", "yaml"}
    print(end.code, sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


def test_help_lists_every_command_and_every_exit_code(command):
    """The first thing that a newcomer types tells all."""
    done = command("--help")

    assert 0 == done.exit_code
    _, _, commands = done.stdout.partition("Commands:\n")
    assert list(COMMANDS) == [line.split()[0] for line in commands.partition("\n\n")[0].splitlines()]
    assert [] == [meaning for code, meaning in CODES.items() if f"{code:<4} {meaning}" not in done.stdout]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help(command, name):
    """What each takes, and its exit codes; no line is wider than a terminal of 80 columns."""
    done = command(name, "--help")

    assert 0 == done.exit_code
    assert "Exit codes:" in done.stdout
    assert [] == [line for line in done.stdout.splitlines() if len(line) > 80]


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], []),
        (["--version"], []),
        (["run", "--help"], ["pydantic"]),  # typer reads the options before a command with it
    ],
)
def test_help_imports_nothing_that_is_slow_to_import(arguments, heavy):
    """Help answers at once, because it loads neither the SDK nor what parses charts and draws terminals."""
    done = subprocess.run([sys.executable, "-c", HEAVY, *arguments], cwd=ROOT, capture_output=True, text=True)

    assert f"0 {heavy}" == done.stderr.strip()


def test_the_version_is_the_package_s(command):
    """One number, in one place."""
    assert f"fsm-runner {fsm_runner.__version__}\n" == command("--version").stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["--nonsense"], ["nonsense"], ["check", "--format", "xml"], ["replay"], ["run"], ["run", "--tool"]],
)
def test_wrong_use_exits_with_2(command, arguments):
    """What is not understood is told from what was found."""
    done = command(*arguments)

    assert 2 == done.exit_code
    assert "Traceback" not in done.output


def test_the_module_is_the_program():
    """``python -m fsm_runner`` calls itself what the user can type."""
    done = program("--help")

    assert (0, "Usage: fsm-runner") == (done.returncode, done.stdout[:17])


def test_a_closed_output_ends_quietly():
    """Piped into something that stops reading, a command stops too, without a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = program("draw", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)

    assert (141, "") == (done.returncode, done.stderr)


def test_an_output_without_the_characters_shows_question_marks():
    """A terminal that knows only ASCII still gets its line."""
    line = [sys.executable, "-m", "fsm_runner", "check", str(BROKEN / "target_is_not_declared.yaml")]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, timeout=PATIENCE)

    assert 1 == done.returncode
    assert b"  9 ?       - {id: end, target: don}" in done.stdout


@pytest.mark.parametrize("arguments", [["check"], ["table"], ["draw"], ["--help"]])
def test_an_output_that_is_full_ends_with_one_line(arguments):
    """A disk without room is no mistake of ours, so there is no traceback."""
    with Path("/dev/full").open("w") as full:
        done = program(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert (2, "standard output: cannot be written: no space left on device\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize(("arguments", "code"), [("check", 0), ("draw", 0), ("check none", 2), ("diff - states", 2)])
def test_streams_that_are_closed_are_as_good_as_none(arguments, code):
    """Started without input and outputs, as some supervisors do, a command does its work and gives its exit code."""
    line = f"exec {sys.executable} -m fsm_runner {arguments} <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, timeout=PATIENCE)

    assert code == done.returncode


def test_names_from_a_chart_cannot_speak_to_the_terminal(command, tmp_path):
    """What a chart says is shown in errors, and may hold control characters."""
    text = (ROOT / "states.yaml").read_text(encoding="utf-8").replace("target: done}", r'target: "a\e[31mb"}', 1)
    (tmp_path / "chart.yaml").write_text(text, encoding="utf-8")
    said = [command(*line).stderr for line in (["table", "chart.yaml"], ["diff", "chart.yaml", "states"])]

    assert all("'a?[31mb' is not a name" in each for each in said)


@pytest.mark.parametrize("name", ["check", "table", "draw"])
def test_a_chart_that_is_not_there_exits_with_2_and_one_line(command, name):
    """A wrong name is wrong use; no traceback, and the name that was meant."""
    done = command(name, "state")

    assert (2, "state: no chart is called that (did you mean 'states'?)\n") == (done.exit_code, done.stderr)


def test_an_empty_name_is_not_taken_for_a_folder(command):
    """As a script gives it whose variable is not set."""
    done = command("check", "")

    assert 2 == done.exit_code
    assert done.stderr.startswith("'': no chart is called that (there is: ")


@pytest.mark.parametrize("name", ["table", "draw"])
def test_a_broken_chart_exits_with_1_and_its_problems(command, name):
    """What was found is at its place."""
    path = BROKEN / "target_is_not_declared.yaml"
    done = command(name, path)

    assert 1 == done.exit_code
    assert f"{path}:9:27: state 'start': target 'don' is not declared (did you mean 'done'?)\n" == done.stderr


def test_ctrl_c_while_something_is_imported_ends_with_a_word():
    """However early it comes: no traceback, and the exit code of every interruption."""
    interrupted = """
import sys
import fsm_runner.cli

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
fsm_runner.cli.main()
"""
    done = subprocess.run([sys.executable, "-c", interrupted], capture_output=True, text=True, timeout=PATIENCE)

    assert (130, "", "interrupted\n") == (done.returncode, done.stdout, done.stderr)
