"""The drivers: they perform effects and report events, and decide nothing.

aio      the async driver
sync     its twin, for the sync client
base     what both runners share; `acts`: what the caller does between turns
session  a run's place in its chart, its journal, its notes
copies   what is handed out of a run's data
cancellation  whose a cancellation is: the run's, or a tool's own
given    what the caller gave and may edit in place
"""
