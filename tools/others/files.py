"""The faults of files, where another library has a counterpart of them.

python-statemachine reads YAML: each fault is put into a small chart of its format and given to its loader, with the
validation by its schema.  transitions and LangGraph read no file; where a call in Python can have the same fault, it
is made.  What is not here has no counterpart.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from statemachine.io import load
from transitions import Machine

GOOD = """name: small
states:
  start:
    initial: true
    transitions:
      - {target: done}
  done:
    final: true
"""

EDITS: Mapping[str, tuple[str, str]] = {
    "alias": ("final: true", "final: *here"),
    "anchor": ("final: true", "final: &here true"),
    "always_is_a_row": ("transitions:\n      - {target: done}", "transitions: {target: done}"),
    "chart_is_a_list": (GOOD, "- name: small\n"),
    "control_character": ("name: small", "name: small # \x07"),
    "guard_wants_nothing": ("{target: done}", "{target: done, cond: null}"),
    "guard_without_answers": ("{target: done}", "{target: done, cond: []}"),
    "initial_missing": ("    initial: true\n", ""),
    "key_of_a_chart": ("name: small", "name: small\nversion: 2"),
    "key_of_a_row_written_twice": ("{target: done}", "{target: start, target: done}"),
    "key_of_ones_own_written_twice": ("name: small", "name: small\ndatamodel: {b: '1', b: '2'}"),
    "list_as_key": ("name: small", "name: small\ndatamodel:\n  ? [a, b]\n  : c"),
    "misspelled_transitions": ("  done:\n", "    transition: []\n  done:\n"),
    "name_is_a_number": ("name: small", "name: 7"),
    "nothing_but_comments": (GOOD, "# nothing here\n"),
    "row_is_a_word": ("{target: done}", "{target: done}\n      - end"),
    "state_is_a_word": ("  done:\n", "  other: inspect\n  done:\n"),
    "state_name_with_space": ("  done:\n", "  the end:\n    final: true\n  done:\n"),
    "state_written_twice": ("  done:\n", "  done:\n    final: true\n  done:\n"),
    "states_is_a_list": (GOOD, "name: small\nstates:\n  - start\n"),
    "states_is_empty": (GOOD, "name: small\nstates: {}\n"),
    "tab_for_indent": ("  start:", "\tstart:"),
    "tag": ("name: small", "name: !!str small"),
    "tag_of_python": ("name: small", "name: !!python/object/apply:os.system [ls]"),
    "two_documents": ("    final: true\n", "    final: true\n---\nname: second\n"),
    "unclosed_bracket": ("- {target: done}", "[{target: done}"),
    "word_on_for_event": ("{target: done}", "{on: continued, target: done}"),
    "word_on_for_transitions": ("  done:\n", "    on: {}\n  done:\n"),
}
"""By broken chart: what of the good text is replaced, and by what."""


class Facts(TypedDict):
    """The state of the graphs."""

    event: str


def _machine(**changed: Any) -> Machine:
    row = {"trigger": "end", "source": "start", "dest": "done"}
    return Machine(**{"states": ["start", "done"], "transitions": [row], "initial": "start", **changed})


def _graph(*nodes: str, start: str | None = "start", node: Mapping[str, Any] | None = None, **options: Any) -> Any:
    graph: Any = StateGraph(Facts)
    for name in nodes:
        graph.add_node(name, lambda facts: facts, **(node or {}))
    if start is not None:
        graph.add_edge(START, start)
    if "start" in nodes:
        graph.add_edge("start", "done")
    if "done" in nodes:
        graph.add_edge("done", END)
    return graph.compile(**options)


CALLS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "transitions": {
        "event_missing": lambda: _machine(transitions=[{"source": "start", "dest": "done"}]),
        "initial_missing": lambda: Machine(states=["start", "done"], transitions=[["end", "start", "done"]]),
        "key_of_a_chart": lambda: _machine(version=2),
        "misspelled_transitions": lambda: _machine(states=[{"name": "start", "transition": []}, "done"]),
        "name_is_a_number": lambda: _machine(name=7),
        "row_is_a_word": lambda: _machine(transitions=["end"]),
        "state_name_with_space": lambda: _machine(states=["start", "done", "the end"]),
        "state_written_twice": lambda: _machine(states=["start", "done", "done"]),
        "states_is_empty": lambda: Machine(states=[], initial="start"),
        "word_on_for_event": lambda: _machine(transitions=[{"on": "end", "source": "start", "dest": "done"}]),
        "word_on_for_transitions": lambda: _machine(states=[{"name": "start", "on": {}}, "done"]),
    },
    "langgraph": {
        "initial_missing": lambda: _graph("start", "done", start=None),
        "key_of_a_chart": lambda: _graph("start", "done", version=2),
        "misspelled_transitions": lambda: _graph("start", "done", node={"transition": []}),
        "name_is_a_number": lambda: _graph("start", "done", name=7),
        "state_name_with_space": lambda: _graph("start", "done", "the end"),
        "state_written_twice": lambda: _graph("start", "done", "done"),
        "states_is_empty": lambda: _graph(),
        "word_on_for_transitions": lambda: _graph("start", "done", node={"on": {}}),
    },
}
"""By library and broken chart: the call that has the same fault."""


def outcome(library: str, name: str) -> dict[str, str]:
    """Return what `library` makes of the file fault `name`, as `probe.outcome` does of the others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if library in CALLS:
                if name not in CALLS[library]:
                    return {"when": "unwritable", "what": ""}
                made = CALLS[library][name]()
            elif name in EDITS:
                made = load(GOOD.replace(*EDITS[name]), format="yaml", validate=True)()
            else:
                return {"when": "unwritable", "what": ""}
    except Exception as error:
        words = " ".join(str(error).split())
        return {"when": "definition", "what": type(error).__name__, "words": words}
    state = getattr(made, "state", None)
    return {
        "when": "nothing",
        "what": "accepts it" if state in (None, "start", "done") else f"makes up a state `{state}`",
    }
