"""The drivers: they perform effects and report events.  They decide nothing.

loop          the caller's loop, once, as generators without I/O
aio           the async driver of it
sync          its twin, for the sync client
base          what both runners have in common: requests, replies, records
caller        what the caller gave and may edit in place, and its acts between turns
session       a run in a process: its snapshot, its journal, its listener
copies        copies of a run's data, to be handed out
cancellation  tells a cancellation of the run from a tool's own
"""
