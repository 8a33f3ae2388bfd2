"""Reports: a difference as text for a terminal, as Markdown for a pull request, and as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from fsm_runner.charts.diff.answers import merged_facts
from fsm_runner.charts.diff.changes import Change, Difference, Route, Way
from fsm_runner.charts.drawing.labels import condition
from fsm_runner.engine.chart import Chart, Pattern
from fsm_runner.engine.text import counted, json_text, markdown_cell, markdown_table, printable_lines

MOST = 8
"""How many patterns of one route are shown to a person; JSON has all of them."""

SIGNS = {"added": "+", "removed": "−", "changed": "~", "renamed": "="}
"""The sign before a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of the two charts in a report, such as their files: immutable."""

    old: str
    new: str


def headline(difference: Difference) -> str:
    """Return the verdict in a few words."""
    if difference.empty:
        return "no difference"
    if not difference.matters:
        return "no route changed: every run goes as before"
    routes = len(difference.moved)
    others = sum(change.matters for change in difference.changes)
    told = [counted(routes, "route")] * bool(routes) + [counted(others, "setting")] * bool(others)
    return f"{' and '.join(told)} changed"


def as_text(difference: Difference, names: Names) -> str:
    """Return the difference for a person at a terminal, with a line break at its end."""
    lines = [f"{names.old} → {names.new}: {headline(difference)}"]
    for (state, event), routes in groupby(difference.moved, key=lambda route: (route.state, route.event)):
        lines += ["", _place(state, event)]
        for route in routes:
            lines += [f"  {each}" for each in said(difference, route)]
            lines += [f"      was {way_text(route.old)}", f"      now {way_text(route.new)}"]
    for title, told in _groups(difference):
        lines += ["", title, *(f"  {SIGNS[change.kind]} {change_text(change)}" for change in told)]
    lines += _quiet_lines(difference)
    return printable_lines(lines)


def _quiet_lines(difference: Difference) -> list[str]:
    quiet = [route for route in difference.routes if not route.matters]
    if not quiet:
        return []
    lines = ["", "the same way, by another row"]
    for route in quiet:
        lines.append(f"  {_place(route.state, route.event)}: {'; or '.join(said(difference, route))}")
        lines.append(f"      was {way_text(route.old)}")
        lines.append(f"      now {way_text(route.new)}")
    return lines


def as_markdown(difference: Difference, names: Names) -> str:
    """Return the difference as Markdown that fits a pull request, with a line break at its end."""
    lines = [
        f"### {markdown_cell(names.old)} → {markdown_cell(names.new)}",
        "",
        f"**{headline(difference).capitalize()}.**",
    ]
    if difference.moved:
        lines += ["", *_markdown_routes(difference, difference.moved)]
    for title, told in _groups(difference):
        lines += ["", f"**{title.capitalize()}**", ""]
        lines += [f"- {change.kind}: {markdown_cell(change_text(change))}" for change in told]
    quiet = [route for route in difference.routes if not route.matters]
    if quiet:
        lines += ["", "**The same way, by another row**", "", *_markdown_routes(difference, quiet)]
    return "\n".join([*lines, ""])


def _markdown_routes(difference: Difference, routes: Iterable[Route]) -> list[str]:
    rows = []
    for route in routes:
        cases = "<br>".join(map(markdown_cell, said(difference, route)))
        texts = [route.state, route.event or "(always)", way_text(route.old), way_text(route.new)]
        state, event, was, now = map(markdown_cell, texts)
        rows.append([state, event, cases, was, now])
    return markdown_table(["state", "event", "for", "was", "now"], rows)


def as_json(difference: Difference, names: Names) -> str:
    """Return the difference as one JSON object."""
    found = {
        "old": names.old,
        "new": names.new,
        "headline": headline(difference),
        "routes_changed": difference.matters,
        "routes": [_route_data(route) for route in difference.routes],
        "changes": [_change_data(change) for change in difference.changes],
    }
    return json_text(found)


def _route_data(route: Route) -> dict[str, object]:
    return {
        "state": route.state,
        "event": route.event,
        "for": [{fact: list(answers) for fact, answers in pattern} for pattern in route.patterns],
        "combinations": route.combinations,
        "of": route.of,
        "matters": route.matters,
        "was": _way_data(route.old),
        "now": _way_data(route.new),
    }


def _way_data(way: Way) -> dict[str, object]:
    if way.row is None:
        return {"row": None, "target": None, "absence": way.absence}
    row = way.row
    return {"row": row.id, "target": row.target, "output": row.output, "spends": row.spends}


def _change_data(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "subject": change.subject,
        "name": change.name,
        "state": change.place or None,
        "field": change.field or None,
        "old": change.old,
        "new": change.new,
        "matters": change.matters,
    }


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(difference: Difference, route: Route) -> tuple[str, ...]:
    """Return the answers of `route`: a text for each pattern, up to `MOST`."""
    chart = _asking(difference)
    more = len(route.patterns) - MOST
    shown = tuple(pattern_text(chart, pattern) for pattern in route.patterns[:MOST])
    return (*shown, f"and {counted(more, 'pattern')} more (--format json has all)") if more > 0 else shown


def pattern_text(chart: Chart, pattern: Pattern) -> str:
    """Return `pattern` as text; ``whatever the facts answer`` when it is empty."""
    return ", ".join(condition(chart, fact, answers) for fact, answers in pattern) or "whatever the facts answer"


def way_text(way: Way) -> str:
    """Return the way of a run as text: ``done, by row 'finish'``."""
    match way.absence:
        case "refused":
            return "nowhere: no row takes it"
        case "waits":
            return "stays and waits: no always row holds"
        case "undeclared":
            return "no such answer is declared"
        case None:
            row = way.row
            assert row is not None  # a way is a row or the absence of one
            besides = [f"gives {row.output}"] * bool(row.output) + [f"spends {row.spends}"] * bool(row.spends)
            return ", ".join([f"{row.target}, by row '{row.id}'", *besides])


def change_text(change: Change) -> str:
    """Return `change` in one line."""
    name = f"{change.subject} '{change.name}'"
    place = f" of state '{change.place}'" if change.place else ""
    match change.kind:
        case "added":
            return f"{name}{place}: {change.new}"
        case "removed":
            return f"{name}{place}: {change.old}"
        case "renamed":
            return f"{name}{place} was called '{change.old}'"
        case "changed":
            return f"{name}{place}: {change.field}: {change.old or 'none'} → {change.new or 'none'}"


def _groups(difference: Difference) -> Iterator[tuple[str, list[Change]]]:
    """Yield the changes under their headings, without empty headings."""
    settings = [change for change in difference.changes if change.matters]
    names = [change for change in difference.changes if change.kind == "renamed"]
    rest = [change for change in difference.changes if not change.matters and change.kind != "renamed"]
    for title, told in (("settings", settings), ("declared", rest), ("other names for the same", names)):
        if told:
            yield title, told


def _asking(difference: Difference) -> Chart:
    """The chart whose facts have the answers of both, for texts."""
    return replace(difference.new, facts=merged_facts(difference.old, difference.new))


def _place(state: str, event: str | None) -> str:
    return f"state '{state}', on entering" if event is None else f"state '{state}', at '{event}'"
