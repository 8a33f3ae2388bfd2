"""Claude's tool loop as pure data: a domain for the engine.

events      what drivers and callers tell the machine
effects     what the machine asks a driver to do, as plain data; the table of effects, and the vocabulary of charts
context     what a run knows; `history`: its messages; `messages`: reading and writing a message
tool_loop   the domain itself; `compile` and `check` for it
fold        the context after an event; `enter`: after entering a state
thread      which part of the conversation the server holds
tools       which tools may run now
facts       questions about the context that guards ask
stop        why a run ended
"""
