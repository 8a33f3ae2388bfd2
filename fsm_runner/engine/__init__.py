"""The engine: a finite state machine, of anything.  It knows nothing of Claude, of YAML or of I/O.

chart    states, rows, facts, limits and rules as frozen data
errors   what can go wrong, by who must act
expected what an argument takes, and the error for what it does not
fact     a question with a closed list of answers
rows     a chart's rows as pytransitions keeps them, and the choice of one
domain   what a machine is of, as one value
machine  one event in; the transitions, the new snapshot and the effects out
check    what a chart must satisfy before anything runs
bounds   how large a chart may be
fastcopy frozen data, and the cheap ways to make and to change it
text     what messages have in common
short_repr frozen data as one line
"""
