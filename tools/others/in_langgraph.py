"""A chart in LangGraph: a `StateGraph` with a node for each state, and a conditional edge for the rows of each.

What is strict is on: the graph's state is a pydantic model whose facts are closed lists (`Literal`), and each
conditional edge names the nodes that it can lead to, so that `compile` can look at them.  A node performs the
state's effect and writes down the event that came of it; its edge tries the rows in order.  A final state is a node
with an edge to `END`.  LangGraph's own limit of steps is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from pydantic import create_model

from tools.others.world import World, named

Route = Callable[[Any], str | None]


def define(case: Mapping[str, Any], world: World) -> Any:
    """Return the compiled graph, whose nodes and edges ask `world`."""
    facts: Any = {fact: (Literal[tuple(answers)], ...) for fact, answers in case["answers"].items()}
    graph: Any = StateGraph(create_model("Facts", event=(str | None, None), **facts))
    for state in case["states"]:
        graph.add_node(state["name"], _node(state, world))
    graph.add_edge(START, case["initial"])
    for state in case["states"]:
        if state["final"]:
            graph.add_edge(state["name"], END)
        if state["rows"]:
            targets = [*dict.fromkeys(row["target"] for row in state["rows"])]
            graph.add_conditional_edges(state["name"], _route(state, world), targets)
    return graph.compile()


def _node(state: Mapping[str, Any], world: World) -> Callable[[Any], dict[str, Any]]:
    effect = getattr(world, state["effect"]) if state["effect"] else None
    always = [row for row in state["rows"] if row["event"] is None]

    def node(_: Any) -> dict[str, Any]:
        world.entered.append(state["name"])
        if effect is not None:
            effect()
        if not state["can"] or (always and any(_holds(row, world) for row in always)):
            return {"event": None}
        return {"event": world.next_event(state["name"])}

    return node


def _route(state: Mapping[str, Any], world: World) -> Route:
    def route(facts: Any) -> str | None:
        for row in state["rows"]:
            if row["event"] in (None, facts.event) and _holds(row, world):
                for name in named(row):
                    getattr(world, name)()
                return str(row["target"])
        return None  # as a function does that comes to its end

    return route


def _holds(row: Mapping[str, Any], world: World) -> bool:
    guard = [[f"{fact}_is_{answer}" for answer in answers] for fact, answers in row["guard"]]
    return all(any(getattr(world, name)() for name in names) for names in guard)


def run(_: Mapping[str, Any], graph: Any, world: World) -> None:
    """Run `graph` to its end."""
    graph.invoke(dict(world.answers))
