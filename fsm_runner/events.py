"""The events: what a driver tells a machine, also on behalf of the caller.  For drivers of your own.

    reports   what became of an effect: Replied, Opened, MovedOn, ToolFinished, Summarised, Failed, Reported
    asks      what the caller wants next: Continued, AnswerAsked
    acts      what else the caller does.  They only change what the run knows, and every state takes them: Appended,
              ParamsReplaced, ResultsEdited, ToolsChanged, CompactionAsked, CallDeferred, Closed

Messages, blocks and parameters are plain JSON data, as the Messages API has them.
"""

from fsm_runner.loop.events import (
    Act,
    AnswerAsked,
    Appended,
    Ask,
    CallDeferred,
    Closed,
    CompactionAsked,
    Continued,
    Event,
    Failed,
    Json,
    MovedOn,
    Opened,
    ParamsReplaced,
    Replied,
    Report,
    Reported,
    ResultsEdited,
    Summarised,
    ToolFinished,
    ToolsChanged,
)

__all__ = [
    "Act", "AnswerAsked", "Appended", "Ask", "CallDeferred", "Closed", "CompactionAsked", "Continued", "Event",
    "Failed", "Json", "MovedOn", "Opened", "ParamsReplaced", "Replied", "Report", "Reported", "ResultsEdited",
    "Summarised", "ToolFinished", "ToolsChanged",
]  # fmt: skip
