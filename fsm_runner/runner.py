"""The calls that make a runner: `tool_runner` for a new run, `resume` for one that was cut off.

`tool_runner` takes the place of ``client.beta.messages.tool_runner(...)``.  Both check every argument before anything
is sent.  A new run's context is made of what the caller gave; a resumed one's comes out of its journal.
"""

from __future__ import annotations

import functools
import uuid
import warnings
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias, Unpack, overload

import anthropic
import pydantic
from anthropic import not_given, omit
from anthropic.resources.messages import DEPRECATED_MODELS

from fsm_runner.adapters.anthropic.calls import ErrorText
from fsm_runner.adapters.anthropic.plain import is_given, message_param
from fsm_runner.adapters.anthropic.requests import OutputFormat, RequestOptions
from fsm_runner.adapters.anthropic.restored import restored
from fsm_runner.adapters.anthropic.tools import ToolBox, declared_name
from fsm_runner.charts import find_chart, load
from fsm_runner.core.availability import with_history
from fsm_runner.core.chart import Chart
from fsm_runner.core.check_names import did_you_mean
from fsm_runner.core.context import (
    DEFAULT_SUMMARY_PROMPT,
    DEFAULT_THRESHOLD,
    Context,
    Conversation,
    Counters,
    Settings,
    SummaryControl,
    Thread,
)
from fsm_runner.core.events import Json, ParamsReplaced, ToolFinished
from fsm_runner.core.facts import FACTS, Fact
from fsm_runner.core.history import History
from fsm_runner.core.machine import Machine, compile
from fsm_runner.drivers.aio import AsyncRunner
from fsm_runner.drivers.base import Equipment, OwnEffect, caller_level
from fsm_runner.drivers.given import check_params, settings_params
from fsm_runner.drivers.session import Listener, Session
from fsm_runner.drivers.sync import Runner
from fsm_runner.journal import Journal
from fsm_runner.options import RequestParams, ResumeOptions, RunnerOptions
from fsm_runner.replaying.differing import differences_of
from fsm_runner.replaying.resuming import ask_person, check_open, cut_off, given_again, standing_of, unknown_result

if TYPE_CHECKING:
    from anthropic import Omit
    from anthropic.lib.streaming import BetaAsyncMessageStream, BetaMessageStream
    from anthropic.lib.tools import (
        BetaAsyncBuiltinFunctionTool,
        BetaAsyncFunctionTool,
        BetaAsyncRunnableToolset,
        BetaBuiltinFunctionTool,
        BetaFunctionTool,
        BetaRunnableToolset,
    )
    from anthropic.types.beta import BetaToolUnionParam
    from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage

    from fsm_runner.adapters.anthropic.requests import FormatT

    AsyncTool: TypeAlias = (
        BetaAsyncFunctionTool[Any] | BetaAsyncBuiltinFunctionTool | BetaAsyncRunnableToolset | BetaToolUnionParam
    )
    SyncTool: TypeAlias = BetaFunctionTool[Any] | BetaBuiltinFunctionTool | BetaRunnableToolset | BetaToolUnionParam

DEFAULT_CHART = "states"

_THREADED = (anthropic.Anthropic, anthropic.AsyncAnthropic)
"""The clients, and those derived from them, that use threads by default; Bedrock's and Vertex's are not among them.

Source: anthropic 2.12."""


class CompactionControl(pydantic.BaseModel):
    """The ``compaction_control`` argument: when and how the client summarises a long conversation.

    Source: anthropic 0.75.
    """

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)

    enabled: bool
    context_token_threshold: int = pydantic.Field(default=DEFAULT_THRESHOLD, gt=0)
    model: str | None = pydantic.Field(default=None, min_length=1)
    summary_prompt: str = pydantic.Field(default=DEFAULT_SUMMARY_PROMPT, min_length=1)

    def control(self) -> SummaryControl | None:
        """Return what the core is told; None when it is not enabled."""
        if not self.enabled:
            return None
        return SummaryControl(threshold=self.context_token_threshold, model=self.model, prompt=self.summary_prompt)


