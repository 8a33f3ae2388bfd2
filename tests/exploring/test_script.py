"""Scripts: what `paths` prints runs, on the real runner, and takes the rows that the search said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.loader import shipped_charts
from fsm_runner.core.chart import Chart
from fsm_runner.exploring import Explored, Source, explore, script
from fsm_runner.exploring.script import names_of_tests
from fsm_runner.exploring.telling import as_text
from tests.exploring.charts import ASKING, BUDGET, asks, budget, chart, edited


def played(source: str) -> Iterator[tuple[str, list[str]]]:
    """Run each test of a script that is not skipped; yield its name and all rows that its run took."""
    namespace: dict[str, object] = {"__name__": "scripts"}
    exec(compile(source, "scripts.py", "exec"), namespace)
    begun = namespace["begun"]
    taken: list[list[str]] = []

    def recorded(*args: object, **options: object) -> tuple[object, list[str]]:
        runner, rows = begun(*args, **options)
        taken.append(rows)
        return runner, rows

    namespace["begun"] = recorded
    for name, test in list(namespace.items()):
        if name.startswith("test_takes_") and not hasattr(test, "pytestmark"):
            test()
            yield name, taken.pop()


def predicted(explored: Explored) -> list[tuple[str, list[str]]]:
    """What `played` must yield."""
    names = names_of_tests(path.row.id for path in explored.paths)
    found = [path for path in explored.paths if path.conversation is not None]
    return [(names[path.row.id], [t.row for t in path.conversation.transitions]) for path in found]


@pytest.mark.parametrize("name", shipped_charts())
def test_every_row_of_a_shipped_chart_has_a_conversation_that_runs(name):
    """Played on the real runner, each takes the rows that the search took, in the same order: its own among them."""
    explored = explore(load(name))
    expected = predicted(explored)

    assert () == explored.missing
    assert expected == list(played(script(explored, Source(chart=name))))
    assert all(path.row.id in rows for path, (_, rows) in zip(explored.paths, expected, strict=True))


def saved(tmp_path, *replacements) -> tuple[Chart, Source]:
    """A chart of a user's, in a file."""
    path = tmp_path / "mine.yaml"
    path.write_text(edited(*replacements), encoding="utf-8")
    return chart(*replacements), path


def test_a_users_facts_and_effects_join_in(tmp_path):
    """The facts are imported; the effects are stood in for, and the model calls the tools that it is told of."""
    mine, path = saved(tmp_path, *ASKING)
    tools = ("search", "delete")
    explored = explore(mine, facts=[asks], tools=tools)
    source = Source(chart=str(path), facts=(("tests.exploring.charts:asks", False),), tools=tools)
    text = script(explored, source)

    assert () == explored.missing
    assert predicted(explored) == list(played(text))
    assert "FACTS = [tests.exploring.charts.asks]" in text
    assert 'effects={"ask_human": ["denied"' in text


def test_a_request_that_leaves_calls_unanswered_is_refused_as_by_the_api(tmp_path):
    """The scripted model keeps the API's rules, so a conversation that breaks one would not run as it was found."""
    early = (
        ("turn: wants_tools, asks: person}", "turn: wants_tools, asks: person, limit: free}"),
        ("event: denied,  target: inspect, consumes: calls}", "event: denied,  target: request, spends: iterations}"),
    )
    mine, path = saved(tmp_path, *ASKING, *early)
    explored = explore(mine, facts=[asks], tools=("search", "delete"), rows=["denied"])
    source = Source(chart=str(path), facts=(("tests.exploring.charts:asks", False),), tools=("search", "delete"))

    assert predicted(explored) == list(played(script(explored, source)))
    assert "with pytest.raises(anthropic.APIStatusError):" in script(explored, source)
    assert "(refuses the request)" in as_text(explored)


def test_a_list_of_facts_is_taken_apart():
    """As the command line takes it."""
    text = script(explore(chart(*BUDGET), facts=[budget], rows=["begin"]), Source(chart="x", facts=(("a:B", True),)))

    assert "import a\n" in text
    assert "FACTS = [*a.B]" in text


def test_a_fact_without_code_is_stood_in_for(tmp_path):
    """What each test assumes is in it; the row that asks the fact is skipped, with the reason."""
    mine, path = saved(tmp_path, *BUDGET)
    explored = explore(mine)
    text = script(explored, Source(chart=str(path)))

    assert [("over_budget", "needs-fact")] == [(each.row.id, each.without) for each in explored.missing]
    assert predicted(explored) == list(played(text))
    assert 'assumed={"budget": "left"}' in text
    reason = "needs-fact: it asks fact 'budget' (give the code: --fact MODULE:NAME)"
    assert f'@pytest.mark.skip(reason="{reason}")\ndef test_takes_over_budget():' in text


def test_a_script_for_one_row_holds_nothing_else():
    """One test, and no stand-in that it does not need."""
    text = script(explore(load("states"), rows=["finish"]), Source(chart="states"))

    assert ["test_takes_finish"] == re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    assert "Interrupted" not in text
    assert "import anthropic\n" not in text
    assert "from fsm_runner.testing import ScriptedModel, text\n" in text


def test_a_script_is_laid_out_like_a_file_of_ones_own():
    """No line is longer than the house allows."""
    text = script(explore(load("approval")), Source(chart="approval"))

    assert [] == [line for line in text.splitlines() if len(line) > 120]
    assert text.endswith('"ignore::pytest.PytestAssertRewriteWarning"]))\n')


def test_names_of_any_kind_make_a_script_that_is_python():
    """Quotes, backslashes and line breaks in the chart's name or in its path."""
    mine = replace(load("states"), name='it\'s a \\ """loop"\n')
    text = script(explore(mine, rows=["begin"]), Source(chart="a \\ 'b' \"c\".yaml"))
    namespace: dict[str, object] = {"__name__": "scripts"}
    exec(compile(text, "scripts.py", "exec"), namespace)

    assert "a \\ 'b' \"c\".yaml" == namespace["CHART"]


def test_names_of_tests_are_python_names_and_differ():
    """Also where two rows differ only in what a Python name cannot hold."""
    names = names_of_tests(["a-b", "a_b", "ä"])

    assert 3 == len(set(names.values()))
    assert all(name.isidentifier() for name in names.values())
