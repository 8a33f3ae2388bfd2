"""The reference is complete, and says what the code says."""

from __future__ import annotations

import inspect
import itertools
import re
from importlib import import_module

import pytest
from anthropic import beta_tool
from markdown_it import MarkdownIt

import fsm_runner
from fsm_runner import effects, events, testing
from fsm_runner.charts import loads
from fsm_runner.charts.chart_schema import schema
from fsm_runner.charts.model import AlwaysRow, ChartModel, EventRow, RuleModel, StateModel, group_at
from fsm_runner.drivers.aio import AsyncRunner
from fsm_runner.engine.check import CODES
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import FACTS
from fsm_runner.loop.stop import REASONS
from fsm_runner.testing import RULES, reply, text, tool_use
from tests.docs.edits import ROOT, blocks


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level of a page; above the first, under ''."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def table(text: str) -> list[list[str]]:
    """The rows of the tables in `text`, cell by cell as they are written, without heads."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[list[str]] = []
    for before, token in itertools.pairwise(tokens):
        if before.type == "tr_open" and token.type == "td_open":
            rows.append([])
        if before.type == "td_open":
            rows[-1].append(token.content)
    return rows


def firsts(text: str) -> list[str]:
    """What stands in the first column of the tables in `text`, without its marks."""
    return [row[0].strip("`") for row in table(text)]


def mentioned(text: str) -> list[str]:
    """The names between backticks in `text`."""
    return re.findall(r"`(\w+)`", text)


@beta_tool
def look(at: str) -> str:
    """Look."""
    return f"seen {at}"


# ── the chart format ────────────────────────────────────────────────────────────────────────────────────────────────

FORMAT = sections("reference/chart.md")


@pytest.mark.parametrize(
    ("heading", "group"),
    [("Keys of a chart", ChartModel), ("Keys of a state", StateModel), ("Keys of a row", EventRow)],
)
def test_every_key_of_the_format_is_there(heading, group):
    """Those that the loader takes, and no other; and whether it asks for them."""
    told = {row[0].strip("`"): row[1] for row in table(FORMAT[heading])}
    required = {name for name, field in group.keys().items() if field.is_required()}

    assert sorted(group.keys()) == sorted(told)
    assert required == {name for name, says in told.items() if says != "no"}


def test_an_always_row_has_the_keys_of_a_row_but_for_event():
    """As the page says."""
    assert {"event"} == EventRow.keys().keys() - AlwaysRow.keys().keys()


def test_the_json_schema_has_the_same_keys():
    """An editor, the loader and the page agree."""
    made = schema()
    definitions = {**made["definitions"], "ChartModel": made}
    for heading, name in (("chart", "ChartModel"), ("state", "StateModel"), ("row", "EventRow")):
        assert sorted(definitions[name]["properties"]) == sorted(firsts(FORMAT[f"Keys of a {heading}"]))


def test_the_chart_at_the_head_can_run():
    """It passes the check, and drives two tools of one turn to their answer."""
    (block,) = [block for block in blocks("docs/reference/chart.md", "yaml") if block.startswith("schema:")]
    chart = loads(block)
    both = reply(tool_use("look", {"at": "a"}, id="a"), tool_use("look", {"at": "b"}, id="b"))
    client = testing.ScriptedModel([both, text("seen")]).sync_client()
    asked = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]}
    runner = fsm_runner.tool_runner(client, **asked, tools=[look], chart=chart)

    assert "seen" == runner.until_done().content[0].text
    assert "finish" == runner.stop.row


def test_every_kind_of_rule_is_there():
    """In the order of the loader's model, each with all of its keys."""
    rows = table(FORMAT["Rules"])

    assert list(RuleModel.keys()) == [row[0].strip("`") for row in rows]
    for row, kind in zip(rows, RuleModel.keys(), strict=True):
        group = group_at(("rules", "any", kind))
        assert group is None or group.keys().keys() <= set(mentioned(row[1]))


def test_every_effect_is_there_with_its_events():
    """In the order of the vocabulary."""
    told = {row[0].strip("`"): tuple(mentioned(row[2])) for row in table(FORMAT["Effects and their events"])}

    assert {name: kind.reports for name, kind in VOCABULARY.effects.items()} == told


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Events of the caller", VOCABULARY.asks),
        ("Outputs", VOCABULARY.outputs),
        ("Supplies", tuple(VOCABULARY.supplies)),
    ],
)
def test_every_built_in_word_is_there(heading, names):
    """What needs no declaration."""
    assert list(names) == firsts(FORMAT[heading])


