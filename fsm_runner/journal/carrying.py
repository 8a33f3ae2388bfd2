"""Carrying: a record through structlog, from processor to processor and into a file.

structlog's own wrappers copy a context and the fields for every call.  A record is a new dict already, so ours hands it
on as it is, in half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, TypeAlias

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Write: TypeAlias = Callable[[dict[str, object]], None]
"""Writes one record."""


class Carrier(structlog.BoundLoggerBase):
    """structlog's wrapper of a file for whole records: immutable."""

    def __init__(self, logger: WrappedLogger, processors: Iterable[Processor], context: Any) -> None:
        """As structlog makes each wrapper."""
        super().__init__(logger, processors, context)
        self.logger = logger
        self.steps = tuple(processors)

    def write(self, record: EventDict) -> None:
        """Let each processor see `record`, then write what the last made of it; nothing when one drops it."""
        line: Any = record
        try:
            for step in self.steps:
                line = step(self.logger, "msg", line)
        except structlog.DropEvent:
            return
        self.logger.msg(line)


def carried(file: BinaryIO, processors: Iterable[Processor]) -> Write:
    """Return what writes a record to `file`, by way of `processors`, the last of which renders it."""
    wrapped = structlog.wrap_logger(structlog.BytesLogger(file), processors=[*processors], wrapper_class=Carrier)
    write: Write = wrapped.bind().write
    return write
