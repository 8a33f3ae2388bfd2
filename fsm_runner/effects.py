"""The effects: what a machine asks a driver to do.  For drivers of your own.

An effect holds everything that is needed to perform it, as plain JSON data.  Its docstring says which events a driver
then reports.  `Effect` is the closed union of them, so a `match` over it can end in `assert_never`.
"""

from fsm_runner.loop.effects import CallTool, DrainStream, Effect, LendStream, Perform, SendRequest, Summarise

__all__ = ["CallTool", "DrainStream", "Effect", "LendStream", "Perform", "SendRequest", "Summarise"]
