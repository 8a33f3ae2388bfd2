"""`tool_runner`: the one call that makes a run, in place of ``client.beta.messages.tool_runner(...)``.

It checks every argument before anything is sent, makes the run's first context of them, and returns a runner.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias, Unpack, overload

import anthropic
from anthropic import not_given, omit

from fsm_runner.adapters.anthropic.calls import ErrorText
from fsm_runner.adapters.anthropic.plain import message_param
from fsm_runner.adapters.anthropic.requests import end_of_life
from fsm_runner.adapters.anthropic.tool_box import ToolBox
from fsm_runner.arguments import (
    DEFAULT_CHART,
    check_running,
    check_starting,
    effects_of,
    facts_of,
    limits_of,
    machine_of,
    output_format_of,
    refuse_contradictions,
    request_options,
    summary_control,
)
from fsm_runner.drivers.aio import AsyncRunner
from fsm_runner.drivers.base import OwnEffect, Resources, caller_level
from fsm_runner.drivers.caller import check_params, lasting_params, settings_params
from fsm_runner.drivers.session import Listener, Session
from fsm_runner.drivers.sync import Runner
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.expected import check_text
from fsm_runner.journal import Journal
from fsm_runner.journal.writer import check_target
from fsm_runner.loop.context import (
    Context,
    Conversation,
    Counters,
    Settings,
    Thread,
)
from fsm_runner.loop.events import Json
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.history import History
from fsm_runner.loop.messages import sendable_message
from fsm_runner.loop.tools import with_history
from fsm_runner.options import RunnerOptions

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


_THREADED = (anthropic.Anthropic, anthropic.AsyncAnthropic)
"""The clients that use message threads by default, with their subclasses.  Bedrock's and Vertex's do not.

Source: anthropic 2.12."""


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

    It takes the arguments of ``client.beta.messages.tool_runner``, and these:

    Args:
        client: any client of the anthropic SDK: first-party, Bedrock, Vertex, Foundry.
        compaction_control: when the client summarises the conversation: a dict of ``enabled`` and, if you like,
            ``context_token_threshold`` (tokens of one reply, from which on it does; default 100,000), ``model`` and
            ``summary_prompt``.
        chart: a chart's file, the name of a shipped chart, or a `Chart`.
        facts: your own facts that the chart asks.
        effects: a function for each effect that the chart declares, by name.
        limits: the chart's limits for this run, such as ``{"iterations": 20}``, which ``max_iterations=20`` sets, too.
        journal: where the run's records are appended: a path, an open binary file, or a `Journal`.
        run_id: the run's id in its journal; None: a random one.
        on_step: called with each event and the step that it made.
        tool_errors: what the model is told when a tool raises anything but a ``ToolError``: the exception's ``repr``,
            or only its ``type``.
        max_concurrent_tools: how many tools of one turn run at the same time; None: all of them.

    Raises:
        ChartError: the chart cannot run.
        TypeError, ValueError: an argument is wrong; nothing has been sent.
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
    check_starting(max_tokens=max_tokens, messages=messages, model=model, stream=stream, eager=run_tools_eagerly)
    check_text("run_id", run_id, none=True)
    if journal is not None and not isinstance(journal, Journal):
        check_target("journal", journal)
    if (day := end_of_life(model)) is not None:
        warnings.warn(
            f"The model '{model}' is deprecated and will reach end-of-life on {day} (choose a newer one)",
            DeprecationWarning,
            stacklevel=caller_level(),
        )
    refuse_contradictions(params, stream=stream, eager=run_tools_eagerly, thread=thread)
    given = {"max_tokens": max_tokens, "model": model, **params}
    given = lasting_params(given)
    check_params(given)
    output_format = output_format_of(given)
    is_async = isinstance(client, AbstractAsyncContextManager)  # as all async clients of the SDK, and no sync one
    box = ToolBox(tools, flavour="async" if is_async else "sync")
    for name in dict.fromkeys(box.duplicates):
        warnings.warn(f"two tools are called '{name}'; only the last one runs", UserWarning, stacklevel=caller_level())
    machine = machine_of(chart, facts_of(facts))
    own = effects_of(machine.chart, effects)
    context = Context(
        conversation=with_history(Conversation(), History(map(sendable_message, _messages(messages)))),
        settings=Settings(
            params=settings_params(given, output_format),
            tools=box.sent,
            runnable=box.runnable,
            toolsets=frozenset(box.toolsets),
            stream=stream is True,
            eager=run_tools_eagerly,
            summary=summary_control(compaction_control),
        ),
        thread=Thread(mode="new" if thread is not False and isinstance(client, _THREADED) else "off"),
        counters=Counters(limits=limits_of(machine.chart, limits, max_iterations)),
    )
    run = run_id or uuid.uuid4().hex
    log = journal if journal is None or isinstance(journal, Journal) else Journal.open(journal, run=run)
    resources = Resources(
        client=client,
        tools=box,
        params=given,
        options=request_options(extra_headers, extra_query, extra_body, timeout),
        output_format=output_format,
        effects=own,
        tool_errors=tool_errors,
        max_concurrent_tools=max_concurrent_tools,
    )
    session = Session(machine, context, run=run, journal=log, listener=on_step, closes=log is not journal)
    return AsyncRunner(session, resources) if is_async else Runner(session, resources)


def _messages(messages: Iterable[object]) -> Iterator[Json]:
    for at, message in enumerate(messages):
        yield message_param(message, f"messages[{at}]")