def test_every_supply_says_why_it_is_finite():
    """In the words that the check prints."""
    assert list(VOCABULARY.supplies.values()) == [row[1] for row in table(FORMAT["Supplies"])]


# ── facts, problems, reasons ────────────────────────────────────────────────────────────────────────────────────────

FACT_PAGE = sections("reference/facts.md")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_there_with_its_answers(name):
    """In their order, below what the fact asks."""
    assert list(FACTS[name].answers) == firsts(FACT_PAGE[name])


def test_no_other_fact_is_there():
    """A heading of one word is a fact's."""
    assert set(FACTS) == {heading for heading in FACT_PAGE if re.fullmatch(r"\w+", heading)}


def test_every_impossible_combination_is_there():
    """What the check leaves out, in the words of a guard."""
    declared = {
        frozenset(f"{name}: {', '.join(answers)}" for name, answers in pattern)
        for fact in FACTS.values()
        for pattern in fact.impossible
    }
    told = {frozenset(cell.strip("`") for cell in row) for row in table(FACT_PAGE["What cannot happen"])}

    assert declared == told


def test_every_problem_is_there_with_its_way_out():
    """In the order and the words of the code."""
    page = "".join(sections("reference/problems.md").values())

    assert list(CODES.items()) == [(row[0].strip("`"), row[1]) for row in table(page)]


def test_every_reason_is_there():
    """Why a run ends, in the order of the code."""
    assert list(REASONS) == firsts(sections("how-to/errors.md")["Why a run ended"])


# ── the public API ──────────────────────────────────────────────────────────────────────────────────────────────────

API = sections("reference/api.md")
MODULES = firsts(API[""])
"""The public modules."""

NAMES = ("Running", "Charts", "The machine", "Journals", "Errors")


def test_every_public_name_is_there():
    """Once, and no other."""
    told = [name for heading in NAMES for name in firsts(API[heading])]

    assert sorted(fsm_runner.__all__) == sorted(told)


@pytest.mark.parametrize("module", [effects, events], ids=["effects", "events"])
def test_what_a_driver_of_ones_own_is_written_with_is_there(module):
    """Every effect, and every event."""
    assert set(module.__all__) <= set(mentioned(API["A driver of your own"]))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "fsm_runner.testing"])
def test_every_name_of_a_public_module_is_there(name):
    """Somewhere on the page; those of `testing` have a page of their own."""
    assert set() == set(import_module(name).__all__) - set(mentioned("".join(API.values())))


def test_every_argument_that_is_ours_is_there_with_its_default():
    """Those that the SDK's own method does not take."""
    import anthropic

    theirs = inspect.signature(anthropic.resources.beta.messages.AsyncMessages.tool_runner).parameters
    ours = inspect.signature(fsm_runner.tool_runner).parameters
    declared = {
        name: '"states"' if name == "chart" else repr(each.default).replace("'", '"')
        for name, each in ours.items()
        if name not in theirs and name != "client" and each.kind is not each.VAR_KEYWORD
    }

    assert declared == {row[0].strip("`"): row[1].strip("`") for row in table(API["`tool_runner`"])}


def test_every_method_of_a_runner_is_there():
    """What can be called or read, but for what streams call."""
    public = {name for name in dir(AsyncRunner) if not name.startswith("_")}
    for_streams = {"moved_on", "read_to_end", "broke_off"}

    assert public - for_streams == set(firsts(API["Methods of a runner"]))
    assert for_streams <= set(mentioned(API["Methods of a runner"]))


# ── the scripted model ──────────────────────────────────────────────────────────────────────────────────────────────

TESTING = sections("how-to/testing.md")


def test_every_rule_of_the_scripted_model_is_there():
    """In the order in which they are checked, in their words."""
    assert [(rule.code, rule.sentence) for rule in RULES] == [
        (row[0].strip("`"), row[1]) for row in table(TESTING["Rules"])
    ]


def test_every_name_for_tests_is_there():
    """What `fsm_runner.testing` offers."""
    told = set(mentioned("".join(TESTING.values()))) | {"ScriptedModel"}

    assert set() == set(testing.__all__) - told
