"""What replay says of an edited chart, beside what the same conversations do on it: 200 runs, lived through again.

A run that conforms goes the same way to its end.  One that does not goes the same way up to the place that is told,
and there, live, it does what is told.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections import Counter
from dataclasses import replace

import pytest

from fsm_runner.charts import find_chart, load, loads
from fsm_runner.charts.diff import diff
from fsm_runner.journal import read
from fsm_runner.journal.privacy import Shield
from fsm_runner.replaying.totals import Totals
from fsm_runner.replaying.verify import Replayer
from tests.replaying.conversations import lived

NUMBERS = range(200)
STATES = find_chart("states").read_text(encoding="utf-8")


def edited(*edits):
    """The default chart with other text in some places."""
    text = STATES
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return loads(text)


CHARTS = {
    "tools_first": load("tools_first"),
    "finalise": load("finalise"),
    "anthropic-0.75": load("anthropic-0.75"),
    "by_hand": edited(
        ("guard: {turn: wants_tools},  ", "guard: {turn: wants_tools, limit: free},"),
        ("{id: ask,  ", "{id: ask_model,"),
        (", ask, drain]", ", ask_model, drain]"),
        (", ask], guard", ", ask_model], guard"),
        ("iterations: null", "iterations: 2"),
        ("      - {id: answer_now,   event: answer_asked, target: answering, consumes: caller}\n", ""),
    ),
}
each_chart = pytest.mark.parametrize("name", CHARTS)


def all_lived(chart):
    """The journal of every conversation on `chart`."""

    async def live():
        return [await lived(number, chart) for number in NUMBERS]

    logging.disable()  # a tool that raises is logged with its traceback
    try:
        return asyncio.run(live())
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def recorded():
    """The journals of the conversations on the default chart."""
    return all_lived("states")


def taken(journal):
    """The rows taken, each with its answers and the way that it led; and why the run ended."""
    records = [record for record in read(io.BytesIO(journal)) if record.type in ("transition", "ended")]
    rows = [record.data for record in records if record.type == "transition"]
    ways = [(row["source"], row["event"], row["target"], row["output"]) for row in rows]
    return rows, ways, [record.data["reason"] for record in records if record.type == "ended"]


def common(then, now):
    """How many ways two runs have in common, from their beginning."""
    return next((at for at, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), min(len(then), len(now)))


def bare(journal):
    """`journal` as it would have been without content."""
    shield = Shield("none")
    return b"".join(
        json.dumps(
            {"v": 1, "run": record.run, "seq": record.seq, "type": record.type}
            | shield.of(record.type, {**record.data, "content": "none"} if record.seq == 1 else dict(record.data))
        ).encode()
        + b"\n"
        for record in read(io.BytesIO(journal))
    )


@each_chart
def test_what_replay_says_of_an_edited_chart_is_what_happens_on_it(name, recorded):
    """Verdicts, rows and changes: the report's counts are those of the same conversations, lived on that chart."""
    totals, verdicts, rows, changes = Totals(), Counter(), Counter(), Counter()
    replayer = Replayer(CHARTS[name])
    for journal, live in zip(recorded, all_lived(CHARTS[name]), strict=True):
        report = replayer.replay(io.BytesIO(journal))
        (run,) = report.runs
        totals.add(report)
        (then, ways_then, ends_then), (now, ways_now, ends_now) = taken(journal), taken(live)
        agreed = common(ways_then, ways_now)
        rows.update(row["row"] for row in now[:agreed])

        assert (run.run, agreed) == (run.run, run.transitions)
        if (ways_then, ends_then) == (ways_now, ends_now):
            verdicts["conforms"] += 1
            assert "conforms" == run.verdict
            continue
        (told,) = report.divergences
        if agreed == len(now) or (told.kind == "stuck" and then[agreed]["event"] != now[agreed]["event"]):
            verdicts["stuck"] += 1  # the caller's wish was refused; live it did something else then
            assert ("stuck", then[agreed]["event"], then[agreed]["source"]) == (run.verdict, told.recorded, told.state)
        else:
            verdicts["diverges"] += 1
            changes[then[agreed]["row"], now[agreed]["row"]] += 1
            assert (then[agreed]["row"], now[agreed]["row"]) == (told.recorded, told.now)
            assert told.facts.items() <= now[agreed]["facts"].items()
            assert told.recorded_facts.items() <= then[agreed]["facts"].items()
    assert {"conforms", "diverges", *(["stuck"] if name == "by_hand" else [])} == set(verdicts)
    assert verdicts == totals.runs
    assert rows == totals.rows
    assert changes == Counter(
        {
            (change.was.row.id, change.goes.row.id): places.runs
            for change, places in totals.changes.items()
            if change.verdict == "diverges"
        }
    )


@each_chart
def test_without_payloads_nothing_else_is_said_and_nothing_is_guessed(name, recorded):
    """The same verdict at the same place; or that it cannot be told, before the place where it would differ."""
    replayer = Replayer(CHARTS[name])
    told = Counter()
    for journal in recorded:
        (full,), (without,) = (replayer.replay(io.BytesIO(each)).runs for each in (journal, bare(journal)))
        told[without.verdict] += 1
        if without.verdict != "unknown":
            assert (full.verdict, full.diverges_at) == (without.verdict, without.diverges_at)
            assert full.rows == without.rows
        elif full.diverges_at is not None:
            assert without.diverges_at <= full.diverges_at

    assert (name in ("finalise", "by_hand")) == bool(told["unknown"])
    assert name != "finalise" or told["unknown"] < 40


def test_where_diff_finds_no_route_changed_every_run_conforms(recorded):
    """Other names of all rows and of a state: the two ways to review an edit agree."""

    def named(row):
        return replace(row, id=f"{row.id}_too", target=row.target.replace("offered", "handed_over"))

    old = load("states")
    states = tuple(
        replace(state, always=tuple(map(named, state.always)), transitions=tuple(map(named, state.transitions)))
        for state in old.states
    )
    state = replace(states[3], name="handed_over", transitions=tuple(
        replace(row, id=row.id.removesuffix("_too")) for row in states[3].transitions
    ))  # fmt: skip
    new = replace(old, states=(*states[:3], state, *states[4:]))
    replayer = Replayer(new)

    assert "offered" == old.states[3].name
    assert not diff(old, new).matters
    for journal in recorded:
        for data in (journal, bare(journal)):
            report = replayer.replay(io.BytesIO(data))
            assert report.conforms, str(report)
