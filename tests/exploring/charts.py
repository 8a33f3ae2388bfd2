"""Charts of a user's, each the default one with a few lines more."""

from __future__ import annotations

from fsm_runner import fact, find_chart
from fsm_runner.charts import loads
from fsm_runner.engine.chart import Chart

DEFAULT = find_chart("states").read_text(encoding="utf-8")
FACTS = "facts:  "
FINISH = "      - {id: finish,"
STOPS = "      - {id: refuse_change,"
GO_ON = "      - {id: go_on,        event: continued,    target: inspect}\n"
DONE = "  done:\n    phase: done\n"
BUDGET = (
    (FACTS, "facts:\n  budget: [left, spent]\n  #"),
    (STOPS, "      - {id: over_budget, guard: {budget: spent}, target: done}\n" + STOPS),
)
ASKING = (
    (FACTS, "effects:\n  ask_human: [allowed, denied]\n\nfacts:\n  asks: [person, nobody]\n  #"),
    (
        "      - {id: call_tools,   ",
        "      - {id: ask_first, guard: {turn: wants_tools, asks: person}, target: asking, consumes: calls}\n"
        "      - {id: call_tools,   ",
    ),
    (
        "  # ── compact ",
        "  asking:\n    phase: call_tools\n    effect: ask_human\n    transitions:\n"
        "      - {id: allowed, event: allowed, target: call_tools}\n"
        "      - {id: denied,  event: denied,  target: inspect, consumes: calls}\n"
        "      - {id: no_answer, event: failed, target: failed}\n\n  # ── compact ",
    ),
)  # fmt: skip
LONELY = (
    DONE,
    "  lonely:\n    phase: done\n    transitions:\n      - {id: leave, event: continued, target: done}\n\n" + DONE,
)


LOST = (
    LONELY,
    (GO_ON, GO_ON + "      - {id: dead, event: continued, target: lonely}\n"),
    ("      - {id: compacted, ", "      - {id: idle, event: summarised, target: lonely}\n      - {id: compacted, "),
    (
        "      - {id: stop_closed,  ",
        "      - {id: odd, guard: {turn: wants_tools, calls: done}, target: lonely}\n      - {id: stop_closed,  ",
    ),
    (
        "  lonely:\n",
        "  beside:\n    phase: done\n    transitions:\n"
        "      - {id: over, event: continued, target: lonely}\n\n  lonely:\n",
    ),
)
"""Rows lead to the state `lonely`, and none of them can be taken."""


def edited(*replacements: tuple[str, str]) -> str:
    """The default chart with pieces of its text replaced."""
    text = DEFAULT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def chart(*replacements: tuple[str, str], verify: bool = True) -> Chart:
    """The same as a chart."""
    return loads(edited(*replacements), verify=verify)


@fact(answers=("left", "spent"))
def budget(context):
    """Whether the run has spent its tokens.  At 20,000 it has."""
    return "spent" if context.counters.usage.total_tokens >= 20_000 else "left"


@fact(answers=("person", "nobody"))
def asks(context):
    """Whether a person is to be asked before the calls of this turn."""
    allowed = "allowed" in context.reports
    return "person" if not allowed and any(call.name == "delete" for call in context.turn.calls) else "nobody"
