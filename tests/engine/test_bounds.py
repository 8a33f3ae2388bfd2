"""The bounds: what is too large is refused at once, and up to there the work grows with the size.

Work is counted in calls, never in seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fsm_runner.charts.loader import examine
from fsm_runner.engine import bounds
from fsm_runner.engine.chart import Chart, Row, State
from fsm_runner.loop.tool_loop import check, compile
from tests.support.counting import calls, is_linear

HEAD = "schema: fsm_runner/chart/v1\nname: line\ninitial: s\n"
DONE = State(name="done", phase="done", final=True)


def line_of(states: int, *, target: str = "") -> Chart:
    """A chart whose states lead each to the next, or all to `target`."""
    names = [f"s{number}" for number in range(states)]
    made = [
        State(name=name, phase="p", transitions=(Row(id=f"r_{name}", event="continued", target=target or after),))
        for name, after in zip(names, [*names[1:], "done"], strict=True)
    ]
    return Chart(name="line", initial="s0", states=(*made, DONE))


def table_of(rows: int, *, target: str = "done") -> Chart:
    """A chart of one state whose rows all wait for the same event, so that all but the first are dead."""
    made = tuple(Row(id=f"r{number}", event="continued", target=target) for number in range(rows))
    return Chart(name="table", initial="s", states=(State(name="s", phase="p", transitions=made), DONE))


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (line_of(1_000), "chart 'line': it has 1,001 states, and 1,000 are the most (make several charts)"),
        (table_of(4_001), "chart 'table': it has 4,001 rows, and 4,000 are the most (make several charts)"),
    ],
)
def test_a_chart_beyond_a_bound_is_refused_with_the_number_and_the_bound(chart, said):
    """Before anything else is looked at."""
    assert [("too-large", said)] == [(problem.code, problem.message) for problem in check(chart).problems]


def test_a_bound_can_be_raised(monkeypatch):
    """By a program that needs more."""
    monkeypatch.setattr(bounds, "STATES", 1_200)
    monkeypatch.setattr(bounds, "COMBINATIONS", 1 << 22)

    assert "too-large" not in {problem.code for problem in check(line_of(1_100)).problems}


@pytest.mark.parametrize(
    ("work", "size"),
    [
        (lambda n: lambda: compile(line_of(n)), 400),
        (lambda n: lambda: check(line_of(n, target="done")), 200),  # all but one cannot be reached
        (lambda n: lambda: check(line_of(n, target="nowhere")), 200),
        (lambda n: lambda: check(table_of(n, target="nowhere")), 400),
        (lambda n: lambda: check(table_of(n)), 400),
    ],
    ids=["compile", "unreachable", "unknown targets", "unknown targets of one state", "dead rows"],
)
def test_twice_as_much_is_twice_the_work(work, size):
    """However much of it is wrong."""
    assert is_linear(work, size)


ROWS: dict[str, Callable[[int], str]] = {
    "unknown keys": lambda n: "s: {phase: p, " + ", ".join(f"k{i}: 1" for i in range(n)) + "}",
    "unknown targets": lambda n: "s: {phase: p, transitions: [" + _rows(n, "t{}") + "]}",
    "dead rows": lambda n: "s: {phase: p, transitions: [" + _rows(n, "d") + "]}, d: {phase: d, final: true}",
    "rows that are words": lambda n: "s: {phase: p, transitions: [" + ", ".join(["word"] * n) + "]}",
}
"""Charts with as many faults as one likes in one line."""


def _rows(number: int, target: str) -> str:
    return ", ".join(f"{{id: r{i}, event: continued, target: {target.format(i)}}}" for i in range(number))


def shown(text: str) -> Callable[[], object]:
    """What `fsm-runner check` does with a chart that is in standard input, but for reading it."""
    from fsm_runner.cli.check_text import Checked, as_text
    from fsm_runner.cli.screen import clean_output

    def run() -> None:
        chart, verdict = examine(text)
        with clean_output():
            as_text(Checked(source="x", lines=tuple(text.splitlines()), chart=chart, verdict=verdict), explain=False)

    return run


@pytest.mark.parametrize("kind", ROWS)
def test_many_faults_in_one_line_are_each_shown_at_the_cost_of_one(kind, capsys):
    """The line is looked at around each place, not from its beginning to its end."""
    texts = {size: f"{HEAD}states: {{{ROWS[kind](size)}}}\n" for size in (100, 200)}
    for text in texts.values():
        shown(text)()
    small, large = (calls(shown(text)) for text in texts.values())

    assert large < 2.3 * small
    assert "problems" in capsys.readouterr().out
