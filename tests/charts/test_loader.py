"""The loader: a chart, or everything that is wrong with the file, at its place."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_runner.charts import find_chart, load, loads
from fsm_runner.charts.loader import examine, shipped_charts
from fsm_runner.charts.nodes import MAX_BYTES, plain, read
from fsm_runner.engine.chart import SCHEMA, Row
from fsm_runner.engine.check import CODES
from fsm_runner.engine.errors import ChartError
from fsm_runner.journal.codec import chart_data, chart_from

ROOT = Path(__file__).parents[2]
SMALL = """schema: fsm_runner/chart/v1
name: small
initial: start
facts: {closed: [true, false], turn: [on, off, null_ish]}
states:
  start:
    phase: inspect
    always:
      - {id: end, guard: {closed: true, turn: [on, off]}, target: done, x-why: {any: [thing]}}
      - {id: rest, target: done, output: message}
  done: {phase: done, final: true, x-colour: blue}
x-owner: us
"""


def problems_of(text: str) -> list[tuple[str, str]]:
    """Return each problem's code and place."""
    return [(problem.code, f"{problem.line}:{problem.column}") for problem in examine(text)[1].problems]


def test_finds_the_one_fault_of_a_broken_chart_where_it_is(broken):
    """Each broken chart has one fault, and it alone is told, with its code and place; a note lets the chart run."""
    chart, verdict = examine(broken.text, facts=broken.facts)
    told = verdict.notes if broken.note else verdict.problems

    assert [(broken.code, broken.place)] == [(problem.code, f"{problem.line}:{problem.column}") for problem in told]
    assert not broken.note or (chart is not None and verdict.problems == ())


def test_refuses_what_the_check_refuses(broken):
    """`loads` raises for every fault, and for no note; the error says the file, the line and the column."""
    if broken.note:
        assert "small" == loads(broken.text, facts=broken.facts).name
        return
    with pytest.raises(ChartError) as caught:
        loads(broken.text, "my.yaml", facts=broken.facts)

    assert str(caught.value).startswith(f"my.yaml:{broken.place}: ")


def test_messages_follow_the_house_style(broken):
    """One line, a subject before the problem, no full stop at the end, lower case, and never the library's words."""
    verdict = examine(broken.text, facts=broken.facts)[1]
    for problem in (*verdict.problems, *verdict.notes):
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")
        assert problem.message[0].islower()
        for word in ("Input should", "Field required", "invalid", "Error"):
            assert word not in problem.message


def test_every_code_has_a_broken_chart_and_every_broken_chart_a_listed_code(codes_shown):
    """The table of codes is complete, and nothing in it is idle; four faults are of a file that no text can show."""
    of_the_file = {"unreadable-file", "unknown-chart", "too-large", "not-utf8"}

    assert set(CODES) == codes_shown | of_the_file


def test_the_default_chart_has_no_problem():
    """The chart at the top of the repository loads, and the check has nothing against it."""
    chart, verdict = examine((ROOT / "states.yaml").read_text(encoding="utf-8"))

    assert () == verdict.problems
    assert load("states") == chart
    assert {"overlap", "limit-is-null"} >= {note.code for note in verdict.notes}


def test_a_chart_says_what_its_file_says():
    """Rows keep their order, booleans become the answers true and false, the words on and off stay words."""
    chart = loads(SMALL)

    guard = (("closed", ("true",)), ("turn", ("on", "off")))
    expected = (Row(id="end", guard=guard, target="done"), Row(id="rest", target="done", output="message"))
    assert expected == chart.state("start").always
    assert (("closed", ("true", "false")), ("turn", ("on", "off", "null_ish"))) == tuple(
        (fact.name, fact.answers) for fact in chart.facts
    )
    assert SCHEMA == chart.schema


def test_every_problem_is_told_at_once_in_the_order_of_the_file():
    """A misspelled key does not hide a misspelled target, nor the reverse."""
    text = SMALL.replace("target: done, x-why", "taget: done, x-why").replace("guard: {", "gard: {")
    text = text.replace("phase: done,", "phase: 7,").replace("name: small", "name: ''")

    assert ["wrong-name", "unknown-key", "unknown-key", "wrong-type"] == [code for code, _ in problems_of(text)]


def test_names_are_told_beside_a_key_that_means_nothing():
    """An unknown key in a state leaves the names to be judged, so that one look finds both."""
    text = SMALL.replace("x-colour", "colour").replace("target: done, output", "target: dne, output")

    assert [("unknown-target", "10:28"), ("unknown-key", "11:36")] == problems_of(text)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("true", True), ("false", False), ("True", "True"), ("yes", "yes"), ("on", "on"), ("no", "no"),
        ("", None), ("~", None), ("null", None), ("none", "none"),
        ("12", 12), ("-3", -3), ("010", 10), ("0x1f", "0x1f"), ("1_000", "1_000"), ("1:30", "1:30"),
        ("1.5", 1.5), ("2026-01-01", "2026-01-01"), ("9" * 18, int("9" * 18)), ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars_mean_what_yaml_1_2_says(word, expected):
    """No word of YAML 1.1 is read as a boolean, a date or a sexagesimal number."""
    assert expected == plain(word)
    assert type(expected) is type(plain(word))


def test_keys_are_always_words():
    """A key that looks like a boolean, a number or nothing is the word that was written."""
    assert {"true": 1, "on": 2, "3": 4, "": 5} == read("{true: 1, on: 2, 3: 4, '': 5}").data


