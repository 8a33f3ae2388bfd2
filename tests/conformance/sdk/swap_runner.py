"""A pytest plugin for the SDK's own tests: ``client.beta.messages.tool_runner(...)`` gives the runner asked for.

    pytest -p swap_runner --runner=sdk          the SDK's runner: which tests there are, and which of them make a runner
    pytest -p swap_runner --runner=fsm_runner   ours, for every client; making one of the SDK's from within it raises

With ``--outcomes=FILE``, what became of each test is written there as JSON: ``{id: {outcome, makes_runner, why}}``.

No test is changed.  Two things are, and only for our runner: the method that makes one, and the name under which our
log records arrive, since tests ask for those of the SDK's logger.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.lib import tools

SDK_LOGGER = "anthropic.lib.tools._beta_runner"
OURS = "fsm_runner"
WORST = ("passed", "skipped", "failed")

CLIENTS: tuple[Callable[[], Any], ...] = (
    lambda: anthropic.Anthropic(api_key="x"),
    lambda: anthropic.AsyncAnthropic(api_key="x"),
    lambda: anthropic.AnthropicBedrock(aws_region="x", aws_access_key="x", aws_secret_key="x"),
    lambda: anthropic.AsyncAnthropicBedrock(aws_region="x", aws_access_key="x", aws_secret_key="x"),
    lambda: anthropic.AnthropicVertex(region="x", project_id="x", access_token="x"),
    lambda: anthropic.AsyncAnthropicVertex(region="x", project_id="x", access_token="x"),
    lambda: anthropic.AnthropicFoundry(resource="x", api_key="x"),
    lambda: anthropic.AsyncAnthropicFoundry(resource="x", api_key="x"),
)
RUNNERS = (
    tools.BetaToolRunner,
    tools.BetaAsyncToolRunner,
    tools.BetaStreamingToolRunner,
    tools.BetaAsyncStreamingToolRunner,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the two options."""
    group = parser.getgroup("conformance")
    group.addoption("--runner", choices=("sdk", OURS), default="sdk", help="whose runner tool_runner() makes")
    group.addoption("--outcomes", type=Path, help="a file for what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    """Put the runner asked for in place."""
    swap = Swap(config.option.runner, config.option.outcomes)
    config.pluginmanager.register(swap)
    for cls in makers():
        swap.wrap(cls)
    if config.option.runner == OURS:
        for runner in RUNNERS:
            refuse_from_within(runner)
        rename_records()


def makers() -> set[type]:
    """Return the classes that have a ``tool_runner`` method of their own, one for each kind of client."""
    kinds = {type(client().beta.messages) for client in CLIENTS}
    return {next(cls for cls in kind.__mro__ if "tool_runner" in vars(cls)) for kind in kinds}


class Swap:
    """Makes the runners, and notes which test made one and what became of it."""

    def __init__(self, runner: str, outcomes: Path | None) -> None:
        self.runner, self.file = runner, outcomes
        self.made = False
        self.outcomes: dict[str, dict[str, Any]] = {}

    def wrap(self, cls: type) -> None:
        """Replace the method of one class."""
        native = vars(cls)["tool_runner"]

        @functools.wraps(native)  # tests compare its signature with that of `create`
        def tool_runner(resource: Any, /, **arguments: Any) -> Any:
            self.made = True
            if self.runner == "sdk":
                return native(resource, **arguments)
            import fsm_runner

            return fsm_runner.tool_runner(resource._client, **arguments)  # the SDK offers no other way back

        cls.tool_runner = tool_runner  # type: ignore[attr-defined]

    def pytest_runtest_setup(self) -> None:
        """Begin a test."""
        self.made = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Note the worst of setup, call and teardown."""
        report: Any = yield
        seen = self.outcomes.setdefault(item.nodeid, {"outcome": "passed", "makes_runner": False, "why": ""})
        seen["makes_runner"] |= self.made
        if WORST.index(report.outcome) > WORST.index(seen["outcome"]):
            seen["outcome"] = report.outcome
            crash = getattr(report.longrepr, "reprcrash", None)
            seen["why"] = (crash.message if crash else report.longreprtext).strip().partition("\n")[0]
        return report

    def pytest_sessionfinish(self) -> None:
        """Write the outcomes."""
        if self.file is not None:
            self.file.write_text(json.dumps(self.outcomes, indent=1), encoding="utf-8")


def refuse_from_within(cls: type) -> None:
    """Have `cls` refuse to be made by our runner, which is to do the work itself."""
    made = cls.__init__  # type: ignore[misc]

    @functools.wraps(made)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_globals.get("__name__", "").partition(".")[0] == OURS:
                raise RuntimeError(f"{OURS} makes one of the SDK's own runners")
            frame = frame.f_back  # type: ignore[assignment]
        made(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[misc]


def rename_records() -> None:
    """Let our log records arrive under the name of the SDK's logger."""
    make = logging.getLogRecordFactory()

    def renamed(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        return make(SDK_LOGGER if name.partition(".")[0] == OURS else name, *args, **kwargs)

    logging.setLogRecordFactory(renamed)
