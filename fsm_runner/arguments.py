"""The arguments of `tool_runner` and `resume`, checked before anything is sent: charts, limits, effects, parameters."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, cast, get_args

import anthropic
import httpx2
import pydantic

from fsm_runner.adapters.anthropic.calls import ErrorText
from fsm_runner.adapters.anthropic.json_values import is_given, json_value
from fsm_runner.adapters.anthropic.requests import OutputFormat, RequestOptions
from fsm_runner.charts import find_chart, load
from fsm_runner.drivers.base import OwnEffect
from fsm_runner.drivers.caller import check_params
from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import ChartError
from fsm_runner.engine.expected import (
    check_choice,
    check_count,
    check_flag,
    check_function,
    check_mapping,
    check_seconds,
    check_text,
    check_type,
    listed,
    wrong_type,
)
from fsm_runner.loop.context import (
    DEFAULT_SUMMARY_PROMPT,
    DEFAULT_THRESHOLD,
    SummaryControl,
)
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import Machine, check, compile, with_built_in
from fsm_runner.options import RequestParams

DEFAULT_CHART = "states"


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
        """Return the loop's form of it; None when summaries are not enabled."""
        if not self.enabled:
            return None
        return SummaryControl(threshold=self.context_token_threshold, model=self.model, prompt=self.summary_prompt)


