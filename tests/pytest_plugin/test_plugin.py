"""The plugin in sessions of its own: what it says, writes and judges."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from importlib.metadata import entry_points

import pytest

from fsm_runner.charts.drawing import picture  # a session within this one forgets what it was the first to import
from fsm_runner.loop.tool_loop import Machine
from fsm_runner.pytest_plugin import coverage_report, plugin  # noqa: F401

SMALL = """\
schema: fsm_runner/chart/v1
name: small
initial: start
limits: {iterations: null}
facts:
  closed: [true, false]
  limit: [free, reached]
states:
  start:
    phase: p
    transitions:
      - {id: begin, event: continued, target: inspect}
  inspect:
    phase: p
    always:
      - {id: stop, guard: {closed: true}, target: done}
      - {id: over, guard: {limit: reached}, target: done}
      - {id: again, target: start, spends: iterations}
  done:
    phase: p
    final: true
"""

TESTS = """\
from fsm_runner import load
from fsm_runner.loop.context import Context
from fsm_runner.loop.events import Closed, Continued
from fsm_runner.loop.tool_loop import compile


def test_goes_on():
    machine = compile(load("small.yaml"))
    machine.step(machine.start(Context()).snapshot, Continued())


def test_stops():
    machine = compile(load("small.yaml"))
    closed = machine.step(machine.start(Context()).snapshot, Closed()).snapshot
    machine.step(closed, Continued())
"""

QUIET = [f"-pno:{name}" for name in ("asyncio", "cacheprovider", "hypothesispytest", "llmock", "randomly", "timeout")]
"""Plugins that these sessions do without."""


@pytest.fixture
def folder(pytester):
    """A project of a chart with four rows, of which its two tests drive three."""
    pytester.makepyfile(test_small=TESTS)
    pytester.path.joinpath("small.yaml").write_text(SMALL, encoding="utf-8")
    return pytester


@pytest.fixture
def run(folder, monkeypatch):
    """Run pytest on the project, in a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments):
        return folder.runpytest_inprocess(*QUIET, *arguments)

    return run


def section(result):
    """The lines of the report, without those of pytest."""
    (start,) = (at for at, line in enumerate(result.outlines) if "= coverage of charts =" in line)
    *lines, _ = result.outlines[start + 1 :]  # the last says how long it took
    return lines if not lines or lines[-1] else lines[:-1]


def test_the_plugin_is_found_by_pytest():
    """As soon as the package is installed."""
    (found,) = [each for each in entry_points(group="pytest11") if each.name == "fsm_runner"]

    assert "fsm_runner.pytest_plugin" == found.value


def test_without_the_option_nothing_happens(run):
    """Nothing is said, and the machine is not touched."""
    before = Machine.start, Machine.step
    result = run("-v")

    assert 0 == result.ret
    assert "coverage of charts" not in result.stdout.str()
    assert before == (Machine.start, Machine.step)


def test_without_the_option_nothing_is_imported():
    """A session in another project pays for three small modules."""
    code = """if True:
        import pytest, sys
        before = set(sys.modules)
        import fsm_runner.pytest_plugin
        print(*sorted(set(sys.modules) - before))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ["fsm_runner", "fsm_runner.pytest_plugin", "fsm_runner.version"] == done.stdout.split()


def test_the_report_says_what_was_not_driven(run):
    """In a few lines: the rows that were not taken, and those that were by some answers only."""
    result = run("--fsm-coverage")

    assert 0 == result.ret
    assert [
        "small: 3 of 4 rows taken (75.0 %), 3 of 5 combinations of answers",
        "  not taken: over",
        "  taken by some combinations of answers (-v shows which): stop 1/2",
    ] == section(result)


def test_verbose_lists_every_row(run):
    """With the answers that are left, in as few patterns as say it."""
    assert [
        "small: 3 of 4 rows taken (75.0 %), 3 of 5 combinations of answers",
        "  state    row    taken  driven  not driven",
        "  start    begin     2×     1/1",
        "  inspect  stop      1×     1/2  limit = reached",
        "           over      0×     0/1  never taken",
        "           again     1×     1/1",
    ] == section(run("--fsm-coverage", "-v"))


def test_quiet_is_one_line_a_chart(run):
    """Which is what a log of CI has room for."""
    assert ["small: 3 of 4 rows taken (75.0 %), 3 of 5 combinations of answers"] == section(run("--fsm-coverage", "-q"))


def test_a_chart_that_is_named_counts_although_nothing_drove_it(run):
    """And those that are not named do not."""
    lines = section(run("--fsm-coverage=reflect", "-q"))

    assert [line.split(":")[0] for line in lines] == ["reflect"]
    assert "0 of 51 rows taken" in lines[0]


def test_several_charts_are_reported_one_by_one_and_together(run):
    """A file and a shipped chart; without a name, all others that were driven, too."""
    lines = section(run("--fsm-coverage=reflect", "--fsm-coverage", "-q"))

    assert [
        "reflect: 0 of 51 rows taken (0.0 %)",
        "small: 3 of 4 rows taken (75.0 %)",
        "together: 3 of 55 rows taken (5.4 %)",
    ] == [line.partition(", ")[0] for line in lines]


def test_what_stands_behind_the_option_is_no_chart(run):
    """`pytest --fsm-coverage test_small.py` runs the tests of that file."""
    result = run("--fsm-coverage", "test_small.py")

    result.assert_outcomes(passed=2)
    assert section(result)[0].startswith("small: 3 of 4")


def test_the_share_that_is_too_small_fails_the_session(run):
    """With a clear last word and pytest's exit code for failed tests."""
    result = run("--fsm-coverage", "--fsm-coverage-fail-under=75.1")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.assert_outcomes(passed=2)
    assert "coverage of charts: 75.0 % of the rows were taken, fewer than 75.1 %" == section(result)[-1]


