"""The core: a pure function of snapshot and event.  It imports the standard library and transitions only.

chart       a tool loop as frozen data; `vocabulary`: what needs no declaration
events      facts of the past, the only input of the machine
facts       questions about a run, each with a closed list of answers; `fact`: what one is
machine     one event in; transitions, the new snapshot and effects out
decision    where a row is chosen, and what was chosen for which answers; `stepper`: rows as pytransitions keeps them
effects     orders to a driver, made on entering a state
stop        why a run ended
errors      the tree of exceptions, by who must act

context     all that a run knows, in a few parts; `history`: its messages; `parts`: making and changing a part
fold        the only function that makes a new context; `entering` a state, `handing_over` what the caller was handed
messages    what the API's objects say; `availability`: which tools may run; `thread`: what the server holds

check       what a chart must satisfy: `check_names`, `check_graph`, `check_rows`, `check_always`, and its own `rules`;
            each kind of problem has a code in `check_codes`
cover       sets of combinations of answers, kept exactly
counting    a number with its noun
"""
