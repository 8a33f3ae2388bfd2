"""The decision table: every row once, in order, in each format, and when each is the one taken."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from fsm_runner.charts.loader import load
from fsm_runner.charts.row_table import HEADER, NEVER, UNTOLD, cells, effective, markdown, table, text_table
from fsm_runner.engine.chart import Chart, FactUse, Limit, Row, State
from tests.charts.random_charts import EVENTS, charts, combinations, holds, taken

CHART = load("states.yaml", verify=False)

SMALL = Chart(
    name="small",
    initial="wait",
    facts=(FactUse(name="turn", answers=("none", "paused", "over")),),
    limits=(Limit(name="iterations", value=3),),
    states=(
        State(
            name="wait",
            phase="request",
            transitions=(
                Row(id="go", event="replied", guard=(("turn", ("paused",)),), target="wait", spends="iterations"),
                Row(id="stop", event="replied", target="done", output="message"),
            ),
        ),
        State(name="done", phase="done", final=True),
    ),
)


def test_the_table_has_every_row_once_in_the_order_in_which_it_is_tried():
    """State, id, target: as the chart says; a state without rows is a line too."""
    expected = [(state.name, row.id, row.target) for state in CHART.states for row in state.rows]

    assert expected == [(line[0], line[1], line[4]) for line in cells(CHART) if line[1]]
    assert [("done", "final")] == [(line[0], line[5]) for line in cells(CHART) if not line[1]]


def test_the_text_table_stands_in_columns():
    """A state is named once, columns are aligned, nothing trails."""
    expected = """\
state  row   event    holds when     target  besides                   effectively
─────  ────  ───────  ─────────────  ──────  ────────────────────────  ───────────────────
wait   go    replied  turn = paused  wait    spends iterations (of 3)
       stop  replied  otherwise      done    gives message             turn = none or over
done                                         final
"""

    assert expected == text_table(SMALL) == table(SMALL)


def test_the_markdown_table_is_one_line_a_row():
    """Every line has the columns of the header."""
    expected = """\
