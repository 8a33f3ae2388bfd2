"""`resume`: goes on with a run that was cut off.  It reads the run's journal, and appends to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Unpack, overload

from anthropic import not_given

from fsm_runner.adapters.anthropic.calls import ErrorText
from fsm_runner.adapters.anthropic.requests import restored
from fsm_runner.adapters.anthropic.tool_box import ToolBox, declared_name
from fsm_runner.arguments import (
    check_running,
    effects_of,
    facts_of,
    machine_of,
    output_format_of,
    request_options,
)
from fsm_runner.drivers.aio import AsyncRunner
from fsm_runner.drivers.base import OwnEffect, Resources
from fsm_runner.drivers.caller import check_params, lasting_params, settings_params
from fsm_runner.drivers.session import Listener, Session
from fsm_runner.drivers.sync import Runner
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.expected import check_choice, check_flag, check_mapping, check_type, listed
from fsm_runner.engine.text import did_you_mean
from fsm_runner.journal import Journal
from fsm_runner.loop.context import (
    Context,
)
from fsm_runner.loop.events import Json, ParamsReplaced, ToolFinished
from fsm_runner.loop.facts import Fact
from fsm_runner.options import ResumeOptions, check_changes
from fsm_runner.replaying.compatibility import differences_of
from fsm_runner.replaying.resume_point import (
    ask_person,
    check_open,
    cut_off,
    given_again,
    resume_point_of,
    unknown_result,
)


@overload
def resume(
    source: str | Path, client: AbstractAsyncContextManager[Any, Any], **options: Unpack[ResumeOptions]
) -> AsyncRunner[Any, Any]: ...
@overload
def resume(
    source: str | Path, client: AbstractContextManager[Any, Any], **options: Unpack[ResumeOptions]
) -> Runner[Any, Any]: ...
def resume(
    source: str | Path,
    client: Any,
    *,
    tools: Iterable[Any] = (),
    facts: Iterable[Fact] = (),
    effects: Mapping[str, OwnEffect] | None = None,
    chart: str | Path | Chart | None = None,
    idempotent: Iterable[str] = (),
    on_unknown: Literal["tell", "ask"] = "tell",
    migrate: bool = False,
    run_id: str | None = None,
    params: Mapping[str, Any] | None = None,
    journal: Mapping[str, Any] | None = None,
    on_step: Listener | None = None,
    tool_errors: ErrorText = "repr",
    max_concurrent_tools: int | None = 16,
    extra_headers: Mapping[str, Any] | None = None,
    extra_query: Mapping[str, object] | None = None,
    extra_body: object = None,
    timeout: Any = not_given,
) -> Any:
    """Go on with a run that was cut off.  Its journal is read, and appended to.

    A tool call that has completed never runs again.  Everything else that was in flight begins again: a request is
    sent again, also one whose reply was streaming, and your own effects are performed again.

    Args:
        source: the journal.
        client: any client of the anthropic SDK.
        tools: the tools that the run had, with those that were added later.
        facts: your own facts that the chart asks.
        effects: a function for each effect that the chart declares, by name.
        chart: the chart to go on with; None: the recorded one.
        idempotent: the names of tools and toolsets whose calls may run twice.  A call of another tool that had begun
            is not run again; `on_unknown` says what happens instead.
        on_unknown: ``tell``: the model is told that the outcome of such a call is unknown.  ``ask``: `RunError` is
            raised, for a person to decide.
        migrate: whether to go on although the chart, a fact or a tool has changed, as long as the run can.
        run_id: which run of the journal; needed only when several have not ended.
        params: request parameters to change, and those that the journal does not hold: secrets, and
            ``output_format``.
        journal: how the journal is written from now on, as keywords of `Journal.open`: ``{"sync": "effect"}``.
        on_step, tool_errors, max_concurrent_tools, extra_headers, extra_query, extra_body, timeout: as for
            `tool_runner`.

    Raises:
        RunError: the run has ended; it cannot go on with what has changed; or a person must decide.
        JournalError: the journal cannot be read or written, does not hold the run or holds several, or another
            process is writing the run.
        ChartError: the chart cannot run.
        TypeError, ValueError: an argument is wrong.  Nothing has been sent or written.
    """
    check_running(
        client,
        tools=tools,
        on_step=on_step,
        tool_errors=tool_errors,
        max_concurrent_tools=max_concurrent_tools,
        extra_headers=extra_headers,
        extra_query=extra_query,
        timeout=timeout,
    )
    check_type("source", source, (str, os.PathLike), "a journal's file")
    check_type("run_id", run_id, (str, type(None)), "a run's id, or None")
    check_choice("on_unknown", on_unknown, ("tell", "ask"))
    check_flag("migrate", migrate)
    check_mapping("params", params, "a dict of parameters")
    check_mapping("journal", journal, "a dict of the keywords of Journal.open")
    idempotent = listed(
        "idempotent", idempotent, "a list of names", lambda name, each: check_type(name, each, str, "a tool's name")
    )
    facts = facts_of(facts)
    _check_writing(journal or {})
    point = resume_point_of(source, run_id=run_id, facts=facts)
    if point.ended and point.owed:  # killed after its last event, before the record of its end
        with Journal.open(source, run=point.run, after=point.seq, **(journal or {})) as whole:
            whole.owed(point.owed)
    check_open(point)
    is_async = isinstance(client, AbstractAsyncContextManager)
    box = ToolBox(tools, flavour="async" if is_async else "sync")
    machine = point.machine if chart is None else machine_of(chart, facts)
    own = effects_of(machine.chart, effects)
    differences = differences_of(point, machine, box.sent, declared_name)
    differences.check(point, migrate=migrate)
    unknown = cut_off(point, _idempotent(idempotent, box))
    if on_unknown == "ask":
        ask_person(point, unknown)
    given = lasting_params(given_again(point, params or {}))
    check_changes("resume", given, "output_format")
    output_format = output_format_of(given)
    check_params(given)
    told = settings_params(given, output_format)
    resources = Resources(
        client=client,
        tools=box,
        params=given,
        options=request_options(extra_headers, extra_query, extra_body, timeout),
        output_format=output_format,
        effects=own,
        tool_errors=tool_errors,
        max_concurrent_tools=max_concurrent_tools,
        last=None if point.reply is None else restored(point.reply, output_format),
    )
    session = Session(
        machine,
        point.snapshot.context,
        run=point.run,
        journal=Journal.open(source, run=point.run, after=point.seq, **(journal or {})),
        closes=True,
        listener=on_step,
        at=point.snapshot,
        after=point.numbered,
        moved=differences.chart,
    )
    if differences.tools or told != session.context.settings.params:
        session.tell(_changed(session.context, told, box if differences.tools else None))
    for effect in unknown:
        session.tell(ToolFinished(id=effect.id, result=unknown_result(effect)))
    return AsyncRunner(session, resources) if is_async else Runner(session, resources)


def _changed(context: Context, params: Json, box: ToolBox | None) -> ParamsReplaced:
    """The event with the parameters, and with the tools of `box` when they have changed; None: they have not."""
    settings = context.settings
    return ParamsReplaced(
        params=params,
        messages=None,
        tools=settings.tools if box is None else box.sent,
        runnable=tuple(sorted(settings.runnable if box is None else box.runnable)),
        toolsets=tuple(sorted(settings.toolsets if box is None else box.toolsets)),
    )


def _check_writing(journal: Mapping[str, Any]) -> None:
    """Refuse to write less from now on: a journal says only at its start how much of the payload it holds."""
    for name, whole in {"content": "full", "redact": None}.items():
        if journal.get(name, whole) not in (whole, {}):
            raise ValueError(
                f"journal: {name}: the rest of a run is written in full, as its beginning is (leave it out)"
            )


def _idempotent(names: Iterable[str], box: ToolBox) -> tuple[str, ...]:
    known = (*box.by_name, *box.toolsets)
    names = tuple(names)
    for name in names:
        if name not in known:
            raise ValueError(f"idempotent: there is no tool '{name}'{did_you_mean(name, known)}")
    return names
