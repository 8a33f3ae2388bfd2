"""`fork`: begins a new run with the first records of another one.

The shared records are written again under the new run's id, so the new journal is complete in itself.  What is to be
different follows them: another chart as a `resumed` record, other parameters as a `params_replaced` event.

Everything is written at once.  A process can still be killed in the middle of that write, so the first record says how
many records the fork has; a fork with fewer is never resumed.
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
    """Begin a new run with the first `at` records of another one; return the new run's id.  `resume` goes on with it.

    Args:
        source: the journal of the other run.
        at: the number of the last record to share, counted from 1.
        into: the journal of the new run; records are appended to it.
        run_id: which run of `source`; needed only when it holds several.
        params: request parameters to change from there on.
        chart: the chart to go on with; None: the recorded one.
        facts: your own facts that the chart asks.
        as_run: the new run's id; None: a random one.

    Raises:
        RunError: there is no such record, the run has ended by then, or the chart has no place for the run there.
        JournalError: a journal cannot be read or written, does not hold the run, or holds several.
        ChartError: the chart asks a fact that has no code.
        TypeError: `params` has a name that no request has, or ``messages``.  No file is made.
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
    """The records of what is different in the new run."""
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
    """Return the default file of a fork: beside `source`, such as ``run-from-12.jsonl``."""
    path = Path(source)
    return path.with_name(f"{path.name.split('.')[0]}-from-{at}.jsonl")
