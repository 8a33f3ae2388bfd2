"""Conversations: played on the real runner, they take the rows that the search said."""

from __future__ import annotations

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.exploring import Explored, explore
from fsm_runner.exploring.path_text import as_text
from tests.exploring.charts import ASKING, BUDGET, asks, chart
from tests.exploring.playing import played


def found(explored: Explored, **options: object) -> tuple[list[list[str]], list[list[str]]]:
    """For each row with a conversation the rows that it was found to take, and those that it takes when played."""
    conversations = [path.conversation for path in explored.paths if path.conversation is not None]
    foreseen = [[taken.row for taken in each.transitions] for each in conversations]
    return foreseen, [played(each, explored.chart, **options) for each in conversations]


@pytest.mark.parametrize("name", shipped_charts())
def test_every_row_of_a_shipped_chart_has_a_conversation_that_runs(name):
    """Played on the real runner, each takes the rows that the search took, in the same order: its own among them."""
    explored = explore(load(name))
    foreseen, taken = found(explored)

    assert () == explored.missing
    assert foreseen == taken
    assert all(path.row.id in rows for path, rows in zip(explored.paths, taken, strict=True))


def test_a_users_facts_and_effects_join_in():
    """The facts are asked; the effects are stood in for, and the model calls the tools that it is told of."""
    tools = ("search", "delete")
    explored = explore(chart(*ASKING), facts=[asks], tools=tools)
    foreseen, taken = found(explored, facts=[asks], tools=tools)

    assert () == explored.missing
    assert foreseen == taken


def test_calls_that_a_chart_passes_over_are_answered_as_not_run():
    """The API would refuse the request otherwise, and the scripted model keeps its rules."""
    early = (
        ("turn: wants_tools, asks: person}", "turn: wants_tools, asks: person, limit: free}"),
        ("event: denied,  target: inspect, consumes: calls}", "event: denied,  target: request, spends: iterations}"),
    )
    tools = ("search", "delete")
    explored = explore(chart(*ASKING, *early), facts=[asks], tools=tools, rows=["denied"])
    foreseen, taken = found(explored, facts=[asks], tools=tools)

    assert foreseen == taken
    assert "raises" not in as_text(explored)
    assert "(refuses the request)" not in as_text(explored)


def test_a_fact_without_code_is_stood_in_for():
    """With the answer that its conversation assumes; the row that asks the fact has none, and says why."""
    explored = explore(chart(*BUDGET))
    foreseen, taken = found(explored)

    assert [("over_budget", "needs-fact")] == [(each.row.id, each.without) for each in explored.missing]
    assert {"left"} == {path.conversation.assumed["budget"] for path in explored.paths if path.conversation}
    assert foreseen == taken
