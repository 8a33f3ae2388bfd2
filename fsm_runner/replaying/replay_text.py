"""The text of a replay: what it found in many journals, for a terminal, for a pull request, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fsm_runner.charts.diff import Way
from fsm_runner.charts.diff.diff_text import way_text
from fsm_runner.charts.drawing.labels import condition
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import FsmRunnerError
from fsm_runner.engine.text import counted, json_text, markdown_cell, markdown_table, printable_lines
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.replaying.batch import Found
from fsm_runner.replaying.report import VERDICTS, Divergence, ReplayReport, RunReport, Verdict
from fsm_runner.replaying.totals import Lacking, Places, RowChange, Totals

MOST = 12
"""How many changes Markdown has room for; text and JSON have all of them."""


def headline(totals: Totals) -> str:
    """Return the verdict in a line: ``200 runs of 3 files: 163 conform, 37 diverge``."""
    runs = counted(totals.count, "run") + (f" of {totals.files:,} files" if totals.files != 1 else "")
    told = [_many(f"{count:,}", count, verdict) for verdict in VERDICTS if (count := totals.runs[verdict])]
    told += [f"{counted(totals.unread, 'file')} cannot be replayed"] * bool(totals.unread)
    return f"{runs}: {', '.join(told)}"


def _many(said: str, runs: int, verdict: Verdict) -> str:
    one, several = VERDICTS[verdict]
    return f"{said} {one if runs == 1 else several}"


# ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_text(totals: Totals, chart: Chart | None, name: str = "") -> str:
    """Return the totals for a person at a terminal, with a line break at their end.

    Args:
        totals: what was found.
        chart: the edited chart; None: the runs were replayed on their own.
        name: what that chart is called, such as its file; empty: as it calls itself.
    """
    if chart is None:
        return f"{headline(totals)}; {_agreed(totals)}\n"
    lines = [
        f"{name or chart.name}: {headline(totals)}",
        *_changes(totals, chart),
        *_rows(totals, chart),
        *_facts(totals),
    ]
    return printable_lines(lines)


def _agreed(totals: Totals) -> str:
    """How much was reproduced, and what was not."""
    agreed, what = counted(totals.transitions, "transition"), "row" if totals.control_only else "record"
    told = f"{agreed}, {counted(totals.differs, what)} not" if totals.differs else f"{agreed}, every {what}"
    torn = f"; {counted(totals.torn, 'line')} not written to its end" if totals.torn else ""
    return f"{told} reproduced{torn}"


def _changes(totals: Totals, chart: Chart) -> Iterator[str]:
    for change, places in totals.most:
        yield from ("", f"{place_text(change)}: {_many(counted(places.runs, 'run'), places.runs, change.verdict)}")
        yield from (f"  {line}" for line in _decision(change, places, chart))
        more = ", ..." if places.runs > len(places.examples) else ""
        yield f"  at {', '.join(map(_where, places.examples))}{more}"


def _decision(change: RowChange, places: Places, chart: Chart) -> Iterator[str]:
    if change.was is None or change.goes is None:
        yield change.said
        return
    facts = _decided(places.examples[0], chart)
    if facts:
        yield facts
    yield from (f"    was {way_text(change.was)}", f"    now {way_text(change.goes)}")


def _rows(totals: Totals, chart: Chart) -> Iterator[str]:
    if totals.rows:
        yield from ("", "rows taken")
        width = len(str(max(totals.rows.values())))
        yield from (f"  {totals.rows[row.id]:>{width}}× {row.id}" for row in chart.rows if totals.rows[row.id])
    if totals.others:
        yield from ("", "the same way, by another row")
        yield from (f"  {times}× {was} → {now}" for (was, now), times in totals.others.most_common())
    never = ", ".join(row.id for row in totals.never(chart))
    if never:
        yield from ("", _NEVER + _as_told(totals), f"  {never}")


def _facts(totals: Totals) -> Iterator[str]:
    if totals.lacks:
        yield from ("", "facts that journals do not hold")
        yield from (f"  {name}: {lacking_text(lacking)}" for name, lacking in totals.lacks.items())


# ── Markdown ────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_markdown(totals: Totals, chart: Chart | None, name: str = "") -> str:
    """Return the totals as Markdown that fits a pull request, with a line break at their end; see `as_text`."""
    title = "Recorded runs" if chart is None else f"Recorded runs on {markdown_cell(name or chart.name)}"
    lines = [f"### {title}", "", f"**{headline(totals).capitalize()}.**", ""]
    counts = [(one, totals.runs[verdict]) for verdict, (one, _) in VERDICTS.items()]
    lines += markdown_table(["verdict", "runs"], counts, numbers=["runs"])
    if chart is None:
        return "\n".join([*lines, "", f"{_agreed(totals).capitalize()}.", ""])
    if totals.changes:
        head = ["runs", "state", "event", "was", "now", "for example"]
        rows = (_markdown_change(change, places, chart) for change, places in totals.most[:MOST])
        lines += ["", *markdown_table(head, rows, numbers=["runs"])]
        more = len(totals.changes) - MOST
        lines += ["", f"And {counted(more, 'change')} more (`--format json` has all)."] * (more > 0)
    if totals.others:
        pairs = ", ".join(
            f"{markdown_cell(was)} → {markdown_cell(now)} ({times}×)"
            for (was, now), times in totals.others.most_common()
        )
        lines += ["", f"**The same way, by another row:** {pairs}"]
    never = ", ".join(f"`{row.id}`" for row in totals.never(chart))
    if never:
        lines += ["", f"**{_NEVER.capitalize()}{_as_told(totals)}:** {never}"]
    if totals.lacks:
        lines += ["", "**Facts that journals do not hold**", ""]
        lines += [f"- `{name}`: {lacking_text(lacking)}" for name, lacking in totals.lacks.items()]
    return "\n".join([*lines, ""])


def _markdown_change(change: RowChange, places: Places, chart: Chart) -> list[object]:
    event = "" if change.was is None else change.event or "(always)"
    was, now = (
        ("", change.said) if change.was is None or change.goes is None else map(way_text, (change.was, change.goes))
    )
    facts = _decided(places.examples[0], chart)
    example = ": ".join(filter(None, [_where(places.examples[0]), facts]))
    return [places.runs, *map(markdown_cell, (change.state, event, was, now, example))]


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def place_text(change: RowChange) -> str:
    """Return where a change is: ``state 'inspect', on entering``."""
    if not change.state:
        return "the run"
    at = "" if change.was is None else ", on entering" if change.event is None else f", at '{change.event}'"
    return f"state '{change.state}'{at}"


_NEVER = "rows that no run takes"


def _as_told(totals: Totals) -> str:
    return ", as far as it can be told" if totals.runs["unknown"] else ""


def lacking_text(lacking: Lacking) -> str:
    """Return what comes of it that a fact is not in journals."""
    again = f"{lacking.asked_again} asked it again of the payloads" if lacking.asked_again else ""
    untold = f"{lacking.untold} cannot be told for lack of it" if lacking.untold else ""
    others = lacking.runs - lacking.asked_again - lacking.untold
    rest = f"{others} took no decision that depends on it" if others > 0 else ""
    return f"{counted(lacking.runs, 'run')}: {', '.join(filter(None, [again, untold, rest]))}"


def _decided(example: Divergence, chart: Chart) -> str:
    """The answers that decided, as of one example."""
    facts = {**example.recorded_facts, **example.facts}
    return ", ".join(condition(chart, name, (answer,)) for name, answer in facts.items())


def _where(example: Divergence) -> str:
    return f"{example.source}:{example.line} (run '{example.run}', seq {example.seq})"


def as_json(totals: Totals, chart: Chart | None, journals: Sequence[Mapping[str, object]], name: str = "") -> str:
    """Return all that was found as one JSON object.

    Args:
        totals: what was found in all journals.
        chart: the edited chart; None: the runs were replayed on their own.
        journals: what was found in each, as `journal_data` makes it.
        name: what the chart is called, such as its file; empty: as it calls itself.
    """
    verdicts: dict[str, int] = {verdict: totals.runs[verdict] for verdict in VERDICTS}
    found: dict[str, object] = {
        "headline": headline(totals),
        "chart": None if chart is None else name or chart.name,
        "conforms": totals.conforms and not totals.unread,
        "files": totals.files,
        "unread": totals.unread,
        "runs": {"all": totals.count, **verdicts},
        "control_only": totals.control_only,
        "transitions": totals.transitions,
        "differs": totals.differs,
        "rows": dict(totals.rows),
    }
    if chart is not None:
        found |= {
            "never_taken": [row.id for row in totals.never(chart)],
            "same_way": [{"was": was, "now": now, "times": times} for (was, now), times in totals.others.items()],
            "changes": [_change_data(change, places) for change, places in totals.most],
            "lacks": {
                name: {"runs": each.runs, "asked_again": each.asked_again, "untold": each.untold}
                for name, each in totals.lacks.items()
            },
        }
    return json_text({**found, "journals": journals})


def journal_data(source: str, found: Found) -> dict[str, object]:
    """Return what was found in one journal as plain data."""
    if isinstance(found, FsmRunnerError):
        return {"source": source, "problem": str(found)}
    return {
        "source": source,
        "runs": [_run_data(run, found) for run in found.runs],
        "torn": [{"line": torn.line, "size": torn.size} for torn in found.torn],
    }


def _run_data(run: RunReport, report: ReplayReport) -> dict[str, object]:
    return {
        "run": run.run,
        "verdict": run.verdict,
        "transitions": run.transitions,
        "ended": run.ended,
        "control_only": run.control_only,
        "diverges_at": run.diverges_at,
        "differs": run.differs,
        "divergences": [_divergence_data(each) for each in report.divergences if each.run == run.run],
    }


def _divergence_data(divergence: Divergence) -> dict[str, object]:
    sides = {"recorded": divergence.recorded, "now": divergence.now}
    data: dict[str, object] = {
        "line": divergence.line,
        "seq": divergence.seq,
        "kind": divergence.kind,
        "pointer": divergence.pointer,
        **{side: value for side, value in sides.items() if value is not NOTHING},
        "recorded_facts": dict(divergence.recorded_facts),
        "facts": dict(divergence.facts),
    }
    if divergence.state:
        data |= {"state": divergence.state, "event": divergence.event}
    return data


def _change_data(change: RowChange, places: Places) -> dict[str, object]:
    return {
        "verdict": change.verdict,
        "runs": places.runs,
        "state": change.state,
        "event": change.event,
        "was": _way_data(change.was),
        "now": _way_data(change.goes),
        "said": change.said or None,
        "examples": [{"source": each.source, "run": each.run, "seq": each.seq} for each in places.examples],
    }


def _way_data(way: Way | None) -> dict[str, object] | None:
    if way is None:
        return None
    if way.row is None:
        return {"row": None, "absence": way.absence}
    return {"row": way.row.id, "target": way.row.target, "output": way.row.output, "spends": way.row.spends}
