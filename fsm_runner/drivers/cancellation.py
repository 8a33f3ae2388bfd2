"""Cancellation: tells exceptions that are a tool's own from those that end the run's work.

A tool may cancel a task or a scope inside itself.  The exception is then a failure of that tool, like anything else
that it raises.  A cancellation of the run, an interrupt and an exit of the process are not: they go on to the caller.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import anyio

_OF_THE_PROCESS = (KeyboardInterrupt, SystemExit)


def is_of_the_process(error: BaseException) -> bool:
    """Whether `error` interrupts or ends the process, or is a group with an exception that does."""
    return any(isinstance(each, _OF_THE_PROCESS) for each in _leaves(error))


class Cancels:
    """Tells whether the current task has been cancelled from outside since this was made."""

    def __init__(self) -> None:
        """Look at the current task."""
        self._task = _current_task()
        self.before = _asked(self._task)
        """How many cancellations of the task had been requested by then."""

    def is_own(self, error: BaseException) -> bool:
        """Whether `error` is a failure of the code that the task ran, such as a tool."""
        if isinstance(error, Exception):
            return True
        if is_of_the_process(error):
            return False
        if any(isinstance(each, GeneratorExit) for each in _leaves(error)) and _current_task() != self._task:
            return False  # the task is gone, and its code is being closed
        return not self._is_cancelled()

    def _is_cancelled(self) -> bool:
        """Whether the task was cancelled from outside: by asyncio, or by a scope around it."""
        if _asked(self._task) > self.before:
            return True
        try:
            return anyio.current_effective_deadline() == -math.inf
        except RuntimeError:  # no event loop any more
            return True


def _current_task() -> object:
    try:
        return asyncio.current_task() or anyio.get_current_task().id
    except RuntimeError:  # not asyncio's, or none
        pass
    try:
        return anyio.get_current_task().id
    except RuntimeError:
        return None


def _asked(task: object) -> int:
    return task.cancelling() if isinstance(task, asyncio.Task) else 0


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