@overload
def tool_runner(
    client: AbstractAsyncContextManager[Any, Any],
    *,
    tools: Iterable[AsyncTool],
    output_format: type[FormatT] | Omit | None = ...,
    stream: Literal[False] | Omit = ...,
    **options: Unpack[RunnerOptions],
) -> AsyncRunner[ParsedBetaMessage[FormatT], FormatT]: ...
@overload
def tool_runner(
    client: AbstractAsyncContextManager[Any, Any],
    *,
    tools: Iterable[AsyncTool],
    output_format: type[FormatT] | Omit | None = ...,
    stream: Literal[True],
    **options: Unpack[RunnerOptions],
) -> AsyncRunner[BetaAsyncMessageStream[FormatT], FormatT]: ...
@overload
def tool_runner(
    client: AbstractContextManager[Any, Any],
    *,
    tools: Iterable[SyncTool],
    output_format: type[FormatT] | Omit | None = ...,
    stream: Literal[False] | Omit = ...,
    **options: Unpack[RunnerOptions],
) -> Runner[ParsedBetaMessage[FormatT], FormatT]: ...
@overload
def tool_runner(
    client: AbstractContextManager[Any, Any],
    *,
    tools: Iterable[SyncTool],
    output_format: type[FormatT] | Omit | None = ...,
    stream: Literal[True],
    **options: Unpack[RunnerOptions],
) -> Runner[BetaMessageStream[FormatT], FormatT]: ...
def tool_runner(
    client: Any,
    *,
    max_tokens: int,
    messages: Iterable[Any],
    model: str,
    tools: Iterable[Any],
    max_iterations: Any = omit,
    stream: Any = omit,
    run_tools_eagerly: bool = False,
    thread: Any = omit,
    compaction_control: Mapping[str, object] | None = None,
    chart: str | Path | Chart = DEFAULT_CHART,
    facts: Iterable[Fact] = (),
    effects: Mapping[str, OwnEffect] | None = None,
    limits: Mapping[str, int | None] | None = None,
    journal: str | Path | BinaryIO | Journal | None = None,
    run_id: str | None = None,
    on_step: Listener | None = None,
    tool_errors: ErrorText = "repr",
    max_concurrent_tools: int | None = 16,
    extra_headers: Mapping[str, Any] | None = None,
    extra_query: Mapping[str, object] | None = None,
    extra_body: object = None,
    timeout: Any = not_given,
    **params: Any,
) -> Any:
    """Run the tools that the model calls until it stops asking for them, and hand out each assistant message.

    Takes what ``client.beta.messages.tool_runner`` takes, with the same meaning, and these:

    Args:
        client: any client of the anthropic SDK: first-party, Bedrock, Vertex, Foundry.
        compaction_control: when the client summarises: ``enabled``, and optionally ``context_token_threshold``
            (tokens of one reply, default 100,000; reaching it counts), ``model`` and ``summary_prompt``.
        chart: a chart's file, the name of a shipped chart, or a `Chart`.
        facts: facts of your own that the chart asks.
        effects: functions for the effects of your own that the chart declares, by name.
        limits: the chart's limits for this run, such as ``{"iterations": 20}``; ``max_iterations`` is the same one.
        journal: a file to append the run's records to.
        run_id: the run's id in its journal; a random one when left out.
        on_step: called with each event and the step that it made.
        tool_errors: what the model is told of an exception in a tool that is no ``ToolError``: its ``repr``, or its
            ``type`` alone.
        max_concurrent_tools: how many tools of one turn run at once; None: all of them.

    Raises:
        ChartError: the chart cannot run.
        TypeError, ValueError: an argument that cannot be right; nothing has been sent.
    """
    if model in DEPRECATED_MODELS:
        warnings.warn(
            f"The model '{model}' is deprecated and will reach end-of-life on {DEPRECATED_MODELS[model]} (choose a "
            "newer one)",
            DeprecationWarning,
            stacklevel=caller_level(),
        )
    _refuse(params, stream=stream, eager=run_tools_eagerly, thread=thread)
    given = {"max_tokens": max_tokens, "model": model, **params}
    given = {key: value for key, value in given.items() if is_given(value)}
    check_params(given)
    output_format = _output_format(given)
    is_async = isinstance(client, AbstractAsyncContextManager)  # as all async clients of the SDK, and no sync one
    box = ToolBox(tools, flavour="async" if is_async else "sync")
    for name in dict.fromkeys(box.duplicates):
        warnings.warn(f"two tools are called '{name}'; only the last one runs", UserWarning, stacklevel=caller_level())
    machine = machine_of(chart, tuple(facts))
    own = dict(effects or {})
    _check_effects(machine.chart, own)
    context = Context(
        conversation=with_history(Conversation(), History(message_param(message) for message in messages)),
        settings=Settings(
            params=settings_params(given, output_format),
            tools=box.sent,
            runnable=box.runnable,
            toolsets=frozenset(box.toolsets),
            stream=stream is True,
            eager=run_tools_eagerly,
            summary=_control(compaction_control),
        ),
        thread=Thread(mode="new" if thread is not False and isinstance(client, _THREADED) else "off"),
        counters=Counters(limits=_limits(machine.chart, limits, max_iterations)),
    )
    run = run_id or uuid.uuid4().hex
    log = journal if journal is None or isinstance(journal, Journal) else Journal.open(journal, run=run)
    equipment = Equipment(
        client=client,
        tools=box,
        params=given,
        options=_options(extra_headers, extra_query, extra_body, timeout),
        output_format=output_format,
        effects=own,
        tool_errors=tool_errors,
        max_concurrent_tools=max_concurrent_tools,
    )
    session = Session(machine, context, run=run, journal=log, listener=on_step, closes=log is not journal)
    return AsyncRunner(session, equipment) if is_async else Runner(session, equipment)


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
    """Go on with a run that was cut off, from its journal and in it.

    Tools that have completed never run again.  What else was under way begins anew: a request is sent again, a reply
    that was streaming is asked for again, an effect of your own is performed again.

    Args:
        source: the journal.
        client: any client of the anthropic SDK.
        tools: the tools that the run had, with those that were added to it.
        facts: facts of your own that the chart asks.
        effects: functions for the effects of your own that the chart declares, by name.
        chart: a chart to go on by; None: the one in the journal.
        idempotent: the names of tools and toolsets whose calls may run twice.  Of any other tool, a call that had begun
            is not run again.
        on_unknown: then the model is told that the outcome is unknown (``tell``), or the run is left for a person.
        migrate: whether to go on although the chart, a fact or a tool differs where that does not matter.
        run_id: which run of the journal; may be left out when only one of them has not ended.
        params: parameters of requests that are to be others from now on; those that hold a secret, which the journal
            does not; and ``output_format``, when the run had one.
        journal: how the journal is written from now on, by the keywords of `Journal.open`: ``{"sync": "effect"}``.
        on_step, tool_errors, max_concurrent_tools, extra_headers, extra_query, extra_body, timeout: as for
            `tool_runner`.

    Raises:
        RunError: the run has ended; something differs that it cannot go on with; or a person must decide.
        JournalError: the journal cannot be read or written.
        ChartError: the chart cannot run.
        TypeError, ValueError: an argument that cannot be right.  Nothing has been sent or written.
    """
    facts = tuple(facts)
    standing = standing_of(source, run_id=run_id, facts=facts)
    check_open(standing)
    is_async = isinstance(client, AbstractAsyncContextManager)
    box = ToolBox(tools, flavour="async" if is_async else "sync")
    machine = standing.machine if chart is None else machine_of(chart, facts)
    own = dict(effects or {})
    _check_effects(machine.chart, own)
    differences = differences_of(standing, machine, box.sent, declared_name)
    differences.check(standing, migrate=migrate)
    unknown = cut_off(standing, _idempotent(idempotent, box))
    if on_unknown == "ask":
        ask_person(standing, unknown)
    elif on_unknown != "tell":
        raise ValueError(f"on_unknown: 'tell' or 'ask', got {on_unknown!r}")
    given = given_again(standing, params or {})
    unfit = sorted(given.keys() - RequestParams.__annotations__.keys() - {"output_format"})
    if unfit or "messages" in given:
        raise TypeError(f"resume: params: '{(unfit or ['messages'])[0]}' cannot be given")
    output_format = _output_format(given)
    check_params(given)
    equipment = Equipment(
        client=client,
        tools=box,
        params=given,
        options=_options(extra_headers, extra_query, extra_body, timeout),
        output_format=output_format,
        effects=own,
        tool_errors=tool_errors,
        max_concurrent_tools=max_concurrent_tools,
        last=None if standing.reply is None else restored(standing.reply, output_format),
    )
    session = Session(
        machine,
        standing.snapshot.context,
        run=standing.run,
        journal=Journal.open(source, run=standing.run, after=standing.seq, **(journal or {})),
        closes=True,
        listener=on_step,
        at=standing.snapshot,
        after=standing.numbered,
        moved=differences.chart,
    )
    told = settings_params(given, output_format)
    if differences.tools or told != session.context.settings.params:
        session.tell(_changed(session.context, told, box if differences.tools else None))
    for effect in unknown:
        session.tell(ToolFinished(id=effect.id, result=unknown_result(effect)))
    return AsyncRunner(session, equipment) if is_async else Runner(session, equipment)


