"""The drivers: they perform effects and report events, and decide nothing.

loop          the caller's loop, once, as generators without I/O
aio           the async driver of it
sync          its twin, for the sync client
base          what both runners share: requests, replies, records
caller        what the caller gave and may edit in place, and what it does between turns
session       a run's place in its chart, its journal, its notes
copies        what is handed out of a run's data
cancellation  whose a cancellation is: the run's, or a tool's own
"""
