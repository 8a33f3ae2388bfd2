"""Forking: a new run that shares the records of another up to some number, and says from where.

The shared records are written again under the new run's id, so the file needs nothing beside it.  What is to differ
follows them, as a record of its own: another chart in a `resumed` record, other parameters as the act of a caller.

All of it is one write, so a fork is there wholly or not at all.  The first record says how many there are, for a
process can be killed within a write; what it leaves is not gone on with.
"""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fsm_runner.adapters.anthropic.json_values import json_value
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import RunError
from fsm_runner.engine.expected import check_mapping, check_text, check_type, listed, wrong_type
from fsm_runner.journal import Journal, Reading
from fsm_runner.journal.records import Made, copied, derived, resumed
from fsm_runner.journal.records import event as told
from fsm_runner.journal.whole_write import append_whole
from fsm_runner.loop.events import ParamsReplaced
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import Machine, compile
from fsm_runner.options import check_changes
from fsm_runner.replaying.compatibility import differences_of
from fsm_runner.replaying.resume_point import ResumePoint, resume_point_of


def fork(
    source: str | os.PathLike[str],
    *,
    at: int,
    into: str | os.PathLike[str],
    run_id: str | None = None,
    params: Mapping[str, Any] | None = None,
    chart: Chart | None = None,
    facts: Iterable[Fact] = (),
    as_run: str | None = None,
) -> str:
    """Begin a new run that shares the records of another up to the number `at`; return its id.  Resume it to go on.

    Args:
        source: the journal.
        at: the number of the last record that they share.
        into: the journal of the new run, to whose end is written.
        run_id: which run of `source`; may be left out when it holds one.
        params: parameters of requests that are others from there on.
        chart: a chart by which it goes on.
        facts: facts of the user's own that the chart asks.
        as_run: the new run's id; a random one when left out.

    Raises:
        RunError: there is no such record, the run has ended there, or the chart does not fit where it stands.
        JournalError: a journal cannot be read or written, or holds no such run, or several to choose from.
        ChartError: the chart asks a fact that has no code.
        TypeError: `params` holds what is no parameter of requests, or the messages.  No file is made.
    """
    for name, path in {"source": source, "into": into}.items():
        check_type(name, path, (str, os.PathLike), "a journal's file")
    check_type("at", at, int, "the number of a record")
    if isinstance(at, bool):
        raise wrong_type("at", "the number of a record", at)
    check_type("run_id", run_id, (str, type(None)), "a run's id, or None")
    check_text("as_run", as_run, none=True)
    check_mapping("params", params, "a dict of parameters")
    check_type("chart", chart, (Chart, type(None)), "a Chart, or None")
    facts = listed("facts", facts, "facts", lambda name, each: check_type(name, each, Fact, "a fact, made by @fact"))
    params = {key: json_value(value, key) for key, value in (params or {}).items()}
    check_changes("fork", params)
    if at < 1:
        raise RunError(f"{os.fspath(source)}: it has no record {at} (they count from 1)")
    point = resume_point_of(source, run_id=run_id, facts=facts, at=at)
    if point.seq < at:
        raise RunError(point.problem(f"it has no record {at} (choose from 1 to {point.seq})"))
    if point.ended:
        raise RunError(point.problem(f"it has ended by record {at} (fork it before that)"))
    machine = point.machine if chart is None else compile(chart, facts)
    differences_of(point, machine).check(point, migrate=True)
    run = as_run or uuid.uuid4().hex
    shared = Reading(os.fspath(source), run=point.run)
    made = [copied(record) for record in shared if record.seq <= point.seq]
    if params or chart:
        made += _differing(point, machine, params, moved=chart is not None)
    kind, first = made[0]
    made[0] = kind, {**first, "forked_from": {"run": point.run, "seq": point.seq, "records": len(made)}}
    rendered = io.BytesIO()
    Journal.open(rendered, run=run).owed(made)
    append_whole(into, run, rendered.getvalue())
    return run


def _differing(point: ResumePoint, machine: Machine, params: Mapping[str, Any], *, moved: bool) -> Iterator[Made]:
    """What is other in the new run."""
    yield resumed(point.snapshot, machine if moved else None)
    if not params:
        return
    settings = point.snapshot.context.settings
    event = ParamsReplaced(
        params={**settings.params, **params},
        messages=None,
        tools=settings.tools,
        runnable=tuple(sorted(settings.runnable)),
        toolsets=tuple(sorted(settings.toolsets)),
    )
    step = machine.step(point.snapshot, event)
    yield told(event)
    yield from derived(step)


def default_target(source: str | os.PathLike[str], at: int) -> Path:
    """Return the file beside `source` in which a fork is written when nothing else is said."""
    path = Path(source)
    return path.with_name(f"{path.name.split('.')[0]}-from-{at}.jsonl")
