"""The heading: how a run began, out of its first record."""

from __future__ import annotations

from fsm_runner.inspecting.data import Header
from fsm_runner.inspecting.declared import Declared, mapping, text, whole
from fsm_runner.journal import Record
from fsm_runner.loop.context import Usage
from fsm_runner.loop.messages import usage_of


def header_of(source: str, first: Record, declared: Declared) -> Header:
    """Return how the run began of which `first` is the first record."""
    data = first.data
    context = mapping(data.get("context"))
    settings = mapping(context.get("settings"))
    params = mapping(settings.get("params"))
    limits = mapping(mapping(context.get("counters")).get("limits"))
    runnable = settings.get("runnable")
    return Header(
        source=source,
        run=first.run,
        line=first.line,
        at=first.at,
        chart=declared.name,
        sha256=declared.sha256,
        model=text(params.get("model")),
        max_tokens=whole(params.get("max_tokens")),
        tools=tuple(map(str, runnable)) if isinstance(runnable, list) else (),
        stream=settings.get("stream") is True,
        limits={**declared.limits, **{name: whole(value) for name, value in limits.items()}},
        versions={name: text(version) for name, version in mapping(data.get("versions")).items()},
        content=text(data.get("content")) or "full",
        forked_from=_forked_from(data.get("forked_from")),
    )


def _forked_from(value: object) -> tuple[str, int] | None:
    origin = mapping(value)
    run, seq = text(origin.get("run")), whole(origin.get("seq"))
    return None if run is None or seq is None else (run, seq)


def usage_at_start(first: Record) -> Usage:
    """Return the tokens that the run had used when it began: none, mostly."""
    counters = mapping(mapping(first.data.get("context")).get("counters"))
    usage = mapping(counters.get("usage"))
    known = usage_of({"usage": usage})
    return Usage(
        input_tokens=known.input_tokens,
        output_tokens=known.output_tokens,
        cache_creation_input_tokens=known.cache_creation_input_tokens,
        cache_read_input_tokens=known.cache_read_input_tokens,
        replies=whole(usage.get("replies")) or 0,
    )
