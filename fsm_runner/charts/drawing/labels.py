"""Labels: each row of a chart as short readable text, and safe names for Mermaid and DOT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fsm_runner.engine.chart import Chart, Row, State

BOOLEAN = frozenset({"true", "false"})
"""The answers of a fact that is written as one word: ``closed``, ``not closed``."""


def condition(chart: Chart, fact: str, answers: Sequence[str]) -> str:
    """Return one condition of a guard as text: ``turn = none or answered``, ``not closed``, ``turn ≠ none``.

    If only one answer of at least four is missing, that one is named.
    """
    declared = next((use.answers for use in chart.facts if use.name == fact), ())
    if frozenset(declared) == BOOLEAN and len(answers) == 1:
        return fact if answers[0] == "true" else f"not {fact}"
    missing = [answer for answer in declared if answer not in answers]
    if len(missing) == 1 and len(declared) >= 4:
        return f"{fact} ≠ {missing[0]}"
    return f"{fact} = {' or '.join(answers)}"


def conditions(chart: Chart, row: Row) -> tuple[str, ...]:
    """Return what the facts must answer for `row`, one text for each fact; empty if it has no guard."""
    return tuple(condition(chart, fact, answers) for fact, answers in row.guard)


def holds_when(chart: Chart, state: State, row: Row) -> tuple[str, ...]:
    """Return when `row` of `state` holds, one text for each fact.

    A row without a guard is ``otherwise`` if a row before it waits for the same event, and nothing if it is the first
    to do so.
    """
    texts = conditions(chart, row)
    if texts:
        return texts
    rows = state.always if row.event is None else state.transitions
    earlier = rows[: rows.index(row)] if row in rows else ()
    return ("otherwise",) if any(other.event == row.event for other in earlier) else ()


def extras(chart: Chart, row: Row) -> tuple[str, ...]:
    """Return what taking `row` does besides: ``gives message``, ``spends iterations (of 10)``, ``consumes calls``."""
    texts = []
    if row.output is not None:
        texts.append(f"gives {row.output}")
    if row.spends is not None:
        value = next((limit.value for limit in chart.limits if limit.name == row.spends), None)
        texts.append(f"spends {row.spends}" + ("" if value is None else f" (of {value})"))
    if row.consumes is not None:
        texts.append(f"consumes {row.consumes}")
    return tuple(texts)


def one_line(chart: Chart, state: State, row: Row) -> str:
    """Return `row` as one line: ``ask: otherwise``, ``resend: failed / recovery = resend``."""
    when = ", ".join(holds_when(chart, state, row))
    parts = [part for part in (row.event, when) if part and part != row.id]
    return f"{row.id}: {' / '.join(parts)}" if parts else row.id


def identifiers(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return an identifier for each of `names` that is no keyword in any notation.

    The prefix keeps ``end`` or ``node`` from being read as a keyword.  Anything but ASCII letters, digits and
    underscores becomes an underscore, and names that would then be equal are numbered.
    """
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        base = candidate = f"{prefix}_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{base}_{number}"
        taken.add(candidate)
        found[name] = candidate
    return found
