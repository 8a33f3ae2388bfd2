"""The report: what was driven, in lines for a terminal, as JSON for programs, and marked in pictures of the charts."""

from __future__ import annotations

import math
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from fsm_runner.charts.drawing.labels import condition
from fsm_runner.engine.chart import Chart, Pattern
from fsm_runner.engine.text import json_text
from fsm_runner.pytest_plugin.coverage import ChartCoverage, RowCoverage, share

if TYPE_CHECKING:
    from fsm_runner.charts.drawing import Format, Overlay, ThemeName

SCHEMA = "fsm_runner/coverage/v1"
"""The JSON's name and version."""

MOST = 3
"""How many patterns of a row `-v` shows; `-vv` shows all."""

NEVER = "never taken"
"""What is said of a row instead of all its combinations."""

Tone: TypeAlias = Literal["plain", "good", "bad"]
"""How a line stands out."""

Line: TypeAlias = tuple[str, Tone]
"""A line for a terminal."""

NARROWEST = 60
"""Columns below which nothing is wrapped any further."""


def share_text(charts: Iterable[ChartCoverage]) -> str:
    """Return the share of rows taken as text, rounded down, so that only all rows are ``100.0 %``."""
    return f"{math.floor(share(charts) * 10) / 10:.1f} %"


def lines(charts: Sequence[ChartCoverage], *, verbosity: int = 0) -> Iterator[Line]:
    """Yield the report.

    Args:
        charts: what was driven.
        verbosity: below 0 one line a chart; 0 what was not driven, in short; from 1 on every row and what of it was
            not driven, from 2 on all of that.
    """
    if not charts:
        yield "no chart was driven", "bad"
    for covered in charts:
        yield _head(covered)
        if verbosity > 0:
            yield from _table(covered, most=MOST if verbosity == 1 else None)
        elif verbosity == 0:
            yield from _short(covered)
        for each in covered.rows:
            for pattern in each.impossible():
                text = _text(covered.chart, pattern)
                yield f"  driven, but declared impossible: {text} (row '{each.row.id}'; correct the fact)", "bad"
    if len(charts) > 1:
        taken, declared = sum(covered.taken for covered in charts), sum(len(covered.rows) for covered in charts)
        yield f"together: {taken} of {declared} rows taken ({share_text(charts)})", "plain"


def _head(covered: ChartCoverage) -> Line:
    named = "" if covered.asked in (None, covered.name) else f" ({covered.asked})"
    rows = f"{covered.taken} of {len(covered.rows)} rows taken ({share_text([covered])})"
    text = f"{covered.name}{named}: {rows}, {covered.driven_count} of {covered.possible_count} combinations of answers"
    return text, "good" if covered.taken == len(covered.rows) else "bad"


def _short(covered: ChartCoverage) -> Iterator[Line]:
    """What was not driven, in two paragraphs at most."""
    missed = [each.row.id for each in covered.rows if not each.times]
    partly = [
        f"{each.row.id} {each.driven_count}/{each.possible_count}"
        for each in covered.rows
        if each.times and each.driven_count < each.possible_count
    ]
    for head, words in (("not taken: ", missed), ("taken by some combinations of answers (-v shows which): ", partly)):
        if words:
            yield from ((line, "plain") for line in _wrapped(head, words))


