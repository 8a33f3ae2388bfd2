"""The drawings as text: what is in them, once each, and safe whatever the names."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.charts.drawing import Mark, Overlay, dot, mermaid, svg
from fsm_runner.charts.drawing.edges import drawn, hubs, legs
from fsm_runner.charts.drawing.labels import condition, extras, holds_when, identifiers, one_line
from fsm_runner.charts.drawing.theme import THEMES, Theme
from fsm_runner.charts.loader import load
from fsm_runner.engine.chart import Chart, FactUse, Limit, Row, State

CHART = load("states.yaml", verify=False)

NASTY = (
    "end", "state", "note", "subgraph", "graph", "node", 'a "quoted" name', "it's: a colon", "état", "状态",
    "<b>bold</b>", "a|b", "a\\", "\\N \\G", "%% comment", "a;b", "`code`", "{brace}", "a -> b", "&amp;", "[*]", "#35;",
)  # fmt: skip


def ring(names: tuple[str, ...]) -> Chart:
    """Return a chart in which each of `names` is a state, and a phase, an event and a row of the next one's."""
    states = [
        State(name=name, phase=name, effect=name, transitions=(Row(id=f"to {name}", event=name, target=following),))
        for name, following in pairwise(names)
    ]
    return Chart(name="nasty", initial=names[0], states=(*states, State(name=names[-1], phase="end", final=True)))


def decoded(label: str) -> str:
    """Return a Mermaid label as a reader sees it."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)


def mermaid_lines(text: str) -> list[str]:
    """Return every line of every label of a Mermaid text."""
    return [decoded(line) for label in re.findall(r'"([^"{]*)"', text) for line in label.split("<br>")]


def mermaid_row(line: str) -> str:
    """Return the row that a line of a label is about."""
    return re.split(r": | · | → ", line)[0]


def read(cell: str) -> str:
    """Return an HTML-like text of DOT as a reader sees it."""
    return unescape(re.sub(r"<[^>]*>", "", cell)).replace("\\\\", "\\")


def first_cells(text: str) -> list[str]:
    """Return what DOT shows in the first cell of each row."""
    return [read(cell) for cell in re.findall(r'<TR><TD BORDER="1"[^>]*>(.*?)</TD>', text)]


def titles(text: str) -> list[str]:
    """Return the names of the states that DOT draws."""
    return [read(name) for name in re.findall(r'PORT="top"><FONT POINT-SIZE="15"><B>(.*?)</B>', text)]


def test_mermaid_shows_every_row_once():
    """Each row is one line of one label, on its line or in its state."""
    shown = Counter(mermaid_row(line) for line in mermaid_lines(mermaid(CHART)))

    # A state may be called as a row is: its name is one more line.
    names = Counter(state.name for state in CHART.states) + Counter(CHART.phases)
    assert {row.id: 1 for row in CHART.rows} == {row.id: shown[row.id] - names[row.id] for row in CHART.rows}


def test_mermaid_shows_every_state_once():
    """Each state is declared once, in its phase's group."""
    declared = re.findall(r'^    s_\w+\(+"(.*?)(?:<br>.*)?"\)+$', mermaid(CHART), flags=re.MULTILINE)

    assert Counter(state.name for state in CHART.states) == Counter(map(decoded, declared))


def test_dot_shows_every_row_once():
    """Each row is one row of its state's card."""
    shown = Counter(first_cells(dot(CHART)))

    assert {row.id: 1 for row in CHART.rows} == {row.id: shown[row.id] for row in CHART.rows}


def test_dot_shows_every_state_once():
    """Each state is one card, and each card is one node."""
    text = dot(CHART)

    assert Counter(state.name for state in CHART.states) == Counter(titles(text))
    assert len(CHART.states) == len(re.findall(r"^    s_\w+ \[label=<", text, flags=re.MULTILINE))