def facts_of(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the caller's own facts.

    Raises:
        TypeError: an item was not made by `@fact`.
    """
    takes = "functions made facts by @fact"
    return listed("facts", facts, takes, lambda name, each: check_type(name, each, Fact, f"one of {takes}"))


def check_running(
    client: object,
    *,
    tools: object,
    on_step: object,
    tool_errors: object,
    max_concurrent_tools: object,
    **sent: object,
) -> None:
    """Check the arguments that a new run and a resumed one have in common.

    Args:
        sent: the arguments that go into each request: ``extra_headers``, ``extra_query``, ``timeout``.

    Raises:
        TypeError, ValueError: names the argument and says what it takes.
    """
    is_client = isinstance(client, (AbstractContextManager, AbstractAsyncContextManager))
    if not is_client or not hasattr(client, "beta"):
        raise wrong_type("client", "a client of the anthropic SDK", client)
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise wrong_type("tools", "a list of tools", tools)
    check_function("on_step", on_step, "a plain function of an event and a step", none=True)
    if inspect.iscoroutinefunction(on_step):
        raise wrong_type("on_step", "a plain function of an event and a step, or None", on_step)
    check_choice("tool_errors", tool_errors, get_args(ErrorText))
    check_count("max_concurrent_tools", max_concurrent_tools, least=1)
    for name in ("extra_headers", "extra_query"):
        check_mapping(name, sent[name], "a dict")
    for name, value in cast("Mapping[str, object]", sent["extra_headers"] or {}).items():
        if is_given(value):
            check_type(f"extra_headers: '{name}'", value, (str, bytes), "text")
    timeout = sent["timeout"]
    if is_given(timeout) and timeout is not None and not isinstance(timeout, httpx2.Timeout):
        check_seconds("timeout", timeout)


def check_starting(*, max_tokens: object, messages: object, model: object, stream: object, eager: object) -> None:
    """Check the arguments that only a new run has.

    Raises:
        TypeError, ValueError: names the argument and says what it takes.
    """
    check_count("max_tokens", max_tokens, least=0, none=False)
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise wrong_type("messages", "a list of messages", messages)
    check_text("model", model)
    if is_given(stream) and stream is not None:
        check_flag("stream", stream)
    check_flag("run_tools_eagerly", eager)


def machine_of(chart: str | Path | Chart, facts: tuple[Fact, ...] = ()) -> Machine:
    """Return the machine of a chart.  The same chart is loaded, checked and compiled only once.

    Raises:
        ChartError: the chart cannot run.
    """
    if isinstance(chart, Chart):
        return _compiled(chart, facts)
    check_type("chart", chart, (str, os.PathLike), "a file, the name of a shipped chart, or a Chart")
    path = _shipped(chart) if isinstance(chart, str) and "." not in chart else find_chart(chart)
    stamp = path.stat() if path.exists() else None
    return _loaded(str(chart), facts, None if stamp is None else (stamp.st_mtime_ns, stamp.st_size))


@functools.cache
def _shipped(name: str) -> Path:
    """The file of a chart that is given by name.  Cached: shipped charts do not move."""
    return find_chart(name)


@functools.lru_cache(maxsize=64)
def _loaded(chart: str, facts: tuple[Fact, ...], stamp: object) -> Machine:
    return compile(load(chart, facts=with_built_in(facts)), facts)


@functools.lru_cache(maxsize=64)
def _compiled(chart: Chart, facts: tuple[Fact, ...]) -> Machine:
    problems = check(chart, facts=with_built_in(facts)).problems
    if problems:
        raise ChartError(chart.name, problems)
    return compile(chart, facts)


def request_options(
    headers: Mapping[str, Any] | None, query: Mapping[str, object] | None, body: object, timeout: Any
) -> RequestOptions:
    return RequestOptions(
        headers=headers or {},
        query=query,
        body=_body(body),
        timeout=timeout if is_given(timeout) else None,
        has_timeout=is_given(timeout),
    )


def _body(body: object) -> object:
    """Return ``extra_body`` as plain data.  `Omit` and `NotGiven` stay: the SDK reads them."""
    if not isinstance(body, Mapping):
        return body
    return {key: json_value(value, f"extra_body.{key}") if is_given(value) else value for key, value in body.items()}


def refuse_contradictions(params: Mapping[str, object], *, stream: object, eager: bool, thread: object) -> None:
    """Refuse arguments that contradict each other, and keywords that the SDK's method does not know."""
    check_params({"thread": thread if is_given(thread) else None})
    if eager and stream is not True:
        raise ValueError("`run_tools_eagerly=True` and `stream=False` are mutually exclusive")
    unknown = sorted(params.keys() - RequestParams.__annotations__.keys() - {"output_format"})
    if unknown:
        raise TypeError(f"tool_runner() got an unexpected keyword argument '{unknown[0]}'")


def output_format_of(given: dict[str, Any]) -> OutputFormat | None:
    """Remove ``output_format`` from the parameters and return it."""
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


def summary_control(control: Mapping[str, object] | None) -> SummaryControl | None:
    if control is None:
        return None
    check_mapping("compaction_control", control, "a dict")
    try:
        return CompactionControl.model_validate(dict(control)).control()
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        takes = ", ".join(CompactionControl.model_fields)
        raise ValueError(f"compaction_control: '{where}': {first['msg'].lower()} (it takes: {takes})") from None


def limits_of(chart: Chart, limits: Mapping[str, int | None] | None, max_iterations: object) -> dict[str, int | None]:
    """Return the chart's limits with the values that this run sets."""
    check_mapping("limits", limits, "a dict of whole numbers")
    known: dict[str, int | None] = {limit.name: limit.value for limit in chart.limits}
    given: dict[str, Any] = dict(limits or {})
    if is_given(max_iterations) and max_iterations is not None:
        check_count("max_iterations", max_iterations, least=0)
        if "iterations" in given:
            raise ValueError("limits: 'iterations' and max_iterations are the same limit (give one of them)")
        given["iterations"] = max_iterations
    for name, value in given.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise ValueError(f"limits: chart '{chart.name}' has no limit '{name}' (it has: {names})")
        check_count(f"limits: '{name}'", value, least=0)
    return {**known, **given}


def effects_of(chart: Chart, effects: Mapping[str, OwnEffect] | None) -> dict[str, OwnEffect]:
    """Return the functions for the effects that the chart declares.

    Raises:
        TypeError: one of them cannot be called.
        ValueError: one is missing, or the chart does not declare it.
    """
    check_mapping("effects", effects, "a dict of functions")
    own = dict(effects or {})
    for name, function in own.items():
        check_function(f"effects: '{name}'", function)
    _check_declared(chart, own)
    return own


def _check_declared(chart: Chart, effects: Mapping[str, OwnEffect]) -> None:
    declared = {effect.name for effect in chart.effects}
    for name in sorted(declared - effects.keys()):
        raise ValueError(f"effects: chart '{chart.name}' declares '{name}' (give it: effects={{'{name}': function}})")
    for name in sorted(effects.keys() - declared):
        raise ValueError(f"effects: chart '{chart.name}' declares no '{name}' (declare it under 'effects:' there)")
