"""The journal: the append-only log of a run, one record a line.

records        the record, and the one place where records are made
codec          events, contexts and charts as plain JSON data, and back
masking        secrets out of parameters
render         plain data as one line of bytes, and back
json_pointer   places in plain data, and what is inside of it
chain          each line's hash in the next one, and the seal of the last
record_schema  a record, as JSON Schema
privacy        what of a payload is written
clock          when a record was written
files          opened to write at their end, and put on disk
lock           one writer of a run at a time
tail           the end of the file, as the run left it; what a killed process left of a record
writer         a run's records to a file, through structlog
whole_write    several records at once, or none
reading_bounds how much a reader takes in
reader         records out of a file, those of older versions as today's
timeline       what the records of one run add up to, one at a time
integrity      whether a file is what was written

The format is written down field by field in docs/journal.md.
"""

from __future__ import annotations

from fsm_runner.journal.integrity import Flaw, Verification, VerifiedRun, verify
from fsm_runner.journal.reader import Reading, read
from fsm_runner.journal.records import Record
from fsm_runner.journal.tail import Torn
from fsm_runner.journal.writer import Journal

__all__ = ["Flaw", "Journal", "Reading", "Record", "Torn", "Verification", "VerifiedRun", "read", "verify"]
