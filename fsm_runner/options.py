"""The keywords of `tool_runner` and `resume`, as types: the parameters of the API's requests, and ours.

A test compares the names with the SDK's own method, so a parameter that a new version adds is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Required, TypedDict

from fsm_runner.engine.text import did_you_mean

if TYPE_CHECKING:
    import httpx2
    from anthropic import NotGiven, Omit
    from anthropic.types import ModelParam
    from anthropic.types.beta import (
        BetaBillingPolicyParam,
        BetaCacheControlEphemeralParam,
        BetaContainerParams,
        BetaContextManagementConfigParam,
        BetaDiagnosticsParam,
        BetaMessageParam,
        BetaMetadataParam,
        BetaOutputConfigParam,
        BetaRequestMCPServerURLDefinitionParam,
        BetaTextBlockParam,
        BetaThinkingConfigParam,
        BetaToolChoiceParam,
    )

    from fsm_runner.adapters.anthropic.calls import ErrorText
    from fsm_runner.drivers.base import OwnEffect
    from fsm_runner.drivers.session import Listener
    from fsm_runner.engine.chart import Chart
    from fsm_runner.journal import Journal
    from fsm_runner.loop.facts import Fact


__all__ = ["RequestParams", "ResumeOptions", "RunnerOptions"]


class RequestParams(TypedDict, total=False):
    """The parameters of requests, as ``client.beta.messages.tool_runner`` takes them."""

    max_tokens: Required[int]
    messages: Required[Iterable[BetaMessageParam]]
    model: Required[ModelParam]
    betas: Sequence[str] | Omit
    billing_policy: BetaBillingPolicyParam | Omit | None
    cache_control: BetaCacheControlEphemeralParam | Omit | None
    container: BetaContainerParams | str | Omit | None
    context_management: BetaContextManagementConfigParam | Omit | None
    diagnostics: BetaDiagnosticsParam | Omit | None
    fallback_credit_token: Any
    fallbacks: Any
    inference_geo: str | Omit | None
    mcp_servers: Iterable[BetaRequestMCPServerURLDefinitionParam] | Omit
    metadata: BetaMetadataParam | Omit
    output_config: BetaOutputConfigParam | Omit
    service_tier: str | Omit
    speed: str | Omit | None
    stop_sequences: Sequence[str] | Omit
    system: str | Iterable[BetaTextBlockParam] | Omit
    thinking: BetaThinkingConfigParam | Omit
    tool_choice: BetaToolChoiceParam | Omit
    user_profile_id: str | Omit
    workspace_id: str | Omit


class RunnerOptions(RequestParams, total=False):
    """The keywords of `tool_runner`, except ``tools``, ``stream`` and ``output_format``, which decide its type."""

    max_iterations: int | Omit | None
    run_tools_eagerly: bool
    thread: bool | Omit | None
    extra_headers: Mapping[str, str | Omit] | None
    extra_query: Mapping[str, object] | None
    extra_body: object
    timeout: float | httpx2.Timeout | NotGiven | None
    compaction_control: Mapping[str, object] | None
    chart: str | Path | Chart
    facts: Iterable[Fact]
    effects: Mapping[str, OwnEffect] | None
    limits: Mapping[str, int | None] | None
    journal: str | Path | BinaryIO | Journal | None
    run_id: str | None
    on_step: Listener | None
    tool_errors: ErrorText
    max_concurrent_tools: int | None


class ResumeOptions(TypedDict, total=False):
    """The keywords of `resume`."""

    tools: Iterable[Any]
    facts: Iterable[Fact]
    effects: Mapping[str, OwnEffect] | None
    chart: str | Path | Chart | None
    idempotent: Iterable[str]
    on_unknown: Literal["tell", "ask"]
    migrate: bool
    run_id: str | None
    params: Mapping[str, Any] | None
    journal: Mapping[str, Any] | None
    on_step: Listener | None
    tool_errors: ErrorText
    max_concurrent_tools: int | None
    extra_headers: Mapping[str, str | Omit] | None
    extra_query: Mapping[str, object] | None
    extra_body: object
    timeout: float | httpx2.Timeout | NotGiven | None


def check_changes(who: str, params: Iterable[str], *more: str) -> None:
    """Check the names in `params` of a run that is resumed or forked.

    Args:
        who: the function, for the error.
        params: the names.
        more: names that are allowed besides those of request parameters.

    Raises:
        TypeError: a name is unknown, or is ``messages``: these are in the journal.
    """
    known = RequestParams.__annotations__.keys() - {"messages"} | {*more}
    for name in sorted({*params} - known):
        raise TypeError(f"{who}: params: '{name}' cannot be given{did_you_mean(name, sorted(known))}")
