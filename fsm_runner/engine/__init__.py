"""The engine: a finite state machine, for any domain.  It knows nothing of Claude, of YAML or of I/O.

chart    states, rows, facts, limits and rules as frozen data
errors   what can go wrong, by who has to fix it
expected checks of arguments, and their errors
fact     a question with a closed list of answers
rows     a chart's rows as pytransitions keeps them, and the choice of one
domain   what the words of a chart mean, as one value
machine  one event in; the transitions, the new snapshot and the effects out
check    what a chart must satisfy before anything runs
bounds   how large a chart may be
frozen   frozen data, quick to make and to change, with a short repr
text     counts, near words, durations
"""
