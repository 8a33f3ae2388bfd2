"""The effects: what a machine orders of a driver, for drivers of one's own.

Each holds all that performing it takes, as plain JSON data, and its docstring says which of the `fsm_runner.events` a
driver reports then.  `Effect` is the closed union of them, so a `match` over it can end in `assert_never`.
"""

from fsm_runner.loop.effects import CallTool, DrainStream, Effect, LendStream, Perform, SendRequest, Summarise

__all__ = ["CallTool", "DrainStream", "Effect", "LendStream", "Perform", "SendRequest", "Summarise"]
