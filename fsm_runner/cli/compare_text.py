"""A comparison of two runs, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from fsm_runner.cli.screen import Part, Screen, cleaned, shortened
from fsm_runner.cli.timeline_text import WAITS, run_data
from fsm_runner.engine.text import counted, duration, json_text
from fsm_runner.inspecting import Comparison, RowPlace, RunDifference, Summary, TakenRow, Totals
from fsm_runner.journal.json_pointer import NOTHING

LONGEST = 200
"""Characters of a value that are shown."""

WIDEST = 30
"""Columns of a cell at most."""

_NEVER_ALIKE = ("took", "waiting")

Line = tuple[str, str, str]


def as_text(screen: Screen, found: Comparison) -> None:
    """Print what was found: the first difference, where the rows part, and a table of what differs."""
    for name, summary in (("a", found.a), ("b", found.b)):
        header = summary.header
        where = f"  {cleaned(header.source)}, {counted(summary.totals.records, 'record')}"
        screen.line((f"{name}  ", "who"), "run ", (f"'{shortened(header.run, LONGEST)}'", "state"), where)
    if found.forked is not None:
        screen.line(("forked  ", "note"), _forked(found))
    screen.line()
    if found.equal:
        screen.line(("equal", "good"), ": no record differs in what matters")
    else:
        _difference(screen, found)
    if {found.a.header.content, found.b.header.content} & {"none", "redacted"}:
        screen.line(("note", "note"), ": payloads that a journal does not hold were passed over")
    _parting(screen, found)
    screen.line()
    _table(screen, [*_sums(found)])


def as_json(found: Comparison) -> str:
    """Return what was found as one JSON object."""
    data = {"equal": found.equal, **asdict(found), "a": run_data(found.a), "b": run_data(found.b)}
    data["differences"] = [_pair(each) for each in found.differences]
    data["only_in_a"], data["only_in_b"] = _only(found.a, found.b), _only(found.b, found.a)
    return json_text(data)


def _pair(difference: RunDifference) -> dict[str, Any]:
    """One difference as JSON data.  A side without a value is left out, since null would be a value."""
    sides = {"a": difference.a, "b": difference.b}
    return {"pointer": difference.pointer, **{side: each for side, each in sides.items() if each is not NOTHING}}


# ── what differs ────────────────────────────────────────────────────────────────────────────────────────────────────


def _forked(found: Comparison) -> str:
    shared = counted(found.forked_at or 0, "record")
    if found.forked == "both":
        return f"both from one run, of which they share {shared}"
    child, parent = ("b", "a") if found.forked == "b from a" else ("a", "b")
    return f"{child} from {parent}, of which it shares {shared}"


def _difference(screen: Screen, found: Comparison) -> None:
    places = [_place(summary, place) for summary, place in zip((found.a, found.b), found.at, strict=True)]
    screen.line(("differ", "bad"), f" after {counted(found.shared, 'equal record')}")
    if None in found.at:
        longer = "a" if found.at[1] is None else "b"
        types = [place.type for place in found.at if place is not None]
        screen.line(f"  only {longer} goes on: {', '.join([*types, *filter(None, places)])}")
        return
    for name, place, said in zip("ab", found.at, places, strict=True):
        screen.line((f"  {name}  ", "who"), f"{'' if place is None else place.type}, {said}")
    for each in found.differences:
        screen.line(f"  {cleaned(each.pointer)}")
        for name, value in (("a", each.a), ("b", each.b)):
            screen.block((f"    {name}  ", "who"), _shown(value), indent=7)


def _place(summary: Summary, place: RowPlace | None) -> str:
    return "" if place is None else f"seq {place.seq} ({cleaned(summary.header.source)}:{place.line})"


def _parting(screen: Screen, found: Comparison) -> None:
    parting = found.parting
    if parting is None:
        screen.line(("rows", "good"), f": both take the same {counted(sum(found.a.totals.rows.values()), 'row')}")
        return
    screen.line(("rows", "bad"), f" part after {counted(parting.shared, 'row')} that both take")
    for name, taken, other in (("a", parting.a, parting.b), ("b", parting.b, parting.a)):
        screen.line((f"  {name}  ", "who"), *_row(taken, other))


def _row(taken: TakenRow | None, other: TakenRow | None) -> Sequence[Part]:
    if taken is None:
        return ("takes no more",)
    differing = [k for k, v in taken.facts.items() if other is not None and other.facts.get(k) != v]
    facts = ", ".join(f"{k} = {taken.facts[k]}" for k in differing)
    why: list[Part] = [(f"  {cleaned(facts)}", "faint")] if facts else []
    source, row, target = (cleaned(name) for name in (taken.source, taken.row, taken.target))
    return (f"seq {taken.seq}  {source}  ", (row, "row"), (" → ", "faint"), (target, "state"), *why)


def _shown(value: object) -> str:
    return "(nothing)" if value is NOTHING else shortened(json.dumps(value, ensure_ascii=False, default=str), LONGEST)


# ── what they add up to ─────────────────────────────────────────────────────────────────────────────────────────────


def _sums(found: Comparison) -> Iterator[Line]:
    a, b = found.a, found.b
    yield "", "a", "b"
    yield "ended", _ended(a), _ended(b)
    yield "took", _span(a.totals.elapsed), _span(b.totals.elapsed)
    for wait, words in WAITS.items():
        if wait in a.totals.waits or wait in b.totals.waits:
            yield f"waiting {words}", _span(a.totals.waits.get(wait)), _span(b.totals.waits.get(wait))
    for label, name in (("records", "records"), ("turns", "turns"), ("compactions", "compactions")):
        yield label, f"{getattr(a.totals, name):,}", f"{getattr(b.totals, name):,}"
    yield "requests", f"{a.totals.requests.sent:,}", f"{b.totals.requests.sent:,}"
    for label, name in (
        ("tokens in", "input_tokens"),
        ("tokens out", "output_tokens"),
        ("cache read", "cache_read_input_tokens"),
        ("cache written", "cache_creation_input_tokens"),
    ):
        yield label, f"{getattr(a.totals.tokens, name):,}", f"{getattr(b.totals.tokens, name):,}"
    for tool in {**a.totals.tools, **b.totals.tools}:
        yield f"tool {tool}", _used(a.totals, tool), _used(b.totals, tool)
    for row in {**a.totals.rows, **b.totals.rows}:
        yield f"row {row}", _times(a.totals, row), _times(b.totals, row)


def _ended(summary: Summary) -> str:
    return f"no end, in '{summary.state}'" if summary.ended is None else summary.ended.reason


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def _times(totals: Totals, row: str) -> str:
    return f"{totals.rows[row]:,}" if row in totals.rows else "-"


def _used(totals: Totals, tool: str) -> str:
    use = totals.tools.get(tool)
    if use is None:
        return "-"
    told = [f"{use.calls}"]
    told += [duration(use.seconds)] if use.seconds is not None else []
    told += [counted(use.errors, "error")] if use.errors else []
    told += [f"{use.lost} lost"] if use.lost else []
    return ", ".join(told)


def _only(of: Summary, other: Summary) -> dict[str, int]:
    """The rows that `of` took and `other` did not, with how often."""
    return {row: number for row, number in of.totals.rows.items() if row not in other.totals.rows}


def _table(screen: Screen, lines: Sequence[Line]) -> None:
    """Print lines of a label and two values; those that differ are marked, and lines without any value are left out."""
    shown = [[shortened(cell, WIDEST) for cell in line] for line in lines if line[1:] not in (("0", "0"), ("-", "-"))]
    rows: list[list[Part]] = []
    for label, a, b in shown:
        style = "who" if not label else "faint" if a == b else "note"
        mark = "*" if label and a != b and not label.startswith(_NEVER_ALIKE) else ""
        rows.append([label, (a, style), (b, style), (mark, style)])
    screen.table(rows, right=(1, 2))
