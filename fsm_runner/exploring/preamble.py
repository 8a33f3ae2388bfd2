"""The preamble: what a file of scripts begins with, that is imports, the chart, stand-ins, and how a run begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fsm_runner.core.chart import Chart
from fsm_runner.core.vocabulary import FAILED
from fsm_runner.exploring.beginnings import MAX_TOKENS, MODEL, PROMPT, SEARCH
from fsm_runner.exploring.report import Explored

WIDTH = 120
"""Columns that a line of a script keeps to."""

MADE_BY = (
    "compaction", "error", "overloaded", "pause_turn", "refusal", "reply", "text", "thread_error", "tool_use",
    "truncated", "without_stop_reason",
)  # fmt: skip
"""The functions of `fsm_runner.testing` that scripts use."""

INTERRUPTED = '''

class Interrupted(BaseException):
    """The process is told to stop, as by Ctrl-C."""
'''

PLAYED = '''

def played(outcomes, usual):
    """Return a function that comes to each of `outcomes` in turn, then always to `usual`; exceptions are raised."""
    waiting = iter(outcomes)

    def play(*_):
        outcome = next(waiting, usual)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return play
'''

STANDING = """\
    standing = [
        fsm_runner.Fact(name=name, answers=answers, ask=lambda _, answer=assumed[name]: answer)
        for name, answers in UNKNOWN.items()
    ]
"""

BEGUN = '''

def begun(model, *, outcomes=(){parameter}, **options):
    """Begin a run; return it, and the list of the rows that it takes.  The tools come to `outcomes`, in turn."""
    rows = []
    run = played(outcomes, "found")
    tools = [beta_tool(lambda: run(), name=name, description="A stand-in.") for name in TOOLS]
{own}    runner = fsm_runner.tool_runner(
        model.sync_client(),
        model="{model}",
        max_tokens={max_tokens},
        messages=[{{"role": "user", "content": "{prompt}"}}],
        tools=tools,
        chart=CHART,
{more}        on_step=lambda _, step: rows.extend(taken.row for taken in step.transitions),
        **options,
    )
    return runner, rows
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a script's chart comes from: immutable.

    Attributes:
        chart: what names it for `tool_runner`.
        facts: the facts that were given, as ``module:name``, each with whether it is a list of facts.
        tools: the names of the tools that the model can call.
    """

    chart: str
    facts: tuple[tuple[str, bool], ...] = ()
    tools: tuple[str, ...] = (SEARCH,)


def head_of(explored: Explored, source: Source, tests: str) -> str:
    """Return what comes before `tests`."""
    return "\n".join(_lines(explored, source, tests)).rstrip()


def usual_reports(chart: Chart) -> Mapping[str, str]:
    """Return, as code, what each of the chart's own effects reports unless a test says otherwise."""
    usual = {effect.name: [*(each for each in effect.reports if each != FAILED), FAILED] for effect in chart.effects}
    return {name: f'"{reports[0]}"' for name, reports in usual.items()}


def written(value: object) -> str:
    """Return plain data as Python, with double quotes."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return f"{{{', '.join(f'{written(key)}: {written(each)}' for key, each in value.items())}}}"
        case list():
            return f"[{', '.join(map(written, value))}]"
        case tuple():
            return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
        case _:
            return repr(value)


def _lines(explored: Explored, source: Source, tests: str) -> Iterator[str]:
    name, command = (_quoted(text) for text in (explored.chart.name, f"fsm-runner paths {source.chart}"))
    yield f'"""Shortest conversations for the rows of the chart \'{name}\', one for each.'
    yield ""
    yield f"Written by `{command}`, to be run by pytest; no model is asked."
    yield ""
    yield "`begun` begins a run with stand-ins for tools and for the chart's own effects; `rows` are the ids of the"
    yield "rows that the run has taken."
    yield '"""'
    yield ""
    if "anthropic." in tests:
        yield "import anthropic"
    yield "import pytest"
    yield "from anthropic import beta_tool"
    yield ""
    yield from (f"import {module}" for module in sorted({spec.partition(":")[0] for spec, _ in source.facts}))
    yield "import fsm_runner"
    used = [name for name in MADE_BY if re.search(rf"\b{name}\(", tests)]
    yield _wrapped(f"from fsm_runner.testing import {', '.join(['ScriptedModel', *used])}")
    yield ""
    facts = tuple(_given(source))
    unknown = [use for use in explored.chart.facts if use.name in explored.unknown]
    effects = usual_reports(explored.chart)
    yield f"CHART = {written(source.chart)}"
    yield f"TOOLS = {written(list(source.tools))}"
    if facts:
        yield f"FACTS = [{', '.join(facts)}]"
    if unknown:
        answers = ", ".join(f'"{use.name}": {written(use.answers)}' for use in unknown)
        yield f"UNKNOWN = {{{answers}}}  # facts whose code was not given; a test says what each answers"
    if effects:
        usual = ", ".join(f'"{name}": {code}' for name, code in effects.items())
        yield f"EFFECTS = {{{usual}}}  # what each reports unless a test says otherwise"
    if "Interrupted" in tests:
        yield INTERRUPTED.rstrip()
    yield PLAYED.rstrip()
    yield _begun(facts=bool(facts), unknown=bool(unknown), effects=bool(effects))


def _begun(*, facts: bool, unknown: bool, effects: bool) -> str:
    own = "    own = {name: played((effects or {}).get(name, ()), usual) for name, usual in EFFECTS.items()}\n"
    given = " + ".join([*(["FACTS"] if facts else []), *(["standing"] if unknown else [])])
    more = (f"        facts={given},\n" if given else "") + ("        effects=own,\n" if effects else "")
    return BEGUN.format(
        parameter=(", effects=None" if effects else "") + (", assumed" if unknown else ""),
        own=(own if effects else "") + (STANDING if unknown else ""),
        model=MODEL,
        max_tokens=MAX_TOKENS,
        prompt=PROMPT,
        more=more,
    )


def _given(source: Source) -> Iterator[str]:
    for spec, several in source.facts:
        yield f"{'*' if several else ''}{spec.replace(':', '.', 1)}"


def _quoted(text: str) -> str:
    """`text` as it can stand in a docstring."""
    line = "".join(char if char.isprintable() else "?" for char in text)
    return line.replace("\\", "\\\\").replace('"', "'")


def _wrapped(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    first, _, names = line.partition(" import ")
    return f"{first} import (\n" + "".join(f"    {name},\n" for name in names.split(", ")) + ")"
