"""Exploring: conversations that take the rows of a chart, found by search over the real machine.

scenarios       the options and facts with which an explored run begins
actions         what the model, tools, effects and the caller can do: a small alphabet; and where a run is then
simulator       a driver without I/O: what can be done, and what it does
shortest_paths  breadth-first, for a shortest conversation to each row
reachability    the search over states and answers, which proves that there is no way
exploration     both together: for each row, for one state
path_text       the exploration as text and as JSON
"""

from fsm_runner.exploring.exploration import Explored, Reached, RowPath, explore, reach

__all__ = ["Explored", "Reached", "RowPath", "explore", "reach"]
