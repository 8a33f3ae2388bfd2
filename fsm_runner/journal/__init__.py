"""The journal: the append-only log of a run, one record a line.

records        the record, and the one place where records are made
codec          events, contexts and charts as plain JSON data, and back
masking        removes secrets from parameters and from errors' texts
render         plain data as one line of bytes, and back
json_pointer   JSON pointers: places in plain data
chain          puts each line's hash into the next line, and seals the last one
record_schema  the JSON Schema of a record
privacy        which payloads are written
clock          the time at which a record is written
files          opens files to append to, and waits for the disk
lock           only one process at a time writes a run
tail           the end of the file: was it changed by others, did a killed process leave half a record
writer         writes a run's records to a file, through structlog
whole_write    writes several records at once, or none
reading_bounds how much a reader takes in
reader         reads records from a file, upgrading those of older versions
timeline       adds up the records of one run, one at a time
integrity      whether a file is exactly what was written

The format is written down field by field in docs/journal.md.
"""

from __future__ import annotations

from fsm_runner.journal.integrity import Flaw, Verification, VerifiedRun, verify
from fsm_runner.journal.reader import Reading, read
from fsm_runner.journal.records import Record
from fsm_runner.journal.tail import Torn
from fsm_runner.journal.writer import Journal

__all__ = ["Flaw", "Journal", "Reading", "Record", "Torn", "Verification", "VerifiedRun", "read", "verify"]