def test_the_share_that_is_reached_does_not(run):
    """At it counts."""
    assert 0 == run("--fsm-coverage", "--fsm-coverage-fail-under=75").ret


def test_a_session_that_drives_nothing_has_no_share(run):
    """An empty report must not pass."""
    result = run("--fsm-coverage", "--fsm-coverage-fail-under=1", "-k", "nothing")

    assert pytest.ExitCode.NO_TESTS_COLLECTED == result.ret
    assert ["no chart was driven", "coverage of charts: 0.0 % of the rows were taken, fewer than 1 %"] == section(
        result
    )


def test_only_collecting_says_nothing(run):
    """No test ran, so there is nothing to judge."""
    result = run("--fsm-coverage", "--fsm-coverage-fail-under=100", "--collect-only")

    assert 0 == result.ret
    assert "coverage of charts" not in result.stdout.str()


def test_the_configuration_file_says_it_for_every_session(run, folder):
    """Which charts, and how much of them; the command line has the last word."""
    folder.makeini("[pytest]\nfsm_coverage_charts =\n    small.yaml\n    reflect\nfsm_coverage_fail_under = 80\n")
    result = run("--fsm-coverage", "-q")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "small (small.yaml): 3 of 4 rows taken (75.0 %)" == section(result)[0].partition(", ")[0]
    assert "reflect: 0 of 51" in section(result)[1]
    assert 0 == run("--fsm-coverage", "--fsm-coverage-fail-under=5").ret
    assert 0 == run().ret


