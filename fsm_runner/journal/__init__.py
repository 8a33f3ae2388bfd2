"""The journal: the append-only log of a run, one record a line.

    records    the record, and the one place where records are made
    codec      events, contexts and charts as plain JSON data, and back
    masking    secrets out of parameters
    digest     what a request sends, as a hash that does not cost more as the conversation grows
    render     plain data as one line of bytes, and back
    writer     records to a file, through structlog
    reader     records out of a file

The format is written down field by field in docs/journal.md.
"""

from __future__ import annotations

from fsm_runner.journal.reader import Reading, Torn, read
from fsm_runner.journal.records import Record
from fsm_runner.journal.writer import Journal

__all__ = ["Journal", "Reading", "Record", "Torn", "read"]
