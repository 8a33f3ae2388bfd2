"""The loader: reads a chart file, and returns a Chart or everything that is wrong with it, at its line and column.

There are four stages: the text (`nodes`), the shape (`model` and `validation`), the names, and the proofs (both in
`engine.check`).  A stage runs only if the stages before it left something to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from fsm_runner.charts.nodes import MAX_BYTES, Document, read
from fsm_runner.charts.nodes import Path as Place
from fsm_runner.charts.validation import validated
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.check import FactCode, Verdict, check
from fsm_runner.engine.check.names import name_problems
from fsm_runner.engine.domain import Domain, Vocabulary
from fsm_runner.engine.errors import ChartError, Problem
from fsm_runner.engine.text import did_you_mean, why
from fsm_runner.loop.tool_loop import TOOL_LOOP

DEFAULT = "states"
"""The name of the default chart.  In a checkout its file is at the top."""

_AT_KEY = frozenset({"limit-is-null", "unknown-fact", "unused-limit"})
"""Problems that are about a key, not about the value next to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A chart file after reading: immutable.

    Attributes:
        chart: the chart; None if the file has problems.
        problems: what is wrong with its text, its shape and its names.
        document: the data, with the place of each piece.
    """

    chart: Chart | None
    problems: tuple[Problem, ...]
    document: Document


def parse(text: str, vocabulary: Vocabulary = TOOL_LOOP.vocabulary) -> Parsed:
    """Read `text` as a chart, without the check.  If its shape has problems, names are judged as far as possible."""
    document = read(text.removeprefix("\ufeff"))
    fatal = {"syntax", "too-large", "too-deep", "several-documents"} & {problem.code for problem in document.problems}
    if not fatal and document.data is None and not document.problems:
        message = "the file holds no chart (begin with schema:, name: and initial:)"
        document.refuse("empty-chart", (), (1, 1), message)
    if fatal or document.data is None:
        return Parsed(chart=None, problems=tuple(document.problems), document=document)
    chart = validated(document)
    problems = list(document.problems)
    if not problems:
        return Parsed(chart=chart, problems=(), document=document)
    if chart is not None:
        problems += located(name_problems(chart, vocabulary), document)
    return Parsed(chart=None, problems=_in_order(problems), document=document)


def examine(
    text: str,
    *,
    facts: Mapping[str, FactCode] | None = None,
    strict: bool = False,
    domain: Domain[Any, Any, Any] = TOOL_LOOP,
) -> tuple[Chart | None, Verdict]:
    """Return the chart, if there is one, and every problem and note of the loader and the check, with its place.

    Args:
        text: the file's text.
        facts: the facts' code by name, as in `check`.
        strict: whether rows that overlap are problems too.
        domain: the domain of the chart.
    """
    parsed = parse(text, domain.vocabulary)
    if parsed.chart is None:
        return None, Verdict(problems=parsed.problems)
    verdict = check(parsed.chart, domain, facts=facts, strict=strict)
    problems = _in_order(located(verdict.problems, parsed.document))
    return parsed.chart, replace(verdict, problems=problems, notes=_in_order(located(verdict.notes, parsed.document)))


def loads(
    text: str,
    source: str = "<chart>",
    *,
    verify: bool = True,
    facts: Mapping[str, FactCode] | None = None,
    domain: Domain[Any, Any, Any] = TOOL_LOOP,
) -> Chart:
    """Return the chart that `text` declares.

    Args:
        text: YAML, at most 1 MB.
        source: the name that problems carry.
        verify: whether the chart must also pass the check.
        facts: the facts' code by name; None: the chart's declarations are trusted.
        domain: the domain of the chart.

    Raises:
        ChartError: with every problem.
    """
    if verify:
        chart, verdict = examine(text, facts=facts, domain=domain)
        problems = verdict.problems
    else:
        parsed = parse(text, domain.vocabulary)
        chart, problems = parsed.chart, parsed.problems
    if chart is None or problems:
        raise ChartError(source, problems)
    return chart


def load(path: str | Path, *, verify: bool = True, facts: Mapping[str, FactCode] | None = None) -> Chart:
    """Return the chart in the file `path`, or the shipped chart of that name.

    Raises:
        ChartError: with every problem.  Also if there is no such file, or it is not UTF-8.
    """
    return loads(text_of(path), str(path), verify=verify, facts=facts)


def text_of(path: str | Path) -> str:
    """Return the text of the chart file `path`, or of the shipped chart of that name.

    Raises:
        ChartError: there is no such file, or it is over 1 MB or not UTF-8.
    """
    found = find_chart(path)
    try:
        with found.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, "unreadable-file", f"the file cannot be read: {why(error)}") from error
    return decoded(content, str(path))


def decoded(content: bytes, source: str) -> str:
    """Return the text of a chart file.

    Args:
        content: its bytes; more than 1 MB need not be given.
        source: the name that problems carry.

    Raises:
        ChartError: it is over 1 MB and cut off within a character, or not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(content) > MAX_BYTES:  # the cut may be inside a character
            raise _unreadable(source, "too-large", f"the file is over {MAX_BYTES:,} bytes") from error
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        message = f"byte 0x{content[error.start]:02X} is not UTF-8 (save the file as UTF-8)"
        problem = Problem(code="not-utf8", path=(), message=message, line=before.count(b"\n") + 1, column=column)
        raise ChartError(source, (problem,)) from error


def find_chart(name_or_path: str | Path) -> Path:
    """Return the file of a chart: a path is returned as it is; a name, such as ``states``, is a shipped chart.

    Raises:
        ChartError: a bare word is neither a shipped chart nor a file.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or (name_or_path and len(path.parts) != 1):
        return path
    shipped = shipped_charts()
    if name_or_path in shipped:
        return shipped[name_or_path]
    if name_or_path and (path.suffix or path.exists()):
        return path
    message = f"no chart is called that{did_you_mean(path.name, shipped)}"
    raise _unreadable(name_or_path or "''", "unknown-chart", message)


def shipped_charts() -> dict[str, Path]:
    """Return the charts that come with fsm_runner, by name, the default first."""
    folder = Path(str(resources.files("fsm_runner.charts")))
    default = folder / f"{DEFAULT}.yaml"
    if not default.is_file():
        default = folder.parents[1] / f"{DEFAULT}.yaml"  # a checkout keeps it at the top
    return {DEFAULT: default, **{file.stem: file for file in sorted(folder.glob("*.yaml")) if file.stem != DEFAULT}}


def located(problems: Iterable[Problem], document: Document) -> Iterator[Problem]:
    """Yield `problems` with their line and column, or those of the nearest thing around them."""
    for problem in problems:
        path: Place = problem.path
        while path and path not in document.places:
            path = path[:-1]
        at_key = problem.code in _AT_KEY and path in document.keys
        line, column = document.keys[path] if at_key else document.places.get(path, (1, 1))
        yield replace(problem, line=line, column=column)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def _unreadable(path: str | Path, code: str, message: str) -> ChartError:
    return ChartError(str(path), (Problem(code=code, path=(), message=message),))