def test_every_guard_effect_output_and_limit_is_in_the_pictures():
    """What a row needs and does besides, and what a state does, is read off the picture."""
    wanted = {state.effect for state in CHART.states if state.effect}
    wanted |= {text for state in CHART.states for row in state.rows for text in holds_when(CHART, state, row)}
    wanted |= {text for row in CHART.rows for text in extras(CHART, row)}
    drawing = unescape(re.sub(r"<[^>]*>", " ", dot(CHART)))

    assert set() == {text for text in wanted if text not in drawing}
    assert set() == {text for text in wanted if text not in decoded(mermaid(CHART))}


@pytest.mark.parametrize("level", ["states", "phases"])
def test_final_states_are_marked(level):
    """A final state is a double circle in Mermaid and has two borders in DOT; no other state does."""
    assert re.findall(r'\(\(\("(.*?)"\)\)\)', mermaid(CHART, level=level)) == ["done"]
    assert 1 == dot(CHART, level=level).count('<TABLE BORDER="2"')


@pytest.mark.parametrize("level", ["states", "phases"])
def test_drawing_twice_gives_the_same_text(level):
    """The text is a function of the chart alone."""
    again = load("states.yaml", verify=False)

    assert mermaid(CHART, level=level) == mermaid(again, level=level)
    assert svg(CHART, level=level) == svg(again, level=level)


def test_a_row_has_a_line_unless_it_stays_or_leads_back_to_a_hub():
    """The lines left out are those of the legend: nothing else is."""
    written = {row.id for row in CHART.rows} - drawn(CHART)
    phase_of = {state.name: state.phase for state in CHART.states}
    expected = {
        row.id
        for state in CHART.states
        for row in state.rows
        if row.target == state.name or (row.target in {"inspect", "failed"} and phase_of[row.target] != state.phase)
    }

    assert {"inspect", "failed"} == hubs(CHART)
    assert expected == written
    assert len(drawn(CHART)) == len(re.findall(r"^  s_\w+:r\d+:e -> ", dot(CHART), flags=re.MULTILINE))


def test_legs_hold_every_row_between_two_phases():
    """No row between phases is lost, and none within a phase is counted."""
    phase_of = {state.name: state.phase for state in CHART.states}
    expected = {row.id for s in CHART.states for row in s.rows if phase_of[row.target] != s.phase}

    assert expected == {row.id for leg in legs(CHART) for row in leg.rows}
    assert len(legs(CHART)) == len({(leg.source, leg.target) for leg in legs(CHART)})


def test_names_are_shown_as_they_are():
    """Quotes, colons, keywords, other scripts and markup in names are text, in every notation."""
    chart = ring(NASTY)

    assert set() == set(NASTY) - set(mermaid_lines(mermaid(chart)))
    assert {f"to {name}" for name in NASTY[:-1]} == {row.id for row in chart.rows} & set(first_cells(dot(chart)))
    assert Counter(NASTY) == Counter(titles(dot(chart)))
    drawn_texts = {unescape(text).strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg(chart))}
    assert set() == set(NASTY) - drawn_texts


def test_identifiers_are_safe_and_differ():
    """Names that become equal are numbered; none is a keyword."""
    found = identifiers("s", ("end", "a b", "a-b", "a_b", "a_b_2"))

    assert ["s_end", "s_a_b", "s_a_b_2", "s_a_b_3", "s_a_b_2_2"] == list(found.values())


@pytest.mark.parametrize(
    ("fact", "answers", "expected"),
    [
        ("closed", ("true",), "closed"),
        ("closed", ("false",), "not closed"),
        ("closed", ("true", "false"), "closed = true or false"),
        ("turn", ("none",), "turn = none"),
        ("turn", ("none", "paused"), "turn = none or paused"),
        ("turn", ("none", "paused", "finished"), "turn ≠ answered"),
        ("early", ("run", "wait"), "early = run or wait"),
        ("unknown", ("yes",), "unknown = yes"),
    ],
)
def test_conditions_are_short(fact, answers, expected):
    """A yes-or-no fact is a word; all answers but one are the one that is missing, from four answers on."""
    facts = (
        FactUse(name="closed", answers=("true", "false")),
        FactUse(name="turn", answers=("none", "answered", "paused", "finished")),
        FactUse(name="early", answers=("run", "wait", "never")),
    )

    assert expected == condition(Chart(name="c", initial="s", states=(), facts=facts), fact, answers)