@pytest.mark.parametrize(("size", "expected"), [(MAX_BYTES, []), (MAX_BYTES + 1, ["too-large"])])
def test_a_file_of_a_megabyte_is_read_and_no_more(tmp_path, size, expected):
    """At the limit it is read; one byte over, it is refused before it is parsed."""
    path = tmp_path / "large.yaml"
    path.write_text(SMALL + "#" * (size - len(SMALL)), encoding="utf-8")
    try:
        load(path)
        codes = []
    except ChartError as error:
        codes = [problem.code for problem in error.problems]

    assert expected == codes


def test_a_file_that_is_not_utf_8_is_told_with_the_byte(tmp_path):
    """The line and the column are those of the first byte that does not fit."""
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"schema: x\nname: caf\xe9\n")
    with pytest.raises(ChartError) as caught:
        load(path)

    assert f"{path}:2:10: byte 0xE9 is not UTF-8 (save the file as UTF-8)" == str(caught.value)
    assert ["not-utf8"] == [problem.code for problem in caught.value.problems]


def test_a_file_that_is_not_there_is_a_problem_of_the_chart(tmp_path):
    """No OSError comes out, and the error can be sent between processes."""
    with pytest.raises(ChartError) as caught:
        load(tmp_path / "none.yaml")

    assert ["unreadable-file"] == [problem.code for problem in caught.value.problems]
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_charts_are_found_by_path_and_by_name(tmp_path, monkeypatch):
    """A path is taken as it is; a bare word is a shipped chart, else a file of that name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text(SMALL, encoding="utf-8")

    assert Path("some/where.yaml") == find_chart("some/where.yaml")
    assert Path("mine") == find_chart("mine")
    assert (ROOT / "states.yaml").read_bytes() == find_chart("states").read_bytes()
    assert "small" == load("mine").name
    with pytest.raises(ChartError, match=r"stats: no chart is called that \(did you mean 'states'\?\)"):
        find_chart("stats")


def test_every_shipped_chart_loads():
    """What comes with the package can run."""
    for name, path in shipped_charts().items():
        assert load(path) == load(name)


def test_without_verify_only_the_file_is_judged():
    """A chart that cannot run can still be loaded, to be drawn or compared."""
    text = SMALL.replace("target: done, output", "target: nowhere, output")

    assert "nowhere" == loads(text, verify=False).state("start").always[1].target


@settings(max_examples=150)
@given(st.one_of(st.text(), st.text(alphabet="-?:,[]{}&*!|>'\"%@`# \n\tab1~<=", max_size=60)))
def test_no_text_makes_the_loader_raise_anything_but_a_chart_error(text):
    """Whatever the text is, its problems have a place and a listed code."""
    with pytest.raises(ChartError) as caught:
        loads(text)

    for problem in caught.value.problems:
        assert problem.code in CODES
        assert (problem.line or 0) >= 1
        assert (problem.column or 0) >= 1


@settings(max_examples=150)
@given(st.data())
def test_no_damage_to_a_good_chart_makes_the_loader_raise_anything_else(data):
    """A chart with a piece cut out, doubled or replaced is a chart still, or a ChartError."""
    start = data.draw(st.integers(0, len(SMALL)))
    end = data.draw(st.integers(start, min(len(SMALL), start + 30)))
    put = data.draw(
        st.sampled_from(["", "{", "]", ": ", "- ", "&a ", "!!map ", "null", "\ud800", SMALL[start:end] * 2])
    )
    text = SMALL[:start] + put + SMALL[end:]
    chart, verdict = examine(text)
    if chart is not None and not verdict.problems:
        assert chart == loads(text)
        return
    with pytest.raises(ChartError) as caught:
        loads(text)

    assert verdict.problems == caught.value.problems


def test_what_stands_under_a_key_written_twice_is_left_out():
    """The first counts; what is within the second is judged as text, and mixes with nothing."""
    text = SMALL.replace("states:\n", "states:\nstates:\n") + "facts:\n  turn: [on, on]\n  turn: *x\n"

    expected = [
        ("wrong-type", "5:8"), ("duplicate-key", "6:1"), ("duplicate-key", "14:1"), ("duplicate-key", "16:3"),
        ("alias", "16:9"),
    ]  # fmt: skip
    assert expected == problems_of(text)


def test_a_message_is_one_line_of_a_readable_length_whatever_the_file_holds():
    """A block of text where a list belongs is quoted by its beginning, on one line."""
    text = SMALL.replace("facts: {closed", "facts: |\n" + "  long words\n" * 100 + "x-facts: {closed")
    problem = examine(text)[1].problems[0]

    assert ("wrong-type", 4) == (problem.code, problem.line)
    assert len(problem.message) < 250
    assert len(problem.message.splitlines()) == 1


def test_a_shipped_name_with_a_dot_is_a_name():
    """Of a bare word, the name of a shipped chart goes before a file."""
    assert "anthropic-0.75.yaml" == find_chart("anthropic-0.75").name


def test_a_chart_with_rules_comes_back_from_a_journal():
    """A run does not look at them, but its journal holds the whole chart."""
    rules = """rules:
  reaches: {always_reaches: [done]}
  order: {precedes: {first: start, then: {row: [end, rest], guard: {closed: true}}, since: {state: done}}}
  never: {never: {enter: start, after: done}}
"""
    chart = loads(SMALL + rules)

    assert ["reaches", "order", "never"] == [rule.name for rule in chart.rules]
    assert chart == chart_from(json.loads(json.dumps(dict(chart_data(chart)[0]))))
