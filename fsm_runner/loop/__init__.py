"""Claude's tool loop as pure data: the domain that the engine is given.

events      what drivers and callers tell the machine
effects     what the machine orders of a driver, as plain data; the table of them, and the vocabulary of charts
context     what a run knows; `history`: its messages; `messages`: what is read out of them
tool_loop   the domain itself: the loop's machine made and checked
fold        the context after an event; `enter`: after entering a state
thread      what the server holds of the conversation
tools       which tools may run now
facts       questions about the context that guards ask
stop        why a run ended
"""