| state | row | event | holds when | target | besides | effectively |
| --- | --- | --- | --- | --- | --- | --- |
| wait | go | replied | turn = paused | wait | spends iterations (of 3) |  |
| wait | stop | replied | otherwise | done | gives message | turn = none or over |
| done |  |  |  |  | final |  |
"""

    assert expected == markdown(SMALL) == table(SMALL, format="markdown")


@pytest.mark.parametrize(
    "name", ["a|b", "`code`", "*", "<br>", "[x]", "_x_", "back\\slash", "two\nlines", "# 1", "&lt;"]
)
def test_markdown_in_names_is_text(name):
    """Whatever a name holds, its line keeps its columns and shows the name."""
    chart = Chart(name="c", initial=name, states=(State(name=name, phase="p", final=True),))
    line = markdown(chart).splitlines()[2]

    assert 3 == len(markdown(chart).splitlines())
    assert len(HEADER) == len(re.findall(r"(?<!\\)\|", line)) - 1
    shown = re.sub(r"\\(.)", r"\1", line[2:].split(" |  |")[0]).replace("&lt;", "<").replace("&amp;", "&")
    assert " ".join(name.split()) == shown


def test_names_in_wide_scripts_keep_the_columns():
    """A letter that takes two cells is counted as two."""
    chart = Chart(name="c", initial="状态", states=(State(name="状态", phase="p", final=True),))

    header, _, line = text_table(chart).splitlines()
    assert header.index("besides") == line.index("final") + 2


@settings(max_examples=60)
@given(charts())
def test_a_row_is_taken_exactly_when_it_effectively_holds(chart):
    """Combination by combination, for any chart: what is said of a row is when no row before it is taken."""
    told = effective(chart)
    for state in chart.states:
        for event in EVENTS:
            for point in combinations():
                row = taken(state, event, point)
                said = [
                    each.id
                    for each in state.rows
                    if each.event == event and any(holds(pattern, point) for pattern in told[each.id] or ())
                ]
                assert ([] if row is None else [row.id]) == said


def last_cells(*rows: Row) -> list[str]:
    """What is said of `rows` of one state to be effective."""
    facts = (*SMALL.facts, FactUse(name="closed", answers=("true", "false")))
    state = State(name="wait", phase="request", transitions=rows)
    chart = Chart(name="c", initial="wait", states=(state,), facts=facts)
    return [line[-1] for line in cells(chart)]


def test_what_a_row_says_itself_is_not_repeated():
    """The first row is taken when its guard holds, and so is one that excludes all before it."""
    closed = Row(id="closed", event="replied", guard=(("closed", ("true",)),), target="wait")
    rest = Row(id="rest", event="replied", guard=(("closed", ("false",)),), target="wait")

    assert ["", ""] == last_cells(closed, rest)


def test_a_row_that_is_never_taken_says_so():
    """A dead row has no combination left."""
    every = Row(id="every", event="replied", target="wait")
    dead = Row(id="dead", event="replied", guard=(("closed", ("true",)),), target="wait")

    assert ["", NEVER] == last_cells(every, dead)


def test_several_patterns_of_a_row_stand_below_each_other():
    """Each is a line of its own, in every format; what the row asks itself comes first."""
    paused = Row(id="paused", event="replied", guard=(("turn", ("paused",)), ("closed", ("true",))), target="wait")
    rest = Row(id="rest", event="replied", target="wait")

    assert ["", "turn = none or over\nnot closed"] == last_cells(paused, rest)


def test_a_row_that_takes_too_many_patterns_to_read_says_so():
    """Nine facts that may each differ are nine patterns; all of them are still to be had."""
    facts = tuple(FactUse(name=f"fact{number}", answers=("yes", "no")) for number in range(9))
    first = Row(id="first", event="replied", guard=tuple((fact.name, ("yes",)) for fact in facts), target="wait")
    rest = Row(id="rest", event="replied", target="wait")
    state = State(name="wait", phase="request", transitions=(first, rest))
    chart = Chart(name="c", initial="wait", states=(state,), facts=facts)

    assert ["", UNTOLD] == [line[-1] for line in cells(chart)]
    assert 9 == len(effective(chart)["rest"] or ())


class Page(HTMLParser):
    """The rows of a page's table, as texts, and whatever it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "small":
            self.rows[-1][-1] += "\n"
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loads += [
            value for name, value in attrs if name in ("src", "href") and value and not value.startswith("#")
        ]
        self.loads += [tag] if tag in ("script", "link", "img") else []

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += "\n" * ("div" in self.open and bool(self.rows[-1][-1])) + data.replace("\u00a0", " ")


def test_the_page_holds_the_same_cells():
    """Every cell of the table but the state's, which stands once for all of its rows."""
    page = Page(table(CHART, format="html"))

    assert list(HEADER) == page.rows[0]
    assert [list(line[1:]) for line in cells(CHART)] == [row[-6:] for row in page.rows[1:]]
    assert [state.name for state in CHART.states] == [row[0].split("\n")[0] for row in page.rows[1:] if len(row) == 7]


def test_the_page_needs_nothing_else():
    """It loads nothing, runs nothing, closes what it opens, and has colours for both preferences."""
    text = table(CHART, format="html")
    page = Page(text)

    assert ([], []) == (page.loads, page.open)
    assert 1 == text.count("@media (prefers-color-scheme: dark)")


def test_markup_in_names_is_text_on_the_page():
    """Whatever a name holds, a reader sees the name."""
    name = "<b>\"&amp;'</b>"
    page = table(Chart(name=name, initial=name, states=(State(name=name, phase="p", final=True),)), format="html")

    assert 0 == page.count("<b>")
    assert f"<h1>{name}</h1>" in unescape(page)
