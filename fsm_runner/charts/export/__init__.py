"""Export: a chart in the languages of other tools.

    markup    what `transitions.Machine` takes
    xstate    XState v5, which Stately's editor opens
    promela   the input of SPIN, a model checker that knows nothing of our check

Each is one function from a `Chart`.  Facts stay questions that the other side answers: a guard becomes a condition
with a name, and only Promela, which tries every answer, needs to know what they are.
"""

from __future__ import annotations
