"""Cancellation: which exceptions are a tool's own, and which end the run's work.

A cancellation of the run goes to whoever cancelled it.  One that a tool made itself, of a task or scope inside it, is a
failure of that tool like any other, and so is whatever else it raises, but for an interrupt or an exit of the process.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import anyio

_OF_THE_PROCESS = (KeyboardInterrupt, SystemExit)


def is_of_the_process(error: BaseException) -> bool:
    """Whether `error` interrupts or ends the process; so does a group with one that does."""
    return any(isinstance(each, _OF_THE_PROCESS) for each in _leaves(error))


class Cancels:
    """Who cancelled a task: the run's own since this was made, or nobody outside of the code that it runs."""

    def __init__(self) -> None:
        """Look at the current task."""
        self._task = _current_task()
        self.before = _asked(self._task)
        """How many cancellations of the task were asked for by then."""

    def is_own(self, error: BaseException) -> bool:
        """Whether `error`, raised by code that the task ran, is that code's own failure."""
        if isinstance(error, Exception):
            return True
        if is_of_the_process(error):
            return False
        if any(isinstance(each, GeneratorExit) for each in _leaves(error)) and _current_task() != self._task:
            return False  # the task is gone, and the code is being closed
        return not self._is_cancelled()

    def _is_cancelled(self) -> bool:
        """Whether somebody outside cancelled the task: asyncio's own way, or by a scope around it."""
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