def _table(covered: ChartCoverage, *, most: int | None) -> Iterator[Line]:
    """Every row, and the answers by which it was not taken."""
    cells = [("state", "row", "taken", "driven", "not driven")]
    for each in covered.rows:
        head = (each.state.name, each.row.id, f"{each.times}×", f"{each.driven_count}/{each.possible_count}")
        first, *others = _missing(covered.chart, each, most) or [""]
        cells += [(*head, first), *(("", "", "", "", text) for text in others)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    before = None
    for state, row, taken, driven, text in cells:
        shown = "" if state == before else state
        line = f"  {shown:{widths[0]}}  {row:{widths[1]}}  {taken:>{widths[2]}}  {driven:>{widths[3]}}  {text}"
        yield line.rstrip(), "bad" if text == NEVER else "plain"
        before = state or before


def _missing(chart: Chart, each: RowCoverage, most: int | None) -> list[str]:
    """What was not driven of a row: a text for each pattern, at most `most`."""
    if not each.times:
        return [NEVER]
    texts = [_text(chart, pattern) for pattern in each.missing()]
    left = 0 if most is None else len(texts) - most
    return [*texts[:most], f"and {left} more (-vv)"] if left > 1 else texts


def _text(chart: Chart, pattern: Pattern) -> str:
    return ", ".join(condition(chart, fact, answers) for fact, answers in pattern)


def _wrapped(head: str, words: Iterable[str]) -> list[str]:
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    kept = [word.replace(" ", "\xa0") for word in words]
    wrapped = textwrap.wrap(
        head + ", ".join(kept),
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace("\xa0", " ") for line in wrapped]


def write_json(path: Path, charts: Sequence[ChartCoverage]) -> None:
    """Write the report to `path` as JSON; folders that are missing are made.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json_text(as_data(charts)) + "\n", encoding="utf-8")


def as_data(charts: Sequence[ChartCoverage]) -> Mapping[str, object]:
    """Return the report as plain data."""
    return {
        "schema": SCHEMA,
        "rows_taken": sum(covered.taken for covered in charts),
        "rows_declared": sum(len(covered.rows) for covered in charts),
        "percent": round(share(charts), 4),
        "charts": [_chart_data(covered) for covered in charts],
    }


def _chart_data(covered: ChartCoverage) -> Mapping[str, object]:
    return {
        "name": covered.name,
        "asked": covered.asked,
        "rows_taken": covered.taken,
        "rows_declared": len(covered.rows),
        "combinations_driven": covered.driven_count,
        "combinations_possible": covered.possible_count,
        "rows": [_row_data(each) for each in covered.rows],
    }


def _row_data(each: RowCoverage) -> Mapping[str, object]:
    return {
        "row": each.row.id,
        "state": each.state.name,
        "event": each.row.event,
        "times": each.times,
        "combinations_driven": each.driven_count,
        "combinations_possible": each.possible_count,
        "not_driven": [dict(pattern) for pattern in each.missing()],
        "driven_though_impossible": [dict(pattern) for pattern in each.impossible()],
    }


# ── pictures ────────────────────────────────────────────────────────────────────────────────────────────────────────

SUFFIXES: Mapping[str, Format] = {".svg": "svg", ".png": "png", ".dot": "dot", ".mmd": "mermaid"}
"""The formats, by the suffix of a file."""


def picture_problem(path: Path) -> str | None:
    """Return why no picture can be drawn to `path`; None if one can, as far as can be told in advance."""
    if path.suffix not in SUFFIXES:
        return f"the suffix tells no format (there is: {', '.join(SUFFIXES)})"
    if path.suffix in (".svg", ".png"):
        from fsm_runner.charts.drawing import PictureError
        from fsm_runner.charts.drawing.picture import render_png

        try:
            render_png("graph {}")
        except PictureError as error:
            return str(error)
    return None


def write_picture(path: Path, charts: Sequence[ChartCoverage], *, theme: ThemeName, driven_by: str) -> None:
    """Draw a single chart to `path`, or each of several to a file with its name before the suffix.

    Args:
        path: the file; folders that are missing are made.
        charts: what was driven.
        theme: the colours; a .mmd has those of the page that shows it.
        driven_by: what drove them, such as ``12 tests``.

    Raises:
        OSError: a file cannot be written.
        PictureError: the picture cannot be drawn.
    """
    from fsm_runner.charts.drawing import drawn

    path.parent.mkdir(parents=True, exist_ok=True)
    for covered in charts:
        own = path if len(charts) == 1 else path.with_name(f"{path.stem}-{_file_name(covered.name)}{path.suffix}")
        own.write_bytes(drawn(covered.chart, SUFFIXES[path.suffix], theme=theme, overlay=_overlay(covered, driven_by)))


def _overlay(covered: ChartCoverage, driven_by: str) -> Overlay:
    from fsm_runner.charts.drawing import overlay_of_counts

    notes = {
        each.row.id: f"{each.driven_count} of {each.possible_count}"
        for each in covered.rows
        if each.times and each.driven_count < each.possible_count
    }
    lines = [f"driven by {driven_by}"]
    if notes:
        example = next(iter(notes.values()))
        lines.append(f"{example}: so many of the combinations of answers by which the row can be taken")
    counts = {each.row.id: each.times for each in covered.rows}
    return overlay_of_counts(covered.chart, counts, notes=notes, caption="\n".join(lines))


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
