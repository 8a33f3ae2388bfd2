"""The engine is of any machine: a turnstile is loaded, checked, drawn, stepped and explored like the tool loop."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from fsm_runner import ChartError, IllegalEvent, domain
from fsm_runner.charts import loads
from fsm_runner.charts.drawing import mermaid
from fsm_runner.charts.loader import examine
from fsm_runner.domain import check, compile
from fsm_runner.exploring.reachability import ways
from tests.engine.turnstile import CHART, TURNSTILE, Cleaned, Closed, Coin, Pushed, Turnstile


@pytest.fixture(scope="module")
def chart():
    """The turnstile's chart."""
    return loads(CHART, domain=TURNSTILE, facts=TURNSTILE.facts)


@pytest.fixture(scope="module")
def machine(chart):
    """The turnstile."""
    return compile(chart, TURNSTILE)


def told(machine, *events):
    """The steps of a turnstile that is told `events`."""
    steps = [machine.start(Turnstile())]
    for event in events:
        steps.append(machine.step(steps[-1].snapshot, event))
    return steps


def test_its_chart_is_proved(chart):
    """Complete, bounded, and nobody passes unpaid."""
    verdict = check(chart, TURNSTILE, facts=TURNSTILE.facts)

    assert ((), ("paid_first",)) == (verdict.problems, verdict.rules)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("event: pushed", "event: replied"), "event 'replied' is reported by nothing"),
        (("effect: wait_for_push", "effect: send_request"), "effect 'send_request' is not known"),
        (("consumes: people", "output: message"), "output 'message' does not exist"),
        (("event: closed, target", "event: coin, target"), "row 'close' is dead"),
        (("guard: {paid: enough}, target: open", "target: open"), "row 'more' is dead"),
    ],
)
def test_its_faults_are_told_in_its_own_words(edit, says):
    """What the tool loop knows is unknown here."""
    old, new = edit
    chart, verdict = examine(CHART.replace(old, new), domain=TURNSTILE, facts=TURNSTILE.facts)

    assert chart is None or verdict.problems
    assert any(says in problem.message for problem in verdict.problems), verdict.problems


def test_the_tool_loops_check_refuses_it():
    """A chart is of one domain."""
    with pytest.raises(ChartError, match=r"fact .paid.: |is reported by nothing"):
        loads(CHART)


def test_it_takes_coins_and_lets_people_through(machine):
    """Three coins unlock it; a push locks it again; it is closed in the end."""
    steps = told(machine, Coin(1), Coin(2), Pushed(), Closed())

    assert ["locked", "locked", "open", "locked", "shut"] == [step.snapshot.state for step in steps]
    assert [("more",), ("unlock",), ("lock",), ("close",)] == [
        tuple(each.row for each in step.transitions) for step in steps[1:]
    ]
    assert [(), (), ("wait_for_push of 1",), (), ()] == [step.effects for step in steps]
    assert "close after 1" == steps[-1].snapshot.stop


def test_what_cut_off_goes_on(machine):
    """As the domain says."""
    assert ("wait_for_push again",) == machine.resume(told(machine, Coin(3))[-1].snapshot).effects


def test_an_act_only_folds(machine):
    """No row takes it, and every state does."""
    step = told(machine, Coin(1), Cleaned())[-1]

    assert ((), ("cleaned",), "locked") == (step.transitions, step.snapshot.context.seen, step.snapshot.state)


def test_what_it_does_not_take_changes_nothing(machine):
    """As in every machine."""
    with pytest.raises(IllegalEvent, match="state 'locked' takes no event 'pushed'; it takes: coin, closed"):
        told(machine, Pushed())


def test_it_is_drawn(chart):
    """Its states and rows, by their names."""
    text = mermaid(chart)

    assert all(name in text for name in ("locked", "open", "shut", "unlock", "paid"))


def test_it_is_explored(chart):
    """A shortest way to each state; and why there is none once no coin is enough."""
    found = ways(chart, TURNSTILE.facts, domain=TURNSTILE)
    never = replace(
        chart,
        states=tuple(replace(s, transitions=s.transitions[1:]) if s.name == "locked" else s for s in chart.states),
    )

    assert {"locked": [], "open": ["unlock"], "shut": ["close"]} == {
        state: [taken.row for taken in path] for state, path in found.paths.items()
    }
    assert ways(never, TURNSTILE.facts, domain=TURNSTILE).to("open").path is None


def test_it_has_not_a_line_of_the_tool_loop():
    """The second domain is made of one public module, and that of the engine alone."""

    def ours(path):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        return {module for module in modules if module.startswith("fsm_runner")}

    assert {"fsm_runner.domain"} == ours(Path(__file__).parent / "turnstile.py")
    assert {"fsm_runner.engine"} == {module[: len("fsm_runner.engine")] for module in ours(Path(domain.__file__))}
