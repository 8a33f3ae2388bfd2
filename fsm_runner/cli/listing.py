"""The runs of a journal, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm_runner.charts.drawing.runs import duration
from fsm_runner.cli.screen import Part, cleaned, shortened
from fsm_runner.engine.text import counted

if TYPE_CHECKING:
    from fsm_runner.cli.journals import Source
    from fsm_runner.cli.screen import Screen
    from fsm_runner.inspecting import Summary

LONGEST_ID = 36

LEAST = (5, 4, 3, 1)
"""The columns that are left out where a terminal is too narrow, the first of them first."""


def listed(screen: Screen, source: Source) -> None:
    """Print the runs of `source`: id, when it began, how long it took, turns, tokens, calls, and how it stands."""
    runs = source.runs
    screen.line(f"{cleaned(source.name)}: ", (counted(len(runs), "run"), "state"))
    lines = [_cells(summary) for summary in runs.values()]
    widths = {column: max(len(line[column]) for line in lines) for column in range(len(lines[0]))}
    for column in LEAST if screen.terminal else ():
        if sum(widths.values()) + 2 * len(widths) > screen.width:
            del widths[column]
    *_, last = widths
    for line, summary in zip(lines, runs.values(), strict=True):
        parts: list[Part] = [f"  {line[0].ljust(widths[0])}"]
        parts += [f"  {line[column].rjust(width)}" for column, width in widths.items() if column not in (0, last)]
        screen.line(*parts, "  ", (line[last], _style(summary)))


def _cells(summary: Summary) -> tuple[str, ...]:
    totals, ended = summary.totals, summary.ended
    calls = sum(use.calls for use in totals.tools.values())
    return (
        shortened(summary.header.run, LONGEST_ID),
        (summary.header.at or "")[:19].replace("T", " "),
        "" if totals.elapsed is None else duration(totals.elapsed),
        counted(totals.turns, "turn"),
        counted(totals.tokens.total_tokens, "token"),
        counted(calls, "call"),
        f"no end, in '{summary.state}'" if ended is None else ended.reason,
    )


def _style(summary: Summary) -> str:
    if summary.ended is None:
        return "note"
    return "good" if summary.ended.good else "bad"
