"""The lines of the report, and how much of a row they tell."""

from __future__ import annotations

from collections import Counter

import pytest

from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.pytest_plugin.coverage import coverage_of
from fsm_runner.pytest_plugin.coverage_report import lines, share_text
from fsm_runner.pytest_plugin.recorder import Driven, Said

FACTS = "abcde"


def charted(number, *, impossible=()):
    """Of `number` facts, one answer to all of them takes the row `first`, and one other was driven through `rest`."""
    facts = tuple(FactUse(name=name, answers=("left", "right")) for name in FACTS[:number])
    rows = (Row(id="first", guard=tuple((fact.name, ("left",)) for fact in facts), target="here"),)
    state = State(name="here", phase="p", always=(*rows, Row(id="rest", target="here")))
    answers = tuple((fact.name, "right") for fact in facts)
    said = {"a": Said(name="a", answers=("left", "right"), impossible=impossible)}
    chart = Chart(name="wide", initial="here", states=(state,), facts=facts)
    return coverage_of(Driven(chart, facts=said, counts=Counter({("rest", answers): 7})))


def last_column(chart, *, verbosity):
    """What stands below the head and the row `first`, from the last column."""
    return [text.split("  ")[-1].strip() for text, _ in lines([chart], verbosity=verbosity)][3:]


@pytest.mark.parametrize(("number", "verbosity"), [(4, 1), (5, 2)])
def test_every_pattern_is_shown(number, verbosity):
    """Where there are few, and where all are asked for; the last of four takes no more room than to say so."""
    assert [f"{name} = left" for name in FACTS[:number]] == sorted(last_column(charted(number), verbosity=verbosity))


def test_many_patterns_are_cut_short():
    """With the way to see them all."""
    *shown, rest = last_column(charted(5), verbosity=1)

    assert 3 == len(shown)
    assert "and 2 more (-vv)" == rest


def test_lines_keep_to_the_terminal(monkeypatch):
    """A list is wrapped between names."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = tuple(Row(id=f"a_row_with_a_long-name_{number}", event="e", target="here") for number in range(9))
    chart = Chart(name="long", initial="here", states=(State(name="here", phase="p", transitions=rows),))
    told = [text for text, _ in lines([coverage_of(Driven(chart))])]

    assert 80 >= max(map(len, told))
    assert [row.id for row in rows] == " ".join(told[1:]).replace("  not taken: ", "").replace(" ", "").split(",")


def test_what_was_driven_though_it_cannot_be_is_told():
    """In every form of the report, with the row and the way out."""
    impossible = ((("a", ("right",)), ("b", ("right",))),)
    text = "  driven, but declared impossible: a = right, b = right (row 'rest'; correct the fact)"

    for verbosity in (-1, 0, 1):
        assert (text, "bad") in list(lines([charted(2, impossible=impossible)], verbosity=verbosity))


def test_a_share_is_rounded_down():
    """Only all rows are all rows."""
    rows = tuple(Row(id=f"row_{number}", event="e", target="here") for number in range(2001))
    chart = Chart(name="large", initial="here", states=(State(name="here", phase="p", transitions=rows),))
    counts = Counter({(row.id, ()): 1 for row in rows[1:]})

    assert "99.9 %" == share_text([coverage_of(Driven(chart, counts=counts))])