def test_a_limit_that_is_set_is_shown_with_its_value():
    """What a row spends is said with how much there is."""
    row = Row(id="ask", target="s", spends="iterations")
    state = State(name="s", phase="p", always=(row,))
    chart = Chart(name="c", initial="s", states=(state,), limits=(Limit(name="iterations", value=10),))

    assert ("spends iterations (of 10)",) == extras(chart, row)
    assert "ask" == one_line(chart, state, row)


def test_an_overlay_marks_its_rows_and_states_and_no_others():
    """A note stands once beside its row or state, and a tone and a weight change that one line."""
    overlay = Overlay(
        rows={"ask": Mark(tone="added", note="17 times", weight=3)},
        states={"offered": Mark(note="2 s")},
        caption="Two runs",
    )
    plain, marked = dot(CHART), dot(CHART, overlay=overlay)

    assert [1, 1, 1] == [marked.count(text) for text in ("17 times", "2 s", "Two runs")]
    assert ["penwidth=4.20"] == re.findall(r"penwidth=4\S+(?=\])", marked)
    assert 4 == sum(old != new for old, new in zip(plain.splitlines(), marked.splitlines(), strict=True))
    assert [1, 1] == [mermaid(CHART, overlay=overlay).count(text) for text in ("17 times", "2 s")]


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, 0 to 1.  Source: WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_all_text_has_the_contrast_that_reading_needs(theme: Theme):
    """4.5:1 for every colour of text on every ground it can stand on."""
    paints = [*theme.named.values(), *theme.spare]
    pairs = [(text, ground) for text in (theme.text, theme.quiet) for ground in (theme.page, theme.card)]
    pairs += [(theme.quiet, paint.fill) for paint in paints]
    pairs += [(tone, ground) for tone in theme.tones.values() for ground in (theme.page, theme.card)]
    pairs += [(text, wash) for wash in theme.washes.values() for text in (theme.text, theme.quiet)]
    pairs += [(theme.tones[tone], wash) for tone, wash in theme.washes.items()]
    pairs += [(theme.tones["faint"], theme.washes["strong"])]
    pairs += [(paint.line, ground) for paint in paints for ground in (theme.page, theme.card, paint.fill)]

    assert [] == [pair for pair in pairs if contrast(*pair) < 4.5]


names = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["C", "Z"]), max_size=8)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Charts of one to six states with rows between any of them; a name is any text behind its number."""
    count = draw(st.integers(1, 6))
    called = [f"state{number}{draw(names)}" for number in range(count)]
    states = []
    for number, name in enumerate(called):
        targets = draw(st.lists(st.sampled_from(called), max_size=4))
        rows = tuple(
            Row(id=f"row{number}_{at}_{draw(names)}", event=draw(st.none() | names.filter(bool)), target=target)
            for at, target in enumerate(targets)
        )
        always = tuple(row for row in rows if row.event is None)
        transitions = tuple(row for row in rows if row.event is not None)
        phase = draw(st.sampled_from(["inspect", "work", "étape"]))
        states.append(State(name=name, phase=phase, final=not rows, always=always, transitions=transitions))
    return Chart(name=f"chart{draw(names)}", initial=called[0], states=tuple(states))


@settings(max_examples=15)
@given(charts(), st.sampled_from(["states", "phases"]))
def test_any_chart_can_be_drawn(chart, level):
    """Whatever the names, Graphviz reads the DOT, and at the states level each row and state is in the text once."""
    svg(chart, level=level)
    text = dot(chart)

    cells = Counter(first_cells(text))
    assert Counter(row.id for row in chart.rows) == cells
    assert Counter(state.name for state in chart.states) == Counter(titles(text))
    shown = Counter(re.findall(r"row\d_\d_", mermaid(chart)))
    assert {f"row{number}_{at}_": 1 for number, s in enumerate(chart.states) for at in range(len(s.rows))} == shown
