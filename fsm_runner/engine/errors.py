"""The errors, by who has to fix it.

FsmRunnerError
├── ChartError       the chart cannot run                     fix the file
├── IllegalEvent     the state takes no such event            fix the caller or the driver
├── RunError         the run cannot give what was asked       read `runner.stop`, go on or start anew
│   ├── OutputFormatError   the final reply is not of the output format   read its `message`
│   └── ReplyError   a reply arrived that cannot be used      go on, which asks again
├── JournalError     a line cannot be read or written         restore or upgrade the journal
└── InternalError    our mistake                              please report it, with the journal

Each keeps its facts as attributes; the text is derived from them.  All of them pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsm_runner.engine.frozen import short_repr


class FsmRunnerError(Exception):
    """The base of every error that fsm_runner raises itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a chart: immutable.

    Attributes:
        code: the stable name of the kind of problem, such as ``unknown-target``.
        path: where in the chart, as keys and indexes from the top: ``("states", "inspect", "always", 0)``.
        message: what is wrong, as ``subject: problem (hint)``.
        line, column: where in the file, counted from 1; None for a chart made in Python.
    """

    code: str
    path: tuple[str | int, ...]
    message: str
    line: int | None = None
    column: int | None = None

    __repr__ = short_repr

    def located(self, source: str) -> str:
        """Return the problem as one line that starts with its place in `source`."""
        if self.line is None:
            return f"{source}: {self.message}"
        return f"{source}:{self.line}:{self.column or 1}: {self.message}"


class ChartError(FsmRunnerError):
    """A chart cannot run.  `problems` has everything that is wrong with it, not only the first problem.

    Attributes:
        source: the file's name, or the chart's when it was made in Python.
        problems: at least one.
    """

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(problem.located(self.source) for problem in self.problems)


class IllegalEvent(FsmRunnerError):
    """The state takes no such event; nothing has changed.

    Attributes:
        state: the state that the run is in, still.
        event: the name of the event that was refused.
        takes: the events that the state takes.
    """

    def __init__(self, state: str, event: str, takes: tuple[str, ...]) -> None:
        super().__init__(state, event, takes)
        self.state = state
        self.event = event
        self.takes = takes

    def __str__(self) -> str:
        takes = f"it takes: {', '.join(self.takes)}" if self.takes else "it takes none"
        return f"state '{self.state}' takes no event '{self.event}'; {takes}"


class RunError(FsmRunnerError):
    """The run cannot give what was asked of it.

    Attributes:
        problem: why not, with a hint.
        reason: why the run ended, when it has.
    """

    def __init__(self, problem: str, reason: str | None = None) -> None:
        super().__init__(problem, reason)
        self.problem = problem
        self.reason = reason

    def __str__(self) -> str:
        return self.problem


class ReplyError(RunError, ValueError):
    """A reply arrived that cannot be used.  None of its calls was run.

    Attributes:
        reply: the API's message, as plain data.
    """

    def __init__(self, problem: str, reply: Mapping[str, object]) -> None:
        super().__init__(problem)
        self.args = (problem, reply)
        self.reply = reply


class JournalError(FsmRunnerError):
    """A journal cannot be read or written.

    Attributes:
        source: the file's name.
        line: the line, counted from 1; None when it is not about one line.
        problem: what is wrong, with a hint.
    """

    def __init__(self, source: str, line: int | None, problem: str) -> None:
        super().__init__(source, line, problem)
        self.source = source
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{where}: {self.problem}"


class InternalError(FsmRunnerError):
    """A bug in fsm_runner.  Please report it, with the journal."""