def test_a_chart_of_the_configuration_file_is_found_from_a_folder_below(run, folder, monkeypatch):
    """Its path begins where the file is."""
    folder.makeini("[pytest]\nfsm_coverage_charts = small.yaml\n")
    folder.mkdir("below")
    monkeypatch.chdir("below")

    assert "0 of 4 rows taken" in section(run("--fsm-coverage", "-q"))[0]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--fsm-coverage=smal.yaml"], "--fsm-coverage: smal.yaml: the file cannot be read: no such file or directory"),
        (["--fsm-coverage=reflekt"], "--fsm-coverage: reflekt: no chart is called that (did you mean 'reflect'?)"),
        (["--fsm-coverage-fail-under=90"], "--fsm-coverage-...: nothing is recorded to report on (add --fsm-coverage)"),
        (
            ["--fsm-coverage", "--fsm-coverage-diagram=c.gif"],
            "--fsm-coverage-diagram: 'c.gif': the suffix tells no format (there is: .svg, .png, .dot, .mmd)",
        ),
        (
            ["--fsm-coverage", "-o", "fsm_coverage_fail_under=most"],
            "fsm_coverage_fail_under: 'most' is no percentage (from 0 to 100)",
        ),
        (
            ["--fsm-coverage", "--fsm-coverage-fail-under=101"],
            "--fsm-coverage-fail-under: invalid percent value: '101'",
        ),
    ],
    ids=["no file", "no chart", "nothing recorded", "no format", "no number", "no percentage"],
)
def test_what_cannot_be_followed_is_refused_before_any_test(run, arguments, problem):
    """With pytest's exit code for wrong usage."""
    result = run(*arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert problem in result.stderr.str()
    assert "passed" not in result.stdout.str()


def test_a_named_chart_whose_names_do_not_resolve_is_refused(run, folder):
    """At its line."""
    folder.path.joinpath("small.yaml").write_text(SMALL.replace("closed: true", "close: true"), encoding="utf-8")
    result = run("--fsm-coverage=small.yaml")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert re.search(r"small\.yaml:\d+:\d+: .*did you mean 'closed'\?", result.stderr.str())


def test_json_holds_all_of_it(run, folder):
    """For programs; the folder is made."""
    run("--fsm-coverage", "--fsm-coverage-json=out/coverage.json")
    data = json.loads(folder.path.joinpath("out", "coverage.json").read_text(encoding="utf-8"))
    (chart,) = data.pop("charts")
    begin, stop, over, _ = chart.pop("rows")

    assert {"schema": "fsm_runner/coverage/v1", "rows_taken": 3, "rows_declared": 4, "percent": 75.0} == data
    assert {"name": "small", "asked": None, "rows_taken": 3, "rows_declared": 4} == {
        key: value for key, value in chart.items() if not key.startswith("combinations")
    }
    assert {
        "row": "stop",
        "state": "inspect",
        "event": None,
        "times": 1,
        "combinations_driven": 1,
        "combinations_possible": 2,
        "not_driven": [{"limit": ["reached"]}],
        "driven_though_impossible": [],
    } == stop
    assert ("continued", []) == (begin["event"], begin["not_driven"])
    assert (0, [{}]) == (over["times"], over["not_driven"])


def test_the_diagram_shows_what_was_driven(run, folder):
    """By the suffix; each row says how often, and by how many of its combinations."""
    run("--fsm-coverage", "--fsm-coverage-diagram=c.mmd", "--fsm-coverage-diagram=c.svg", "--fsm-coverage-theme=dark")
    mermaid, svg = (folder.path.joinpath(name).read_text(encoding="utf-8") for name in ("c.mmd", "c.svg"))

    assert "driven by 2 tests" in svg
    assert "1 of 2: so many of the combinations" in svg
    for text in (mermaid.replace("#215;", "×"), unescape(svg)):
        assert "never taken" in text
        assert "1×, 1 of 2" in text


def test_a_picture_for_a_slide_is_drawn_too(run, folder):
    """As PNG."""
    run("--fsm-coverage", "--fsm-coverage-diagram=c.png")

    assert folder.path.joinpath("c.png").read_bytes().startswith(b"\x89PNG")


def test_without_the_program_that_draws_no_test_is_run_in_vain(run, monkeypatch):
    """The way out is named."""
    monkeypatch.setattr(picture, "PROGRAM", "not-there")
    result = run("--fsm-coverage", "--fsm-coverage-diagram=c.svg")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "'not-there' is not installed (pip install 'fsm-runner[pictures]', or draw DOT)" in result.stderr.str()


def test_a_picture_that_fails_at_the_end_fails_the_session(run, folder, monkeypatch):
    """After the report."""
    monkeypatch.setattr(picture, "PROGRAM", picture.PROGRAM)
    lost = "from fsm_runner.charts.drawing import picture\n\ndef test_lost():\n    picture.PROGRAM = 'not-there'\n"
    folder.makepyfile(test_lost=lost)
    result = run("--fsm-coverage", "--fsm-coverage-diagram=c.svg")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert section(result)[-1].startswith("coverage of charts: picture: 'not-there' is not installed")


def test_of_several_charts_each_has_a_diagram(run, folder):
    """With its name before the suffix."""
    run("--fsm-coverage", "--fsm-coverage=reflect", "--fsm-coverage-diagram=c.dot")

    assert ["c-reflect.dot", "c-small.dot"] == sorted(path.name for path in folder.path.glob("*.dot"))


def test_a_file_that_cannot_be_written_fails_the_session(run, folder):
    """In one line, after the report."""
    folder.mkdir("taken.json")
    result = run("--fsm-coverage", "--fsm-coverage-json=taken.json")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert section(result)[-1].endswith("taken.json: cannot be written: is a directory")


LOST = """\
class Node:
    "A worker that sent nothing."

def pytest_sessionstart(session):
    session.config.hook.pytest_testnodedown(node=Node(), error=None)
"""

ADDED = [
    "small: 3 of 4 rows taken (75.0 %), 3 of 5 combinations of answers",
    "  state    row    taken  driven  not driven",
    "  start    begin     2×     1/1",
    "  inspect  stop      1×     1/2  limit = reached",
    "           over      0×     0/1  never taken",
    "           again     1×     1/1",
]


def test_what_workers_drove_is_added_up(run):
    """Each of two workers of pytest-xdist drives one of the tests."""
    leader = run("--fsm-coverage", "-v", "--numprocesses=2")

    assert 0 == leader.ret
    assert ADDED == section(leader)


def test_a_worker_that_was_lost_is_told(run, folder):
    """What its tests drove is not known, so the measure would be too small without a word."""
    folder.makeconftest(LOST)
    leader = run("--fsm-coverage", "-v")

    assert pytest.ExitCode.TESTS_FAILED == leader.ret
    assert [*ADDED, "coverage of charts: a worker ended early, so what its tests drove is not counted"] == section(
        leader
    )
