"""One table of effects, one of stop reasons: each name is written once, and all that knows of it reads its entry."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from fsm_runner.charts.drawing.mermaid import mermaid_states
from fsm_runner.charts.loader import loads, shipped_charts
from fsm_runner.engine.errors import ChartError
from fsm_runner.engine.rows import Entered
from fsm_runner.exploring.exploration import explore
from fsm_runner.loop import effects, facts
from fsm_runner.loop.context import Settings
from fsm_runner.loop.effects import EFFECTS, VOCABULARY, SendRequest, effects_of
from fsm_runner.loop.enter import REFLECTION
from fsm_runner.loop.fold import fold
from fsm_runner.loop.stop import FAILED, REASONS, SAID, STOP_REASONS, STOPPED, Reason
from fsm_runner.loop.tool_loop import check
from tests.support.build import LOST, PARAMS, context, reply, text, user

PACKAGE = Path(effects.__file__).parent.parent
PHASE = "a phase of a chart, not an effect"
WORDS = {
    "call_tools": {"charts": PHASE, "cli": PHASE, "pytest_plugin": PHASE},
    "compact": {"charts": PHASE, "cli": PHASE, "exploring": "what a caller does"},
}
"""Where the name of an effect is another word, by room."""

BLOCK, PARAMETER = "the type of a block", "a parameter of a request"
EVENT = "an event, a type of record or a phase"
OTHER_WORDS = {
    "tool_use": (BLOCK, "adapters cli exploring inspecting loop"),
    "compaction": (f"{BLOCK}, {PARAMETER} or a fact", "adapters cli drivers exploring inspecting journal loop"),
    "max_tokens": (PARAMETER, "adapters cli exploring inspecting journal loop runner arguments"),
    "completed": (EVENT, "inspecting journal replaying"),
    "failed": (EVENT, "adapters charts cli exploring inspecting journal loop replaying"),
    "closed": ("an event and a fact", "adapters inspecting journal loop"),
    "limit": ("a fact and a word of charts", "charts engine loop replaying"),
    "refused": ("an answer of a fact", "charts loop"),
    "unreadable": ("an answer of a fact", "loop"),
    "stopped": ("a type of record", "journal inspecting"),
}
"""Where the name of a stop reason is another word: what it is there, and the rooms."""

TWICE = {"max_tokens", "limit", "closed", "unreadable"}
"""The names that their entries hold twice: the API calls the first as we do, the others are words of a fact too."""
TOLD = [each for each in STOP_REASONS if each not in (FAILED, STOPPED)]


def literals():
    """Every string that the package holds as a value: by text, the files.  Neither docstrings nor types count."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] == "testing":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
                skipped |= {id(each) for each in ast.walk(node.slice)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                found[node.value].append(name.as_posix())
    return found


FOUND = literals()


def room(file):
    """The first word of a path in the package."""
    return file.partition("/")[0].removesuffix(".py")


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_is_spelled_once(name):
    """Its name is a string in one place, where its entry or the class of its order is."""
    elsewhere = WORDS.get(name, {})

    assert ["loop/effects.py"] == [file for file in FOUND[name] if room(file) not in elsewhere]


@pytest.mark.parametrize("name", sorted({*SAID, *REASONS}))
def test_a_stop_reason_is_spelled_once(name):
    """Ours and the API's, but for the words that mean something else too, and the explorer's, which plays the model."""
    _, rooms = OTHER_WORDS.get(name, ("", ""))
    apart = {"exploring", *rooms.split()}
    once = 2 if name in TWICE else 1

    assert once == FOUND[name].count("loop/stop.py")
    assert set() == {file for file in FOUND[name] if room(file) not in apart} - {"loop/stop.py"}


def test_the_words_apart_are_words_of_the_tables():
    """An exception for a name that is gone would hide the next one."""
    assert set() == WORDS.keys() - EFFECTS.keys()
    assert set() == OTHER_WORDS.keys() - {*SAID, *REASONS}


def test_every_reason_has_an_entry():
    """What type checkers read and what the code asks are the same names; no word of the API's has two entries."""
    assert set(get_args(Reason)) == {each.reason for each in STOP_REASONS}
    assert len(SAID) == sum(len(each.said) for each in STOP_REASONS)


@pytest.mark.parametrize("each", TOLD, ids=lambda e: e.means)
def test_the_answers_of_an_entry_are_answers_of_the_facts(each):
    """An entry goes with what a fact can answer."""
    assert each.facts
    for name, answer in each.facts.items():
        assert answer in facts.FACTS[name].answers


@pytest.fixture
def pondering(monkeypatch):
    """The table with one entry more: a request before which the model is asked to look at its answer again."""
    like = EFFECTS["reflect"]
    monkeypatch.setitem(effects._TABLE, "ponder", replace(like, name="ponder"))
    return (shipped_charts()["reflect"]).read_text(encoding="utf-8").replace("effect: reflect", "effect: ponder")


def test_a_chart_cannot_name_an_effect_without_an_entry():
    """What the next test proves is due to the entry alone."""
    text = shipped_charts()["reflect"].read_text(encoding="utf-8").replace("effect: reflect", "effect: ponder")

    with pytest.raises(ChartError, match="effect 'ponder' is not known"):
        loads(text)


def test_an_effect_is_added_in_one_place(pondering):
    """With one entry it is in the vocabulary, checked, drawn, entered, ordered, folded when it fails, and explored."""
    chart = loads(pondering)
    (ponder,) = [state for state in chart.states if state.effect == "ponder"]
    given = context(user(), reply(text("Done.")), settings=Settings(params=PARAMS))
    entered = fold(given, Entered(state=ponder.name, phase=ponder.phase, effect=ponder.effect))
    (order,) = effects_of("ponder", entered)
    (path,) = explore(chart, rows=["reflected"]).paths

    assert "ponder" in VOCABULARY.effects
    assert () == check(chart).problems
    assert "ponder" in mermaid_states(chart)
    assert REFLECTION == entered.conversation.history[-1]["content"]
    assert isinstance(order, SendRequest)
    assert fold(entered, LOST).stand.failed_effect == "ponder"
    assert path.conversation is not None
