"""Exploring: conversations that take the rows of a chart, found by search over the real machine.

beginnings   the options with which an explored run begins
moves        what the model, tools, effects and the caller can do: a small alphabet
places       where a run is when somebody decides
driving      a driver without I/O
conversing   what can be done at a place, and what it does
standing_in  the facts: the user's, guarded; those without code, assumed
search       breadth-first, for a shortest conversation to each row
reaching     the search over states and answers, which proves that there is none
report       both together: for each row, for one state
telling      the report as text and as JSON
"""

from fsm_runner.exploring.report import Explored, Reached, RowPath, explore, reach

__all__ = ["Explored", "Reached", "RowPath", "explore", "reach"]
