"""The reports of a difference: the same facts as text, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fsm_runner.charts.diff import Names, as_json, as_markdown, as_text, diff
from fsm_runner.engine.chart import Chart, FactUse, Limit, Row, State

NAMES = Names(old="old.yaml", new="new.yaml")

HERE = State(
    name="here",
    phase="request",
    transitions=(
        Row(id="again", event="replied", guard=(("turn", ("paused",)),), target="here"),
        Row(id="stop", event="replied", target="done", output="message"),
    ),
)
DONE = State(name="done", phase="done", final=True)
OLD = Chart(
    name="small",
    initial="here",
    states=(HERE, DONE),
    facts=(FactUse(name="turn", answers=("none", "paused", "over")), FactUse(name="closed", answers=("true", "false"))),
    limits=(Limit(name="money"),),
)
CLOSED = Row(id="closed", event="replied", guard=(("closed", ("true",)),), target="done")
NEW = replace(
    OLD,
    limits=(Limit(name="money", value=3),),
    states=(replace(HERE, transitions=(CLOSED, HERE.transitions[0], replace(HERE.transitions[1], id="finish"))), DONE),
)
FOUND = diff(OLD, NEW)
RENAMED = diff(OLD, replace(OLD, states=(replace(HERE, transitions=(HERE.transitions[0], NEW.rows[2])), DONE)))


def test_the_text_says_where_for_which_answers_and_what():
    """Routes first, then settings, then what was declared; names come last."""
    expected = """\
old.yaml → new.yaml: 2 routes and 1 setting changed

state 'here', at 'replied'
  turn = paused, closed
      was here, by row 'again'
      now done, by row 'closed'
  turn = none or over, closed
      was done, by row 'stop', gives message
      now done, by row 'closed'

settings
  ~ limit 'money': value: no limit → 3

declared
  + row 'closed' of state 'here': replied / closed → done

other names for the same
  = row 'finish' of state 'here' was called 'stop'
"""

    assert expected == as_text(FOUND, NAMES)


def test_the_markdown_is_a_table_for_a_pull_request():
    """The headline is bold, each route is a line, and no list item begins with a sign that Markdown reads."""
    expected = """\
### old.yaml → new.yaml

**2 routes and 1 setting changed.**

| state | event | for | was | now |
| --- | --- | --- | --- | --- |
| here | replied | turn = paused, closed | here, by row 'again' | done, by row 'closed' |
| here | replied | turn = none or over, closed | done, by row 'stop', gives message | done, by row 'closed' |

**Settings**

- changed: limit 'money': value: no limit → 3

**Declared**

- added: row 'closed' of state 'here': replied / closed → done

**Other names for the same**

- renamed: row 'finish' of state 'here' was called 'stop'
"""

    assert expected == as_markdown(FOUND, NAMES)


def test_the_json_holds_everything():
    """Patterns are objects of facts and answers, ways are rows and targets."""
    found = json.loads(as_json(FOUND, NAMES))

    assert [True, "2 routes and 1 setting changed"] == [found["routes_changed"], found["headline"]]
    assert {
        "state": "here",
        "event": "replied",
        "for": [{"turn": ["paused"], "closed": ["true"]}],
        "combinations": 1,
        "of": 6,
        "matters": True,
        "was": {"row": "again", "target": "here", "output": None, "spends": None},
        "now": {"row": "closed", "target": "done", "output": None, "spends": None},
    } == found["routes"][0]
    assert ["changed", "added", "renamed"] == [change["kind"] for change in found["changes"]]


@pytest.mark.parametrize("report", [as_text, as_markdown])
def test_names_alone_change_no_route(report):
    """That is the first thing a reviewer reads."""
    assert "o route changed: every run goes as before" in report(RENAMED, NAMES)


@pytest.mark.parametrize("report", [as_text, as_markdown])
def test_the_same_chart_is_no_difference(report):
    """One line says so."""
    assert "o difference" in report(diff(OLD, OLD), NAMES)


def test_the_same_way_by_another_row_is_told_apart():
    """A row split in two changes which row the journal names, not where a run goes."""
    over = Row(id="over", event="replied", guard=(("turn", ("over",)),), target="done", output="message")
    new = replace(OLD, states=(replace(HERE, transitions=(HERE.transitions[0], over, HERE.transitions[1])), DONE))

    text = as_text(diff(OLD, new), NAMES)
    assert "no route changed" in text
    assert "the same way, by another row\n  state 'here', at 'replied': turn = over\n" in text


def test_ways_that_no_row_leads_are_said_in_words():
    """Refused, waiting and undeclared each have words of their own."""
    always = Row(id="on", guard=(("closed", ("true",)),), target="done")
    waits = replace(OLD, states=(replace(HERE, always=(always,)), DONE))
    odd = replace(OLD, facts=(FactUse(name="turn", answers=("none", "paused", "over", "odd")), OLD.facts[1]))
    refuses = replace(OLD, states=(replace(HERE, transitions=HERE.transitions[:1]), DONE))

    assert "was stays and waits: no always row holds" in as_text(diff(OLD, waits), NAMES)
    assert "was no such answer is declared" in as_text(diff(OLD, odd), NAMES)
    assert "now nowhere: no row takes it" in as_text(diff(OLD, refuses), NAMES)


def test_markup_and_control_characters_in_names_are_text():
    """Whatever a name holds, a line stays a line and a cell a cell."""
    odd = Row(id="a|b\x1b[31m\n<i>", event="continued", target="done")
    found = diff(OLD, replace(OLD, states=(replace(HERE, transitions=(*HERE.transitions, odd)), DONE)))

    assert "now done, by row 'a|b?[31m <i>'\n" in as_text(found, NAMES)
    assert "done, by row 'a\\|b?\\[31m &lt;i>' |\n" in as_markdown(found, NAMES)


def test_many_patterns_of_a_route_are_counted():
    """A person is shown eight, a program all."""
    facts = tuple(FactUse(name=f"fact{number}", answers=("yes", "no")) for number in range(10))
    guard = tuple((fact.name, ("yes",)) for fact in facts)
    old, new = (
        replace(
            OLD,
            facts=facts,
            states=(
                replace(HERE, transitions=(Row(id="first", event="replied", guard=guard, target="here"), rest)),
                DONE,
            ),
        )
        for rest in (Row(id="rest", event="replied", target=target) for target in ("here", "done"))
    )
    found = diff(old, new)

    assert "and 2 patterns more (--format json has all)\n      was here" in as_text(found, NAMES)
    assert 10 == len(json.loads(as_json(found, NAMES))["routes"][0]["for"])