def _changed(context: Context, params: Json, box: ToolBox | None) -> ParamsReplaced:
    """What a resumed run is told of what it did not have: parameters, and the tools when a box is given."""
    settings = context.settings
    return ParamsReplaced(
        params=params,
        messages=None,
        tools=settings.tools if box is None else box.sent,
        runnable=tuple(sorted(settings.runnable if box is None else box.runnable)),
        toolsets=tuple(sorted(settings.toolsets if box is None else box.toolsets)),
    )


def _idempotent(names: Iterable[str], box: ToolBox) -> tuple[str, ...]:
    known = (*box.by_name, *box.toolsets)
    names = tuple(names)
    for name in names:
        if name not in known:
            raise ValueError(f"idempotent: there is no tool '{name}'{did_you_mean(name, known)}")
    return names


def machine_of(chart: str | Path | Chart, facts: tuple[Fact, ...] = ()) -> Machine:
    """Return the machine of a chart, checked.  The same chart is loaded, checked and compiled once.

    Raises:
        ChartError: the chart cannot run.
    """
    if isinstance(chart, Chart):
        return _compiled(chart, facts)
    path = _shipped(chart) if isinstance(chart, str) and "." not in chart else find_chart(chart)
    stamp = path.stat() if path.exists() else None
    return _loaded(str(chart), facts, None if stamp is None else (stamp.st_mtime_ns, stamp.st_size))


