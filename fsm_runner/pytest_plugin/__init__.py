"""The pytest plugin: which rows of a chart, and which combinations of answers, a test session drove.

recorder           watches the machine while tests run
coverage           what was driven, beside all that can be
plugin             the hooks, once coverage is asked for
coverage_report    what is said of it: for the terminal, as JSON, and in pictures

pytest loads this module in every session where fsm_runner is installed, so it imports nothing until it is asked to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ALL = ""
"""What stands for a chart's name when every chart that is driven counts."""

OPTION = "--fsm-coverage"


def percent(text: str) -> float:
    """Return the percentage that `text` says.

    Raises:
        ValueError: it is not a number from 0 to 100.
    """
    value = float(text)
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, all under one head of ``--help``."""
    group = parser.getgroup("fsm_runner", "coverage of charts")
    group.addoption(
        OPTION,
        action="append",
        nargs="?",
        const=ALL,
        metavar="CHART",
        dest="fsm_coverage",
        help="Report which rows of a chart the tests drove: of every chart that they drive, or with =CHART (a file, or "
        "a shipped chart's name) of that one. Repeatable.",
    )
    group.addoption(
        "--fsm-coverage-fail-under",
        type=percent,
        metavar="PERCENT",
        help="Fail when fewer of the rows were taken, all reported charts together.",
    )
    group.addoption(
        "--fsm-coverage-diagram",
        action="append",
        metavar="FILE",
        help="Draw it. The suffix is the format: .svg, .png (with the extra 'pictures'), .dot or .mmd. Repeatable.",
    )
    group.addoption(
        "--fsm-coverage-theme", choices=("light", "dark"), default="light", help="The theme of diagrams (not of .mmd)."
    )
    group.addoption("--fsm-coverage-json", metavar="FILE", help="Write it as JSON.")
    parser.addini(
        "fsm_coverage_charts", type="linelist", help="The charts of --fsm-coverage without a name, one a line."
    )
    parser.addini(
        "fsm_coverage_fail_under", help="The same as --fsm-coverage-fail-under, for every session with coverage."
    )


def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Keep ``pytest --fsm-coverage tests`` from taking the folder for a chart."""
    end = args.index("--") if "--" in args else len(args)
    if OPTION in args[:end]:
        args[:end] = [f"{OPTION}={ALL}" if arg == OPTION else arg for arg in args[:end]]
        early_config.known_args_namespace.file_or_dir = parser.parse_known_args(args).file_or_dir


def pytest_configure(config: pytest.Config) -> None:
    """Watch the machine, if coverage is asked for."""
    given = [config.getoption(f"fsm_coverage_{name}") for name in ("fail_under", "diagram", "json")]
    if config.getoption("fsm_coverage") is None and all(value is None for value in given):
        return
    from fsm_runner.pytest_plugin.plugin import Coverage

    Coverage.begin(config)