@functools.cache
def _shipped(name: str) -> Path:
    """The file of a chart that is called by name.  Those that are shipped stay where they are."""
    return find_chart(name)


@functools.lru_cache(maxsize=64)
def _loaded(chart: str, facts: tuple[Fact, ...], stamp: object) -> Machine:
    known = {**FACTS, **{each.name: each for each in facts}}
    return compile(load(chart, facts=known), facts)


@functools.lru_cache(maxsize=64)
def _compiled(chart: Chart, facts: tuple[Fact, ...]) -> Machine:
    from fsm_runner.core.check import check
    from fsm_runner.core.errors import ChartError

    problems = check(chart, facts={**FACTS, **{each.name: each for each in facts}}).problems
    if problems:
        raise ChartError(chart.name, problems)
    return compile(chart, facts)


def _options(
    headers: Mapping[str, Any] | None, query: Mapping[str, object] | None, body: object, timeout: Any
) -> RequestOptions:
    return RequestOptions(
        headers=headers or {},
        query=query,
        body=body,
        timeout=timeout if is_given(timeout) else None,
        has_timeout=is_given(timeout),
    )


def _refuse(params: Mapping[str, object], *, stream: object, eager: bool, thread: object) -> None:
    """Refuse what contradicts itself or is unknown to the API's method."""
    check_params({"thread": thread if is_given(thread) else None})
    if eager and stream is not True:
        raise ValueError("`run_tools_eagerly=True` and `stream=False` are mutually exclusive")
    unknown = sorted(params.keys() - RequestParams.__annotations__.keys() - {"output_format"})
    if unknown:
        raise TypeError(f"tool_runner() got an unexpected keyword argument '{unknown[0]}'")


def _output_format(given: dict[str, Any]) -> OutputFormat | None:
    """Take ``output_format`` out of the parameters."""
    type_ = given.pop("output_format", None)
    if type_ is None:
        return None
    config = given.get("output_config")
    if isinstance(config, Mapping) and config.get("format") is not None:
        raise anthropic.AnthropicError(
            "Both output_format and output_config.format were provided. Please use only output_config.format "
            "(output_format is deprecated)."
        )
    return OutputFormat(type_)


def _control(control: Mapping[str, object] | None) -> SummaryControl | None:
    if control is None:
        return None
    try:
        return CompactionControl.model_validate(dict(control)).control()
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        takes = ", ".join(CompactionControl.model_fields)
        raise ValueError(f"compaction_control: '{where}': {first['msg'].lower()} (it takes: {takes})") from None


def _limits(chart: Chart, limits: Mapping[str, int | None] | None, max_iterations: object) -> dict[str, int | None]:
    """The chart's limits, with what the run sets."""
    known: dict[str, int | None] = {limit.name: limit.value for limit in chart.limits}
    given: dict[str, Any] = dict(limits or {})
    if is_given(max_iterations) and max_iterations is not None:
        if "iterations" in given:
            raise ValueError("limits: 'iterations' and max_iterations are the same limit (give one of them)")
        given["iterations"] = max_iterations
    for name, value in given.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise ValueError(f"limits: chart '{chart.name}' has no limit '{name}' (it has: {names})")
        if value is not None and type(value) is not int:
            raise TypeError(f"limits: '{name}': a whole number or None, got {value!r}")
    return {**known, **given}


def _check_effects(chart: Chart, effects: Mapping[str, OwnEffect]) -> None:
    declared = {effect.name for effect in chart.effects}
    for name in sorted(declared - effects.keys()):
        raise ValueError(f"effects: chart '{chart.name}' declares '{name}' (give it: effects={{'{name}': function}})")
    for name in sorted(effects.keys() - declared):
        raise ValueError(f"effects: chart '{chart.name}' declares no '{name}' (declare it under 'effects:' there)")
